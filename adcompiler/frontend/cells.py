"""The storage of arrays, as the blocks of a trace see it.

A cell is read and written through the frame that is current. In a loop it becomes a parameter of the loop's
block at its first use, in every block between; at the end of a block it is what it was before
(`Frame.restore`), and whoever emits the block's equation writes what it has become.
"""

from __future__ import annotations

from adcompiler.ir.graph import Value
from adcompiler.ir.types import ArrayType

from .frames import Entry, Frame, current, refuse
from .syntax import called


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

    @property
    def label(self) -> str:
        """What messages call it."""
        return called(self.name) if self.name else "an array"

    def read(self) -> Value:
        """The current value; in a loop, from the first use on, that of a parameter of its block."""
        self._enter()
        if self.stale is not None:
            refuse(f"{self.label} is read, but {self.stale}", "make a copy before: x.copy()")
        return self.value

    def write(self, value: Value) -> None:
        """Replace the contents."""
        if self.readonly is not None:
            refuse(f"{self.label} is written, but {self.readonly}", "write to a copy of it")
        assert value.type == self.type, f"{value.type} is written to a cell of {self.type}"
        for frame in self._enter():
            frame.written.pop(self, None)
            frame.written[self] = None
        self.value, self.stale = value, None
        for peer in self.peers:
            if peer.frame.encloses(current().frame):
                peer.spoil(
                    f"it may share memory with {self.label}, which was written at "
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
                f"{self.label} was made in a loop or branch and is used outside of it",
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
