"""Special functions: the error function, and the gamma function's logarithm with its derivatives."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import DTypeError
from ..graph import Attrs, Block
from ..op import Op, Sample
from ..types import F64, ArrayType
from .elementwise import elementwise, floating, same_dtype, special, symbolic, unary, vector
from .exact import TWO_BY_SQRT_PI
from .exponential import exp

erf = elementwise(
    "erf",
    numpy=special("erf"),
    scalar="math.erf({0})",
    vector="erf({0})",
    sympy=symbolic("erf"),
    partials=lambda x, y: [TWO_BY_SQRT_PI * exp(-(x * x))],
    aliases=(math.erf,),
    names=("scipy.special.erf",),
    cost=25,
    samples=unary(-2, 2),
)

erfc = elementwise(
    "erfc",
    numpy=special("erfc"),
    scalar="math.erfc({0})",
    vector="erfc({0})",
    sympy=symbolic("erfc"),
    partials=lambda x, y: [-TWO_BY_SQRT_PI * exp(-(x * x))],
    aliases=(math.erfc,),
    names=("scipy.special.erfc",),
    cost=25,
    samples=unary(-2, 2),
)

_GAMMA_DOMAIN = (*unary(0.2, 4), Sample((np.array([-0.4, -1.7, -2.3, 25.0]),)))

gammaln = elementwise(
    "gammaln",
    numpy=special("gammaln"),
    scalar="gammaln({0})",
    sympy=symbolic("loggamma"),
    partials=lambda x, y: [digamma(x)],
    aliases=(math.lgamma,),
    names=("scipy.special.gammaln",),
    cost=40,
    samples=_GAMMA_DOMAIN,
)

digamma: Op = elementwise(
    "digamma",
    numpy=special("digamma"),
    scalar="digamma({0})",
    sympy=symbolic("digamma"),
    partials=lambda x, y: [polygamma(x, n=1)],
    names=("scipy.special.digamma", "scipy.special.psi"),
    cost=40,
    samples=_GAMMA_DOMAIN,
)


def _polygamma_types(
    types: Sequence[ArrayType], attrs: Attrs, blocks: Sequence[Block]
) -> tuple[ArrayType, ...]:
    n = attrs["n"]
    if not isinstance(n, int) or isinstance(n, bool) or n < 1:
        raise DTypeError(f"polygamma takes an order n >= 1, not {n!r}")
    return same_dtype("polygamma", floating)(types, attrs, blocks)


def _polygamma(x: Any, n: int) -> Any:
    """SciPy's, which widens f32."""
    return special("polygamma")(n, x).astype(np.asarray(x).dtype)[()]


polygamma: Op = elementwise(
    "polygamma",
    numpy=_polygamma,
    scalar="polygamma({n}, {0})",
    sympy=lambda x, n: symbolic("polygamma")(n, x),
    partials=lambda x, y, n: [polygamma(x, n=n + 1)],
    infer=_polygamma_types,
    cost=80,
    scratch=lambda types, attrs: [ArrayType(F64, types[0].shape)] * 2,
    samples=(
        *(Sample((vector(0.2, 4),), {"n": n}) for n in (1, 2, 3)),
        Sample((np.array([-0.4, -1.7, 25.0]),), {"n": 1}),
    ),
)

OPS = (erf, erfc, gammaln, digamma, polygamma)
