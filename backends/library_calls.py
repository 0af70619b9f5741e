"""Calls of libraries as Python source for Numba: products of matrices, and what ops name a function for.

The result is written where it belongs, into the workspace or a row of a stack. Operands are handed over as
they lie in memory, transposed or not.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..ir.graph import Eqn, Value
from ..ir.op import Library
from ..ir.ops.products import contraction
from ..ir.types import Dim, Shape
from .blocks import BlockWriter, place_text
from .memory import Place, Scope
from .products import Matrix, library_product, strides
from .source import tuple_text


class CallWriter:
    """One call on the page of a writer."""

    def __init__(self, writer: BlockWriter, eqn: Eqn, scope: Scope) -> None:
        self.writer = writer
        self.page = writer.page
        self.eqn = eqn
        self.scope = scope
        self.inlined = writer.scheduled(scope.block).inlined

    def operand(self, value: Value) -> str:
        """Source of an operand: an array, or the transpose of one."""
        transposed = self.inlined.get(value)
        if transposed is None:
            return self.writer.text(value)
        return f"{self.writer.text(transposed.inputs[0])}.T"

    def routine(self, lowering: Library) -> None:
        """A function that tells whether it could compute its result."""
        operands = [self.operand(v) for v in self.eqn.inputs]
        out = place_text(self.writer.allocate(self.eqn.output, self.scope, self.eqn))
        self.writer.check(self.eqn, lowering.source(self.eqn, operands, out), self.scope)

    # ---- products ----

    def product(self) -> None:
        """A product of matrices, in loops over the other labels."""
        found = library_product(self.eqn, self.inlined)
        assert found is not None
        parsed = contraction(self.eqn)
        sizes = parsed.sizes([v.type for v in self.eqn.inputs])
        out = self.writer.allocate(self.eqn.output, self.scope, self.eqn)
        depth = self.page.depth
        at: dict[str, str] = {}
        for level, label in enumerate(found.loops):
            at[label] = self.writer.names.loop(level)
            self.writer.ascending.add(at[label])
            self.page.write(f"for {at[label]} in range({sizes[label]}):", self.eqn)
            self.page.depth += 1
        left, right = (
            self._factor(self.eqn.inputs[k], matrix, at)
            for k, matrix in zip(found.order, (found.left, found.right), strict=True)
        )
        function = "matmul" if found.right.columns else "matvec"
        result = self._matrix(out, self.eqn.output.type.shape, found.result, at)
        self.page.write(f"{function}({left}, {right}, {result})", self.eqn)
        self.page.depth = depth

    def _factor(self, value: Value, matrix: Matrix, at: dict[str, str]) -> str:
        base = self.inlined[value].inputs[0] if value in self.inlined else value
        return self._matrix(self.writer.place(base), base.type.shape, matrix, at)

    def _matrix(self, place: Place, shape: Shape, matrix: Matrix, at: dict[str, str]) -> str:
        """A part of an array in memory, as a matrix or a vector."""
        if matrix.plain:
            around = matrix.labels[: len(matrix.labels) - len(matrix.rows + matrix.columns)]
            text = place_text(place.at(*(self.writer.index_text(at[c]) for c in around)))
            return f"{text}.T" if matrix.transposed else text
        apart = strides(matrix.labels, shape)
        sizes = dict(zip(matrix.labels, shape, strict=True))
        start = " + ".join(_times(at[c], apart[c]) for c in matrix.labels if c in at) or "0"
        axes = [axis for axis in (matrix.rows, matrix.columns) if axis]
        extents = [_extent(axis, sizes) for axis in axes]
        steps = [str(apart[axis[-1]]) for axis in axes]
        return f"strided({place_text(place)}, {start}, {tuple_text(extents)}, {tuple_text(steps)})"


def _times(index: str, step: Dim) -> str:
    text = str(step)
    return index if text == "1" else f"{index}*{text if text.isalnum() else f'({text})'}"


def _extent(axis: Sequence[str], sizes: dict[str, Dim]) -> str:
    extent = Dim.of(1)
    for label in axis:
        extent = extent * sizes[label]
    return str(extent)
