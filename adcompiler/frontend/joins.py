"""The type of a number whose value comes from two places: from before a loop and from the end of a trip.

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


def join(before: NumberType, after: NumberType, name: str) -> NumberType:
    """The least type that holds both; CaptureError if both are dtypes, and different ones."""
    if before == after:
        return before
    weak, other = (before, after) if before.weak else (after, before)
    if weak.weak and other.weak:
        return WEAK_FLOAT
    if weak.weak == "int" and other.dtype is not BOOL:
        return other
    if weak.weak == "float" and other.dtype.is_float:
        return other
    if before.dtype is after.dtype:
        return NumberType(before.dtype)
    refuse(
        f"`{name}` is {before} before the loop and {after} after a trip: its type changes in the loop",
        f"give it its final type before the loop, for example `{name} = {_final(before, after)}(...)`",
    )


def _final(before: NumberType, after: NumberType) -> str:
    wide = after if after.dtype.is_float or before.dtype is BOOL else before
    return "float" if wide == WEAK_FLOAT else f"np.{wide.dtype.numpy}"
