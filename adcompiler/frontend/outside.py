"""Objects from outside the captured functions, turned into what tracing may use of them.

A container is copied: the copy has hidden arguments in place of its floats and arrays. It may not be changed:
that would happen once, while tracing.
"""

from __future__ import annotations

import enum
import sys
import sysconfig
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path as FilePath
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any, TypeGuard, get_args

import numpy as np

from adcompiler.checkpointing.plans import Policy

from .arguments import LeafKey, leaf_key
from .device_arrays import is_device_array
from .frames import refuse
from .observations import CALLEE, Hidden, How, Item, Observation, Path, Variable, seen
from .scalars import is_floating

_PLAIN = (
    bool,
    int,
    str,
    bytes,
    complex,
    range,
    slice,
    type(None),
    type(...),
    np.dtype,
    np.bool_,
    np.integer,
    *get_args(Policy),
)
_MOST_ITEMS = 1000
_OPERATORS = frozenset(
    f"__{side}{name}__"
    for side in ("", "r", "i")
    for name in "add sub mul truediv floordiv mod pow matmul and or xor lshift rshift".split()
) | frozenset(
    f"__{name}__"
    for name in "lt le gt ge eq ne neg pos abs bool contains getattr getattribute setattr iter".split()
)

_PACKAGE = str(FilePath(__file__).parents[1])
_LIBRARY = (
    *(sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")),
    _PACKAGE,
    "<frozen",
    "<string>",
    "<__array_function__",
)


def is_user_function(x: Any) -> TypeGuard[FunctionType]:
    """Whether it is a function of the user: no library's, not this package's, not made by `dataclass`."""
    return isinstance(x, FunctionType) and is_user_file(x.__code__.co_filename)


def is_user_file(file: str) -> bool:
    """Whether a file is the user's; the examples that the package brings count as such."""
    return not file.startswith(_LIBRARY) or file.startswith(_PACKAGE + "/examples")


def is_user_class(cls: type[Any]) -> bool:
    """Whether a class was written by the user."""
    module = sys.modules.get(cls.__module__)
    file = getattr(module, "__file__", None)
    return cls.__module__ not in sys.builtin_module_names and is_user_file(file or "<notebook>")


def user_method(owner: Any, name: str) -> FunctionType | None:
    """A special method that a user's class gives its instances."""
    found = getattr(type(owner), name, None)
    return found if is_user_function(found) else None


class Outside:
    """What one trace has read of the Python world."""

    def __init__(
        self, callee: Any, leaves: Sequence[Any], parameter: Callable[[Any, LeafKey, Path], Any]
    ) -> None:
        self.parameter = parameter
        self.observations: list[Observation] = []
        self.hidden: list[Hidden] = []
        self.known: dict[Path, Any] = {}
        self.places: dict[int, tuple[Any, Path]] = {}
        self.root = callee, leaves

    def place(self, value: Any) -> Path | None:
        """Where an object from outside was found; None for what was made while tracing."""
        found = self.places.get(id(value))
        return found[1] if found is not None and found[0] is value else None

    def variable(self, value: Any, name: str, function: FunctionType) -> Any:
        """A global, builtin or closure variable of a user's function."""
        place = self.place(function)
        return value if place is None else self.take(value, place.then(Variable(name)))

    def attribute(self, value: Any, owner: Any, name: str) -> Any:
        """An attribute of an object from outside."""
        place = self.place(owner)
        return value if place is None else self.take(value, place.attribute(name))

    def take(self, value: Any, path: Path) -> Any:
        """What stands for the object on a path while tracing."""
        if path not in self.known:
            self.known[path] = self._take(value, path)
        return self.known[path]

    def _take(self, value: Any, path: Path) -> Any:
        if isinstance(value, np.ndarray) or is_floating(value):
            key = leaf_key(value, str(path))
            self.observe(path, "leaf", value)
            self.hidden.append(Hidden(path, key))
            return self.parameter(value, key, path)
        if isinstance(value, (*_PLAIN, enum.Enum)):
            self.observe(path, "value", value)
            return value
        if is_device_array(value):
            refuse(f"`{path}` is an array on a GPU, and no argument", "pass it as an argument")
        if isinstance(value, list | tuple | dict | set | frozenset):
            return self.placed(self.container(value, path), path)
        self.observe(path, self.kind(value), value)
        return self.placed(value, path)

    def kind(self, value: Any) -> How:
        """What a trace depends on in an object that is neither a value nor a container."""
        if isinstance(value, FunctionType):
            return "code" if is_user_function(value) else "identity"
        if isinstance(value, MethodType | partial) or hasattr(value, "py_func"):
            return "code"
        if hasattr(value, "trace_call"):  # a decorated method is made anew at each access
            return "code"
        if isinstance(value, ModuleType | BuiltinFunctionType | np.ufunc | type):
            return "identity"
        if not is_user_class(type(value)):
            return "identity"
        refuse_operators(type(value))
        return "type"

    def container(self, value: Any, path: Path) -> Any:
        """A copy of a container, its elements taken one by one."""
        if len(value) > _MOST_ITEMS:
            refuse(
                f"`{path}` is a {type(value).__name__} of {len(value)} items",
                "make it an array: np.array(...)",
            )
        if is_user_class(type(value)) and not hasattr(value, "_make"):
            refuse(
                f"`{path}` is a {type(value).__name__}, a container class of your own",
                "use a plain list, tuple or dict",
            )
        if isinstance(value, set | frozenset):
            self.observe(path, "keys", value)
            return type(value)(value)
        if isinstance(value, dict):
            self.observe(path, "keys", value)
            return {key: self.take(item, path.then(Item(key))) for key, item in value.items()}
        self.observe(path, "length", value)
        items = [self.take(item, path.then(Item(k))) for k, item in enumerate(value)]
        if hasattr(value, "_make"):
            return value._make(items)
        return items if isinstance(value, list) else tuple(items)

    def placed(self, value: Any, path: Path) -> Any:
        """Remember where an object was found, and keep it alive, so that its id stays its own."""
        self.places.setdefault(id(value), (value, path))
        return value

    def observe(self, path: Path, how: How, value: Any) -> None:
        """The trace depends on this; on the function called itself it does not: that is in the key."""
        if path != CALLEE:
            self.observations.append(Observation(path, how, seen(value, how)))


def refuse_operators(cls: type[Any]) -> None:
    """Operators that a class of the user defines are not rewritten: what they read would go unseen."""
    for base in cls.__mro__:
        for name, member in vars(base).items():
            if name in _OPERATORS and is_user_function(member):
                refuse(
                    f"the class `{cls.__name__}` defines `{name}`, which is not captured",
                    "call a method or a function by its name instead of using the operator",
                )
