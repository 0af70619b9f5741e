"""Rounding to whole numbers: floats stay floats, and the derivative is zero."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..op import Op, Sample
from .elementwise import PIECEWISE_CONSTANT, elementwise, symbolic

_SAMPLES = (
    Sample((np.array([-1.7, -0.6, 0.2, 1.3, 2.6]),)),
    Sample((np.array([-2.0, -1.5, -0.5, 0.0, 0.5, 1.5, 2.0]),), smooth=False),
)


def _rounding(
    name: str, numpy: np.ufunc, sympy: Callable[..., Any] | None, *aliases: Callable[..., Any]
) -> Op:
    return elementwise(
        name,
        numpy=numpy,
        scalar=f"np.{name}({{0}})",
        sympy=sympy,
        partials=PIECEWISE_CONSTANT,
        aliases=aliases,
        samples=_SAMPLES,
    )


floor = _rounding("floor", np.floor, symbolic("floor"))
ceil = _rounding("ceil", np.ceil, symbolic("ceiling"))
trunc = _rounding("trunc", np.trunc, lambda x: symbolic("sign")(x) * symbolic("floor")(symbolic("Abs")(x)))
rint = _rounding("rint", np.rint, None)

OPS = (floor, ceil, trunc, rint)
