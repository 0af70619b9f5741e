"""Which compiled program serves a call: the specialisation key, and the programs kept under it.

The key is all that tracing may depend on in the arguments; of the programs under a key the first one serves
whose observations and size guards hold. If there is none, one more is captured: never a wrong answer. For
plain arguments a cheap signature finds the programs, without taking trees apart.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Generic, TypeVar

import numpy as np
import optree

from adcompiler.ir.errors import CaptureError

from .arguments import LeafKey, Shared, binder, callable_key, overlaps, static_sizes
from .capture import capture_request, request
from .captured import Captured, Operands, Request

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


Build = Callable[[Captured], T]
_BY_CODE: dict[tuple[Any, ...], dict[Key, list[Specialisation[Any]]]] = {}
"""The specialisations of each code object and options: a lambda made in a loop is compiled once."""


class Specialisations(Generic[T]):
    """The specialisations of one function under one set of options."""

    def __init__(self, function: Callable[..., Any], options: Options, build: Build[T]) -> None:
        self.function = function
        self.options = options
        self.binder = binder(function)
        self._build = build
        self._code = callable_key(function)
        self._entries: dict[Key, list[Specialisation[T]]] = _BY_CODE.setdefault((self._code, options), {})
        self._quick: dict[tuple[Any, ...], list[Specialisation[T]]] = {}
        self._lock = threading.RLock()

    def find(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[Specialisation[T], Operands]:
        """The specialisation that serves a call, made if need be, and what to hand to its program."""
        values = self.binder.bind(args, kwargs)
        signature = quick_signature(values)
        if signature is not None:
            for entry in self._quick.get(signature, ()):
                operands = entry.captured.operands(self.function, values)
                if operands is not None:
                    return entry, operands
        with self._lock:
            return self._find(values, signature)

    @property
    def entries(self) -> list[Specialisation[T]]:
        """Every specialisation made so far, in order."""
        return [entry for under_key in self._entries.values() for entry in under_key]

    def _find(
        self, values: tuple[Any, ...], signature: tuple[Any, ...] | None
    ) -> tuple[Specialisation[T], Operands]:
        asked = request(self.function, self.binder, values)
        key = Key(self._code, asked.structure, asked.keys, asked.shared, self.options)
        entries = self._entries.setdefault(key, [])
        if signature is not None:
            self._quick[signature] = entries
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
            warnings.warn(message, SpecialisationWarning, stacklevel=4)


def difference(old: Key, new: Key, names: Sequence[str]) -> str:
    """The first thing in which two keys differ."""
    if old.structure != new.structure:
        return f"the structure of the arguments is {new.structure}, and was {old.structure}"
    for name, was, now in zip(names, old.leaves, new.leaves, strict=True):
        if was != now:
            return f"`{name}` is {now}, and was {was}"
    return "the arguments share memory in another way"


_SCALARS = frozenset(
    getattr(np, name) for name in "float32 float64 int8 int16 int32 int64 uint8 uint16 uint32 uint64".split()
)


def quick_signature(values: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """What determines the key of plain values: arrays that share no memory, numbers, bools and strings.

    None if there is anything else among them.
    """
    parts: list[Any] = []
    arrays: list[Any] = []
    for value in values:
        kind = type(value)
        if kind is float or kind in _SCALARS:
            parts.append(kind)
        elif kind is np.ndarray:
            arrays.append(value)
            parts.append((value.dtype, static_sizes(value.shape)))
        elif kind is int:
            parts.append(value < 0)
        elif kind is bool or kind is str:
            parts.append((kind, value))
        else:
            return None
    if len(arrays) > 1 and any(overlaps(a, b) for a, b in combinations(arrays, 2)):
        return None
    return tuple(parts)
