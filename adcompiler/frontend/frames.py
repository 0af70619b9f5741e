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
    `frame.facts` what holds of sizes in it.

`Cell`
    The storage of one array: `read()`, `write(value)`. `link(a, b)` records that two may be one array.

Invariant, checked at each emit: the frame of an operand is the current one or encloses it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import count
from typing import Any, Literal, NoReturn

from adcompiler.ir.build import Builder, building
from adcompiler.ir.errors import CaptureError, Location
from adcompiler.ir.graph import Attrs, Block, Constant, Function, Value
from adcompiler.ir.op import Op
from adcompiler.ir.ops import OPS
from adcompiler.ir.types import I64, ArrayType, Dim, DType, Guard, Relation

from .arithmetic import Arithmetic
from .assumptions import Assumptions, Restart
from .locations import UserPlaces

BlockKind = Literal["top", "loop", "branch"]

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

    There is no value of the trips of a `while`: a `dim` asks for it.
    """

    value: Value | None
    low: Dim
    high: Dim | None


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
        return outputs


# ---- arrays ----


class Cell:
    """The storage of one array: its current value, and the frame in which it was made.

    `peers` are the cells that may be the same memory, which of them depends on data: a write to one makes the
    others stale. `readonly` says why the array cannot be written. `contiguous` is True where NumPy is sure to
    hold the array in C order, so that a reshape of it is a view; `owned` is False for parameters, whose
    elements need not lie side by side.
    """

    def __init__(
        self,
        value: Value,
        name: str | None = None,
        readonly: str | None = None,
        contiguous: bool | None = None,
    ) -> None:
        self.value = value
        self.given_name = name
        self.readonly = readonly
        self.contiguous = value.type.rank <= 1 if contiguous is None else contiguous
        self.owned = value not in current().params
        self.frame = current().frame
        self.peers: set[Cell] = set()
        self.stale: str | None = None

    @property
    def type(self) -> ArrayType:
        return self.value.type

    @property
    def name(self) -> str | None:
        """What the user calls it, as far as that is known."""
        return self.given_name or self.value.name

    def read(self) -> Value:
        """The current value; in a loop, from the first use on, that of a parameter of its block."""
        self._enter()
        if self.stale is not None:
            refuse(f"`{self.name or 'an array'}` is read, but {self.stale}", "make a copy before: x.copy()")
        return self.value

    def write(self, value: Value) -> None:
        """Replace the contents."""
        if self.readonly is not None:
            refuse(f"`{self.name or 'an array'}` is written, but {self.readonly}", "write to a copy of it")
        assert value.type == self.type, f"{value.type} is written to a cell of {self.type}"
        for frame in self._enter():
            frame.written.pop(self, None)
            frame.written[self] = None
        self.value, self.stale = value, None
        for peer in self.peers:
            if peer.frame.encloses(current().frame):
                peer.spoil(
                    f"it may share memory with `{self.name or 'an array'}`, which was written at "
                    f"{current().location()}; whether it does depends on data or memory layout"
                )

    def spoil(self, why: str) -> None:
        """What it holds is not known any more: reading it is an error, for this reason."""
        self._enter()
        self.stale = why

    def _enter(self) -> list[Frame]:
        """Make the cell known to every frame between its own and the current one; returns these."""
        between: list[Frame] = []
        for frame in current().frame.outwards():
            if frame is self.frame:
                break
            between.append(frame)
        else:
            refuse(
                f"`{self.name or 'an array'}` was made in a loop or branch and is used outside of it",
                "make the array before the loop, and write to it inside",
            )
        for frame in reversed(between):
            if self not in frame.entries:
                param = Value(self.type, self.value.name) if frame.kind == "loop" else None
                frame.entries[self] = Entry(self.value, self.stale, param)
                if param is not None:
                    current().homes[param] = frame
                    self.value = param
        return between


def link(new: Cell, old: Cell) -> None:
    """`new` may be the same memory as `old`, hence as whatever `old` may be."""
    for cell in (old, *old.peers):
        if cell is not new:
            pair(new, cell)


def pair(one: Cell, other: Cell) -> None:
    """These two may be the same memory."""
    one.peers.add(other)
    other.peers.add(one)


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
        self.params: list[Value] = []
        self.top = self.frame = Frame(self, "top", None)
        self.merged: dict[int, Any] = {}  # containers that are one of two, kept for their ids
        self.from_loop: Exception | None = None  # the last error in a loop, which may make no trip
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
    except Exception as error:
        trace.from_loop = error if frame.kind == "loop" else trace.from_loop
        raise
    finally:
        frame.restore()
        trace.frame = frame.parent


def bind_index(frame: Frame, stem: str, high: Dim | None) -> tuple[str, Value]:
    """The index of a loop, 0 <= index <= high, as a size of its frame: the size's name and the parameter."""
    name = current().fresh_name(stem)
    value = current().own(Value(ArrayType(I64), name), frame)
    frame.sizes[name] = SizeBound(value, Dim(), high)
    return name, value


def refuse(message: str, hint: str, kind: type[CaptureError] = CaptureError) -> NoReturn:
    """Raise a CaptureError, or a subclass of it, at the user's line."""
    trace = current()
    raise kind(message, trace.location() or trace.places.outermost, hint)
