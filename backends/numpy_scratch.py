"""What NumPy has beside results while it computes: the scratch of records, and buffers of ufuncs.

A ufunc goes over operands that do not lie in memory as one row of elements in portions, copied to buffers: of
rank 2 or more, those that are broadcast, and those whose rows lie apart. Where a row is longer than a buffer
it needs none; that is not looked at, so the buffers are bounds from above.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from ..ir.graph import Eqn, Value
from ..ir.op import Scalar
from ..ir.ops.indexing import Item
from ..ir.types import ArrayType
from .source import Scratch


def of_call(eqn: Eqn, apart: Collection[Value]) -> list[Scratch]:
    """What the NumPy function of an equation has meanwhile; `apart` are views whose rows lie apart."""
    own = [Scratch(t) for t in eqn.op.scratch([v.type for v in eqn.inputs], eqn.attrs)]
    buffers = _buffers(eqn.inputs, eqn.output.type, apart) if isinstance(eqn.op.lowering, Scalar) else []
    return [*own, *buffers]


def of_addition(part: ArrayType, rows_apart: bool, value: Value, apart: Collection[Value]) -> list[Scratch]:
    """What adding a value to a part of an array has meanwhile: the part is read and written."""
    own = 2 * [_buffer(part, part)] if rows_apart else []
    return [*own, *_buffers([value], part, apart)]


def rows_apart(taken: Sequence[Item], base_apart: bool) -> bool:
    """Whether elements that are taken of an array do not follow one another, from the second axis on."""
    kept = [item for item in taken if item.kind != "point"]
    leading = all(item.kind == "point" for item in taken[: len(taken) - len(kept)])
    return base_apart or not leading or any(item.kind != "all" for item in kept[1:])


def _buffers(operands: Sequence[Value], whole: ArrayType, apart: Collection[Value]) -> list[Scratch]:
    if whole.rank < 2:
        return []
    return [
        _buffer(v.type, whole)
        for v in operands
        if v.type.size.constant != 1 and (v.type.shape != whole.shape or v in apart)
    ]


def _buffer(operand: ArrayType, whole: ArrayType) -> Scratch:
    return Scratch(ArrayType(operand.dtype, whole.shape), most=np.getbufsize())
