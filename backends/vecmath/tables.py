"""Tables of numbers in the memory of a module."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .notation import F64, Bits, Float, float_of


@dataclass(frozen=True)
class Table:
    """Rows of f64."""

    name: str
    rows: Sequence[Sequence[float]]

    def row(self, index: Bits) -> list[Float]:
        """One row; the index lies in the table."""
        from llvmlite import ir

        module, width = index.builder.module, len(self.rows[0])
        if self.name not in module.globals:
            numbers = [x for row in self.rows for x in row]
            made = ir.GlobalVariable(module, ir.ArrayType(float_of(F64), len(numbers)), self.name)
            made.initializer = ir.Constant(made.type.pointee, numbers)
            made.linkage, made.global_constant = "internal", True
        table, zero = module.globals[self.name], ir.IntType(32)(0)
        start = index.builder.mul(index.value, index.value.type(width))
        places = [(Bits(index.builder, start, F64) + k).value for k in range(width)]
        builder = index.builder
        return [
            Float(builder, builder.load(builder.gep(table, [zero, p], inbounds=True)), F64) for p in places
        ]
