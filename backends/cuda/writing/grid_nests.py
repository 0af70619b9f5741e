"""Nests as kernels: the lines that a thread runs.

A thread takes points in turn, a grid apart, and runs the loops inside each by itself (`GridNest`). Or the
*lanes* of a row of threads share the loops inside a point (`RowNest`). Without points blocks take tiles in
turn, and leave what they reduce in each to a second kernel (`TileNest`). How work is cut, and so the order of
each sum, depends on sizes alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ....ir.graph import Eqn
from ....ir.types import Dim
from ...accumulate import start, step_template, stepped
from ...elements import Elements, Level
from ...fusion import Loop
from ...kernels import Nest
from ...memory import Place, Scope
from ...root_writer import RootWriter
from ...source import Line, in_loop, remark
from ..device import launching
from .grid_text import AXES, grid_range, points_shape
from .grids import innermost, laned
from .host_writer import HostWriter


class GridNest(RootWriter):
    """A nest each point of which is one thread's."""

    writer: HostWriter

    def __init__(self, writer: HostWriter, nest: Nest, scope: Scope, points: Sequence[Loop]) -> None:
        super().__init__(writer, nest, scope)
        numbers = {v: n for v, n in nest.own.items() if not self._own_axes(nest.tree.made()[v])}
        self.nest = Nest(nest.tree, numbers)
        self.elements = Elements(writer, self.inlined, vector=False)
        self.points = points

    def write(self) -> None:
        """Write the kernel, and its launch."""
        self._body(self.tree.body, 0)
        (level,) = self.elements.levels
        self.writer.launch(self._wrapped(level.lines), self._shape(), self.nest.roots[0])

    def _wrapped(self, lines: list[Line]) -> list[Line]:
        """The whole kernel, given what stands around the loops over points."""
        return lines

    def _shape(self) -> str:
        """The grid, and the block, as source of the host."""
        return points_shape([loop.extent for loop in self.points])

    # ---- loops ----

    def _body(self, body: Sequence[Loop | Eqn], depth: int) -> None:
        for item in body:
            if isinstance(item, Loop):
                self._loop(item, depth)
            else:
                self._root(item)

    def _loop(self, loop: Loop, depth: int) -> None:
        variable = self.writer.names.loop(depth)
        self.elements.depth[variable] = depth + 1
        self.writer.ascending.discard(variable)
        lines = self._header(loop, depth, variable, self._trip(loop, depth))
        around = self.elements.levels[depth]
        around.lines += [*lines, *around.after]
        around.after = []

    def _trip(self, loop: Loop, depth: int) -> list[Line]:
        """What stands in a loop."""
        self.elements.levels.append(Level())
        self._body(loop.body, depth + 1)
        inside = self.elements.levels.pop()
        self.elements.forget(depth)
        return inside.lines

    def _header(self, loop: Loop, depth: int, variable: str, body: Sequence[Line]) -> list[Line]:
        said, behind = remark(loop.roots[0]), len(self.points) - 1 - depth
        if 0 <= behind < len(AXES):
            return in_loop(f"for {variable} in {grid_range(loop.extent, AXES[behind])}:", body, said)
        begin, end = self._bounds(loop, depth)
        trips = f"range({end})" if begin == "0" else f"range({begin}, {end})"
        if loop.backwards:
            trips = f"range({end} - 1, -1, -1)"
        return in_loop(f"for {variable} in {trips}:", body, said)

    def _bounds(self, loop: Loop, depth: int) -> tuple[str, str]:
        """Where a loop inside a point begins and ends."""
        return "0", str(loop.extent)

    # ---- roots ----

    def _is_number(self, root: Eqn) -> bool:
        return root.output in self.nest.own

    def _stepped(self, root: Eqn, accumulator: str, x: str) -> str:
        return stepped(step_template(root, vector=False), root.output.type.dtype, accumulator, x)

    def _reduce(self, root: Eqn, indices: Sequence[str]) -> None:
        level, at = self._reduced_at(root), self._result_indices(root, indices)
        first = root not in self.accumulators or level == self._depth(root)
        if first:
            self.accumulators[root] = [self._accumulator(root, level)]
        (name,) = self.accumulators[root]
        self.elements.say(
            self._depth(root), self._stepped(root, name, self._term(root, indices)), root
        )
        if first:
            self._reduced(root, name, level, at)

    def _reduced_at(self, root: Eqn) -> int:
        """The loops around the place where a reduction starts, and is there."""
        return self._complete(root)

    def _reduced(self, root: Eqn, name: str, level: int, at: Sequence[str]) -> None:
        """What becomes of an accumulator behind the loops that it runs over."""
        if not self._is_number(root):
            text = f"{self._result(root, at)} = {name}"
            if level == self._depth(root):
                self._say(root, text)
            else:
                self.elements.say_after(level, self._stored(text), root)
        self.elements.known[root.output, tuple(at)] = name

    def _stored(self, text: str) -> str:
        """A store behind the loops inside a point."""
        return text

    def _result(self, root: Eqn, at: Sequence[str]) -> str:
        """Where a result is stored; a number has memory of one element."""
        if root.output.type.rank:
            return self._at(root, self._memory(root), at)
        return self.writer.number(root)

    def _accumulator(self, root: Eqn, level: int) -> str:
        """A variable that starts at the neutral element."""
        name = self.writer.names.fresh(root.output.name)
        if self._is_number(root):
            self.elements.own[root.output] = ()
            self.writer.texts[root.output] = name
        self.elements.depth[name] = level
        self.elements.say(level, f"{name} = {start(root)}", root)
        return name

    def _check(self, root: Eqn, indices: Sequence[str]) -> None:
        term = self.elements.element(root.inputs[0], indices)
        self._say(root, f"if not {term}:")
        failing = self.writer.failing(self.writer.numbered(root))
        lines = self.elements.levels[self._depth(root)].lines
        lines += (Line(text, 1, remark(root)) for text in (failing, "return"))


class RowNest(GridNest):
    """A nest whose points rows of threads take: the lanes of a row share the loops inside.

    All threads of a block stay together. A row for which no point is left computes the last one again, and
    stores nothing.
    """

    def __init__(self, writer: HostWriter, nest: Nest, scope: Scope, points: Sequence[Loop]) -> None:
        super().__init__(writer, nest, scope, points)
        self.first, self.there = writer.names.fresh("first"), writer.names.fresh("there")
        self.shared: Loop | None = None
        """The loop that is being written, if the lanes share it."""

    def _shape(self) -> str:
        across = next(loop for loop in innermost(self.points[-1].body) if laned(loop, self.tree))
        return f"rows({', '.join(str(loop.extent) for loop in (*self.points, across))})"

    def _body(self, body: Sequence[Loop | Eqn], depth: int) -> None:
        for n, item in enumerate(body):
            if isinstance(item, Loop) and any(isinstance(earlier, Loop) for earlier in body[:n]):
                # what another lane has stored
                self.elements.say(depth, "cuda.syncthreads()", item.roots[0])
            super()._body([item], depth)

    def _loop(self, loop: Loop, depth: int) -> None:
        self.shared = loop if depth >= len(self.points) and laned(loop, self.tree) else None
        super()._loop(loop, depth)
        self.shared = None

    def _header(self, loop: Loop, depth: int, variable: str, body: Sequence[Line]) -> list[Line]:
        said, behind, extent = remark(loop.roots[0]), len(self.points) - 1 - depth, loop.extent
        if loop is self.shared:
            begin, end = self._bounds(loop, depth)
            start = "cuda.threadIdx.x" if begin == "0" else f"{begin} + cuda.threadIdx.x"
            trips = f"range({start}, {end} if {self.there} else 0, cuda.blockDim.x)"
            return in_loop(f"for {variable} in {trips}:", body, said)
        if behind:
            if not 0 < behind < len(AXES):
                return super()._header(loop, depth, variable, body)
            axis = AXES[behind]
            trips = f"range(cuda.blockIdx.{axis}, {extent}, cuda.gridDim.{axis})"
            return in_loop(f"for {variable} in {trips}:", body, said)
        mine = [
            Line(f"{self.there} = {self.first} + cuda.threadIdx.y < {extent}", 0, said),
            Line(f"{variable} = min({self.first} + cuda.threadIdx.y, {extent} - 1)", 0, said),
        ]
        trips = f"range(cuda.blockIdx.x * cuda.blockDim.y, {extent}, cuda.gridDim.x * cuda.blockDim.y)"
        return in_loop(f"for {self.first} in {trips}:", [*mine, *body], said)

    def _say(self, root: Eqn, text: str) -> None:
        super()._say(root, text if self.shared else self._stored(text))

    def _stored(self, text: str) -> str:
        """All lanes compute what is not in a loop that they share; one of them stores it."""
        return f"if {self.there} and cuda.threadIdx.x == 0: {text}"

    def _taken_over(self, root: Eqn) -> Place | None:
        """Lanes that compute the same would read what the first of them has stored already."""
        return super()._taken_over(root) if self.shared else None

    def _accumulator(self, root: Eqn, level: int) -> str:
        name = super()._accumulator(root, level)
        if self.shared and level < self._depth(root):
            self.elements.say_after(level, f"{name} = {self.writer.together(root)}({name})", root)
        return name


@dataclass(frozen=True)
class Part:
    """What tiles reduce: the root, its variable, the array of what each tile leaves, the result's element."""

    root: Eqn
    variable: str
    array: str
    result: str


class TileNest(GridNest):
    """A nest without points: blocks take tiles of its outermost and its innermost loop."""

    def __init__(self, writer: HostWriter, nest: Nest, scope: Scope, points: Sequence[Loop]) -> None:
        super().__init__(writer, nest, scope, points)
        fresh = writer.names.fresh
        self.loops = self.tree.path[nest.roots[0]]
        self.tile = fresh("tile")
        self.tiling = [fresh(name) for name in ("rows", "columns", "across", "tiles", "width")]
        self.parts: list[Part] = []

    def write(self) -> None:
        said = self.nest.roots[0]
        self._body(self.tree.body, 0)
        (level,) = self.elements.levels
        trips = f"range(cuda.blockIdx.x, {self.count}, cuda.gridDim.x)"
        lines = in_loop(f"for {self.tile} in {trips}:", [*level.lines, *self._left()], remark(said))
        extents = ", ".join(str(loop.extent) for loop in self._cut())
        self.page.write(f"{', '.join(self.tiling)} = tiles({extents})", said)
        cut = [loop.extent for loop in self._cut()]
        self.writer.counts[self.count] = lambda sizes: launching.tiles(*(d.value(sizes) for d in cut))[3]
        for part in self.parts:
            self.writer.make(part.array, part.root.output.type.with_shape([Dim.of(self.count)]), part.root)
        self.writer.launch(lines, f"blocks({self.count})", said)
        if self.parts:
            self._put_together()

    @property
    def count(self) -> str:
        """The variable of the number of tiles."""
        return self.tiling[3]

    def _cut(self) -> Sequence[Loop]:
        return self.loops if len(self.loops) == 1 else (self.loops[0], self.loops[-1])

    def _header(self, loop: Loop, depth: int, variable: str, body: Sequence[Line]) -> list[Line]:
        if loop not in self._cut():
            return super()._header(loop, depth, variable, body)
        rows, columns, across, _, width = self.tiling
        if len(self.loops) == 1:
            number, length, first, step = self.tile, columns, "cuda.threadIdx.x", "cuda.blockDim.x"
        elif loop is self.loops[-1]:
            number, length = f"({self.tile} % {across})", columns
            first, step = f"cuda.threadIdx.x % {width}", width
        else:
            number, length = f"({self.tile} // {across})", rows
            first, step = f"cuda.threadIdx.x // {width}", f"cuda.blockDim.x // {width}"
        end = f"min(({number} + 1) * {length}, {loop.extent})"
        trips = f"range({number} * {length} + {first}, {end}, {step})"
        return in_loop(f"for {variable} in {trips}:", body, remark(loop.roots[0]))

    def _reduced_at(self, root: Eqn) -> int:
        return 0

    def _reduced(self, root: Eqn, name: str, level: int, at: Sequence[str]) -> None:
        array = self.writer.names.fresh(f"{name}_parts")
        self.parts.append(Part(root, name, array, self._result(root, at)))

    def _left(self) -> list[Line]:
        """What a block leaves of a tile."""
        lines: list[Line] = []
        for part in self.parts:
            lines += self._together(part, f"{part.array}[{self.tile}]")
        return lines

    def _put_together(self) -> None:
        """A kernel of one block that reduces what the tiles have left."""
        lines: list[Line] = []
        for part in self.parts:
            said = remark(part.root)
            trips = f"range(cuda.threadIdx.x, {self.count}, cuda.blockDim.x)"
            step = self._stepped(part.root, part.variable, f"{part.array}[{self.tile}]")
            lines.append(Line(f"{part.variable} = {start(part.root)}", 0, said))
            lines += in_loop(f"for {self.tile} in {trips}:", [Line(step)], said)
            lines += self._together(part, part.result)
        self.writer.launch(lines, f"one_block({self.count})", self.nest.roots[0])

    def _together(self, part: Part, where: str) -> list[Line]:
        """The threads of a block put together what each of them has, and the first of them stores it."""
        name, said = part.variable, remark(part.root)
        return [
            Line(f"{name} = {self.writer.together(part.root)}({name})", 0, said),
            Line(f"if cuda.threadIdx.x == 0: {where} = {name}", 0, said),
        ]
