"""What a rolled loop carries under the names of variables.

A carried variable is a number, an array, or a tuple, list or dict of such *leaves*. Every leaf has a slot.
The first trace of a body takes each variable for what it is before the loop; where the end of the trip
shows that it is something else from the second trip on, the plan learns, and the body is traced again:

    Number(type)    a number whose type has grown, weak int < weak float < dtype
    ByValue()       an array that is another one at the end of a trip (`u = u + du`, a swap)
    Late(type)      a number or array that has no value before the loop, and is used after it
    Induction(step) an integer that grows by the same step in each trip: it is a size

A variable that names the same array throughout is not carried: if the array is written, its storage is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from adcompiler.ir.errors import NeedsConcrete
from adcompiler.ir.graph import Value
from adcompiler.ir.ops.arrays import zeros
from adcompiler.ir.types import BOOL, I64, ArrayType, Dim

from .extents import same_dim
from .facts import in_scope
from .frames import Cell, Frame, current, refuse
from .induction import Growth
from .joins import WEAK_INT, NumberType, join
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
from .sizes import Size, dim_of, integer
from .values import TracedArray
from .views import IndexStep, same_path


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


@dataclass
class Carry:
    """One attempt at tracing a body: the leaves of the variables before it, inside, and at its end.

    `frame` is the block of the body, `index` the number of the trip, `jumps` the flags of jumps at its end.
    `params` has the parameter of the block for each carried slot, `results` its value at the end of the
    trip, and `cells` the storage that stands, inside, for an array carried by value.
    """

    plan: Plan
    line: int
    frame: Frame
    index: Dim
    jumps: set[Value] = field(default_factory=set)
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
            for late, kind in self.late(slot.name).items():
                self._param(late, kind)
            return leaf
        if isinstance(mode, Induction):
            if mode.left:
                self._param(slot, ArrayType(I64))
            return self.grown(slot, self.index)
        if is_flag(slot) and isinstance(leaf, bool) and mode is None:
            return leaf
        if is_number(leaf):
            number = number_type(leaf)
            if isinstance(mode, Number):
                number = join(number, mode.type, str(slot))
            return TracedScalar(self._param(slot, ArrayType(number.dtype)), number.weak)
        if type(leaf) is TracedArray and isinstance(mode, ByValue):
            return self._by_value(slot, leaf, mode)
        return leaf

    def late(self, name: str) -> dict[Slot, ArrayType]:
        """The leaves of a variable that gets its first value in the loop."""
        found = {slot: mode for slot, mode in self.plan.items() if slot.name == name}
        return {slot: mode.type for slot, mode in found.items() if isinstance(mode, Late)}

    def grown(self, slot: Slot, trips: Dim) -> Any:
        """An integer that grows by the same step in each trip, after so many trips."""
        mode, start = self.plan[slot], dim_of(self.before[slot])
        assert isinstance(mode, Induction) and start is not None
        return integer(start + mode.step * trips)

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
        if isinstance(before, Undefined):
            self._compare_undefined(name, after, used_after)
            return
        for slot, leaf in leaves(before, Slot(name)):
            end = found(after, slot)
            if end is MISSING:
                _refuse_tree(name, before, after)
            self._compare(slot, leaf, end, used_after)
            self.after[slot] = end
        if skeleton(before) != skeleton(after):
            _refuse_tree(name, before, after)

    def _compare(self, slot: Slot, leaf: Leaf, end: Leaf, used_after: bool) -> None:
        if isinstance(end, Undefined):
            refuse(
                f"`{slot}` has no value at the end of a trip: {end.why}",
                f"give `{slot}` a value in each trip",
            )
        mode = self.plan.get(slot)
        if isinstance(mode, Induction):
            self._compare_induction(slot, leaf, end, used_after)
        elif is_flag(slot) and isinstance(leaf, bool) and mode is None:
            if end is not leaf:
                self.learned[slot] = Number(NumberType(BOOL))
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

    def _compare_induction(self, slot: Slot, leaf: Leaf, end: Leaf, used_after: bool) -> None:
        expected, param = dim_of(self.grown(slot, self.index + 1)), self.params.pop(slot, None)
        if dim_of(end) == expected:
            return
        known = type(end) is TracedScalar and end.number == WEAK_INT
        if not known or param is None or Growth(self.frame, self.jumps).to(end.value) != expected:
            self.learned[slot] = Number(number_type(leaf))
        elif used_after:
            self.params[slot], self.results[slot] = param, end.value

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
        step = None if mode else self._step(slot, leaf, end)
        if step is not None:
            self.learned[slot] = Induction(step, left=bool(self.jumps))
        elif grown != kind:
            self.learned[slot] = Number(grown)
        else:
            self.results[slot] = number_value(end, kind.dtype)

    def _step(self, slot: Slot, leaf: Leaf, end: Leaf) -> Dim | None:
        """What an integer grows by in each trip, if that is the same in all."""
        if type(leaf) not in (int, Size) or type(end) is not TracedScalar or end.number != WEAK_INT:
            return None
        return Growth(self.frame, self.jumps).by(self.params[slot], end.value)

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

    def _compare_undefined(self, name: str, after: Any, used_after: bool) -> None:
        """A variable without a value before the loop: the leaves that a trip makes are carried."""
        ends = dict(leaves(after, Slot(name)))
        self.after |= ends
        known = self.late(name)
        if isinstance(after, Undefined):
            for slot in known:
                del self.params[slot]
            return
        if not known.keys() <= ends.keys():
            _refuse_late(name, after)
        for slot, end in ends.items():
            mode = None if slot in known or not used_after else self._late(end)
            if slot in known:
                self._compare_late(slot, end)
            elif mode is not None:
                self.learned[slot] = mode

    def _late(self, end: Leaf) -> Late | None:
        """How a leaf is carried that has no value before the loop; None for what is known without."""
        names = self.frame.sizes.keys()
        if is_number(end):
            kind = number_type(end)
            counted = type(end) is Size and end.dim.names() & names <= self.index.names()
            return None if counted else Late(ArrayType(kind.dtype), kind)
        if type(end) is TracedArray and _made_here(end):
            return None if any(d.names() & names for d in end.type.shape) else Late(end.type, None)
        return None

    def _compare_late(self, slot: Slot, end: Leaf) -> None:
        mode = self.plan[slot]
        assert isinstance(mode, Late)
        if mode.number is not None and is_number(end):
            grown = join(mode.number, number_type(end), str(slot))
            if grown != mode.number:
                self.learned[slot] = Late(ArrayType(grown.dtype), grown)
            else:
                self.results[slot] = number_value(end, grown.dtype)
        elif mode.number is None and type(end) is TracedArray and end.type == mode.type:
            self.results[slot] = end.read()
        else:
            _refuse_late(str(slot), end)

    # Around the loop ---------------------------------------------------------------------------------------

    def start(self, slot: Slot) -> Value:
        """The value that a slot starts with; emitted outside the body."""
        kind = self.params[slot].type
        if isinstance(self.plan.get(slot), Late):
            return zeros(shape=kind.shape, dtype=kind.dtype)
        leaf = self.before[slot]
        return leaf.read() if type(leaf) is TracedArray else number_value(leaf, kind.dtype)

    def number(self, slot: Slot, value: Value) -> TracedScalar:
        """A number after the loop."""
        match self.plan.get(slot):
            case Number(kind):
                return TracedScalar(value, join(number_type(self.before[slot]), kind, str(slot)).weak)
            case Late(_, NumberType(_, weak)):
                return TracedScalar(value, weak)
        return TracedScalar(value, number_type(self.before[slot]).weak)


def _made_here(array: TracedArray) -> bool:
    """Whether an array, or the part of it that a view shows, is known in this block only."""
    trace = current()
    positions = [p for step in array.path if isinstance(step, IndexStep) for p in step.positions]
    names = [p.names() for p in positions if isinstance(p, Dim)] + [d.names() for d in array.type.shape]
    return (
        array.cell.frame is trace.frame
        or any(trace.homes.get(p) is trace.frame for p in positions if isinstance(p, Value))
        or any(found & trace.frame.sizes.keys() for found in names)
    )


def _refuse_late(name: str, end: Any) -> NoReturn:
    refuse(f"`{name}` is {describe(end)} at the end of a trip, and was something else", "use two names")


def _refuse_tree(name: str, before: Any, after: Any) -> NoReturn:
    refuse(
        f"`{name}` is {describe(before)} before the loop and {describe(after)} after a trip",
        "keep the same structure in each trip",
    )


def _contiguous(array: TracedArray) -> bool:
    """Whether NumPy surely holds the array in C order."""
    return array.cell.contiguous and not array.path
