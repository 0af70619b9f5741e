"""Loops over elements as Python source for Numba.

Sums of floats are not one chain of additions, and their order depends on sizes alone. Cheap terms are added
up in eight variables in turn, so that no addition waits for the one before. Dear ones are taken in blocks: a
loop without a sum computes them, which LLVM turns into vectors whatever they are made of, and `summed` adds
them up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..ir.graph import Eqn
from ..ir.op import Scan
from ..ir.types import F64, ArrayType
from . import roots
from .chunks import may_be_cut, work_of_trip
from .cuts import Cut
from .elements import Level
from .fusion import Loop
from .root_writer import RootWriter, Terms
from .skipping import needed
from .source import Line, in_loop, remark
from .sums import BLOCK

SHORT = 16
"""Constant extents up to which terms are added one by one."""

LANES = 8
"""Partial sums of cheap terms."""

CHEAP, FEW = 4.0, 3
"""Operations an element of equations, and so many of them, that may be written once a lane."""


class NestWriter(RootWriter):
    """One nest of loops on the page of a writer."""

    def write(self) -> None:
        """Write the whole nest."""
        self._body(self.tree.body, 0)
        (level,) = self.elements.levels
        self.page.extend(replace(line, depth=line.depth + self.page.depth) for line in level.lines)
        if self.checked:
            (root,) = self.nest.roots
            self.writer.check(root, self.checked, self.scope)

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
        cut = self.cut = self._cut(loop) if depth == 0 else self.cut
        bounds = (cut.start, cut.stop) if cut and depth == 0 else ("0", str(loop.extent))
        sums = self._sums(loop, depth)
        lanes = bool(sums) and self._is_cheap(loop)
        self.block = self._block(sums) if sums and not lanes else None
        self.lanes = dict.fromkeys(sums, LANES) if lanes else {}
        plain = self.block is None and not loop.backwards and bounds[0] == "0"
        (self.writer.ascending.add if plain else self.writer.ascending.discard)(variable)
        said = remark(loop.roots[0])
        if lanes:
            lines = self._in_lanes(variable, bounds, loop, depth, said)
        elif self.block is None:
            trips = _trips(loop) if bounds[0] == "0" else f"range({', '.join(bounds)})"
            lines = in_loop(f"for {variable} in {trips}:", self._trip(loop, depth), said)
        else:
            lines = self._in_blocks(variable, bounds, self.block, self._trip(loop, depth), said)
        self.block, self.lanes = None, {}
        around = self.elements.levels[depth]
        adds = "" if cut and depth == 0 else self._adds(loop, depth)
        lines = in_loop(f"if {adds}:", lines, said) if adds else lines
        around.lines += [replace(line, cut=self.cut) for line in lines]
        around.lines += around.after
        around.after = []
        self.cut = self.cut if depth else None

    def _trip(self, loop: Loop, depth: int) -> list[Line]:
        """What stands in a loop."""
        self.elements.levels.append(Level())
        self._body(loop.body, depth + 1)
        inside = self.elements.levels.pop()
        self.elements.forget(depth)
        return inside.lines

    def _adds(self, loop: Loop, depth: int) -> str:
        """What has to hold, as far as is known outside, for a loop to change what it adds to."""
        constant, inside = loop.extent.constant, loop.roots
        if constant is not None and constant <= SHORT or any(self._complete(r) > depth for r in inside):
            return ""
        return needed(inside, self._indices, self.elements, depth)

    def _sums(self, loop: Loop, depth: int) -> list[Eqn]:
        """The sums of an innermost loop whose terms are not added up one by one."""
        constant = loop.extent.constant
        if any(isinstance(item, Loop) for item in loop.body) or constant is not None and constant <= SHORT:
            return []
        mine = [item for item in loop.body if isinstance(item, Eqn) and roots.is_sum(item)]
        return [r for r in mine if self._complete(r) <= depth and not self._kept_behind(r)]

    def _is_cheap(self, loop: Loop) -> bool:
        """Whether what stands in a loop may be written once a lane."""
        inside = loop.roots
        if any(isinstance(root.op.lowering, Scan) for root in inside):
            return False
        reached = {v for root in inside for v, _ in roots.accesses(root, self.inlined)}
        work = {*inside, *(self.inlined[v] for v in reached if v in self.inlined)}
        counted = [e for e in work if e.op.cost and not roots.is_sum(e)]
        return len(counted) <= FEW and all(e.op.cost <= CHEAP for e in counted) and not loop.backwards

    def _in_lanes(
        self, variable: str, bounds: tuple[str, str], loop: Loop, depth: int, said: str
    ) -> list[Line]:
        """A loop over groups of elements, and one over those that remain."""
        self.elements.levels.append(Level())
        for self.lane in range(LANES):
            self._body(loop.body, depth + 1)
        unrolled = self.elements.levels.pop().lines
        self.elements.forget(depth)
        self.lane = None
        start, stop = bounds
        whole = stop if stop.isidentifier() else f"({stop})"
        trips = whole if start == "0" else f"({stop} - {start})"
        rest = self._trip(loop, depth)
        return [
            *in_loop(f"for {variable} in range({start}, {stop} - {LANES - 1}, {LANES}):", unrolled, said),
            *in_loop(f"for {variable} in range({whole} - {trips} % {LANES}, {stop}):", rest, said),
        ]

    def _block(self, sums: Sequence[Eqn]) -> Terms:
        names = self.writer.names
        return Terms(names.fresh("first"), {root: names.fresh("terms") for root in sums})

    def _in_blocks(
        self, variable: str, bounds: tuple[str, str], block: Terms, inside: Sequence[Line], said: str
    ) -> list[Line]:
        """Loops over blocks and over their elements, and the sums of each block."""
        first, last = block.first, self.writer.names.fresh("last")
        start, stop = bounds
        terms = [
            Line(f"{name} = scratch({_dtype_argument(root.output.type)})", 0, said)
            for root, name in block.buffers.items()
        ]
        adding = [
            Line(self._stepped(root, self.writer.texts[root.output], f"summed({name}, {last} - {first})"), 0)
            for root, name in block.buffers.items()
        ]
        inner = in_loop(f"for {variable} in range({first}, {last}):", inside, said)
        bound = Line(f"{last} = min({first} + {BLOCK}, {stop})", 0, said)
        body = [bound, *inner, *adding]
        return [*terms, *in_loop(f"for {first} in range({start}, {stop}, {BLOCK}):", body, said)]

    # ---- chunks ----

    def _cut(self, loop: Loop) -> Cut | None:
        """How a loop outside all others is cut into chunks; None where it is not."""
        mine = {root: self.tree.order[root][0] for root in loop.roots}
        if self.scope.depth or (loop.extent.constant is not None and loop.extent.constant <= SHORT):
            return None
        return self.writer.cut(loop.extent, work_of_trip(mine, self.inlined)) if may_be_cut(mine) else None


def _trips(loop: Loop) -> str:
    return f"range({loop.extent} - 1, -1, -1)" if loop.backwards else f"range({loop.extent})"


def _dtype_argument(type_: ArrayType) -> str:
    return "" if type_.dtype is F64 else f"np.{type_.dtype.numpy.name}"
