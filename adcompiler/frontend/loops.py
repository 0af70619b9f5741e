"""Rolled loops: the body is traced once, in a block of its own, and becomes a `for` or a `while`.

Whatever storage of arrays the body uses gets a parameter of the block at its first use; what is unchanged
at the end is loop-invariant, and its parameter is replaced by the value outside. So there is one trace of a
body at each level of a nest; a second one only if a carried variable turned out to be something else
(`carried.py`).

A loop with a test is a `while`, a `for` that a jump may leave too: its flags are carried then. The test is
traced at the head of the body's block, in a block inside it, so that both see the same parameters, and the
body nothing of the test.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from adcompiler.checkpointing.annotation import Annotation
from adcompiler.ir.errors import AdcompilerError, CaptureError, ShapeError
from adcompiler.ir.graph import Constant, Value, constant
from adcompiler.ir.types import BOOL, Dim, Guard, Relation

from .aliasing import check_by_value, wrote
from .carried import Carry
from .conditions import asked, facts_of
from .extents import assume, hint, length, proved
from .facts import Facts, in_scope, suppose
from .frames import Frame, bind_index, current, opened, refuse
from .handles import Traced
from .leaves import Slot, is_flag
from .loop_equations import Asked, Blocks, emit_for, emit_while
from .outlasting import After
from .plans import Plan, fitting
from .protocol import RESULT, Get, Names, Set, Thunk, Undefined
from .raising import RAISED, is_pythons, raise_here
from .scalars import TracedScalar
from .sizes import Size

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


@dataclass(frozen=True)
class Loop:
    """At most `length` trips (None: no limit), `body(index)` each, while `test()` holds.

    The test of a loop that has a length asks for nothing but the flags of jumps. After it was evaluated,
    `annotated()` is what it says of the loop.
    """

    body: Callable[[Any], None]
    annotated: Callable[[], Annotation | None]
    length: Dim | None = None
    test: Thunk | None = None


def roll(loop: Loop, state: State, plan: Plan, line: int) -> int:
    """Trace the body and emit the loop; answers how often the body was traced. `plan` learns."""
    before = state.read()
    known = fitting(plan, before)
    number = 1  # of the first trip that what is known of the variables stands for
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            trip = _trace(loop, state, before, dict(known), line, number)
        except _NoTrip:
            state.write(before)
            return attempt
        except BaseException:
            state.write(before)
            raise
        if not trip.carry.learned:
            outputs, made = _emit(loop, trip)
            after = After(trip.carry, trip.index, made, loop.length or made, outputs, before, trip.ends)
            state.write(after.variables(state.assigned, state.live_out, trip.writes))
            return attempt
        number += trip.error is None
        known |= trip.carry.learned
        plan |= known
        state.write(before)
    refuse(
        "the types of the variables that this loop carries do not settle",
        "give them their final types before it",
    )


@dataclass(frozen=True)
class _Trip:
    """One traced trip: its block as it was left, the variables at its end, and the error that ended it."""

    carry: Carry
    frame: Frame
    index: str
    param: Value
    test: Asked | None
    ends: Mapping[str, Any]
    writes: bool
    error: Exception | None


def _trace(loop: Loop, state: State, before: Mapping[str, Any], plan: Plan, line: int, number: int) -> _Trip:
    """Trace one trip, as far as is known from so many before it."""
    certain = loop.length is not None and ((hint(loop.length) or 0) > 0 or proved(loop.length - 1))
    with opened("loop") as frame:
        index, param = bind_index(frame, "i", None if loop.length is None else loop.length - 1)
        carry = Carry(plan, line, frame, Dim.of(index), certain)
        local = Undefined(f"it is local to a trip of the loop at line {line}")
        bound = {
            name: carry.bind(name, before[name]) if name in state.carried else local
            for name in state.assigned
        }
        state.write(bound)
        asks = loop.length is None or any(map(is_flag, carry.params))
        test = _ask(loop.test, loop.annotated) if loop.test is not None and asks else None
        error = _run(loop, test, Size(carry.index), number)
        if error is not None:
            frame.undo_writes()
            state.write(bound)
        ends = state.read()
        carry.jumps |= {
            end.value for name, end in ends.items() if name in state.carried and _is_jump(name, end)
        }
        for name in state.carried:
            carry.compare(name, before[name], ends[name], name in state.live_out)
        if not carry.learned:
            check_by_value(carry, frame)
        writes = wrote(carry)
    return _Trip(carry, frame, index, param, test, ends, writes, error)


class _NoTrip(Exception):
    """A loop whose body would raise an error makes no trip in the call that is traced."""


def _run(loop: Loop, test: Asked | None, index: Size, number: int) -> Exception | None:
    """Trace the body. An error that Python would raise too, where it gets there, ends the trip."""
    try:
        loop.body(index)
    except (*RAISED, ShapeError) as error:
        trips = _trips(loop, test)
        pythons = isinstance(error, ShapeError) or is_pythons(error)
        if pythons and loop.length is not None and trips is not None and trips < 1:
            assume(-loop.length, Relation.NONNEGATIVE)
            raise _NoTrip from None
        if not pythons or isinstance(error, AdcompilerError):
            raise
        if trips is not None and trips >= number:
            _suppose_trips(loop, number)
            raise
        if number > 1:
            raise CaptureError(
                f"{error}, in some trips of a loop",
                current().places.raised(error),
                "give the variables of the loop their final types before it",
            ) from None
        raise_here(error)
        return error
    return None


def _trips(loop: Loop, test: Asked | None) -> int | None:
    """The number of trips in the call that is traced, were it not for an error in them."""
    if loop.length is None:
        return _ATTEMPTS if test is not None and _always(test.holds) else None
    return hint(loop.length)


def _suppose_trips(loop: Loop, number: int) -> None:
    if loop.length is not None and loop.length.constant is None:
        assume(loop.length - number, Relation.NONNEGATIVE)


def _is_jump(name: str, end: Any) -> bool:
    """Whether a variable is the flag of a jump that data decide."""
    return is_flag(Slot(name)) and name != RESULT and type(end) is TracedScalar


def _ask(test: Thunk, annotated: Callable[[], Annotation | None]) -> Asked:
    """Trace the test; in the rest of the trip it is known to hold."""
    with opened("branch") as frame:
        answer = test()
        annotation = annotated()
        holds = asked(answer).read() if isinstance(answer, Traced) else constant(bool(answer), BOOL)
    for cell in frame.written:
        refuse(
            f"the test of this `while` changes {cell.label}",
            "write `while True:`, and `if ...: break` behind the change",
        )
    facts = facts_of(answer).visible()
    suppose(facts.when_true)
    return Asked(frame, holds, facts, annotation)


def _emit(loop: Loop, trip: _Trip) -> tuple[Mapping[Slot, Value], Dim]:
    """Emit the loop; the carried leaves after it, and the number of trips."""
    blocks = Blocks(trip.carry, trip.frame, trip.index, trip.param, trip.test)
    if trip.test is None:
        assert loop.length is not None
        return emit_for(blocks, loop.length, loop.annotated()), length(loop.length)
    if loop.length is None and current().frame is current().top and _always(trip.test.holds):
        refuse("this `while` never ends", "change in its body what it tests, or write `for k in range(n)`")
    outputs, trips = emit_while(blocks, loop.length, trip.test.annotation)
    if loop.length is None:
        _suppose_after(trip.test.facts, trip.index, trips)
    return outputs, trips


def _always(holds: Value) -> bool:
    return isinstance(holds, Constant) and bool(holds.data)


def _suppose_after(facts: Facts, index: str, trips: Dim) -> None:
    """After a `while`: its test held in the last trip, if one was made, and does not hold any more."""
    bounds = [g.dim for g in facts.when_true if g.relation is Relation.NONNEGATIVE]
    lasting = [d.substitute({index: trips - 1}) for d in bounds if proved(d.substitute({index: Dim.of(-1)}))]
    held = [Guard(dim, Relation.NONNEGATIVE) for dim in lasting]
    failed = [Guard(g.dim.substitute({index: trips}), g.relation) for g in facts.when_false]
    suppose(guard for guard in (*held, *failed) if in_scope(guard.dim))
