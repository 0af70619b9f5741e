"""The table of all ops, one family a file."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ..op import Op
from . import (
    arithmetic,
    comparison,
    control,
    exponential,
    integers,
    powers,
    rounding,
    selection,
    special,
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
    control,
)
OPS: Mapping[str, Op] = MappingProxyType({op.name: op for family in FAMILIES for op in family.OPS})
