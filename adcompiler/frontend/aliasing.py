"""Arrays that a loop carries by value: when that is sound, and what may be one array after the loop.

In Python a name is bound to an array; carried by value, it has storage of its own, P, in each trip. B is the storage
that the name stands for before the loop, E at the end of a trip. P stands for B in the first trip and for E in each
later one, so nothing may tell them apart:

    if some P is written, B must not be used in the body under another name, E must not be an array from outside the
    loop, and two names must not share a B or an E; B must never be written in the body, and E, if it is from
    outside, not either.

`near(c)` is c with all that may be the same array. After the loop each name has storage R of its own, which may be
what the name was before the loop, if no trip is made, and what it was at the end of one. If a P was written, what B
holds depends on the number of trips: reading it is an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

from adcompiler.frontend.carried import Carry, Slot
from adcompiler.frontend.frames import Cell, Frame, link, refuse
from adcompiler.frontend.values import TracedArray
from adcompiler.ir.graph import Block, Value, walk


def near(cell: Cell) -> set[Cell]:
    """A cell with all that may be the same array."""
    return {cell, *cell.peers}


def wrote(carry: Carry) -> bool:
    """Whether the body writes an array that is carried by value."""
    return any(cell.value is not carry.params[slot] for slot, cell in carry.cells.items())


def check_by_value(carry: Carry, frame: Frame) -> None:
    """Refuse what would be told apart; asked inside the body's frame, at its end."""
    if carry.cells:
        writes = wrote(carry)
        for slot in carry.cells:
            _check_slot(carry, slot, frame, writes)
        if writes:
            for one, other in combinations(carry.cells, 2):
                _check_pair(carry, one, other)


def _check_slot(carry: Carry, slot: Slot, frame: Frame, writes: bool) -> None:
    before, after = near(_start(carry, slot)), near(_end(carry, slot))
    if before & frame.written.keys() or (writes and before & frame.entries.keys()):
        refuse(
            f"`{slot}` names another array from the second trip on, and the array that it names before the loop "
            "is used in the loop under another name while one of them is written",
            f"copy it before the loop: `{slot} = {slot}.copy()`",
        )
    outer = {cell for cell in after if cell.frame is not frame and cell.frame.encloses(frame)}
    if outer and (writes or outer & frame.written.keys()):
        refuse(
            f"`{slot}` names, from the second trip on, an array from outside the loop, and one of them is written "
            "in the loop",
            f"copy it at the end of the trip: `{slot} = {slot}.copy()`",
        )


def _check_pair(carry: Carry, one: Slot, other: Slot) -> None:
    starts = near(_start(carry, one)) & near(_start(carry, other))
    ends = near(_end(carry, one)) & near(_end(carry, other))
    if starts or ends:
        refuse(
            f"`{one}` and `{other}` may name one array in some trips only, and it is written in the loop",
            f"copy one of them: `{other} = {other}.copy()`",
        )


def check_stale(frame: Frame, block: Block) -> None:
    """What a trip leaves in doubt must not be read by the next one."""
    used = uses(block)
    for cell, entry in frame.entries.items():
        end = frame.ends[cell]
        if end.stale is not None and entry.stale is None and entry.param in used:
            refuse(
                f"`{cell.name or 'an array'}` is read in each trip of a loop, but {end.stale}",
                "make a copy before the loop: x.copy()",
            )


def uses(block: Block) -> set[Value]:
    """Every value that is an operand or a result in a block and the blocks inside it."""
    eqns = list(walk(block))
    results = [block.results, *(inner.results for eqn in eqns for inner in eqn.blocks)]
    return {value for values in (*results, *(eqn.inputs for eqn in eqns)) for value in values}


def after_loop(
    carry: Carry, outputs: Mapping[Slot, Value], writes: bool, makes_trip: bool
) -> dict[Slot, TracedArray]:
    """The arrays that the names stand for after the loop, linked to what they may share memory with."""
    made: dict[Slot, TracedArray] = {}
    own = {cell: slot for slot, cell in carry.cells.items()}
    if writes:
        for slot in carry.cells:
            for cell in near(_start(carry, slot)):
                cell.spoil(
                    f"what it holds depends on the number of trips of the loop at line {carry.line}, in which "
                    f"`{slot}` was written and bound to another array"
                )
    for slot, mode_cell in carry.cells.items():
        start, end = _start(carry, slot), _end(carry, slot)
        readonly = start.readonly or end.readonly
        cell = Cell(outputs[slot], str(slot), readonly, mode_cell.contiguous)
        for previous, array in made.items():
            if near(_end(carry, previous)) & near(end) or near(_start(carry, previous)) & near(start):
                link(cell, array.cell)
        for other in near(end):
            stands_for = _start(carry, own[other]) if other in own else other
            if not stands_for.stale:
                link(cell, stands_for)
        if not makes_trip and not start.stale:
            link(cell, start)
        made[slot] = TracedArray(cell)
    return made


def _start(carry: Carry, slot: Slot) -> Cell:
    before = carry.before[slot]
    assert isinstance(before, TracedArray)
    return before.cell


def _end(carry: Carry, slot: Slot) -> Cell:
    after = carry.after[slot]
    assert isinstance(after, TracedArray)
    return after.cell
