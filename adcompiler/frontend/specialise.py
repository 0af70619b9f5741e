"""Which compiled program serves a call: the specialisation key, and the programs kept under it.

The key is all that tracing may depend on in the arguments; of the programs under a key the first one serves
whose observations and size guards hold. If there is none, one more is captured: never a wrong answer. Before
all that, a call is held against the programs that served others: see `plain_calls`.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeVar

import optree

from adcompiler.ir.errors import CaptureError

from .arguments import LeafKey, binder, callable_key
from .capture import capture_request, request
from .captured import Captured, Inputs, Operands, Request
from .plain_calls import Check, plain_check
from .sharing import Shared

T = TypeVar("T")
Options = tuple[tuple[str, Any], ...]

WARN_AT, LIMIT = 8, 64


class SpecialisationWarning(UserWarning):
    """One function is being compiled again and again."""


@dataclass(frozen=True)
class Key:
    """All that a specialisation depends on in what it is called with.

    Attributes
    ----------
    code
        The code of the function, never the identity of the function object.
    structure
        The tree of the arguments, one subtree a parameter, defaults filled in.
    leaves
        Kind, dtype, rank and static sizes of each leaf; type and value of those that are not traced.
    shared
        Which array leaves share memory.
    options
        What the caller of the compiler chose.
    """

    code: tuple[Any, ...]
    structure: optree.PyTreeSpec
    leaves: tuple[LeafKey, ...]
    shared: tuple[Shared, ...]
    options: Options


@dataclass(frozen=True)
class Specialisation(Generic[T]):
    """A captured program and what was made of it."""

    key: Key
    captured: Captured
    program: T


class Served(NamedTuple, Generic[T]):
    """A specialisation that served a call, and the check that says whether it serves another plain one."""

    check: Check
    entry: Specialisation[T]


Build = Callable[[Captured], T]


@dataclass(eq=False)
class Family(Generic[T]):
    """The specialisations of all functions of one code and type, under one set of options."""

    entries: dict[Key, list[Specialisation[T]]] = field(default_factory=dict)
    served: tuple[Served[T], ...] = ()
    """The one that served last first."""
    checked: set[int] = field(default_factory=set)
    """The ids of the specialisations for which a check was written, or could not be."""
    lock: threading.RLock = field(default_factory=threading.RLock)


_BY_CODE: dict[tuple[Any, ...], Family[Any]] = {}
"""The families by code, type, parameters and options: a lambda made in a loop is compiled once."""


class Specialisations(Generic[T]):
    """The specialisations of one function under one set of options.

    Those of programs that run `on_device` take arrays on a GPU as well.
    """

    def __init__(
        self, function: Callable[..., Any], options: Options, build: Build[T], on_device: bool = False
    ) -> None:
        self.function = function
        self.on_device = on_device
        self.options = options
        self.binder = binder(function)
        self._build = build
        self._code = callable_key(function)
        who = (type(function), self._code, self.binder.names, options)
        self._family: Family[T] = _BY_CODE.get(who) or _BY_CODE.setdefault(who, Family())

    def find(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[Specialisation[T], Operands]:
        """The specialisation that serves a call, made if need be, and what to hand to its program."""
        entry, inputs = self.serving(args, kwargs)
        return entry, entry.captured.split(inputs)

    def serving(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[Specialisation[T], Inputs]:
        """The same, with the operands in a row."""
        values = self.binder.bind(args, kwargs)
        family, function = self._family, self.function
        for served in family.served:
            inputs = served.check(function, *values)
            if inputs is not None:
                if served is not family.served[0]:
                    self._put_first(served)
                return served.entry, inputs
        with family.lock:
            entry, operands = self._find(values)
            self._remember(entry)
        return entry, operands.inputs

    @property
    def entries(self) -> list[Specialisation[T]]:
        """Every specialisation made so far, in order."""
        return [entry for under_key in self._family.entries.values() for entry in under_key]

    def _put_first(self, served: Served[T]) -> None:
        family = self._family
        with family.lock:
            family.served = (served, *(other for other in family.served if other is not served))

    def _remember(self, entry: Specialisation[T]) -> None:
        """Later plain calls are asked whether this serves them."""
        if id(entry) in self._family.checked:
            return
        self._family.checked.add(id(entry))
        check = plain_check(entry.captured, self.function, self.on_device)
        if check is not None:
            self._put_first(Served(check, entry))

    def _find(self, values: tuple[Any, ...]) -> tuple[Specialisation[T], Operands]:
        asked = request(self.function, self.binder, values, self.on_device)
        key = Key(self._code, asked.structure, asked.keys, asked.shared, self.options)
        entries = self._family.entries.setdefault(key, [])
        for entry in entries:
            operands = entry.captured.operands(self.function, asked.leaves)
            if operands is not None:
                return entry, operands
        self._check_number(asked, key, entries)
        captured = capture_request(asked)
        entry = Specialisation(key, captured, self._build(captured))
        operands = captured.operands(self.function, asked.leaves)
        assert operands is not None, captured.failing(self.function, asked.leaves)
        entries.append(entry)
        return entry, operands

    def _check_number(self, asked: Request, key: Key, entries: Sequence[Specialisation[T]]) -> None:
        """Warn at the eighth specialisation, refuse the sixty-fifth; say what made it necessary."""
        known = self.entries
        number = len(known) + 1
        if number < WARN_AT:
            return
        if entries:
            reason = entries[-1].captured.failing(self.function, asked.leaves)
        else:
            reason = difference(known[-1].key, key, asked.names)
        name = getattr(self.function, "__name__", type(self.function).__name__)
        if number > LIMIT:
            raise CaptureError(
                f"`{name}` has {LIMIT} specialisations already; one more is needed as {reason}",
                hint="pass what changes from call to call as an array or a float",
            )
        if number == WARN_AT:
            message = f"`{name}` is compiled for the {number}th time, as {reason}"
            warnings.warn(message, SpecialisationWarning, stacklevel=5)


def difference(old: Key, new: Key, names: Sequence[str]) -> str:
    """The first thing in which two keys differ."""
    if old.structure != new.structure:
        return f"the structure of the arguments is {new.structure}, and was {old.structure}"
    for name, was, now in zip(names, old.leaves, new.leaves, strict=True):
        if was != now:
            return f"`{name}` is {now}, and was {was}"
    return "the arguments share memory in another way"
