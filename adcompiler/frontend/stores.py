"""Storing at index arrays: one place after the other; of two values for one place the last one stays."""

from __future__ import annotations

from collections.abc import Sequence

from adcompiler.ir.graph import Value
from adcompiler.ir.ops.indexing import gather_place, items, put
from adcompiler.ir.ops.loops import loop
from adcompiler.ir.ops.shape import broadcast, reshape, transpose
from adcompiler.ir.types import ArrayType

from .extents import common_shape
from .indexing import Access
from .views import position_value


def store_gathered(base: Value, part: Value, access: Access) -> Value:
    """The base with `part` stored at the places of an access with index arrays."""
    operands = [position_value(p) for p in access.positions]
    kinds = [item for item in access.at if item != "all"]
    gathers = [k for k, item in enumerate(kinds) if item == "gather"]
    shape = common_shape([operands[k].type.shape for k in gathers])
    places = ArrayType(base.type.dtype, shape).size
    flat = [reshape(broadcast(operands[k], shape=shape), shape=(places,)) for k in gathers]
    first = gather_place(items({"at": access.at}, len(operands)))
    rank = len(access.shape)
    moved = [*range(first, first + len(shape)), *range(first), *range(first + len(shape), rank)]
    rows = transpose(part, axes=tuple(moved))
    rows = reshape(rows, shape=(places, *rows.type.shape[len(shape) :]))
    at = tuple("point" if item == "gather" else item for item in access.at)

    def trip(i: Value, so_far: Value, row: Value, *indices: Value) -> Sequence[Value]:
        here = dict(zip(gathers, indices, strict=True))
        return [put(so_far, row, *(here.get(k, v) for k, v in enumerate(operands)), at=at)]

    (result,) = loop(places, trip, [base], [], [rows, *flat])
    return result
