"""NumPy functions that are no ops: each is written in ops, on promoted operands, and needs nothing else."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from ..graph import Value, constant
from .comparison import equal, isnan, less
from .exact import DEGREE, LN2
from .exponential import logaddexp
from .powers import ipow, pow_
from .selection import maximum, minimum, where
from .special import digamma, polygamma


def clip(x: Value, low: Value | float | None = None, high: Value | float | None = None) -> Value:
    """Between two bounds, None for none; where they cross, the upper one wins, as in NumPy."""
    above = x if low is None else maximum(x, low)
    return above if high is None else minimum(above, high)


def fmax(x: Value, y: Value) -> Value:
    """The larger, or the one that is not NaN."""
    return where(isnan(x), y, where(isnan(y), x, maximum(x, y)))


def fmin(x: Value, y: Value) -> Value:
    """The smaller, or the one that is not NaN."""
    return where(isnan(x), y, where(isnan(y), x, minimum(x, y)))


def heaviside(x: Value, at_zero: Value) -> Value:
    """0 below zero, 1 above, the second operand at zero; NaN stays."""
    zero, one = constant(0.0, x.type.dtype), constant(1.0, x.type.dtype)
    step = where(less(x, zero), zero, where(equal(x, zero), at_zero, one))
    return where(isnan(x), x, step)


def logaddexp2(x: Value, y: Value) -> Value:
    """log2(2^x + 2^y)."""
    return logaddexp(x * LN2, y * LN2) / LN2


def nth_polygamma(n: int, x: Value) -> Value:
    """SciPy's argument order, and n = 0 as well."""
    return digamma(x) if n == 0 else polygamma(x, n=n)


COMPOSITIONS: Mapping[Callable[..., Any], Callable[..., Value]] = MappingProxyType(
    {
        np.positive: lambda x: x,
        np.square: lambda x: ipow(x, n=2),
        np.reciprocal: lambda x: 1.0 / x,
        np.float_power: pow_,
        np.deg2rad: lambda x: x * DEGREE,
        np.radians: lambda x: x * DEGREE,
        math.radians: lambda x: x * DEGREE,
        np.rad2deg: lambda x: x / DEGREE,
        np.degrees: lambda x: x / DEGREE,
        math.degrees: lambda x: x / DEGREE,
        np.clip: clip,
        np.fmax: fmax,
        np.fmin: fmin,
        np.heaviside: heaviside,
        np.logaddexp2: logaddexp2,
    }
)
"""Python and NumPy callables, and what they become of traced values."""

NAMED_COMPOSITIONS: Mapping[str, Callable[..., Value]] = MappingProxyType(
    {"scipy.special.polygamma": nth_polygamma},
)
"""The same for modules that are not imported here."""
