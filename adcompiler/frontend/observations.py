"""What tracing read of the Python world, and how to find it again at the next call.

Everything is found on a path that starts at the function called or at one of its argument leaves: what holds
for one function object holds for every other one of the same code. Arrays and floats become hidden arguments,
read at each call; what else was read is an observation, and checked at each call.
"""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from adcompiler.ir.errors import AdcompilerError

from .arguments import LeafKey, callable_key, leaf_key


@dataclass(frozen=True)
class Variable:
    """A step from a function to a global, builtin or closure variable that it reads."""

    name: str

    def take(self, owner: Any) -> Any:
        """The object one step further; any of Python's errors if it is not there."""
        scope = owner.__globals__
        if self.name in owner.__code__.co_freevars:
            return owner.__closure__[owner.__code__.co_freevars.index(self.name)].cell_contents
        return scope[self.name] if self.name in scope else getattr(builtins, self.name)


@dataclass(frozen=True)
class Attribute:
    """A step from an object to an attribute."""

    name: str

    def take(self, owner: Any) -> Any:
        """The object one step further; any of Python's errors if it is not there."""
        return getattr(owner, self.name)


@dataclass(frozen=True)
class Item:
    """A step from a container to an item."""

    key: Any

    def take(self, owner: Any) -> Any:
        """The object one step further; any of Python's errors if it is not there."""
        return owner[self.key]


Step = Variable | Attribute | Item


@dataclass(frozen=True)
class Path:
    """From the function called (`root` None) or an argument leaf (its number) to an object."""

    root: int | None
    steps: tuple[Step, ...] = ()

    def then(self, step: Step) -> Path:
        """The path of what is read there."""
        return Path(self.root, (*self.steps, step))

    def attribute(self, *names: str) -> Path:
        """The path of an attribute, or of an attribute of an attribute."""
        return Path(self.root, (*self.steps, *map(Attribute, names)))

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
            match step:
                case Variable(name):
                    text = name
                case Attribute(name):
                    text += f".{name}"
                case Item(key):
                    text += f"[{key!r}]"
        return text.lstrip(".") or "the function"


CALLEE = Path(None)


UNREADABLE = (AttributeError, LookupError, TypeError, ValueError, AdcompilerError)
"""What reading a path raises where the world is no longer as it was."""

How = Literal["identity", "value", "leaf", "length", "keys", "type", "code"]


@dataclass(frozen=True)
class Observation:
    """What was found on a path: `found` compares equal as long as the trace stands."""

    path: Path
    how: How
    found: Any

    def holds(self, callee: Any, leaves: Sequence[Any]) -> bool:
        """Whether it would be found again."""
        try:
            now = self.path.read(callee, leaves)
            return now is self.found if self.how == "identity" else bool(seen(now, self.how) == self.found)
        except UNREADABLE:
            return False

    def __str__(self) -> str:
        if self.how == "value":
            return f"`{self.path}` is {self.found[1]!r}"
        return f"the {self.how} of `{self.path}` is unchanged"


def seen(value: Any, how: How) -> Any:
    """What an observation of this sort sees of a value."""
    match how:
        case "value":
            return (type(value), value)
        case "leaf":
            return leaf_key(value, "it")
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
