"""One value or another: where, maximum, minimum, absolute value, sign; a product that a zero silences.

Conventions: `where` masks the cotangent, so that nothing comes from the branch not taken, not even a NaN;
ties of maximum and minimum share the cotangent equally; |x|' is 0 at 0.

A masked cotangent is handed on by `guarded_mul`. A `where` that looks at the cotangent would serve the first
order only: where one that was taken happens to be 0, its derivative is not that of the product.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import DTypeError
from ..graph import Attrs, Block, Eqn, Value, constant
from ..op import Linear, Op, Sample, multilinear
from ..types import BOOL, ArrayType, Dim, broadcast_shapes
from .comparison import equal, greater, less
from .elementwise import (
    PIECEWISE_CONSTANT,
    anything,
    binary,
    elementwise,
    matrix,
    numeric,
    symbolic,
    unary,
    vector,
)


def _where_types(types: Sequence[ArrayType], attrs: Attrs, blocks: Sequence[Block]) -> tuple[ArrayType, ...]:
    condition, x, y = types
    if condition.dtype is not BOOL or x.dtype is not y.dtype:
        given = ", ".join(str(t.dtype) for t in types)
        raise DTypeError(f"where takes a bool and two operands of one dtype, not {given}")
    return (ArrayType(x.dtype, broadcast_shapes([t.shape for t in types])),)


def _where_transpose(eqn: Eqn, ct: Value) -> Sequence[Value | None]:
    condition, zero = eqn.inputs[0], constant(0.0, ct.type.dtype)
    return [None, where(condition, ct, zero), where(condition, zero, ct)]


def _where_sympy(condition: Any, x: Any, y: Any) -> Any:
    import sympy

    return sympy.Piecewise((x, condition), (y, True))


where = elementwise(
    "where",
    numpy=np.where,
    scalar="{1} if {0} else {2}",
    sympy=_where_sympy,
    partials=Linear(_where_transpose),
    infer=_where_types,
    aliases=(np.where,),
    chooses=True,
    moves=True,
    samples=(
        Sample((np.array([True, False, True]), vector(-1, 1, 3), vector(1, 2, 3, seed=1))),
        Sample((np.array([[True], [False]]), matrix(-1, 1, 1, 3), np.float64(0.5))),
        Sample((np.bool_(False), np.float64(0.5), vector(-1, 1))),
    ),
)


def _guarded(x: Any, y: Any) -> Any:
    result = np.zeros(np.broadcast_shapes(np.shape(x), np.shape(y)), np.asarray(y).dtype)
    with np.errstate(invalid="ignore"):
        return np.multiply(x, y, out=result, where=np.not_equal(y, 0))[()]


def _guarded_scratch(types: Sequence[ArrayType], attrs: Attrs) -> Sequence[ArrayType]:
    """Where y is not 0; a buffer of that where it may be broadcast."""
    x, y = types
    buffers = [ArrayType(BOOL, (Dim.of(np.getbufsize()),))] if x.shape != y.shape else []
    return [ArrayType(BOOL, y.shape), *buffers]


def _guarded_transpose(eqn: Eqn, k: int, ct: Value) -> Value:
    x, y = eqn.inputs
    return guarded_mul(x, ct) if k else guarded_mul(ct, y)


_SILENT = Sample((np.array([np.inf, np.nan, -2.0, 3.0]), np.array([0.0, 0.0, 0.5, -0.0])), smooth=False)

guarded_mul: Op = elementwise(
    "guarded_mul",
    numpy=_guarded,
    scalar="{0} * {1} if {1} != 0 else {dtype}(0)",
    sympy=lambda x, y: x * y,
    partials=multilinear(_guarded_transpose, chosen=(0,)),
    scratch=_guarded_scratch,
    samples=(*binary(-1, 1, 1, 2), _SILENT),
)
"""x * y, and 0 where y is 0, whatever x is: bilinear, so that derivatives of any order are right."""


def _share(wins: Value, ties: Value, like: Value) -> Value:
    """1 where it wins, 1/2 where both are equal, else 0."""
    one, half, zero = (constant(number, like.type.dtype) for number in (1.0, 0.5, 0.0))
    return where(wins, one, where(ties, half, zero))


_TIE = Sample((np.array([1.0, -2.0]), np.array([1.0, -2.0])), smooth=False)


def _extremum(name: str, numpy: np.ufunc, sympy: str, beats: Op, loses: Op) -> Op:
    def partials(x: Value, y: Value, z: Value) -> Sequence[Value]:
        ties = equal(x, y)
        return [_share(beats(x, y), ties, x), _share(loses(x, y), ties, x)]

    return elementwise(
        name,
        numpy=numpy,
        scalar=f"np.{name}({{0}}, {{1}})",
        sympy=symbolic(sympy),
        partials=partials,
        accepts=anything,
        samples=(*binary(-1, 1, -1, 1), _TIE),
    )


maximum = _extremum("maximum", np.maximum, "Max", greater, less)
minimum = _extremum("minimum", np.minimum, "Min", less, greater)

sign = elementwise(
    "sign",
    numpy=np.sign,
    scalar="({0} if {0} != {0} else {dtype}({0} > {dtype}(0)) - {dtype}({0} < {dtype}(0)))",
    sympy=symbolic("sign"),
    partials=PIECEWISE_CONSTANT,
    accepts=numeric,
    samples=(Sample((np.array([-2.0, -0.1, 0.3]),)), Sample((np.float64(0.0),), smooth=False)),
)

abs_ = elementwise(
    "abs",
    numpy=np.absolute,
    scalar="abs({0})",
    sympy=symbolic("Abs"),
    partials=lambda x, y: [sign(x)],
    accepts=numeric,
    aliases=(np.fabs, math.fabs),
    samples=(
        *unary(-1, 1),
        Sample((np.array([-0.5, 0.25]),)),
        Sample((np.array([0.0, -0.0]),), smooth=False),
    ),
)

copysign: Op = elementwise(
    "copysign",
    numpy=np.copysign,
    scalar="np.copysign({0}, {1})",
    sympy=lambda x, y: symbolic("Abs")(x) * symbolic("sign")(y),
    partials=lambda x, y, z: [copysign(1.0, y) * sign(x), None],
    aliases=(math.copysign,),
    samples=(
        Sample((np.array([0.5, -0.5, 2.0, -2.0]), np.array([1.0, 1.5, -1.0, -0.3]))),
        Sample((np.float64(0.0), np.float64(-1.0)), smooth=False),
    ),
)

OPS = (where, guarded_mul, maximum, minimum, sign, abs_, copysign)
