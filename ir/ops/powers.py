"""Powers and roots."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..errors import DTypeError
from ..graph import Attrs, Block, Value, constant
from ..op import Sample
from ..types import ArrayType, DType
from .comparison import equal
from .elementwise import binary, elementwise, numeric, same_dtype, symbolic, unary
from .exponential import log
from .selection import where

UNROLLED = 4
"""Powers of integers up to which they are written as products."""


def _pow_partials(x: Value, y: Value, z: Value) -> Sequence[Value]:
    """y·x^(y-1), which is 0 where y is 0, and x^y·log(x), which is 0 where x is 0 and y is not negative."""
    one, zero = constant(1.0, z.type.dtype), constant(0.0, z.type.dtype)
    slope = where(equal(y, 0.0), zero, y * pow_(x, y - 1.0))
    return [slope, z * log(where(equal(x, 0.0), one, x))]


def _pow_source(attrs: Attrs, result: DType) -> str:
    """Numba's powers of integers may be floats on their way."""
    return "integer_power(np.int64({0}), np.int64({1}))" if result.is_integer else "{0} ** {1}"


pow_ = elementwise(
    "pow",
    numpy=np.power,
    scalar=_pow_source,
    vector="power({0}, {1})",
    sympy=lambda x, y: x**y,
    partials=_pow_partials,
    accepts=numeric,
    aliases=(math.pow,),
    cost=40,
    samples=(
        *binary(0.5, 2, 0.3, 3),
        *binary(0.5, 2, -3, -1),
        Sample((np.array([0.0, 0.0, 2.0]), np.array([0.0, 2.0, 0.0])), smooth=False),
    ),
)


def _ipow_types(types: Sequence[ArrayType], attrs: Attrs, blocks: Sequence[Block]) -> tuple[ArrayType, ...]:
    n = attrs["n"]
    if not isinstance(n, int) or isinstance(n, bool):
        raise DTypeError(f"ipow takes an integer exponent, not {n!r}")
    (x,) = same_dtype("ipow", numeric)(types, attrs, blocks)
    if n < 0 and x.dtype.is_integer:
        raise DTypeError("integers to negative integer powers are not allowed")
    return (x,)


def _ipow_partials(x: Value, z: Value, n: int) -> Sequence[Value | None]:
    match n:
        case 0:
            return [None]
        case 1:
            return [constant(1.0, x.type.dtype)]
        case 2:
            return [2.0 * x]
        case _:
            return [float(n) * ipow(x, n=n - 1)]


def _ipow_source(attrs: Attrs, result: DType) -> str:
    """Numba unrolls a literal power; a negative one, written as such, would raise at zero."""
    n = attrs["n"]
    assert isinstance(n, int)
    if result.is_integer:
        return " * ".join(["{0}"] * n) if 0 < n <= UNROLLED else f"integer_power(np.int64({{0}}), {n})"
    positive = "{0}" if abs(n) == 1 else f"{{0}} ** {abs(n)}"
    return positive if n >= 0 else f"{{dtype}}(1) / {positive}"


ipow = elementwise(
    "ipow",
    numpy=lambda x, n: np.power(x, n),
    scalar=_ipow_source,
    sympy=lambda x, n: x**n,
    partials=_ipow_partials,
    infer=_ipow_types,
    cost=3,
    samples=(
        *(Sample((np.array([0.5, -0.7, 1.3, -2.0]),), {"n": n}) for n in (-3, -2, -1, 0, 1, 2, 3, 7)),
        Sample((np.array([0.0, -0.0]),), {"n": 2}),
        Sample((np.array([3, -2]),), {"n": 3}),
    ),
)

sqrt = elementwise(
    "sqrt",
    numpy=np.sqrt,
    scalar="np.sqrt({0})",
    sympy=symbolic("sqrt"),
    partials=lambda x, y: [0.5 / y],
    aliases=(math.sqrt,),
    cost=5,
    samples=(*unary(0.1, 2), Sample((np.float64(0.0),), smooth=False)),
)

cbrt = elementwise(
    "cbrt",
    numpy=np.cbrt,
    scalar="np.cbrt({0})",
    sympy=lambda x: symbolic("sign")(x) * symbolic("cbrt")(symbolic("Abs")(x)),
    partials=lambda x, y: [1.0 / (3.0 * y * y)],
    aliases=(math.cbrt,),
    cost=20,
    samples=(*unary(0.1, 2), Sample((np.array([-0.7, -2.0]),)), Sample((np.float64(0.0),), smooth=False)),
)


def _hypot_partials(x: Value, y: Value, z: Value) -> Sequence[Value]:
    """The unit vector, and 0 at the origin."""
    length = where(equal(z, 0.0), constant(1.0, z.type.dtype), z)
    return [x / length, y / length]


hypot = elementwise(
    "hypot",
    numpy=np.hypot,
    scalar="np.hypot({0}, {1})",
    sympy=lambda x, y: symbolic("sqrt")(x**2 + y**2),
    partials=_hypot_partials,
    aliases=(math.hypot,),
    cost=15,
    samples=(*binary(-2, -1, 0.5, 3), Sample((np.float64(0.0), np.float64(0.0)), smooth=False)),
)

OPS = (pow_, ipow, sqrt, cbrt, hypot)
