"""Reductions at few points over many elements: chunks of the elements, too, are the work of threads.

Where there are points enough, by the sizes of a call, one kernel does it all. Else the first of two leaves
what each chunk comes to at each point, and the second one puts that together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ....ir.graph import Eqn
from ....ir.types import Dim
from ...accumulate import start
from ...blocks import place_text
from ...fusion import Loop
from ...kernels import Nest
from ...memory import Scope
from ...source import Line, in_loop, remark
from ..device import launching
from .flat import number, split
from .grid_nests import GridNest, RowNest
from .host_writer import HostWriter

MOST_POINTS = 2
"""Axes of points: the third axis of the grid is that of chunks."""


def may_be_chunked(points: Sequence[Loop], nest: Nest) -> bool:
    """Whether a nest does nothing but reduce at its points, in the innermost of loops in one another."""
    inside = points[-1].body if points else []
    while len(inside) == 1 and isinstance(inside[0], Loop):
        inside = inside[0].body
    reduces = [r for r in nest.roots if len(nest.tree.path[r]) > len(points)]
    flat = len(inside) == len(nest.roots) == len(reduces) and not any(isinstance(x, Loop) for x in inside)
    return 0 < len(points) <= MOST_POINTS and flat and not any(r.output in nest.own for r in reduces)


class ChunkNest(GridNest):
    """The nest of one chunk: what it reduces goes into `parts`, by number of the chunk and of the point."""

    chunk: str
    """The variable of its number."""
    count: str
    """That of the number of chunks."""
    length: str
    """That of their length."""
    parts: dict[Eqn, str]

    def _shape(self) -> str:
        return f"chunked({super()._shape()}, {self.count})"

    def _bounds(self, loop: Loop, depth: int) -> tuple[str, str]:
        if depth != len(self.points):
            return super()._bounds(loop, depth)
        return f"{self.chunk} * {self.length}", f"min(({self.chunk} + 1) * {self.length}, {loop.extent})"

    def _result(self, root: Eqn, at: Sequence[str]) -> str:
        return f"{self.parts[root]}[{self.chunk}, {number(at, root.output.type.shape)}]"

    def _wrapped(self, lines: list[Line]) -> list[Line]:
        trips = f"range(cuda.blockIdx.z, {self.count}, cuda.gridDim.z)"
        return in_loop(f"for {self.chunk} in {trips}:", lines, remark(self.nest.roots[0]))


class ChunkedPoints(ChunkNest, GridNest):
    """Chunks of which a point is one thread's."""


class ChunkedRows(ChunkNest, RowNest):
    """Chunks of which the lanes of a row share a point."""


def write_chunked(writer: HostWriter, nest: Nest, scope: Scope, points: Sequence[Loop], rows: bool) -> None:
    """Write a nest as one kernel, and as two for where there are few points."""
    page, said, fresh = writer.page, nest.roots[0], writer.names.fresh
    count, length = fresh("chunks"), fresh("length")
    whole = (RowNest if rows else GridNest)(writer, nest, scope, points)
    with page.aside() as direct, page.indented():
        whole.write()
    *made, launch = direct
    page.extend(replace(line, depth=page.depth) for line in made)
    (along,) = {nest.tree.path[r][len(points)].extent for r in nest.roots}
    extents = ", ".join(str(loop.extent) for loop in points)
    page.write(f"{count}, {length} = chunks(({extents},), {along}, {rows})", said)
    reduced = [r for r in nest.roots if r in whole.accumulators]
    parts = {r: fresh(f"{r.output.name or 't'}_parts") for r in reduced}
    page.write(f"if {count} == 1:", said)
    page.extend([launch])
    page.write("else:")
    cut = [loop.extent for loop in points]
    writer.counts[count] = lambda sizes: launching.chunks(
        [d.value(sizes) for d in cut], along.value(sizes), rows
    )[0]
    with page.indented():
        for root, name in parts.items():
            elements, _ = split(root.output.type.shape, 0)
            writer.make(name, root.output.type.with_shape([Dim.of(count), elements]), root)
        one = (ChunkedRows if rows else ChunkedPoints)(writer, nest, scope, points)
        one.places, one.parts = whole.places, parts
        one.chunk, one.length, one.count = fresh("chunk"), length, count
        one.write()
        for root, name in parts.items():
            _put_together(writer, whole, root, name, count)


def _put_together(writer: HostWriter, nest: GridNest, root: Eqn, parts: str, count: str) -> None:
    """A kernel in which the lanes of a row share the chunks of a point."""
    fresh, said = writer.names.fresh, remark(root)
    elements, _ = split(root.output.type.shape, 0)
    flat, first, there, point, chunk, name = map(fresh, ("flat", "first", "there", "point", "chunk", "t"))
    writer.views[flat] = root.output.type.with_shape([elements])
    writer.page.write(f"{flat} = {place_text(nest.places[root])}.reshape(({elements},))", root)
    step = nest._stepped(root, name, f"{parts}[{chunk}, {point}]")
    trips = f"range(cuda.threadIdx.x, {count} if {there} else 0, cuda.blockDim.x)"
    body = [
        Line(f"{there} = {first} + cuda.threadIdx.y < {elements}", 0, said),
        Line(f"{point} = min({first} + cuda.threadIdx.y, {elements} - 1)", 0, said),
        Line(f"{name} = {start(root)}", 0, said),
        *in_loop(f"for {chunk} in {trips}:", [Line(step)], said),
        Line(f"{name} = {writer.together(root)}({name})", 0, said),
        Line(f"if {there} and cuda.threadIdx.x == 0: {flat}[{point}] = {name}", 0, said),
    ]
    rows = f"range(cuda.blockIdx.x * cuda.blockDim.y, {elements}, cuda.gridDim.x * cuda.blockDim.y)"
    writer.launch(in_loop(f"for {first} in {rows}:", body, said), f"rows({elements}, {count})", root)
