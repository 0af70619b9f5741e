"""What a rolled loop carries under the names of variables.

A carried variable is a number, an array, or a tuple, list or dict of such *leaves*. Every leaf has a slot.
The first trace of a body takes each variable for what it is before the loop; where the end of the trip
shows that it is something else from the second trip on, the plan learns (`plans.py`), and the body is traced
again. Variables without a value before the loop are in `first_values.py`.

A variable that names the same array throughout is not carried: if the array is written, its storage is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NoReturn

from adcompiler.ir.errors import NeedsConcrete
from adcompiler.ir.graph import Value
from adcompiler.ir.ops.arrays import zeros
from adcompiler.ir.types import BOOL, I64, ArrayType, Dim

from . import first_values
from .cells import Cell
from .extents import same_dim
from .frames import Frame, current, refuse
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
from .plans import ByValue, Induction, Late, Number, Plan
from .protocol import Undefined
from .scalars import TracedScalar
from .scalars import value as number_value
from .sizes import Size, dim_of, integer
from .syntax import called
from .values import TracedArray
from .views import same_path


@dataclass
class Carry:
    """One attempt at tracing a body: the leaves of the variables before it, inside, and at its end.

    `frame` is the block of the body, `index` the number of the trip, `certain` says that there is a first
    one, `jumps` are the flags of jumps at its end. `params` has the parameter of the block for each carried
    slot, `results` its value at the end of the trip, and `cells` the storage that stands, inside, for an
    array carried by value.
    """

    plan: Plan
    line: int
    frame: Frame
    index: Dim
    certain: bool
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
            return first_values.bound(self, slot.name) or leaf
        if isinstance(mode, Induction):
            if mode.left:
                self.param(slot, ArrayType(I64))
            return self.grown(slot, self.index)
        if is_flag(slot) and isinstance(leaf, bool) and mode is None:
            return leaf
        if is_number(leaf):
            number = number_type(leaf)
            if isinstance(mode, Number):
                number = join(number, mode.type, str(slot))
            return TracedScalar.of(self.param(slot, ArrayType(number.dtype)), number)
        if type(leaf) is TracedArray and isinstance(mode, ByValue):
            return self._by_value(slot, leaf, mode)
        return leaf

    def grown(self, slot: Slot, trips: Dim) -> Any:
        """An integer that grows by the same step in each trip, after so many trips."""
        mode, start = self.plan[slot], dim_of(self.before[slot])
        assert isinstance(mode, Induction) and start is not None
        return integer(start + mode.step * trips)

    def _by_value(self, slot: Slot, leaf: TracedArray, mode: ByValue) -> TracedArray:
        param = self.param(slot, leaf.type)
        cell = Cell(param, str(slot), leaf.cell.readonly, mode.contiguous)
        self.cells[slot] = cell
        return TracedArray(cell)

    def param(self, slot: Slot, kind: ArrayType) -> Value:
        """A parameter of the block for a slot."""
        trace = current()
        self.params[slot] = trace.own(Value(kind, str(slot)), trace.frame)
        return self.params[slot]

    # At its end --------------------------------------------------------------------------------------------

    def compare(self, name: str, before: Any, after: Any, used_after: bool) -> None:
        """Find what the variable has become: a result a slot, or something that the plan did not know."""
        after = first_values.carried_form(self, name, after)
        if isinstance(before, Undefined):
            first_values.compare(self, name, after, used_after)
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
                f"{slot.label} has no value at the end of a trip: {end.why}",
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
                f"{slot.label} is {describe(leaf)} before the loop and {describe(end)} after a trip: only "
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
                f"{slot.label} is a number before the loop and {describe(end)} after a trip",
                f"take its element: `{slot}[()]`"
                if _is_rank_0(end)
                else f"start with `{slot} = np.zeros(...)`",
            )
        mode, kind = self.plan.get(slot), number_type(leaf)
        if isinstance(mode, Number):
            kind = join(kind, mode.type, str(slot))
        grown = join(kind, number_type(end), str(slot))
        step = None if mode else self._step(slot, leaf, end)
        if step is not None:
            self.learned[slot] = Induction(step, left=bool(self.jumps))
        elif grown not in (kind, NumberType(kind.dtype)):
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
                f"{slot.label} is an array before the loop and {describe(end)} after a trip",
                f"start with `{slot} = 0.0`"
                if _is_rank_0(leaf)
                else f"use another name for what is no array, or write `{slot}[...] = ...`",
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
                f"{slot.label} is {describe(leaf)} before the loop and {describe(end)} after a trip",
                f"give `{slot}` its final dtype and shape before the loop",
            )
        for size, after in zip(leaf.type.shape, end.type.shape, strict=True):
            if not same_dim(size, after):
                refuse(
                    f"{slot.label} changes its shape in the loop, from {describe(leaf)} to {describe(end)}",
                    "make it of its final size before the loop, and use a part of it",
                )
        self.results[slot] = end.read()

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
                return TracedScalar.of(value, join(number_type(self.before[slot]), kind, str(slot)))
            case Late(_, NumberType() as kind):
                return TracedScalar.of(value, kind)
        return TracedScalar.of(value, number_type(self.before[slot]))


def _is_rank_0(leaf: Leaf) -> bool:
    return type(leaf) is TracedArray and not leaf.ndim


def _refuse_tree(name: str, before: Any, after: Any) -> NoReturn:
    refuse(
        f"{called(name)} is {describe(before)} before the loop and {describe(after)} after a trip",
        "keep the same structure in each trip",
    )


def _contiguous(array: TracedArray) -> bool:
    """Whether NumPy surely holds the array in C order."""
    return array.cell.contiguous and not array.path
