"""The parts of a loop: operands, parameters, results and outputs are carries, sums, and slices.

Results call the last ones items, outputs call them stacks. Carries and sums together are the loop's states:
operand k becomes parameter k + 1 (the index comes first), and result k output k. A `while` has neither sums
nor slices; its body is the second of its blocks, after the test.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from .graph import Attrs, Block, Eqn
from .types import ArrayType, Dim

T = TypeVar("T")


@dataclass(frozen=True)
class Parts(Generic[T]):
    """What a loop takes or gives, by role; `slices` are items where it yields, stacks where it ends."""

    carries: Sequence[T]
    sums: Sequence[T]
    slices: Sequence[T]

    @property
    def roles(self) -> tuple[Sequence[T], Sequence[T], Sequence[T]]:
        return self.carries, self.sums, self.slices


def split(attrs: Attrs, values: Sequence[T]) -> Parts[T]:
    """Operands, parameters after the index, results, or outputs of a loop by their role."""
    carry, both = carry_count(attrs), state_count(attrs)
    return Parts(values[:carry], values[carry:both], values[both:])


def carry_count(attrs: Attrs) -> int:
    """The number of carries of a loop."""
    return _count(attrs, "carry")


def state_count(attrs: Attrs) -> int:
    """The number of carries and sums of a loop."""
    return _count(attrs, "carry") + _count(attrs, "sums")


def _count(attrs: Attrs, role: str) -> int:
    number = attrs.get(role, 0)
    assert isinstance(number, int)
    return number


def loop_body(eqn: Eqn) -> Block:
    """The block that a loop runs once a trip."""
    return eqn.blocks[-1]


def undoes(body: Block) -> bool:
    """Whether the body of a loop says how a trip is undone."""
    return any(eqn.op.name == "inverse_step" for eqn in body.eqns)


def trip_count(attrs: Attrs) -> Dim:
    """The length of a `for`, which may be negative (then it makes no trip), or the trips of a `while`."""
    trips = attrs["trips"] if "trips" in attrs else attrs["length"]
    assert isinstance(trips, Dim | int | str)
    return Dim.of(trips)


def most_trips(attrs: Attrs) -> Dim | None:
    """What the trips of a loop are known not to exceed; None where nothing is known."""
    limit = attrs.get("limit") if "trips" in attrs else attrs["length"]
    assert isinstance(limit, Dim | int | None)
    return None if limit is None else Dim.of(limit)


_STRUCTURE = {"length", "trips", "limit", "carry", "sums", "reverse", "index"}


def requests(attrs: Attrs) -> Attrs:
    """What the attributes of a loop say beyond what it computes: what users asked for at it."""
    return {name: attr for name, attr in attrs.items() if name not in _STRUCTURE}


def element_type(type: ArrayType) -> ArrayType:
    """The type of `x[i]`."""
    return ArrayType(type.dtype, type.shape[1:])
