"""What one thread runs of a program: loops and branches inside a kernel.

A parallel loop is a grid: each thread takes trips of it, a grid apart. Any other region is one thread's.
Arrays that a trip makes are the thread's own (`thread_memory`).
"""

from __future__ import annotations

from ....ir.graph import Block, Eqn, Value, mentioned, walk
from ....ir.loops import loop_body, state_count, trip_count
from ....ir.types import I64, ArrayType, Dim, Sizes
from ...blocks import place_text
from ...elements import Elements
from ...kernels import Nest, Schedule, fused
from ...memory import Place, Scope
from ...roots import is_row
from ...source import Line, zero
from ..device import launching
from ..passes.placement import Region, Runs
from .grid_text import AXES, ONE, grid_range, points_shape
from .host_writer import HostWriter
from .thread_memory import ThreadMemory
from .thread_nests import ThreadNest


def write_region(host: HostWriter, region: Region, scope: Scope) -> None:
    """Write a region of threads as a kernel, and its launch."""
    ThreadWriter(host, region, scope).write()


class ThreadWriter(ThreadMemory):
    """The kernel of a region, on a page of its own, which knows what the host's writer knows."""

    def write(self) -> None:
        """Write the kernel, and its launch."""
        (first, *_) = self.region.eqns
        with self.host.page.aside() as before:
            self._kernel(first)
        if self.grid != ONE:
            self.host.page.write(f"{self.grid} = {points_shape(self.region.grid)}", first)
        if self.has_own:
            self.host.page.write(f"{self.threads} = in_all({self.grid})", first)
            self.host.counts[self.threads] = self._count
        self.host.page.extend(before)
        lines = self.page.lines
        if self.has_own:
            lines = [Line(f"{self.thread} = {_linear_index()}"), *lines]
        self.host.launch(lines, self.grid, first)
        self.host.page.extend(self.behind)

    def _kernel(self, first: Eqn) -> None:
        """The lines of the kernel, and what the host does beforehand."""
        with self.host.in_kernel():
            self.control(first, self.outside)
            for k, output in enumerate(first.outputs):
                if not output.type.rank:
                    self._number(first, k)

    def _number(self, first: Eqn, k: int) -> None:
        """Memory for a scalar of the region: one thread computes it; what many threads leave as it was, one
        thread stores beforehand."""
        output = first.outputs[k]
        if self.region.runs is Runs.THREADS:
            before = self.host.text(first.inputs[k])
            place = place_text(self.host.number_place(output, first))
            self.host.launch([Line(f"{place} = {before}")], ONE, first)
        else:
            found = self.texts[output]
            self.page.write(f"{place_text(self.host.number_place(output, first))} = {found}", first)

    def _count(self, sizes: Sizes) -> int:
        """The threads of the launch."""
        return launching.in_all(launching.points(*(d.value(sizes) for d in self.region.grid)))

    # ---- what the host does beforehand ----

    def start(self, eqn: Eqn, n: int, scope: Scope, inner: Scope) -> None:
        if scope is self.outside and eqn.inputs[n].type.rank:
            self.host.start(eqn, n, scope, inner)
        else:
            super().start(eqn, n, scope, inner)

    # ---- statements ----

    def schedule(self, block: Block) -> Schedule:
        return fused(block)

    def nest(self, nest: Nest, scope: Scope) -> None:
        ThreadNest(self, nest, scope).write()

    def statement(self, eqn: Eqn, scope: Scope) -> None:
        value, name = eqn.output, eqn.op.name
        if value.type.rank and name in ("zeros", "undefined"):
            self.allocate(value, scope, eqn, zero(value.type.dtype) if name == "zeros" else "")
        elif name in ("zeros", "undefined"):
            self.assign(eqn, zero(value.type.dtype), scope)
        elif is_row(eqn):
            self._row(eqn, scope)
        else:
            assert not value.type.rank, f"{name} is no work of a thread"
            self.assign(eqn, Elements(self, {}, vector=False).computed(eqn, ()), scope)

    def _row(self, eqn: Eqn, scope: Scope) -> None:
        base, *operands = eqn.inputs
        place = self.place(base).at(*(self.index_text(self.text(v)) for v in operands))
        if eqn.output not in self.rows and not scope.outlives(eqn.output, base, eqn):
            self.view(eqn, place)
            return
        made, there = self.target(eqn.output, scope)
        if not there:
            self.own(made.name, eqn.output.type, eqn)
        self.overwrite(self.page, made, place, eqn.output.type, eqn)

    def update(self, eqn: Eqn, place: Place) -> None:
        at = place.at(*(self.index_text(self.text(v)) for v in eqn.inputs[2:]))
        sign = "+=" if eqn.op.name == "add_at" else "="
        self.page.write(f"{place_text(at)} {sign} {self.text(eqn.inputs[1])}", eqn)

    def index_text(self, text: str) -> str:
        safe = text.isdigit() or text.startswith("U(") or (text in self.ascending - self.on_grid)
        return text if safe else f"U({text})"

    # ---- loops and checks ----

    def while_loop(self, eqn: Eqn, scope: Scope) -> None:
        super().while_loop(eqn, scope)
        if scope is self.outside:
            self._counted(eqn)

    def _counted(self, eqn: Eqn) -> None:
        """The host waits for a number of trips that sizes behind the loop mention."""
        trips = str(eqn.attrs["trips"])
        if not any(trips in mentioned(other) for other in walk(self.host.function.body)):
            return
        count = self.host.number_place(Value(ArrayType(I64), trips), eqn)
        self.page.write(f"{place_text(count)} = {trips}", eqn)
        with self.host.page.aside() as self.behind:
            self.host.wait(trips, place_text(count), eqn)
            for stack in eqn.outputs[state_count(eqn.attrs) :]:
                self.host.cut_off(stack, self.places[stack], trips)

    def for_loop(self, eqn: Eqn, scope: Scope) -> None:
        if self.region.runs is not Runs.THREADS or eqn not in self.region.eqns:
            super().for_loop(eqn, scope)
            return
        self._dimension = len(self.region.eqns) - 1 - self.region.eqns.index(eqn)
        super().for_loop(eqn, scope)

    _dimension: int | None = None
    """The axis of the grid that the loop is which is being written."""

    def _loop_index(self, eqn: Eqn, param: Value) -> str:
        name = super()._loop_index(eqn, param)
        if self._dimension is not None:
            self.on_grid.add(name)
        return name

    def trips(self, length: Dim, reverse: bool) -> str:
        axis, self._dimension = self._dimension, None
        if axis is not None:
            return grid_range(length, AXES[axis], reverse)
        return f"range({length - 1}, -1, -1)" if reverse else f"range({length})"

    def first_index(self) -> str:
        return "0"

    def stop(self, scope: Scope) -> None:
        """The thread goes no further: it takes its trips in the order of the program."""
        self.page.write(self.host.failing(len(self.checks), self._trip()))
        self.page.write("return")

    def _trip(self) -> str:
        """The number of a trip of the loops that are the grid."""
        text = "0"
        for eqn in self.region.eqns if self.region.runs is Runs.THREADS else ():
            index, extent = self.texts[loop_body(eqn).params[0]], trip_count(eqn.attrs)
            place = f"({extent - 1} - {index})" if eqn.attrs.get("reverse") else index
            text = place if text == "0" else f"({text}) * ({extent}) + {place}"
        return text

    def left(self, scope: Scope) -> None:
        """A check that failed has left the kernel."""

def _linear_index() -> str:
    """The number of a thread in the grid."""
    block = "(cuda.blockIdx.z * cuda.gridDim.y + cuda.blockIdx.y) * cuda.gridDim.x + cuda.blockIdx.x"
    within = "(cuda.threadIdx.z * cuda.blockDim.y + cuda.threadIdx.y) * cuda.blockDim.x + cuda.threadIdx.x"
    return f"({block}) * (cuda.blockDim.x * cuda.blockDim.y * cuda.blockDim.z) + {within}"
