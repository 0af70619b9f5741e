"""The arrays of a thread: small ones of known size are local, others a part of an array that the host makes.

Each has one place. What a loop carries, or a branch hands on, is copied there; nothing is handed on as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

from ....ir.errors import VerifierError
from ....ir.graph import Block, Eqn, Value, reads, walk
from ....ir.loops import most_trips, state_count
from ....ir.op import constructor
from ....ir.types import ArrayType, Dim
from ...blocks import place_text
from ...branches import Targets
from ...control_flow import ControlWriter
from ...memory import Group, Place, Scope
from ...source import Line, Page, tuple_text
from ..passes.placement import Region, Runs
from .grid_text import ONE
from .host_writer import HostWriter

LOCAL = 64
"""Elements up to which an array is local to a thread."""


class ThreadMemory(ControlWriter):
    """A writer of the kernel of a region, as far as arrays go. It knows what the host's writer knows."""

    makes_once = False
    status: str

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


def _bound(eqn: Eqn) -> Iterator[str]:
    """The names of sizes that are bound in an equation, or by it."""
    for part in (eqn, *(inner for block in eqn.blocks for inner in walk(block))):
        if part.attrs.get("index"):
            yield str(part.attrs["index"])
        if part.op.binds and part is not eqn:
            yield str(part.attrs[part.op.binds])
