"""The variables after a rolled loop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from adcompiler.ir.graph import Value, constant
from adcompiler.ir.ops.arrays import checked
from adcompiler.ir.ops.comparison import greater
from adcompiler.ir.types import I64, Dim

from .aliasing import after_loop
from .carried import Carry, Induction
from .extents import value_of
from .facts import in_scope
from .frames import Cell, current
from .leaves import Leaf, Slot, is_number, leaves, mapped
from .protocol import RESULT, Names, Undefined
from .sizes import Size, integer
from .values import TracedArray


@dataclass(frozen=True)
class After:
    """A loop that was emitted: the number of its trips, its carried leaves, its variables before and at the
    end of a trip."""

    carry: Carry
    index: str
    trips: Dim
    outputs: Mapping[Slot, Value]
    before: Mapping[str, Any]
    ends: Mapping[str, Any]

    def variables(self, assigned: Names, live: Names, writes: bool) -> dict[str, Any]:
        """What each variable is now; `writes` says whether arrays that are carried by value are written."""
        cells = after_loop(self.carry, self.carry.frame, self.outputs, writes)
        lost = Undefined(f"it is local to the loop at line {self.carry.line}")
        return {name: self._variable(name, cells) if name in live else lost for name in assigned}

    def _variable(self, name: str, cells: Mapping[Slot, Cell]) -> Any:
        before, end = self.before[name], self.ends[name]
        final = lambda slot, leaf: self._leaf(slot, leaf, cells)  # noqa: E731
        if not isinstance(before, Undefined):
            return mapped(before, final, Slot(name))
        first = mapped(end, final, Slot(name))
        if isinstance(first, Undefined):
            return first
        if not all(_outlasts(leaf) for _, leaf in leaves(first, Slot(name))):
            return Undefined(
                f"it gets its value in the loop at line {self.carry.line}, and only numbers, and arrays of "
                "the same size in each trip, outlast the last one",
                "return a number, or an array of fixed size" if name == RESULT else "",
            )
        if name != RESULT:
            self._check_trips(name)
        return first

    def _leaf(self, slot: Slot, leaf: Leaf, cells: Mapping[Slot, Cell]) -> Leaf:
        if slot in cells:
            return TracedArray(cells[slot])
        if slot in self.outputs:
            return self.carry.number(slot, self.outputs[slot])
        if isinstance(self.carry.plan.get(slot), Induction):
            return self.carry.grown(slot, self.trips)
        if type(leaf) is Size:
            return integer(leaf.dim.substitute({self.index: self.trips - 1}))
        return leaf

    def _check_trips(self, name: str) -> None:
        """A name that has its first value in the loop has one after it only if a trip is made."""
        if (self.trips - 1).never_negative():
            return
        message = (
            f"cannot access local variable '{name}': the loop at line {self.carry.line}, which assigns it, "
            "makes no trip"
        )
        checked(greater(value_of(self.trips), constant(0, I64)), kind="UnboundLocalError", message=message)


def _outlasts(leaf: Leaf) -> bool:
    """Whether a leaf is the same after any trip, or known from the number of trips."""
    if type(leaf) is TracedArray:
        return leaf.cell.frame.encloses(current().frame) and all(map(in_scope, leaf.type.shape))
    if type(leaf) is Size:
        return in_scope(leaf.dim)
    return leaf is None or isinstance(leaf, str | bytes) or is_number(leaf)
