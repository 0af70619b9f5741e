"""Zeros of the type of a value: where a tangent or cotangent must be written out."""

from __future__ import annotations

from adcompiler.ir.build import emit
from adcompiler.ir.graph import Value, constant
from adcompiler.ir.ops import OPS


def zeros_like(value: Value) -> Value:
    """A scalar constant, or a `zeros` equation: shapes are symbolic, so an array of zeros is never a
    constant.
    """
    if not value.type.shape:
        return constant(0, value.type.dtype)
    (zeros,) = emit(OPS["zeros"], [], {"shape": value.type.shape, "dtype": value.type.dtype})
    return zeros
