"""Indexed loops: the body is traced once, in a block of its own, and becomes a `for`.

Whatever storage of arrays the body uses gets a parameter of the block at its first use; what is unchanged
at the end is loop-invariant, and its parameter is replaced by the value outside. So there is one trace of a
body at each level of a nest; a second one only if a carried variable turned out to be something else
(`carried.py`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adcompiler.ir.build import emit
from adcompiler.ir.graph import Block, Value, constant
from adcompiler.ir.ops.arrays import checked
from adcompiler.ir.ops.comparison import greater
from adcompiler.ir.ops.control import for_, for_attrs
from adcompiler.ir.types import I64, Dim

from .aliasing import after_loop, check_by_value, check_stale, uses, wrote
from .carried import Carry, Late, Plan
from .extents import value_of
from .frames import Cell, Frame, bind_index, opened, refuse
from .iteration import Indexed
from .leaves import Slot, mapped
from .protocol import Get, Names, Set, Undefined
from .sizes import Size
from .values import TracedArray

_ATTEMPTS = 16


@dataclass(frozen=True)
class State:
    """The variables that a loop may assign; one live neither at its head nor after it is local to a trip."""

    assigned: Names
    live_head: Names
    live_out: Names
    get: Get
    set: Set

    def read(self) -> dict[str, Any]:
        """The variables now."""
        return dict(zip(self.assigned, self.get(), strict=True))

    def write(self, values: Mapping[str, Any]) -> None:
        """Assign them."""
        self.set(tuple(values[name] for name in self.assigned))

    @property
    def carried(self) -> Names:
        """Those that may have to be carried."""
        live = {*self.live_head, *self.live_out}
        return tuple(name for name in self.assigned if name in live)


def roll(rolled: Indexed, body: Callable[[Any], None], state: State, plan: Plan, line: int) -> int:
    """Trace the body and emit the `for`; answers how often the body was traced. `plan` learns."""
    before = state.read()
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            trip = _trace(rolled, body, state, before, Carry(dict(plan), line))
        except BaseException:
            state.write(before)
            raise
        if not trip.carry.learned:
            state.write(_emit(rolled, trip, state, before))
            return attempt
        plan |= trip.carry.learned
        state.write(before)
    refuse(
        "the types of the variables that this loop carries do not settle",
        "give them their final types before it",
    )


@dataclass(frozen=True)
class _Trip:
    """One traced trip: its block as it was left, and the variables at its end."""

    carry: Carry
    frame: Frame
    index: str
    param: Value
    ends: Mapping[str, Any]
    writes: bool


def _trace(
    rolled: Indexed, body: Callable[[Any], None], state: State, before: Mapping[str, Any], carry: Carry
) -> _Trip:
    with opened("loop") as frame:
        index, param = bind_index(frame, "i", rolled.length - 1)
        local = Undefined(f"it is local to a trip of the loop at line {carry.line}")
        bound = {
            name: carry.bind(name, before[name]) if name in state.carried else local
            for name in state.assigned
        }
        state.write(bound)
        body(rolled.item(Size(Dim.of(index))))
        ends = state.read()
        for name in state.carried:
            carry.compare(name, before[name], ends[name], name in state.live_out)
        if not carry.learned:
            check_by_value(carry, frame)
        writes = wrote(carry)
    return _Trip(carry, frame, index, param, ends, writes)


# ---- the equation ----


def _emit(rolled: Indexed, trip: _Trip, state: State, before: Mapping[str, Any]) -> dict[str, Any]:
    """Emit the `for`, and answer with the variables after it."""
    carry, frame = trip.carry, trip.frame
    changed = [cell for cell, entry in frame.entries.items() if frame.ends[cell].value is not entry.param]
    slots = list(carry.params)
    block = _block(trip, slots, changed)
    check_stale(frame)
    inputs = [*(carry.start(slot) for slot in slots), *(cell.read() for cell in changed)]
    attrs = for_attrs(
        rolled.length, len(inputs), 0, False, trip.index if _mentions(block, trip.index) else None
    )
    names = [value.name for value in block.results]
    outputs = emit(
        for_, inputs, attrs, [block], [i.name or n for i, n in zip(block.params[1:], names, strict=True)]
    )
    _write_cells(frame, changed, outputs[len(slots) :])
    return _after(rolled, trip, state, before, dict(zip(slots, outputs, strict=False)))


def _block(trip: _Trip, slots: Sequence[Slot], changed: Sequence[Cell]) -> Block:
    """The body, loop-invariant parameters replaced by the values outside."""
    carry, frame = trip.carry, trip.frame
    invariant = {
        entry.param: entry.value
        for cell, entry in frame.entries.items()
        if cell not in changed and entry.param is not None
    }
    storage = [frame.entries[cell].param for cell in changed]
    params = [trip.param, *(carry.params[slot] for slot in slots), *(p for p in storage if p is not None)]
    results = [*(carry.results[slot] for slot in slots), *(frame.ends[cell].value for cell in changed)]
    return substituted(Block(tuple(params), tuple(frame.builder.eqns), tuple(results)), invariant)


def substituted(block: Block, values: Mapping[Value, Value]) -> Block:
    """A block with some of the values that it captures replaced; what it defines stays the same objects."""
    if not values:
        return block
    eqns = [
        dataclasses.replace(
            eqn,
            inputs=tuple(values.get(v, v) for v in eqn.inputs),
            blocks=tuple(substituted(inner, values) for inner in eqn.blocks),
        )
        for eqn in block.eqns
    ]
    return Block(block.params, tuple(eqns), tuple(values.get(v, v) for v in block.results))


def _mentions(block: Block, index: str) -> bool:
    """Whether sizes in a block mention its index."""
    values = (*block.params, *uses(block))
    if any(index in d.names() for v in values for d in v.type.shape):
        return True
    return any(index in names for names in map(_attribute_names, block.eqns))


def _attribute_names(eqn: Any) -> set[str]:
    found = {name for attr in eqn.attrs.values() for name in _dim_names(attr)}
    return found.union(*(_attribute_names(e) for inner in eqn.blocks for e in inner.eqns))


def _dim_names(attr: Any) -> set[str]:
    if isinstance(attr, Dim):
        return set(attr.names())
    return set().union(*map(_dim_names, attr)) if isinstance(attr, tuple) else set()


def _write_cells(frame: Frame, changed: Sequence[Cell], outputs: Sequence[Value]) -> None:
    """The storage that the loop wrote, and what it left in doubt."""
    for cell, output in zip(changed, outputs, strict=True):
        cell.write(output)
    for cell, end in frame.ends.items():
        if end.stale is not None:
            cell.spoil(end.stale)


# ---- the variables after the loop ----


def _after(
    rolled: Indexed, trip: _Trip, state: State, before: Mapping[str, Any], outputs: Mapping[Slot, Value]
) -> dict[str, Any]:
    carry = trip.carry
    cells = after_loop(carry, trip.frame, outputs, trip.writes)

    def final(slot: Slot, leaf: Any) -> Any:
        if slot in cells:
            return TracedArray(cells[slot])
        if slot not in outputs:
            return _unchanged(carry, slot, leaf, trip)
        mode = carry.plan.get(slot)
        if isinstance(mode, Late):
            _check_trips(rolled, slot, carry.line)
            if mode.number is None:
                return TracedArray(Cell(outputs[slot], str(slot)))
        return carry.number(slot, outputs[slot])

    lost = Undefined(f"it is local to the loop at line {carry.line}")
    return {
        name: mapped(before[name], final, Slot(name)) if name in state.carried else lost
        for name in state.assigned
    }


def _unchanged(carry: Carry, slot: Slot, leaf: Any, trip: _Trip) -> Any:
    """A leaf that the loop does not carry."""
    end = carry.after.get(slot)
    if not isinstance(leaf, Undefined) or end is None or isinstance(end, Undefined):
        return leaf
    return Undefined(
        f"it gets its value in the loop at line {carry.line}, and only numbers and arrays made there outlast "
        "the last trip (copy an array: x.copy())"
    )


def _check_trips(rolled: Indexed, slot: Slot, line: int) -> None:
    """A name that has its first value in the loop has one after it only if a trip is made."""
    if (rolled.length - 1).never_negative():
        return
    message = (
        f"cannot access local variable '{slot}': the loop at line {line}, which assigns it, makes no trip"
    )
    checked(greater(value_of(rolled.length), constant(0, I64)), kind="UnboundLocalError", message=message)
