"""Calls of libraries on the page of a host program: one line each, on whole device arrays."""

from __future__ import annotations

from ....ir.graph import Value
from ....ir.op import Library
from ...blocks import place_text
from ...library_calls import CallWriter
from ...products import Product, library_product


class DeviceCallWriter(CallWriter):
    """One call; what it calls stands in `libraries`."""

    def operand(self, value: Value) -> str:
        if value not in self.inlined:
            return self.writer.text(value)
        return f"transposed({self.writer.text(self.inlined[value].inputs[0])})"

    def noted(self, lowering: Library, status: str, number: int) -> None:
        """A function that may fail; that it has, a word of `status` says."""
        operands = [self.operand(v) for v in self.eqn.inputs]
        call = lowering.source(self.eqn, operands, self._result())
        self.page.write(f"fail_where({call}, {status}, {number})", self.eqn)

    def product(self) -> None:
        """A product of matrices, for all indices of the loops around it."""
        found = library_product(self.eqn, self.inlined)
        assert found is not None
        operands = [self._as_it_lies(self.eqn.inputs[k]) for k in found.order]
        said = [f'"{text}"' for text in described(found)]
        self.page.write(f"product({', '.join((*operands, self._result(), *said))})", self.eqn)

    def _result(self) -> str:
        return place_text(self.writer.allocate(self.eqn.output, self.scope, self.eqn))

    def _as_it_lies(self, value: Value) -> str:
        base = self.inlined[value].inputs[0] if value in self.inlined else value
        return place_text(self.writer.place(base))


def described(found: Product) -> tuple[str, str, str, str]:
    """What `libraries.product` is told: all labels, then rows, inner ones and columns of a matrix."""
    labels = f"{found.left.labels},{found.right.labels}->{found.result.labels}"
    return labels, found.left.rows, found.left.columns, found.right.columns
