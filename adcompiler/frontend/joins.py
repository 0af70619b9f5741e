"""The type of a number whose value comes from two places: from before a loop and the end of a trip, or from
the branches of an `if`.

    weak bool  <  weak int  <  weak float  <  a dtype

A Python number is weak: beside a dtype it takes that dtype, as in NumPy. A dtype never changes; of Python's
numbers only a bool joins NumPy's bool, whose `True + True` is not 2.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from adcompiler.ir.types import BOOL, F64, I64, DType

from .frames import refuse
from .syntax import called

Weak = Literal["bool", "int", "float"] | None


@dataclass(frozen=True)
class NumberType:
    """The dtype of a number; `weak` says which Python number it would be, None if it is none.

    `boxed` says that NumPy may have an array of rank 0 in its place, which `s *= 2.0` changes for every name.
    """

    dtype: DType
    weak: Weak = None
    boxed: bool = False

    def __str__(self) -> str:
        return f"a Python {self.weak}" if self.weak else str(self.dtype.numpy)


WEAK_BOOL = NumberType(BOOL, "bool")
WEAK_INT, WEAK_FLOAT = NumberType(I64, "int"), NumberType(F64, "float")
_WEAK = (WEAK_BOOL, WEAK_INT, WEAK_FLOAT)


def joined(one: NumberType, other: NumberType) -> NumberType | None:
    """The least type that holds both; None if both are dtypes, and different ones."""
    if one.boxed or other.boxed:
        both = joined(replace(one, boxed=False), replace(other, boxed=False))
        return None if both is None else replace(both, boxed=True)
    if one in _WEAK and other in _WEAK:
        return max(one, other, key=_WEAK.index)
    weak, strong = (one, other) if one.weak else (other, one)
    holds = {
        "bool": True,
        "int": strong.dtype is not BOOL,
        "float": strong.dtype.is_float,
        None: weak.dtype is strong.dtype,
    }
    return strong if holds[weak.weak] else None


def join(before: NumberType, after: NumberType, name: str) -> NumberType:
    """`joined` around a loop; CaptureError where there is no such type."""
    both = joined(before, after)
    if both is None:
        refuse(
            f"{called(name)} is {before} before the loop and {after} after a trip: its type changes in the "
            "loop",
            f"give it its final type before the loop, for example `{name} = {final(before, after)}(...)`",
        )
    return both


def final(before: NumberType, after: NumberType) -> str:
    """The type that a message proposes for both, as Python source."""
    wide = after if after.dtype.is_float or before.dtype is BOOL else before
    return "float" if wide == WEAK_FLOAT else f"np.{wide.dtype.numpy}"
