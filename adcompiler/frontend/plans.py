"""What the trace of a loop's body has learned of the variables that it carries, for the next trace of it.

Number(type)    a number whose type has grown, weak int < weak float < dtype
ByValue()       an array that is another one at the end of a trip (`u = u + du`, a swap)
Late(type)      a number or array that has no value before the loop, and is used after it
Induction(step) an integer that grows by the same step in each trip: it is a size
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from adcompiler.ir.types import ArrayType, Dim

from .facts import in_scope
from .joins import NumberType
from .leaves import Slot, found, is_number
from .protocol import Undefined
from .sizes import Size
from .values import TracedArray


@dataclass(frozen=True)
class Number:
    """Carried as a number of this type."""

    type: NumberType


@dataclass(frozen=True)
class ByValue:
    """Carried as the contents of whatever array the name stands for; `contiguous` if each of them is."""

    contiguous: bool


@dataclass(frozen=True)
class Late:
    """Carried from zeros: the name gets its first value in the loop. `weak` as in NumberType."""

    type: ArrayType
    number: NumberType | None


@dataclass(frozen=True)
class Induction:
    """`start + step * index` in each trip; `left` if the last trip may leave something else in it."""

    step: Dim
    left: bool


Mode = Number | ByValue | Late | Induction
Plan = dict[Slot, Mode]


def fitting(plan: Plan, before: Mapping[str, Any]) -> Plan:
    """What of a plan from an earlier trace of the code around the loop still fits the variables before it."""
    return {slot: mode for slot, mode in plan.items() if _fits(mode, before[slot.name], slot)}


def _fits(mode: Mode, before: Any, slot: Slot) -> bool:
    leaf = found(before, slot)
    match mode:
        case Late(kind):
            return isinstance(before, Undefined) and all(map(in_scope, kind.shape))
        case Induction(step):
            return type(leaf) in (int, Size) and in_scope(step)
        case ByValue():
            return type(leaf) is TracedArray
    return is_number(leaf)
