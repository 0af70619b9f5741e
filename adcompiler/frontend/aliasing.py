"""Arrays that a loop carries by value: when that is sound, and what may be one array after the loop.

In Python a name is bound to an array; carried by value, it has storage of its own, P, in each trip. B is
the storage that the name stands for before the loop, E at the end of a trip. P stands for B in the first
trip and for E in each later one, so nothing may tell them apart:

    if some P is written, B must not be used in the body under another name, E must not be an array from
    outside the loop, and two names must not share a B or an E; B must never be written in the body, and E,
    if it is from outside, not either.

`near(c)` is c with all that may be the same array. After the loop each name has storage R of its own, which
may be what the name was before the loop, if no trip is made, and what it was at the end of one. If a P was
written, what B holds depends on the number of trips: reading it is an error. A write to what may be P
counts as one to P.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from itertools import combinations

from adcompiler.ir.graph import Block, Value, walk

from .carried import Carry
from .cells import Cell, pair
from .frames import Frame, refuse
from .leaves import Slot
from .plans import Late
from .values import TracedArray


def near(cell: Cell) -> set[Cell]:
    """A cell with all that may be the same array."""
    return {cell, *cell.peers}


def wrote(carry: Carry) -> bool:
    """Whether the body writes an array that is carried by value, or what may be one."""
    cells = carry.cells.items()
    return any(cell.value is not carry.params[slot] or cell.stale is not None for slot, cell in cells)


def check_by_value(carry: Carry, frame: Frame) -> None:
    """Refuse what would be told apart; asked inside the body's frame, at its end."""
    if not carry.cells:
        return
    writes, written = wrote(carry), written_cells(frame)
    for slot in carry.cells:
        _check_slot(carry, slot, frame, writes, written)
    if writes:
        for one, other in combinations(carry.cells, 2):
            _check_pair(carry, one, other)


def written_cells(frame: Frame) -> set[Cell]:
    """The cells from outside that are written in a block, and those that may be what is written there."""
    doubtful = (c for c, entry in frame.entries.items() if c.stale is not None and entry.stale is None)
    return {*frame.written, *doubtful}


def _outer(cells: set[Cell], frame: Frame) -> set[Cell]:
    return {cell for cell in cells if cell.frame is not frame and cell.frame.encloses(frame)}


def _check_slot(carry: Carry, slot: Slot, frame: Frame, writes: bool, written: set[Cell]) -> None:
    before, after = near(_start(carry, slot)), near(_end(carry, slot))
    if before & written or (writes and before & frame.entries.keys()):
        refuse(
            f"{slot.label} names another array from the second trip on, and the array that it names before "
            "the loop is used in the loop under another name while one of them is written",
            f"copy it before the loop: `{slot} = {slot}.copy()`",
        )
    outer = _outer(after, frame)
    if outer and (writes or outer & written):
        refuse(
            f"{slot.label} names, from the second trip on, an array from outside the loop, and one of them "
            "is written in the loop",
            f"copy it at the end of the trip: `{slot} = {slot}.copy()`",
        )


def _check_pair(carry: Carry, one: Slot, other: Slot) -> None:
    starts = near(_start(carry, one)) & near(_start(carry, other))
    ends = near(_end(carry, one)) & near(_end(carry, other))
    if starts or ends:
        refuse(
            f"{one.label} and {other.label} may name one array in some trips only, and it is written in "
            "the loop",
            f"copy one of them: `{other} = {other}.copy()`",
        )


def check_stale(frame: Frame, used: Set[Value]) -> None:
    """What a trip leaves in doubt must not be read by the next one, where `used` are values that are read."""
    for cell, entry in frame.entries.items():
        end = frame.ends[cell]
        if end.stale is not None and entry.stale is None and entry.param in used:
            refuse(
                f"{cell.label} is read in each trip of a loop, but {end.stale}",
                "make a copy before the loop: x.copy()",
            )


def uses(*blocks: Block) -> set[Value]:
    """Every value that is an operand or a result in blocks and the blocks inside them."""
    eqns = [eqn for block in blocks for eqn in walk(block)]
    results = [block.results for block in (*blocks, *(inner for eqn in eqns for inner in eqn.blocks))]
    return {value for values in (*results, *(eqn.inputs for eqn in eqns)) for value in values}


def after_loop(carry: Carry, frame: Frame, outputs: Mapping[Slot, Value], writes: bool) -> dict[Slot, Cell]:
    """The storage of each name after the loop, known to share memory with what it may be."""
    may_be = {slot: _may_be(carry, slot) for slot in carry.cells}
    made: dict[Slot, Cell] = {}
    for slot, inside in carry.cells.items():
        start, end = _start(carry, slot), _end(carry, slot)
        readonly = start.readonly or end.readonly
        cell = Cell(outputs[slot], str(slot), readonly, inside.contiguous and end.contiguous)
        for earlier, known in made.items():
            if not writes and may_be[slot] & may_be[earlier]:
                pair(cell, known)
        made[slot] = cell
    if writes:
        starts = set().union(*(near(_start(carry, slot)) for slot in carry.cells))
        for cell in _outer(starts, frame):
            cell.spoil(
                "what it holds depends on the number of trips of the loop at line "
                f"{carry.line}, which binds its name to another array and writes it"
            )
    for slot, cell in made.items():
        for other in _outer(may_be[slot], frame):
            pair(cell, other)
    _add_late(carry, frame, outputs, made)
    return made


def _add_late(carry: Carry, frame: Frame, outputs: Mapping[Slot, Value], made: dict[Slot, Cell]) -> None:
    """Arrays that got their first name in the loop, as they are at the end of the last trip."""
    for slot in [s for s, mode in carry.plan.items() if isinstance(mode, Late) and s in outputs]:
        end = carry.after[slot]
        if type(end) is TracedArray:
            found = _may_be(carry, slot)
            cell = Cell(outputs[slot], str(slot), end.cell.readonly, end.contiguous)
            shared = [made[other] for other in made if near(_end(carry, other)) & found]
            shared += [made[other] for other, inside in carry.cells.items() if inside in found]
            for other in (*_outer(found, frame), *shared):
                pair(cell, other)
            made[slot] = cell


def _may_be(carry: Carry, slot: Slot) -> set[Cell]:
    """What a name may stand for after the loop: its array before it, and what it is at the end of a trip."""
    own = {cell: s for s, cell in carry.cells.items()}
    known: set[Slot] = set()
    found: set[Cell] = set()
    pending = {slot}
    while pending:
        known |= pending
        ends = [_end(carry, s) for s in pending] + [_start(carry, s) for s in pending if s in carry.cells]
        found |= {cell for end in ends for cell in near(end)}
        pending = {own[cell] for cell in found if cell in own} - known
    return found


def _start(carry: Carry, slot: Slot) -> Cell:
    before = carry.before[slot]
    assert type(before) is TracedArray
    return before.cell


def _end(carry: Carry, slot: Slot) -> Cell:
    after = carry.after[slot]
    assert type(after) is TracedArray
    return after.cell
