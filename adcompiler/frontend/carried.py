"""What a rolled loop carries under the names of variables.

A carried variable is a number, an array, or a tuple, list or dict of such *leaves*. Every leaf has a slot.
The first trace of a body takes each variable for what it is before the loop; where the end of the trip
shows that it is something else from the second trip on, the plan learns, and the body is traced again:

    Number(type)    a number whose type has grown, weak int < weak float < dtype
    ByValue()       an array that is another one at the end of a trip (`u = u + du`, a swap)
    Late(type)      a number or array that has no value before the loop, and is used after it

A variable that names the same array throughout is not carried: if the array is written, its storage is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NoReturn

from adcompiler.ir.errors import NeedsConcrete
from adcompiler.ir.graph import Value
from adcompiler.ir.ops.arrays import zeros
from adcompiler.ir.types import ArrayType

from .extents import same_dim
from .frames import Cell, current, refuse
from .joins import NumberType, join
from .leaves import (
    MISSING,
    Leaf,
    Slot,
    describe,
    found,
    is_flag,
    is_number,
    leaves,
    mapped,
    number_type,
    skeleton,
)
from .protocol import Undefined
from .scalars import TracedScalar
from .scalars import value as number_value
from .values import TracedArray
from .views import same_path


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


Mode = Number | ByValue | Late
Plan = dict[Slot, Mode]


@dataclass
class Carry:
    """One attempt at tracing a body: the leaves of the variables before it, inside, and at its end.

    `params` has the parameter of the block for each carried slot, `results` its value at the end of the
    trip, and `cells` the storage that stands, inside, for an array carried by value.
    """

    plan: Plan
    line: int
    before: dict[Slot, Leaf] = field(default_factory=dict)
    after: dict[Slot, Leaf] = field(default_factory=dict)
    params: dict[Slot, Value] = field(default_factory=dict)
    results: dict[Slot, Value] = field(default_factory=dict)
    cells: dict[Slot, Cell] = field(default_factory=dict)
    learned: Plan = field(default_factory=dict)

    # At the head of the body -------------------------------------------------------------------------------

    def bind(self, name: str, value: Any) -> Any:
        """What a carried variable is at the head of a trip."""
        return mapped(value, lambda slot, leaf: self._bind(slot, leaf), Slot(name))

    def _bind(self, slot: Slot, leaf: Leaf) -> Leaf:
        self.before[slot] = leaf
        mode = self.plan.get(slot)
        if isinstance(leaf, Undefined):
            if isinstance(mode, Late):
                self._param(slot, mode.type)
            return leaf
        if is_flag(slot):
            return leaf
        if is_number(leaf):
            kind = number_type(leaf)
            if isinstance(mode, Number):
                kind = join(kind, mode.type, str(slot))
            return TracedScalar(self._param(slot, ArrayType(kind.dtype)), kind.weak)
        if type(leaf) is TracedArray and isinstance(mode, ByValue):
            return self._by_value(slot, leaf, mode)
        return leaf

    def _by_value(self, slot: Slot, leaf: TracedArray, mode: ByValue) -> TracedArray:
        param = self._param(slot, leaf.type)
        cell = Cell(param, str(slot), leaf.cell.readonly, mode.contiguous)
        self.cells[slot] = cell
        return TracedArray(cell)

    def _param(self, slot: Slot, kind: ArrayType) -> Value:
        trace = current()
        self.params[slot] = trace.own(Value(kind, str(slot)), trace.frame)
        return self.params[slot]

    # At its end --------------------------------------------------------------------------------------------

    def compare(self, name: str, before: Any, after: Any, used_after: bool) -> None:
        """Find what the variable has become: a result a slot, or something that the plan did not know."""
        for slot, leaf in leaves(before, Slot(name)):
            end = found(after, slot)
            if end is MISSING:
                _refuse_tree(name, before, after)
            if isinstance(leaf, Undefined):
                self._compare_undefined(slot, end, used_after)
            else:
                self._compare(slot, leaf, end)
            self.after[slot] = end
        if not isinstance(before, Undefined) and skeleton(before) != skeleton(after):
            _refuse_tree(name, before, after)

    def _compare(self, slot: Slot, leaf: Leaf, end: Leaf) -> None:
        if isinstance(end, Undefined):
            refuse(
                f"`{slot}` has no value at the end of a trip: {end.why}",
                f"give `{slot}` a value in each trip",
            )
        if is_flag(slot):
            self._compare_flag(slot, leaf, end)
        elif is_number(leaf):
            self._compare_number(slot, leaf, end)
        elif type(leaf) is TracedArray:
            self._compare_array(slot, leaf, end)
        elif leaf is not end and not (type(leaf) is type(end) and leaf == end):
            refuse(
                f"`{slot}` is {describe(leaf)} before the loop and {describe(end)} after a trip: only "
                "numbers, arrays, and tuples, lists and dicts of them may change in a rolled loop",
                "use numbers and arrays",
                NeedsConcrete,
            )

    def _compare_flag(self, slot: Slot, leaf: Leaf, end: Leaf) -> None:
        if leaf is not end:
            refuse(
                "`break` or `return` leaves a loop whose number of trips is not known while tracing",
                "put the trips that are made into the `range`, or return after the loop",
                NeedsConcrete,
            )

    def _compare_number(self, slot: Slot, leaf: Leaf, end: Leaf) -> None:
        if not is_number(end):
            refuse(
                f"`{slot}` is a number before the loop and {describe(end)} after a trip",
                f"start it as an array: `{slot} = np.zeros(...)`",
            )
        mode, kind = self.plan.get(slot), number_type(leaf)
        if isinstance(mode, Number):
            kind = join(kind, mode.type, str(slot))
        grown = join(kind, number_type(end), str(slot))
        if grown != kind:
            self.learned[slot] = Number(grown)
        else:
            self.results[slot] = number_value(end, kind.dtype)

    def _compare_array(self, slot: Slot, leaf: TracedArray, end: Leaf) -> None:
        if type(end) is not TracedArray:
            refuse(
                f"`{slot}` is an array before the loop and {describe(end)} after a trip",
                f"use another name for what is no array, or write `{slot}[...] = ...`",
            )
        mode = self.plan.get(slot)
        if not isinstance(mode, ByValue):
            if leaf.cell is not end.cell or not same_path(leaf.path, end.path):
                self.learned[slot] = ByValue(_contiguous(leaf) and _contiguous(end))
            return
        if mode.contiguous and not _contiguous(end):
            self.learned[slot] = ByValue(False)
            return
        if end.type.dtype is not leaf.type.dtype or end.type.rank != leaf.type.rank:
            refuse(
                f"`{slot}` is {describe(leaf)} before the loop and {describe(end)} after a trip",
                f"give `{slot}` its final dtype and shape before the loop",
            )
        for size, after in zip(leaf.type.shape, end.type.shape, strict=True):
            if not same_dim(size, after):
                refuse(
                    f"`{slot}` changes its shape in the loop, from {describe(leaf)} to {describe(end)}",
                    "make it of its final size before the loop, and use a part of it",
                )
        self.results[slot] = end.read()

    def _compare_undefined(self, slot: Slot, end: Leaf, used_after: bool) -> None:
        mode = self.plan.get(slot)
        if isinstance(mode, Late):
            self._compare_late(slot, mode, end)
        elif not used_after or isinstance(end, Undefined):
            return
        elif is_number(end):
            kind = number_type(end)
            self.learned[slot] = Late(ArrayType(kind.dtype), kind)
        elif type(end) is TracedArray and end.cell.frame is current().frame and not end.path:
            self.learned[slot] = Late(end.type, None)

    def _compare_late(self, slot: Slot, mode: Late, end: Leaf) -> None:
        if mode.number is not None and is_number(end):
            grown = join(mode.number, number_type(end), str(slot))
            if grown != mode.number:
                self.learned[slot] = Late(ArrayType(grown.dtype), grown)
            else:
                self.results[slot] = number_value(end, grown.dtype)
        elif mode.number is None and type(end) is TracedArray and end.type == mode.type:
            self.results[slot] = end.read()
        else:
            refuse(
                f"`{slot}` is {describe(end)} at the end of a trip, and was something else", "use two names"
            )

    # Around the loop ---------------------------------------------------------------------------------------

    def start(self, slot: Slot) -> Value:
        """The value that a slot starts with; emitted outside the body."""
        leaf, mode = self.before[slot], self.plan.get(slot)
        kind = self.params[slot].type
        if isinstance(mode, Late):
            return zeros(shape=kind.shape, dtype=kind.dtype)
        return leaf.read() if type(leaf) is TracedArray else number_value(leaf, kind.dtype)

    def number(self, slot: Slot, value: Value) -> TracedScalar:
        """A number after the loop."""
        mode, leaf = self.plan.get(slot), self.before[slot]
        match mode:
            case Number(kind):
                return TracedScalar(value, join(number_type(leaf), kind, str(slot)).weak)
            case Late(_, NumberType(_, weak)):
                return TracedScalar(value, weak)
        return TracedScalar(value, number_type(leaf).weak)


def _refuse_tree(name: str, before: Any, after: Any) -> NoReturn:
    refuse(
        f"`{name}` is {describe(before)} before the loop and {describe(after)} after a trip",
        "keep the same structure in each trip",
    )


def _contiguous(array: TracedArray) -> bool:
    """Whether NumPy surely holds the array in C order."""
    return array.cell.contiguous and not array.path
