"""Exponentials, logarithms, and what is made of them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..graph import Value, constant
from ..op import Sample
from .comparison import equal
from .elementwise import binary, elementwise, special, symbolic, unary
from .exact import LN2, LN10
from .selection import where

exp = elementwise(
    "exp",
    numpy=np.exp,
    scalar="np.exp({0})",
    vector="exp({0})",
    sympy=symbolic("exp"),
    partials=lambda x, y: [y],
    aliases=(math.exp,),
    cost=15,
    samples=unary(-1, 1),
)

exp2 = elementwise(
    "exp2",
    numpy=np.exp2,
    scalar="np.exp2({0})",
    vector="exp2({0})",
    sympy=lambda x: 2**x,
    partials=lambda x, y: [LN2 * y],
    aliases=(math.exp2,),
    cost=15,
    samples=unary(-1, 1),
)

expm1 = elementwise(
    "expm1",
    numpy=np.expm1,
    scalar="np.expm1({0})",
    vector="expm1({0})",
    sympy=lambda x: symbolic("exp")(x) - 1,
    partials=lambda x, y: [y + 1.0],
    aliases=(math.expm1,),
    cost=15,
    samples=unary(-1, 1),
)

log = elementwise(
    "log",
    numpy=np.log,
    scalar="np.log({0})",
    vector="log({0})",
    sympy=symbolic("log"),
    partials=lambda x, y: [1.0 / x],
    aliases=(math.log,),
    cost=15,
    samples=unary(0.1, 2),
)

log2 = elementwise(
    "log2",
    numpy=np.log2,
    scalar="np.log2({0})",
    vector="log2({0})",
    sympy=lambda x: symbolic("log")(x, 2),
    partials=lambda x, y: [1.0 / (LN2 * x)],
    aliases=(math.log2,),
    cost=15,
    samples=unary(0.1, 2),
)

log10 = elementwise(
    "log10",
    numpy=np.log10,
    scalar="np.log10({0})",
    vector="log10({0})",
    sympy=lambda x: symbolic("log")(x, 10),
    partials=lambda x, y: [1.0 / (LN10 * x)],
    aliases=(math.log10,),
    cost=15,
    samples=unary(0.1, 2),
)

log1p = elementwise(
    "log1p",
    numpy=np.log1p,
    scalar="np.log1p({0})",
    vector="log1p({0})",
    sympy=lambda x: symbolic("log")(1 + x),
    partials=lambda x, y: [1.0 / (1.0 + x)],
    aliases=(math.log1p,),
    cost=15,
    samples=unary(-0.5, 1),
)

expit = elementwise(
    "expit",
    numpy=special("expit"),
    scalar="{dtype}(1) / ({dtype}(1) + np.exp(-{0}))",
    vector="expit({0})",
    sympy=lambda x: 1 / (1 + symbolic("exp")(-x)),
    partials=lambda x, y: [y * (1.0 - y)],
    names=("scipy.special.expit",),
    cost=20,
    samples=unary(-2, 2),
)


def _logaddexp_partials(x: Value, y: Value, z: Value) -> Sequence[Value]:
    """The weights of the two terms; equal terms, infinite ones too, share."""
    difference = where(equal(x, y), constant(0.0, z.type.dtype), x - y)
    return [expit(difference), expit(-difference)]


logaddexp = elementwise(
    "logaddexp",
    numpy=np.logaddexp,
    # equal infinities have no distance
    scalar="({0} if {0} == {1} and math.isinf({0}) else "
    "np.maximum({0}, {1}) + np.log1p(np.exp(-abs({0} - {1}))))",
    vector="logaddexp({0}, {1})",
    sympy=lambda x, y: symbolic("log")(symbolic("exp")(x) + symbolic("exp")(y)),
    partials=_logaddexp_partials,
    cost=35,
    samples=(*binary(-1, 1, 1, 2), Sample((np.float64(-np.inf), np.float64(-np.inf)), smooth=False)),
)

OPS = (exp, exp2, expm1, log, log2, log10, log1p, expit, logaddexp)
