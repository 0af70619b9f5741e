"""The table of all ops, one family a file."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ..op import Op
from . import (
    arithmetic,
    arrays,
    assembly,
    comparison,
    control,
    determinants,
    diagonals,
    exponential,
    halves,
    indexing,
    integers,
    inverses,
    linear_algebra,
    loops,
    positions,
    powers,
    products,
    reductions,
    rounding,
    schedules,
    selection,
    shape,
    special,
    triangular,
    trigonometric,
)

FAMILIES = (
    arithmetic,
    powers,
    exponential,
    trigonometric,
    special,
    comparison,
    selection,
    rounding,
    integers,
    reductions,
    positions,
    shape,
    assembly,
    diagonals,
    indexing,
    arrays,
    products,
    linear_algebra,
    determinants,
    triangular,
    loops,
    control,
    inverses,
    schedules,
    halves,
)
OPS: Mapping[str, Op] = MappingProxyType({op.name: op for family in FAMILIES for op in family.OPS})
