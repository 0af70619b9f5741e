"""The type of a number whose value comes from two places: from before a loop and the end of a trip, or from
the branches of an `if`.

    weak int  <  weak float  <  a dtype

A Python number is weak: beside a dtype it takes that dtype, as in NumPy. A dtype never changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from adcompiler.ir.types import BOOL, F64, I64, DType

from .frames import refuse

Weak = Literal["int", "float"] | None


@dataclass(frozen=True)
class NumberType:
    """The dtype of a number; `weak` says which Python number it would be, None if it is none."""

    dtype: DType
    weak: Weak = None

    def __str__(self) -> str:
        return f"a Python {self.weak}" if self.weak else str(self.dtype.numpy)


WEAK_INT, WEAK_FLOAT = NumberType(I64, "int"), NumberType(F64, "float")


def joined(one: NumberType, other: NumberType) -> NumberType | None:
    """The least type that holds both; None if both are dtypes, and different ones."""
    if one == other:
        return one
    weak, strong = (one, other) if one.weak else (other, one)
    if weak.weak and strong.weak:
        return WEAK_FLOAT
    if weak.weak == "int" and strong.dtype is not BOOL:
        return strong
    if weak.weak == "float" and strong.dtype.is_float:
        return strong
    return NumberType(one.dtype) if one.dtype is other.dtype else None


def join(before: NumberType, after: NumberType, name: str) -> NumberType:
    """`joined` around a loop; CaptureError where there is no such type."""
    both = joined(before, after)
    if both is None:
        refuse(
            f"`{name}` is {before} before the loop and {after} after a trip: its type changes in the loop",
            f"give it its final type before the loop, for example `{name} = {final(before, after)}(...)`",
        )
    return both


def final(before: NumberType, after: NumberType) -> str:
    """The type that a message proposes for both, as Python source."""
    wide = after if after.dtype.is_float or before.dtype is BOOL else before
    return "float" if wide == WEAK_FLOAT else f"np.{wide.dtype.numpy}"
