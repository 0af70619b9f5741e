"""Names that have a value on some paths only.

A name that is first assigned in a branch, or in a loop that may make no trip, may be without a value after
it. Python minds only where the name is read, and so does the program: the value is kept together with a
bool, whether it is one, and reading it is a `check` of that. To loops and branches it is a container of two.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from .protocol import Undefined


class Half(Enum):
    """The two parts of a `Maybe`."""

    VALUE = "value"
    DEFINED = "defined"


@dataclass(frozen=True, eq=False)
class Maybe:
    """`value` where `defined` holds, a traced bool; else no value, and anything in its place."""

    value: Any
    defined: Any


def maybe(value: Any, defined: Any) -> Any:
    """A `Maybe`; the value itself, or no value, where that is known."""
    if isinstance(value, Undefined):
        return value
    if type(defined) is not bool:
        return Maybe(value, defined)
    return value if defined else Undefined()


def halves(x: Any) -> Maybe:
    """Anything that a name may hold as a `Maybe`."""
    return x if type(x) is Maybe else Maybe(x, not isinstance(x, Undefined))


def is_unset(x: Any) -> bool:
    """Whether a name was never assigned."""
    return isinstance(x, Undefined) and not x.why
