"""The variables after a rolled loop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from adcompiler.ir.graph import Value
from adcompiler.ir.types import Dim, Relation

from .aliasing import after_loop
from .carried import Carry
from .cells import Cell
from .extents import holds
from .facts import in_scope
from .first_values import carried_form
from .frames import current
from .leaves import Leaf, Slot, is_number, leaves, mapped
from .maybe import Half, Maybe, maybe
from .plans import Induction
from .protocol import RESULT, Names, Undefined
from .sizes import Size, SizePredicate, integer
from .values import TracedArray
from .views import placed, positions


@dataclass(frozen=True)
class After:
    """A loop that was emitted: the number of its trips, its carried leaves, its variables before and at the
    end of a trip. There is a first trip where `limit` is positive."""

    carry: Carry
    index: str
    trips: Dim
    limit: Dim
    outputs: Mapping[Slot, Value]
    before: Mapping[str, Any]
    ends: Mapping[str, Any]

    def variables(self, assigned: Names, live: Names, writes: bool) -> dict[str, Any]:
        """What each variable is now; `writes` says whether arrays that are carried by value are written."""
        cells = after_loop(self.carry, self.carry.frame, self.outputs, writes)
        lost = Undefined(f"it is local to the loop at line {self.carry.line}")
        return {name: self._variable(name, cells) if name in live else lost for name in assigned}

    def _variable(self, name: str, cells: Mapping[Slot, Cell]) -> Any:
        before, end = self.before[name], carried_form(self.carry, name, self.ends[name])
        final = lambda slot, leaf: self._leaf(slot, leaf, cells)  # noqa: E731
        if not isinstance(before, Undefined):
            return mapped(before, final, Slot(name))
        first = mapped(end, final, Slot(name))
        if isinstance(first, Undefined):
            return first
        if type(first) is Maybe and Slot(name, (Half.DEFINED,)) not in self.outputs:
            return Undefined(
                f"it gets its value in only some trips of the loop at line {self.carry.line}, and only a "
                "number outlasts that"
            )
        if not all(_outlasts(leaf) for _, leaf in leaves(first, Slot(name))):
            return Undefined(
                f"it gets its value in the loop at line {self.carry.line}, and only numbers, and arrays of "
                "the same size in each trip, outlast the last one",
                "return a number, or an array of fixed size" if name == RESULT else "",
            )
        return first if name == RESULT or type(first) is Maybe else self._after_trips(before, first)

    def _after_trips(self, before: Undefined, first: Any) -> Any:
        """What has its first value in the loop has one after it only if a trip is made."""
        made = self._made()
        return before if before.why and made is not True else maybe(first, made)

    def _leaf(self, slot: Slot, leaf: Leaf, cells: Mapping[Slot, Cell]) -> Leaf:
        if slot in cells:
            return TracedArray(cells[slot])
        if slot in self.outputs:
            return self.carry.number(slot, self.outputs[slot])
        if isinstance(self.carry.plan.get(slot), Induction):
            return self.carry.grown(slot, self.trips)
        if type(leaf) is Size:
            return integer(self._last(leaf.dim))
        if type(leaf) is TracedArray and leaf.cell.frame.encloses(current().frame):
            return TracedArray(leaf.cell, placed(leaf.path, map(self._last, positions(leaf.path))))
        return leaf

    def _last(self, x: Any) -> Any:
        """A size or position in the last trip."""
        return x.substitute({self.index: self.trips - 1}) if isinstance(x, Dim) else x

    def _made(self) -> Any:
        """Whether a trip was made; it is a guard where the call that is traced can tell."""
        known = holds(self.limit - 1, Relation.NONNEGATIVE)
        return SizePredicate(self.trips - 1, Relation.NONNEGATIVE) if known is None else known


def _outlasts(leaf: Leaf) -> bool:
    """Whether a leaf is the same after any trip, or known from the number of trips."""
    if type(leaf) is TracedArray:
        return leaf.cell.frame.encloses(current().frame) and all(map(in_scope, leaf.type.shape))
    if type(leaf) is Size:
        return in_scope(leaf.dim)
    return leaf is None or isinstance(leaf, str | bytes) or is_number(leaf)
