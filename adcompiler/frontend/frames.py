"""One trace: the blocks being written, the storage of arrays, and what is assumed of sizes.

What the parts built on top of this use:

`run(name, body, ARITHMETIC)` (the last one is that of `numpy_functions.py`)
    Runs `body(trace)`, which makes parameters, calls the user's function on handles and returns the results,
    and makes a Function of it. It runs again whenever tracing learns that two sizes are one, or that a size
    must be static: then `Restart` is raised, and from the start the size is another polynomial. So no type
    changes while it is in use, and the types of the parameters imply what was assumed.

`Trace` (the current one: `current()`)
    `parameter`, `size` make parameters and named sizes, also in the middle of a trace (hidden arguments);
    `guards`, `hints`, `frame`; `location()` is the user's line.

`opened(kind)` / `reopened(frame)`
    A block. Inside, everything is emitted into `frame.builder`. At its end the cells are as they were before
    it, and `frame.ends` says what each one that was used had become. `frame.entries` has the cells of outer
    frames that were used: the value before, and, in a loop, the parameter that stands for it.
    `frame.written` are those written, the last one last. A cell whose end is its parameter is loop-invariant.
    `frame.fresh` holds the Python containers made in the block, `frame.sizes` the sizes it binds,
    `frame.facts` what holds of sizes in it, `frame.missed` the names that were read without a value.

Invariant, checked at each emit: the frame of an operand is the current one or encloses it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from adcompiler.ir.build import Builder, building
from adcompiler.ir.errors import CaptureError, Location
from adcompiler.ir.graph import Attrs, Block, Constant, Function, Value
from adcompiler.ir.op import Op
from adcompiler.ir.ops import OPS
from adcompiler.ir.types import I64, ArrayType, Dim, DType, Guard, Relation

from .arithmetic import Arithmetic
from .assumptions import Assumptions, Restart
from .locations import UserPlaces
from .provenance import Provenance

if TYPE_CHECKING:
    from .cells import Cell

BlockKind = Literal["top", "loop", "branch", "call"]

# ---- blocks ----


@dataclass(frozen=True)
class Entry:
    """A cell as a block found it; `param` stands for it in a loop."""

    value: Value
    stale: str | None
    param: Value | None


@dataclass(frozen=True)
class End:
    """What a cell had become at the end of a block."""

    value: Value
    stale: str | None


@dataclass(frozen=True)
class SizeBound:
    """A size that a block binds: low <= size <= high (None: not known), and the i64 value that it names.

    There is no value of the trips of a `while`: a `dim` asks for it. `polynomial` is what the value is
    computed from, where opaque integers are in it (`provenance.py`).
    """

    value: Value | None
    low: Dim
    high: Dim | None
    polynomial: Dim | None = None


class Frame:
    """One block being traced."""

    def __init__(self, trace: Trace, kind: BlockKind, parent: Frame | None) -> None:
        self.kind = kind
        self.parent = parent
        self.builder = FrameBuilder(trace, self)
        self.entries: dict[Cell, Entry] = {}
        self.ends: dict[Cell, End] = {}
        self.written: dict[Cell, None] = {}
        self.fresh: dict[int, Any] = {}
        self.sizes: dict[str, SizeBound] = {}
        self.facts: list[Guard] = []
        self.missed: set[str] = set()

    def encloses(self, inner: Frame) -> bool:
        """Whether `inner` is this frame or lies in it."""
        return any(frame is self for frame in inner.outwards())

    def outwards(self) -> Iterator[Frame]:
        """This frame, and those around it."""
        frame: Frame | None = self
        while frame is not None:
            yield frame
            frame = frame.parent

    def forget(self, equations: int, sizes: Mapping[str, SizeBound]) -> None:
        """Drop what was emitted after so many equations, when these sizes were bound."""
        del self.builder.eqns[equations:]
        self.sizes = dict(sizes)

    def undo_writes(self) -> None:
        """Put the cells back as the block found them, and stay in it."""
        for cell, entry in self.entries.items():
            cell.value, cell.stale = entry.param or entry.value, entry.stale
        self.written.clear()

    def restore(self) -> None:
        """Put the cells back as they were before the block; remember what they had become."""
        self.ends = {cell: End(cell.value, cell.stale) for cell in self.entries}
        for cell, entry in self.entries.items():
            cell.value, cell.stale = entry.value, entry.stale


class FrameBuilder(Builder):
    """Emits into a frame: with the user's line, and operands of enclosing frames only."""

    def __init__(self, trace: Trace, frame: Frame) -> None:
        super().__init__(OPS)
        self.trace = trace
        self.frame = frame

    def origin(self) -> tuple[Location | None, str | None]:
        location, note = super().origin()
        return location or self.trace.location(), note

    def emit(
        self,
        op: Op,
        inputs: Sequence[Value | float],
        attrs: Attrs,
        blocks: Sequence[Block] = (),
        names: Sequence[str | None] = (),
    ) -> tuple[Value, ...]:
        for value in inputs:
            if isinstance(value, Value) and not isinstance(value, Constant):
                self.trace.check_home(value, self.frame)
        outputs = super().emit(op, inputs, attrs, blocks, names)
        for value in outputs:
            self.trace.homes[value] = self.frame
        self.trace.provenance.note(self.eqns[-1])
        return outputs


# ---- the trace ----


_LETTERS = "nmkpqrstuvw"


class Trace:
    """All state of one start of a trace."""

    def __init__(self, assumptions: Assumptions, arithmetic: Arithmetic) -> None:
        self.assumptions = assumptions
        self.arithmetic = arithmetic
        unproved = (d for d in assumptions.lengths if not d.never_negative())
        self.guards = dict.fromkeys(Guard(d, Relation.NONNEGATIVE) for d in unproved)
        self.places = UserPlaces()
        self.homes: dict[Value, Frame] = {}
        self.provenance = Provenance()
        self.params: list[Value] = []
        self.top = self.frame = Frame(self, "top", None)
        self.merged: dict[int, Any] = {}  # containers that are one of two, kept for their ids
        self._numbers = count(1)

    @property
    def hints(self) -> Mapping[str, int]:
        return self.assumptions.hints

    def parameter(
        self, name: str, dtype: DType, shape: Sequence[int] = (), static: Sequence[int | None] = ()
    ) -> Value:
        """A new parameter; `static` has its static sizes, None where `shape` is only the example's."""
        known = static or [None] * len(shape)
        dims = [
            self.size(name, n, axis) if fixed is None else Dim.of(fixed)
            for axis, (n, fixed) in enumerate(zip(shape, known, strict=True))
        ]
        value = Value(ArrayType(dtype, tuple(dims)), name)
        self.params.append(value)
        self.homes[value] = self.top
        return value

    def size(self, name: str, value: int, axis: int | None = None) -> Dim:
        """The size of an axis of a parameter, or an integer parameter that is never negative."""
        names, hints = self.assumptions.names, self.assumptions.hints
        size = names.get((name, axis))
        if size is None:
            taken = len(names)
            size = _LETTERS[taken] if taken < len(_LETTERS) else f"n{taken - len(_LETTERS) + 1}"
            names[name, axis], hints[size] = size, value
        return Dim.of(size).substitute(self.assumptions.same)

    def fresh_name(self, stem: str) -> str:
        """A name for a size that a block binds."""
        return f"{stem}_{next(self._numbers)}"

    def own(self, value: Value, frame: Frame) -> Value:
        """A parameter of a block: at home in its frame."""
        self.homes[value] = frame
        return value

    def check_home(self, value: Value, frame: Frame) -> None:
        """The invariant of scopes: a value is used in its own frame or inside of that."""
        home = self.homes.get(value)
        if home is None or not home.encloses(frame):
            refuse(
                f"{f'`{value.name}`' if value.name else 'a value'} was computed in a loop or branch and is "
                "used outside of it",
                "assign it to a variable of the function in the loop or branch",
            )

    def bound(self, name: str) -> SizeBound | None:
        """What is known of a size that a block around binds."""
        return next((f.sizes[name] for f in self.frame.outwards() if name in f.sizes), None)

    def location(self) -> Location | None:
        """Where in the user's functions the trace is."""
        return self.places.here()

    def function(self, name: str, results: Sequence[Value], written: Sequence[tuple[int, int]]) -> Function:
        """The finished program."""
        block = Block(tuple(self.params), tuple(self.top.builder.eqns), tuple(results))
        same = self.assumptions.same
        sizes = tuple(s for s in self.assumptions.names.values() if s not in same)
        return Function(name, block, sizes, tuple(self.guards), tuple(written))


@dataclass(frozen=True)
class Outcome:
    """What the body of a trace answers: results, and which of them are final contents of parameters."""

    results: Sequence[Value]
    written: Sequence[tuple[int, int]] = ()


def run(name: str, body: Callable[[Trace], Outcome], arithmetic: Arithmetic) -> Function:
    """The Function that `body` traces; it runs again when a size turns out to be another one."""
    assumptions = Assumptions()
    while True:
        trace = Trace(assumptions, arithmetic)
        token = _TRACE.set(trace)
        try:
            with building(trace.top.builder):
                outcome = body(trace)
            return trace.function(name, outcome.results, outcome.written)
        except Restart as found:
            assumptions.learn(found)
        finally:
            _TRACE.reset(token)


_TRACE: ContextVar[Trace] = ContextVar("trace")


def current() -> Trace:
    """The trace that is running."""
    return _TRACE.get()


def tracing() -> bool:
    """Whether a trace is running."""
    return _TRACE.get(None) is not None


@contextmanager
def opened(kind: BlockKind) -> Iterator[Frame]:
    """A new block inside the current one."""
    with reopened(Frame(current(), kind, current().frame)) as frame:
        yield frame


@contextmanager
def reopened(frame: Frame) -> Iterator[Frame]:
    """Write on at the end of a block that was left."""
    trace = current()
    assert trace.frame is frame.parent
    for cell, end in frame.ends.items():
        cell.value, cell.stale = end.value, end.stale
    trace.frame = frame
    try:
        with building(frame.builder):
            yield frame
    finally:
        frame.restore()
        trace.frame = frame.parent


def absorb(frame: Frame) -> None:
    """Move the equations of a block that was left into the current one, which is around it."""
    trace = current()
    for eqn in frame.builder.eqns:
        trace.homes.update(dict.fromkeys(eqn.outputs, trace.frame))
    trace.frame.builder.eqns += frame.builder.eqns
    trace.frame.sizes |= frame.sizes


def bind_index(frame: Frame, stem: str, high: Dim | None) -> tuple[str, Value]:
    """The index of a loop, 0 <= index <= high, as a size of its frame: the size's name and the parameter."""
    name = current().fresh_name(stem)
    value = current().own(Value(ArrayType(I64), name), frame)
    current().provenance.name(value, name)
    frame.sizes[name] = SizeBound(value, Dim(), high)
    return name, value


def refuse(message: str, hint: str, kind: type[CaptureError] = CaptureError) -> NoReturn:
    """Raise a CaptureError, or a subclass of it, at the user's line."""
    trace = current()
    raise kind(message, trace.location() or trace.places.outermost, hint)
