"""Determinants of matrices: their logarithms and signs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..graph import Attrs, Block, Value, constant
from ..op import NoDerivative, Op, Sample, Whole
from ..types import I64, ArrayType
from .arithmetic import cast
from .arrays import iota, size_value
from .comparison import equal, less, logical_xor, not_equal
from .diagonals import diagonal
from .elementwise import common_dtype, floating
from .exponential import log
from .indexing import index
from .integers import bitwise_and
from .linear_algebra import REGULAR, elimination, inv, lu, require_square
from .products import transposed
from .reductions import any_, sum_, weighted_sum
from .selection import abs_, where


def _determinant_infer(
    types: Sequence[ArrayType], attrs: Attrs, blocks: Sequence[Block]
) -> tuple[ArrayType, ...]:
    common_dtype("slogdet", types, floating)
    require_square(types[0])
    return (ArrayType(types[0].dtype),)


def _logabsdet_sympy(a: Any) -> Any:
    import sympy

    return sympy.log(sympy.Abs(sympy.Matrix(a).det()))


# ---- with the factors of an elimination ----


def _factors(a: Value) -> Value:
    """Those that NumPy has, of the columns of `a`; a singular matrix has them as well."""
    return lu(transposed(a), singular=True)


def _unless_singular(diagonal_: Value, found: Value, otherwise: float) -> Value:
    singular = any_(equal(diagonal_, 0.0), axes=(0,))
    return where(singular, constant(otherwise, found.type.dtype), found)


def _logabsdet_expanded(a: Value) -> Value:
    of = diagonal(_factors(a), k=0)
    return _unless_singular(of, sum_(log(abs_(of)), axes=(0,)), -np.inf)


def _detsign_expanded(a: Value) -> Value:
    """Each exchange of rows, and each negative number on the diagonal, turns the sign."""
    factors = _factors(a)
    of, size = diagonal(factors, k=0), a.type.shape[0]
    rows = cast(iota(length=size), dtype=a.type.dtype)
    turns = logical_xor(not_equal(index(factors, size_value(size)), rows), less(of, 0.0))
    odd = bitwise_and(sum_(cast(turns, dtype=I64), axes=(0,)), 1)
    sign = 1.0 - 2.0 * cast(odd, dtype=a.type.dtype)
    return _unless_singular(of, sign, 0.0)


_DETERMINANTS = (Sample((REGULAR,)), Sample((REGULAR[::-1].copy(),)), Sample((np.array([[-0.5]]),)))

logabsdet = Op(
    name="logabsdet",
    infer=_determinant_infer,
    numpy=lambda a: np.linalg.slogdet(a)[1],
    derivative=weighted_sum(lambda a, y, axes: transposed(inv(a))),
    lowering=Whole(
        lambda eqn, operands: f"np.linalg.slogdet({operands[0]})[1]", expanded=_logabsdet_expanded
    ),
    sympy=_logabsdet_sympy,
    cost=2,
    terms=elimination,
    dear=True,
    samples=_DETERMINANTS,
)

detsign = Op(
    name="detsign",
    infer=_determinant_infer,
    numpy=lambda a: np.linalg.slogdet(a)[0],
    derivative=NoDerivative("the sign of a determinant is piecewise constant"),
    lowering=Whole(
        lambda eqn, operands: f"np.linalg.slogdet({operands[0]})[0]", expanded=_detsign_expanded
    ),
    cost=2,
    terms=elimination,
    dear=True,
    samples=_DETERMINANTS,
)

OPS = (logabsdet, detsign)
