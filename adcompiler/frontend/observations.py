"""What tracing read of the Python world, and how to find it again at the next call.

Everything is found on a path that starts at the function called or at one of its argument leaves: what holds
for one function object holds for every other one of the same code. Arrays and floats become hidden arguments,
read at each call; what else was read is an observation, and checked at each call.
"""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from dataclasses import dataclass
from types import FunctionType
from typing import Any, Literal

from adcompiler.frontend.arguments import LeafKey, callable_key, leaf_key
from adcompiler.ir.errors import AdcompilerError


@dataclass(frozen=True)
class Step:
    """One step from an object to the next: a variable that a function reads, an attribute, an item."""

    kind: Literal["global", "cell", "attribute", "item"]
    key: Any

    def take(self, owner: Any) -> Any:
        """The object one step further; any of Python's errors if it is not there."""
        match self.kind:
            case "global":
                scope = owner.__globals__
                return scope[self.key] if self.key in scope else getattr(builtins, self.key)
            case "cell":
                return owner.__closure__[owner.__code__.co_freevars.index(self.key)].cell_contents
            case "attribute":
                return getattr(owner, self.key)
            case "item":
                return owner[self.key]


@dataclass(frozen=True)
class Path:
    """From the function called (`root` None) or an argument leaf (its number) to an object."""

    root: int | None
    steps: tuple[Step, ...] = ()

    def then(self, kind: Literal["global", "cell", "attribute", "item"], key: Any) -> Path:
        """The path of what is read there."""
        return Path(self.root, (*self.steps, Step(kind, key)))

    def read(self, callee: Any, leaves: Sequence[Any]) -> Any:
        """The object that is there now."""
        found = callee if self.root is None else leaves[self.root]
        for step in self.steps:
            found = step.take(found)
        return found

    def __str__(self) -> str:
        """What the user calls it: `config.rates[0]`."""
        text = ""
        for step in self.steps:
            match step.kind:
                case "global" | "cell":
                    text = step.key
                case "attribute":
                    text += f".{step.key}"
                case "item":
                    text += f"[{step.key!r}]"
        return text.lstrip(".") or "the function"


CALLEE = Path(None)


@dataclass(frozen=True)
class Observation:
    """What was found on a path: `found` compares equal as long as the trace stands."""

    path: Path
    how: Literal["identity", "value", "leaf", "length", "keys", "type", "code"]
    found: Any

    def holds(self, callee: Any, leaves: Sequence[Any]) -> bool:
        """Whether it would be found again."""
        try:
            now = seen(self.path.read(callee, leaves), self.how, str(self.path))
            return now is self.found if self.how == "identity" else bool(now == self.found)
        except (AttributeError, LookupError, TypeError, ValueError, AdcompilerError):
            return False

    def __str__(self) -> str:
        found = f"`{self.path}` is {self.found[1]!r}"
        return found if self.how == "value" else f"the {self.how} of `{self.path}` is unchanged"


def seen(value: Any, how: str, name: str) -> Any:
    """What an observation of this sort sees of a value."""
    match how:
        case "value":
            return (type(value), value)
        case "leaf":
            return leaf_key(value, name)
        case "length":
            return (type(value), len(value))
        case "keys":
            keys = ((type(key), key) for key in value)
            return (type(value), frozenset(keys) if isinstance(value, set | frozenset) else tuple(keys))
        case "type":
            return type(value)
        case "code":
            return callable_key(value)
        case _:
            return value


@dataclass(frozen=True)
class Hidden:
    """An array or float that is read at each call, though it is no argument."""

    path: Path
    key: LeafKey


def path_of_variable(function: FunctionType, path: Path, name: str) -> Path:
    """The path of a global, builtin or closure variable of the function on a path."""
    return path.then("cell" if name in function.__code__.co_freevars else "global", name)
