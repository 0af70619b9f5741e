"""The body of a generated function as source that Numba compiles: what the CPU target says of blocks.

Generated code never raises and never touches memory outside an array: a failed `check` leaves the function
at once with its number, before anything that relies on it; the caller raises. Indices are cast to unsigned
integers where LLVM cannot see that they are not negative: Python's wrap-around would cost a comparison and
a selection an access.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from inspect import getmembers, isfunction

from ..ir.graph import Block, Eqn, Function
from ..ir.op import Library, Whole
from ..ir.types import ArrayType, Dim
from . import lapack, special, tapes, vecmath
from .blocks import place_text, size_names
from .control_flow import ControlWriter
from .cuts import Cut
from .destinations import Result
from .elements import Elements
from .kernels import Nest, Schedule, fused
from .library_calls import CallWriter
from .memory import Group, Place, Scope
from .nests import NestWriter
from .products import library_product
from .recurrences import independent
from .roots import is_row
from .source import Fresh, Line, Page, Scratch, zero

LOWERED = (
    {f.__name__: "vecmath" for f in vecmath.FORMULAS}
    | dict.fromkeys(("part", "alone", "strided"), "carving")
    | dict.fromkeys(("scratch", "summed"), "sums")
    | dict.fromkeys(("empty", "zeros", "nothing"), "fresh")
    | dict.fromkeys(("matmul", "matvec"), "blas")
    | {f.__name__: "lapack" for f in lapack.FUNCTIONS}
    | {"spread": "spreading", "next_move": "moves"}
)
"""Functions that Numba compiles after `lowered` of their modules has told it how."""

HELPERS = LOWERED | {
    name: module.__name__.rpartition(".")[2]
    for module in (special, tapes)
    for name, f in getmembers(module, isfunction)
    if f.__module__ == module.__name__
}
"""Functions that the source calls by their bare names, and the modules of this folder that have them."""

NONE = Dim.of(0)


class NumbaWriter(ControlWriter):
    """The body of one generated function."""

    makes_once = True

    def __init__(self, function: Function, taken: Collection[str], spreads: bool = False) -> None:
        super().__init__(function, [*taken, *HELPERS])
        self.globals = self.names.taken - set(size_names(function))
        self.spreads = spreads
        """Whether loops are cut into chunks."""
        self.work = NONE
        """Operations of the loops that could be."""
        self.leave = self.names.fresh(f"{function.name}_stopped")
        self.status = self.names.fresh("status")
        """The variable of the number of the check that failed in a loop, 0 if none has."""
        self.broken = False
        """Whether a check stands in a loop."""
        self.independent = independent(function.body)

    def schedule(self, block: Block) -> Schedule:
        return fused(block)

    def nest(self, nest: Nest, scope: Scope) -> None:
        NestWriter(self, nest, scope).write()

    def cut(self, extent: Dim, trip: Dim) -> Cut | None:
        start, stop = (self.names.fresh("start"), self.names.fresh("stop")) if self.spreads else ("", "")
        cut = Cut(start, stop, extent, trip)
        if not cut.work.names() <= set(self.function.sizes):
            return None
        self.work += cut.work
        return cut if self.spreads else None

    def variables(self) -> Collection[str]:
        """Every name that is a variable of the function."""
        return self.names.taken - self.globals

    def statement(self, eqn: Eqn, scope: Scope) -> None:
        value, name = eqn.output, eqn.op.name
        if name in ("zeros", "undefined"):
            self._filled(eqn, scope)
        elif is_row(eqn):
            self._row(eqn, scope)
        elif library_product(eqn):
            CallWriter(self, eqn, scope).product()
        elif isinstance(eqn.op.lowering, Library):
            CallWriter(self, eqn, scope).routine(eqn.op.lowering)
        elif isinstance(eqn.op.lowering, Whole):
            operands = map(CallWriter(self, eqn, scope).operand, eqn.inputs)
            scratch = [Scratch(t) for t in eqn.op.lowering.scratch([v.type for v in eqn.inputs], eqn.attrs)]
            self._called(eqn, eqn.op.lowering.source(eqn, list(operands)), scope, scratch)
        else:
            assert not value.type.rank, f"{name} has no lowering"
            self.assign(eqn, Elements(self, {}, eqn in self.independent).computed(eqn, ()), scope)

    def _filled(self, eqn: Eqn, scope: Scope) -> None:
        nothing = zero(eqn.output.type.dtype)
        if not eqn.output.type.rank:
            self.assign(eqn, nothing, scope)
        else:
            self.allocate(eqn.output, scope, eqn, nothing if eqn.op.name == "zeros" else "")

    def _row(self, eqn: Eqn, scope: Scope) -> None:
        """A row is looked at where it lies, unless the array is overwritten while the row is still read."""
        base, *operands = eqn.inputs
        place = self.place(base).at(*(self.index_text(self.text(v)) for v in operands))
        if eqn.output in self.rows:
            made, _ = self.target(eqn.output, scope)
            self.overwrite(self.page, made, place, eqn.output.type, eqn)
        elif scope.outlives(eqn.output, base, eqn):
            self.assign(eqn, f"{place_text(place)}.copy()", scope)
        else:
            self.view(eqn, place)

    def _called(self, eqn: Eqn, call: str, scope: Scope, scratch: Sequence[Scratch]) -> None:
        """The result of a library is an array of its own, also where it belongs into a stack."""
        if eqn.output not in self.rows:
            self.assign(eqn, call, scope, scratch)
            return
        name = self.names.fresh(eqn.output.name)
        self.page.write(f"{name} = {call}", eqn, Fresh(name, eqn.output.type, filling=None), scratch)
        made, _ = self.target(eqn.output, scope)
        self.overwrite(self.page, made, Place(name, (), Group(None)), eqn.output.type, eqn)

    def update(self, eqn: Eqn, place: Place) -> None:
        at = place.at(*(self.index_text(self.text(v)) for v in eqn.inputs[2:]))
        sign = "+=" if eqn.op.name == "add_at" else "="
        self.page.write(f"{place_text(at)} {sign} {self.text(eqn.inputs[1])}", eqn)

    def into(self, result: Result) -> Sequence[Line]:
        """The copy of a result into the array of the caller."""
        page, nobody = Page(), Group(None)
        self.overwrite(page, Place(result.out, (), nobody), Place(result.source, (), nobody), result.type)
        return page.lines

    def trips(self, length: Dim, reverse: bool) -> str:
        if not reverse:
            return f"range({length})"
        return f"range({length - 1}, -1, -1)"

    def first_index(self) -> str:
        return "0"

    def index_text(self, text: str) -> str:
        return text if text.isdigit() or text in self.ascending or text.startswith("U(") else f"U({text})"

    def overwrite(
        self, page: Page, place: Place, source: Place, type: ArrayType, eqn: Eqn | None = None
    ) -> None:
        """Element by element: Numba compiles that ten times faster than `tape[i] = row`."""
        indices = [self.names.loop(axis) for axis in range(type.rank)]
        depth = page.depth
        for index, extent in zip(indices, type.shape, strict=True):
            page.write(f"for {index} in range({extent}):", eqn)
            page.depth += 1
        page.write(f"{place_text(place.at(*indices))} = {place_text(source.at(*indices))}", eqn)
        page.depth = depth

    def stop(self, scope: Scope) -> None:
        """One return behind the outermost loop costs much less to compile than one at each check."""
        if scope.depth:
            self.broken = True
            self.page.write(f"{self.status} = {len(self.checks)}")
            self.page.write("break")
        else:
            self.page.write(f"return {self.leave}({len(self.checks)})")

    def left(self, scope: Scope) -> None:
        self.page.write(f"if {self.status}:")
        with self.page.indented():
            self.page.write("break" if scope.depth else f"return {self.leave}({self.status})")
