"""The parts of a `for`: operands, parameters, results and outputs are carries, sums, and slices.

Results call the last ones items, outputs call them stacks. Carries and sums together are the loop's states:
operand k becomes parameter k + 1 (the index comes first), and result k output k.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from .graph import Attrs
from .types import ArrayType, Dim

T = TypeVar("T")


@dataclass(frozen=True)
class Parts(Generic[T]):
    """What a `for` takes or gives, by role; `slices` are items where it yields, stacks where it ends."""

    carries: Sequence[T]
    sums: Sequence[T]
    slices: Sequence[T]

    @property
    def roles(self) -> tuple[Sequence[T], Sequence[T], Sequence[T]]:
        return self.carries, self.sums, self.slices


def split(attrs: Attrs, values: Sequence[T]) -> Parts[T]:
    """Operands, parameters after the index, results, or outputs of a `for` by their role."""
    carry, both = carry_count(attrs), state_count(attrs)
    return Parts(values[:carry], values[carry:both], values[both:])


def carry_count(attrs: Attrs) -> int:
    """The number of carries of a `for`."""
    return _count(attrs, "carry")


def state_count(attrs: Attrs) -> int:
    """The number of carries and sums of a `for`."""
    return _count(attrs, "carry") + _count(attrs, "sums")


def _count(attrs: Attrs, role: str) -> int:
    number = attrs.get(role, 0)
    assert isinstance(number, int)
    return number


def trip_count(attrs: Attrs) -> Dim:
    """The length of a `for`, which may be negative (then it makes no trip)."""
    length = attrs["length"]
    assert isinstance(length, Dim | int)
    return Dim.of(length)


def element_type(type: ArrayType) -> ArrayType:
    """The type of `x[i]`."""
    return ArrayType(type.dtype, type.shape[1:])
