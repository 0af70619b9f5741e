"""What one thread runs of a program: loops and branches inside a kernel.

A parallel loop is a grid: each thread takes trips of it, a grid apart. Any other region is one thread's.
Arrays that a trip makes are the thread's own: small ones of known size local, others a part of an array that
the host makes, in which the same elements of neighbouring threads lie side by side. They have one place each,
so what a loop carries is copied from trip to trip.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

from ....ir.errors import VerifierError
from ....ir.graph import Block, Eqn, Value, mentioned, reads, walk
from ....ir.loops import loop_body, most_trips, state_count, trip_count
from ....ir.op import constructor
from ....ir.types import I64, ArrayType, Dim, Sizes
from ...accumulate import step_template, stepped
from ...blocks import place_text
from ...branches import Targets
from ...control_flow import ControlWriter
from ...elements import Elements
from ...kernels import Nest, Schedule, fused
from ...memory import Group, Place, Scope
from ...nests import NestWriter
from ...roots import is_row
from ...source import Line, Page, tuple_text, zero
from ..device import launching
from ..passes.placement import Region, Runs
from .host_writer import AXES, ONE, HostWriter, grid_range, points_shape

LOCAL = 64
"""Elements up to which an array is local to a thread."""

__all__ = ["write_region"]


def write_region(host: HostWriter, region: Region, scope: Scope) -> None:
    """Write a region of threads as a kernel, and its launch."""
    ThreadWriter(host, region, scope).write()


class ThreadWriter(ControlWriter):
    """The kernel of a region, on a page of its own, which knows what the host's writer knows."""

    makes_once = False

    def __init__(self, host: HostWriter, region: Region, scope: Scope) -> None:
        vars(self).update(vars(host))
        self.host, self.region, self.outside = host, region, scope
        self.page = Page()
        self.grid = self.names.fresh("grid") if region.grid else ONE
        self.thread, self.threads = self.names.fresh("thread"), self.names.fresh("threads")
        self.on_grid: set[str] = set()
        """The indices of loops that are the grid."""
        self.inside = {name for eqn in region.eqns[:1] for name in _bound(eqn)}
        """The names of sizes that only a trip knows."""
        self.has_own = False
        """Whether threads have parts of arrays of the host."""
        self.behind: list[Line] = []
        """What the host does behind the launch."""

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

    def allocate(self, value: Value, scope: Scope, eqn: Eqn | None = None, fill: str = "") -> Place:
        if scope is self.outside:
            return self._of_region(value, scope, eqn)
        place, there = self._reused(value, scope, eqn) or self.target(value, scope)
        if not there:
            self.own(place.name, value.type, eqn)
        if fill:
            self._each(value.type, lambda at: f"{place_text(place.at(*at))} = {fill}", eqn)
        return place

    def _of_region(self, stack: Value, scope: Scope, eqn: Eqn | None) -> Place:
        """A stack of the region: what neighbours write lies side by side, if only threads read it."""
        first = len(self.region.grid)
        readers = [e for e in scope.block.eqns if stack in reads(e)]
        by_threads = all(self.host.placement.runs(e) is not Runs.HOST for e in readers)
        if first in (0, stack.type.rank) or stack in scope.block.results or not by_threads:
            return self.host.allocate(stack, scope, eqn)
        place, _ = self.target(stack, scope)
        behind = stack.type.with_shape(stack.type.shape[first:])
        self.host.side_by_side(place.name, stack.type.shape[:first], behind, eqn)
        return place

    # ---- memory of a thread ----

    def own(self, name: str, type_: ArrayType, eqn: Eqn | None) -> None:
        """An array of the thread."""
        size, dtype = type_.size.constant, constructor(type_.dtype)
        if size is not None and 0 < size <= LOCAL:
            shape = tuple_text([str(d) for d in type_.shape])
            self.page.write(f"{name} = cuda.local.array({shape}, {dtype})", eqn)
            return
        if self.inside & {n for d in type_.shape for n in d.names()}:
            what = "an array in a loop of threads has a size that only a trip knows"
            raise VerifierError(what, eqn.location if eqn else None)
        each = self.names.fresh(f"{name}_each")
        self.has_own = True
        self.host.side_by_side(each, [Dim.of(self.threads)], type_, eqn)
        self.page.write(f"{name} = {each}[{self.thread}]", eqn)

    def copy(self, name: str, value: Value, eqn: Eqn | None = None) -> None:
        self.own(name, value.type, eqn)
        self.overwrite(self.page, Place(name, (), Group(None)), self.place(value), value.type, eqn)

    def overwrite(
        self, page: Page, place: Place, source: Place, type: ArrayType, eqn: Eqn | None = None
    ) -> None:
        assert page is self.page
        self._each(type, lambda at: f"{place_text(place.at(*at))} = {place_text(source.at(*at))}", eqn)

    def _each(
        self, type_: ArrayType, statement: Callable[[Sequence[str]], str], eqn: Eqn | None
    ) -> None:
        """A statement for each element."""
        indices = [self.names.loop(axis) for axis in range(type_.rank)]
        depth = self.page.depth
        for index, extent in zip(indices, type_.shape, strict=True):
            self.page.write(f"for {index} in range({extent}):", eqn)
            self.page.depth += 1
        self.page.write(statement(indices), eqn)
        self.page.depth = depth

    def owns(self, scope: Scope, place: Place) -> bool:
        """An array of a thread has one place: it is copied, never handed on."""
        return False

    def next_trip(self, body: Block, k: int, inner: Scope, begin: int) -> None:
        """Arrays are copied to their places; by way of others where a source is the place of a carry."""
        pairs = list(zip(body.params[1:], body.results[:k], strict=False))
        arrays = [(p, r) for p, r in pairs if p.type.rank and self.places[p] != self.place(r)]
        buffers = {self.places[p].name for p, _ in pairs if p.type.rank}
        sources = {r: self.place(r) for _, r in arrays}
        if len(arrays) > 1 or any(place.name in buffers for place in sources.values()):
            for result in sources:
                name = self.names.fresh(result.name)
                self.copy(name, result)
                sources[result] = Place(name, (), Group(None))
        for param, result in arrays:
            self.overwrite(self.page, self.places[param], sources[result], param.type)
        self._move([(self.texts[p], self.scalar(r)) for p, r in pairs if not p.type.rank])

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

    # ---- branches ----

    def _targets(
        self,
        eqn: Eqn,
        stored: Collection[int],
        lent: Collection[Group],
        inners: Sequence[Scope],
        scope: Scope,
    ) -> Targets:
        """Arrays that a branch hands on have memory before it."""
        targets = super()._targets(eqn, stored, lent, inners, scope)
        for target, output in zip(targets, eqn.outputs, strict=True):
            if target is not None and output.type.rank:
                make = self.host.make if scope is self.outside else self.own
                make(target, output.type, eqn)
        return targets

    def _ends(self, inner: Scope, targets: Targets, stored: Collection[int]) -> None:
        for target, result in zip(targets, inner.block.results, strict=True):
            if target is not None and result.type.rank:
                self.overwrite(self.page, Place(target, (), Group(None)), self.place(result), result.type)
            elif target is not None:
                self.page.write(f"{target} = {self.scalar(result)}")

    # ---- loops and checks ----

    def _tapes(self, eqn: Eqn) -> tuple[list[Place], bool]:
        """Tapes for as many trips as there can be."""
        most, tapes = most_trips(eqn.attrs), list[Place]()
        for output in eqn.outputs[state_count(eqn.attrs) :]:
            assert most is not None, "what memory a thread takes is known"
            tape = Place(self.names.fresh(output.name), (), Group(None))
            make = self.host.make if eqn in self.region.eqns else self.own
            make(tape.name, output.type.with_shape([most.positive(), *output.type.shape[1:]]), eqn)
            tapes.append(tape)
        return tapes, False

    def cut_off(self, stack: Value, tape: Place, trips: str) -> None:
        self.places[stack] = Place(tape.name, (), Group(None, [stack]))

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

    status: str


class ThreadNest(NestWriter):
    """A nest that one thread runs, one trip after the other."""

    writer: ThreadWriter

    def __init__(self, writer: ThreadWriter, nest: Nest, scope: Scope) -> None:
        super().__init__(writer, nest, scope)
        self.elements = Elements(writer, self.inlined, vector=False)

    def _sums(self, loop: object, depth: int) -> list[Eqn]:
        return []

    def _stepped(self, root: Eqn, accumulator: str, x: str) -> str:
        return stepped(step_template(root, vector=False), root.output.type.dtype, accumulator, x)

    def _found_memory(self, root: Eqn, fill: str) -> Place:
        output = root.output
        if output not in self.nest.own:
            return super()._found_memory(root, fill)
        axes = self._own_axes(root)
        name = self.writer.names.fresh(output.name)
        self.writer.own(name, output.type.with_shape([output.type.shape[a] for a in axes]), root)
        self.writer.places[output] = Place(name, (), Group(None))
        self.elements.own[output] = tuple(axes)
        self.elements.depth[name] = self.nest.own[output]
        return self.writer.places[output]


def _bound(eqn: Eqn) -> Iterator[str]:
    """The names of sizes that are bound in an equation, or by it."""
    for part in (eqn, *(inner for block in eqn.blocks for inner in walk(block))):
        if part.attrs.get("index"):
            yield str(part.attrs["index"])
        if part.op.binds and part is not eqn:
            yield str(part.attrs[part.op.binds])


def _linear_index() -> str:
    """The number of a thread in the grid."""
    block = "(cuda.blockIdx.z * cuda.gridDim.y + cuda.blockIdx.y) * cuda.gridDim.x + cuda.blockIdx.x"
    within = "(cuda.threadIdx.z * cuda.blockDim.y + cuda.threadIdx.y) * cuda.blockDim.x + cuda.threadIdx.x"
    return f"({block}) * (cuda.blockDim.x * cuda.blockDim.y * cuda.blockDim.z) + {within}"
