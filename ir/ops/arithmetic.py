"""The four operations, remainders, and casts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import DTypeError
from ..graph import Attrs, Block, Constant, Eqn, Value, constant
from ..op import Linear, Sample
from ..types import ArrayType, DType
from .elementwise import PIECEWISE_CONSTANT, binary, elementwise, numeric, symbolic, unary, vector

neg = elementwise(
    "neg",
    numpy=np.negative,
    scalar="-{0}",
    sympy=lambda x: -x,
    partials=Linear(lambda eqn, ct: [-ct]),
    accepts=numeric,
    samples=unary(-1, 1),
)

add = elementwise(
    "add",
    numpy=np.add,
    scalar="{0} + {1}",
    sympy=lambda x, y: x + y,
    partials=Linear(lambda eqn, ct: [ct, ct]),
    accepts=numeric,
    adds=True,
    samples=binary(-1, 1, 1, 2),
)

sub = elementwise(
    "sub",
    numpy=np.subtract,
    scalar="{0} - {1}",
    sympy=lambda x, y: x - y,
    partials=Linear(lambda eqn, ct: [ct, -ct]),
    accepts=numeric,
    adds=True,
    samples=binary(-1, 1, 1, 2),
)

mul = elementwise(
    "mul",
    numpy=np.multiply,
    scalar="{0} * {1}",
    sympy=lambda x, y: x * y,
    partials=lambda x, y, z: [y, x],
    accepts=numeric,
    samples=binary(-1, 1, 1, 2),
)


def _div_partials(x: Value, y: Value, z: Value) -> Sequence[Value | None]:
    if isinstance(x, Constant) and not x.type.shape and 1e-3 <= abs(x.data) <= 1e3:
        # no division; x is so near 1 that z * z overflows or vanishes only where the derivative does
        return [None, z * z * float(-1.0 / x.data)]
    reciprocal = 1.0 / y  # one division for both
    return [reciprocal, -(z * reciprocal)]


div = elementwise(
    "div",
    numpy=np.divide,
    scalar="{0} / {1}",
    sympy=lambda x, y: x / y,
    partials=_div_partials,
    cost=4,
    samples=binary(-1, 1, 1, 2),
)

_REMAINDERS = (
    Sample((np.array([5.3, -5.3, 5.3, -5.3, 0.7]), np.array([2.0, 2.0, -2.0, -2.0, 1.9]))),
    Sample((np.array([[7.1], [-3.2]]), np.array([[0.9, -2.3, 11.0]]))),
    Sample((np.float64(4.0), np.float64(2.0)), smooth=False),
)


def _floor_divide_source(attrs: Attrs, result: DType) -> str:
    """Numba's own quotient of floats is not NumPy's where an operand is infinite."""
    of_floats = "floor_divide({0}, {1}, np.fmod({0}, {1}))"
    return "np.floor_divide({0}, {1})" if result.is_integer else of_floats


floor_divide = elementwise(
    "floor_divide",
    numpy=np.floor_divide,
    scalar=_floor_divide_source,
    sympy=lambda x, y: symbolic("floor")(x / y),
    partials=PIECEWISE_CONSTANT,
    accepts=numeric,
    cost=5,
    samples=_REMAINDERS,
)


def _remainder_source(attrs: Attrs, result: DType) -> str:
    """A remainder has the sign of the divisor, also when it is zero: NumPy heeds that, Numba does not."""
    return "np.remainder({0}, {1})" if result.is_integer else "remainder({1}, np.fmod({0}, {1}))"


remainder = elementwise(
    "remainder",
    numpy=np.remainder,
    scalar=_remainder_source,
    sympy=lambda x, y: x - y * symbolic("floor")(x / y),
    partials=lambda x, y, z: [constant(1.0, z.type.dtype), -floor_divide(x, y)],
    accepts=numeric,
    cost=5,
    samples=_REMAINDERS,
)

# The quotient that C's remainder truncates is recovered from the remainder: one rounding, never off by one.
fmod = elementwise(
    "fmod",
    numpy=np.fmod,
    scalar="np.fmod({0}, {1})",
    sympy=lambda x, y: x - y * symbolic("sign")(x / y) * symbolic("floor")(symbolic("Abs")(x / y)),
    partials=lambda x, y, z: [constant(1.0, z.type.dtype), -((x - z) / y)],
    accepts=numeric,
    aliases=(math.fmod,),
    cost=5,
    samples=_REMAINDERS,
)


def _cast_types(types: Sequence[ArrayType], attrs: Attrs, blocks: Sequence[Block]) -> tuple[ArrayType, ...]:
    dtype = attrs["dtype"]
    if not isinstance(dtype, DType):
        raise DTypeError(f"cast takes a dtype of the IR, not {dtype!r}")
    return (types[0].with_dtype(dtype),)


def _cast_transpose(eqn: Eqn, ct: Value) -> Sequence[Value | None]:
    source = eqn.inputs[0].type.dtype
    return [cast(ct, dtype=source) if source.is_float and ct.type.dtype.is_float else None]


def _cast_sympy(x: Any, dtype: DType) -> Any:
    """Between floats nothing happens; towards zero to integers; a truth value counts as 0 or 1."""
    import sympy

    if isinstance(x, sympy.logic.boolalg.Boolean) and not isinstance(x, sympy.Symbol):
        x = sympy.Piecewise((1, x), (0, True))
    if dtype.is_float:
        return x
    return sympy.sign(x) * sympy.floor(sympy.Abs(x)) if dtype.is_integer else sympy.Ne(x, 0)


cast = elementwise(
    "cast",
    numpy=lambda x, dtype: np.asarray(x).astype(dtype.numpy)[()],
    scalar="{dtype}({0})",
    sympy=_cast_sympy,
    partials=Linear(_cast_transpose),
    infer=_cast_types,
    moves=True,
    cost=0.5,
    samples=(
        Sample((vector(-1, 1),), {"dtype": DType.F64}),
        Sample((np.array([0.5, -1.25, 3.0]),), {"dtype": DType.F32}),
        Sample((np.array([0.5, -1.25], np.float32),), {"dtype": DType.F64}),
        Sample((np.array([1, -2, 3]),), {"dtype": DType.F64}),
        Sample((np.array([True, False]),), {"dtype": DType.F64}),
        Sample((np.array([0.5, -1.75, 3.0]),), {"dtype": DType.I64}),
        Sample((np.array([0.5, -1.75, 0.0]),), {"dtype": DType.BOOL}),
        Sample((np.array([300, -1, 127]),), {"dtype": DType.I8}),
        Sample((np.array([0.1, -1e-6, 3000.7]),), {"dtype": DType.F16}, smooth=False),
        Sample((np.array([0.1, 3000.7], np.float32),), {"dtype": DType.BF16}, smooth=False),
        Sample((np.array([0.1, -6e-8, 300.0], np.float16),), {"dtype": DType.F32}, smooth=False),
    ),
)

OPS = (neg, add, sub, mul, div, floor_divide, remainder, fmod, cast)
