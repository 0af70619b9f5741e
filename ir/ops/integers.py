"""Bits of integers (and of bools, where NumPy has them)."""

from __future__ import annotations

import numpy as np

from ..op import Op, Sample
from ..types import BOOL, DType
from .elementwise import INTEGERS, elementwise, integral


def _bits(dtype: DType) -> bool:
    return dtype.is_integer or dtype is BOOL


_PAIR = (
    Sample((np.array([0, 1, -2, 12]), np.array([3, 5, 6, -7]))),
    Sample((np.array([[True], [False]]), np.array([True, False]))),
)
_SHIFTS = (Sample((np.array([0, 1, -2, 12, 5, -5]), np.array([3, 5, 6, 0, 64, 99]))),)


def _bitwise(name: str, numpy: np.ufunc, sign: str) -> Op:
    return elementwise(
        name,
        numpy=numpy,
        scalar=f"{{0}} {sign} {{1}}",
        partials=INTEGERS,
        accepts=_bits,
        samples=_PAIR,
    )


bitwise_and = _bitwise("bitwise_and", np.bitwise_and, "&")
bitwise_or = _bitwise("bitwise_or", np.bitwise_or, "|")
bitwise_xor = _bitwise("bitwise_xor", np.bitwise_xor, "^")

invert = elementwise(
    "invert",
    numpy=np.invert,
    scalar="np.invert({0})",
    partials=INTEGERS,
    accepts=_bits,
    samples=(Sample((np.array([0, 1, -2, 12]),)), Sample((np.array([True, False]),))),
)

# Machines leave a shift by the width or more undefined; NumPy shifts everything out.
left_shift = elementwise(
    "left_shift",
    numpy=np.left_shift,
    scalar="{0} << {1} if {dtype}(0) <= {1} < {dtype}({bits}) else {dtype}(0)",
    partials=INTEGERS,
    accepts=integral,
    samples=_SHIFTS,
)

right_shift = elementwise(
    "right_shift",
    numpy=np.right_shift,
    scalar="{0} >> {1} if {dtype}(0) <= {1} < {dtype}({bits}) else {dtype}(0) - {dtype}({0} < {dtype}(0))",
    partials=INTEGERS,
    accepts=integral,
    samples=_SHIFTS,
)

OPS = (bitwise_and, bitwise_or, bitwise_xor, invert, left_shift, right_shift)
