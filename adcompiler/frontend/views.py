"""Views as lenses: how a part of an array is read out of it and put back into it.

A handle is a cell and a path of steps. Two index steps in a row are merged into one, so that `row = a[i]` and
`row[j] = v` is one `put` at (i, j), and not a row a write.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from adcompiler.ir.graph import Attr, Constant, Value, constant
from adcompiler.ir.ops.arithmetic import add, mul
from adcompiler.ir.ops.indexing import index, put
from adcompiler.ir.ops.shape import inverse, reshape, transpose
from adcompiler.ir.types import I64, ArrayType, Dim, Shape

from .extents import value_of

Position = Dim | Value
"""An index: a polynomial in sizes and loop indices where it is one, else an i64 value."""


def position_value(position: Position) -> Value:
    """A position as an operand."""
    return value_of(position) if isinstance(position, Dim) else position


def moved(start: Position, by: Position, step: int = 1) -> Position:
    """`start + step * by`."""
    if isinstance(start, Dim) and isinstance(by, Dim):
        return start + by * step
    if isinstance(start, Dim) and start.constant == 0 and step == 1:
        return by
    scaled = by * step if isinstance(by, Dim) else by if step == 1 else mul(by, constant(step, I64))
    if isinstance(scaled, Dim) and scaled.constant == 0:
        return start
    return add(position_value(start), position_value(scaled))


def place_attrs(at: tuple[Attr, ...]) -> dict[str, Attr]:
    """The attributes of an indexed access: that every operand is a point goes without saying."""
    return {} if all(item == "point" for item in at) else {"at": at}


@dataclass(frozen=True)
class IndexStep:
    """Points, spans and whole axes; `shape` is that of the part."""

    at: tuple[Attr, ...]
    positions: tuple[Position, ...]
    shape: Shape

    def get(self, base: Value) -> Value:
        return index(base, *self._operands(), **place_attrs(self.at))

    def put(self, base: Value, part: Value) -> Value:
        return put(base, part, *self._operands(), **place_attrs(self.at))

    def _operands(self) -> list[Value]:
        return [position_value(p) for p in self.positions]

    def same_as(self, other: Step) -> bool:
        return (
            isinstance(other, IndexStep)
            and self.at == other.at
            and all(_same(a, b) for a, b in zip(self.positions, other.positions, strict=True))
        )


@dataclass(frozen=True)
class TransposeStep:
    """The axes in another order."""

    axes: tuple[int, ...]
    shape: Shape

    def get(self, base: Value) -> Value:
        return transpose(base, axes=self.axes)

    def put(self, base: Value, part: Value) -> Value:
        return transpose(part, axes=inverse(self.axes))

    def same_as(self, other: Step) -> bool:
        return self == other


@dataclass(frozen=True)
class ReshapeStep:
    """The same elements, in C order, in another shape."""

    shape: Shape

    def get(self, base: Value) -> Value:
        return reshape(base, shape=self.shape)

    def put(self, base: Value, part: Value) -> Value:
        return reshape(part, shape=base.type.shape)

    def same_as(self, other: Step) -> bool:
        return self == other


Step = IndexStep | TransposeStep | ReshapeStep
Path = tuple[Step, ...]


def _same(a: Position, b: Position) -> bool:
    if isinstance(a, Constant) and isinstance(b, Constant):
        return bool(a.data == b.data)
    return a == b


def same_path(a: Path, b: Path) -> bool:
    """Whether two paths surely lead to the same elements in the same order."""
    return len(a) == len(b) and all(x.same_as(y) for x, y in zip(a, b, strict=True))


def alike(a: Path, b: Path) -> bool:
    """Whether two paths differ in nothing but positions."""
    return len(a) == len(b) and all(
        x.at == y.at and x.shape == y.shape
        if isinstance(x, IndexStep) and isinstance(y, IndexStep)
        else x.same_as(y)
        for x, y in zip(a, b, strict=True)
    )


def positions(path: Path) -> list[Position]:
    """The positions of all steps, in order."""
    return [p for step in path if isinstance(step, IndexStep) for p in step.positions]


def placed(path: Path, positions: Iterable[Position]) -> Path:
    """The path with other positions."""
    rest = iter(positions)
    return tuple(
        replace(step, positions=tuple(islice(rest, len(step.positions))))
        if isinstance(step, IndexStep)
        else step
        for step in path
    )


def extended(path: Path, step: Step) -> Path:
    """The path with one more step, merged into the last one where both are index steps."""
    if isinstance(step, IndexStep):
        if all(item == "all" for item in step.at):
            return path
        if path and isinstance(path[-1], IndexStep):
            return (*path[:-1], _merged(path[-1], step))
    return (*path, step)


def _merged(first: IndexStep, second: IndexStep) -> IndexStep:
    """One step that does what both do, one after the other."""
    outer, inner = list(first.positions), list(second.positions)
    items = list(second.at)
    at: list[Attr] = []
    positions: list[Position] = []
    for item in first.at:
        if item == "point":
            at.append(item)
            positions.append(outer.pop(0))
            continue
        taken = items.pop(0) if items else "all"
        if item == "all":
            at.append(taken)
            positions += [] if taken == "all" else [inner.pop(0)]
        else:
            start, (_, step) = outer.pop(0), _span(item)
            if taken == "all":
                at.append(item)
                positions.append(start)
                continue
            positions.append(moved(start, inner.pop(0), step))
            if taken == "point":
                at.append(taken)
            else:
                length, inner_step = _span(taken)
                at.append(("span", length, step * inner_step))
    return IndexStep(trimmed((*at, *items)), (*positions, *inner), second.shape)


def _span(item: Attr) -> tuple[Dim, int]:
    """Length and step."""
    assert isinstance(item, tuple)
    _, length, step = item
    assert isinstance(length, Dim) and isinstance(step, int)
    return length, step


def trimmed(at: Sequence[Attr]) -> tuple[Attr, ...]:
    """Items without the whole axes at the end."""
    items = list(at)
    while items and items[-1] == "all":
        items.pop()
    return tuple(items)


def read_path(base: Value, path: Path) -> list[Value]:
    """The value at the base, and after each step."""
    values = [base]
    for step in path:
        values.append(step.get(values[-1]))
    return values


def write_path(base: Value, path: Path, part: Value) -> Value:
    """The base with the part at the end of a path replaced."""
    bases = read_path(base, path[:-1])
    for step, at in zip(reversed(path), reversed(bases), strict=False):
        part = step.put(at, part)
    return part


def path_type(base: ArrayType, path: Path) -> ArrayType:
    """The type of the part at the end of a path."""
    return base.with_shape(path[-1].shape) if path else base
