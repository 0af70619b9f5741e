"""e^x and what is made of it: exp2, expm1, sinh, cosh, tanh and the logistic function.

x = k ln 2 + r with |r| <= ln 2 / 2, after Cody and Waite: ln 2 is split in two, so that k times the first part
is exact. e^r = 1 + r + r^2 p(r). 2^k is multiplied in two halves, since it may lie outside of the format where
the result does not, or where that is subnormal. Sums of different magnitudes carry their error along.

Coefficients: minimax in the relative error of e^r - 1, by Remez's exchange with 160 bits.
"""

from __future__ import annotations

from dataclasses import dataclass

from .notation import F32, F64, Bits, Float, fast_two_sum, fused, polynomial, where

LOG2_E = 1.4426950408889634
LN2_UPPER = {F64: 6.93147180369123816490e-01, F32: 0.693359375}
"""Its last bits are zero: products with whole numbers up to 2^11, or 2^8, are exact."""
LN2_LOWER = {F64: 1.90821492927058770002e-10, F32: -2.12194440e-4}

EXP = {
    F64: (
        0.5,
        0.16666666666666674,
        0.04166666666666658,
        0.008333333333323263,
        0.0013888888888941538,
        0.00019841269882568726,
        2.4801587199447007e-05,
        2.7557247389120824e-06,
        2.75573865019155e-07,
        2.510803366878098e-08,
        2.087901349398647e-09,
    ),
    F32: (
        0.4999999701976776,
        0.1666652262210846,
        0.04166760668158531,
        0.008369224146008492,
        0.0013855312718078494,
    ),
}
"""(e^r - 1 - r) / r^2 for |r| <= 0.3468."""

EXP2 = {
    F64: (
        0.6931471805599453,
        0.24022650695910072,
        0.05550410866482177,
        0.009618129107628487,
        0.0013333558146373795,
        0.0001540353039335456,
        1.5252733871437472e-05,
        1.3215486823495732e-06,
        1.0178045133273391e-07,
        7.054891387020564e-09,
        4.4575570499168995e-10,
        2.5737932444201745e-11,
    ),
    F32: (
        0.6931472420692444,
        0.24022650718688965,
        0.05550296977162361,
        0.009618029929697514,
        0.0013410154497250915,
        0.0001546986459288746,
    ),
}
"""(2^r - 1) / r for |r| <= 0.5005."""

RANGE = {F64: (-746.0, 710.0), F32: (-104.0, 89.0)}
"""e^x rounds to 0 below, and is beyond the largest number above."""
RANGE2 = {F64: (-1076.0, 1025.0), F32: (-151.0, 129.0)}
"""The same for 2^x."""
NEGLIGIBLE = {F64: -40.0, F32: -20.0}
"""e^x - 1 rounds to -1 below."""
SATURATED = {F64: 20.0, F32: 10.0}
"""tanh x rounds to 1 above."""
TINY = {F64: 2.0**-54, F32: 2.0**-25}
"""sinh x, tanh x and e^x - 1 round to x below."""


def clamped(x: Float, low: float, high: float) -> Float:
    """x between two bounds; NaN stays."""
    x = where(x < low, low, x)
    return where(x > high, high, x)


@dataclass(frozen=True)
class Reduced:
    """x = k ln 2 + r + the error of r; tail = e^r - 1 - r."""

    k: Float
    last: Bits
    """Bits whose last ones are those of k."""
    r: Float
    tail: Float


def reduced(x: Float) -> Reduced:
    """What e^x is put together from; the error of r is in the tail."""
    k, last = (x * LOG2_E).whole()
    left = x - k * LN2_UPPER[x.format]
    away = k * LN2_LOWER[x.format]
    r = left - away
    error = (left - r) - away
    return Reduced(k, last, r, fused(r * r, polynomial(r, EXP), error))


def scaled(x: Float, k: Float, last: Bits) -> Float:
    """x 2^k, rounded once; `last` as in Reduced."""
    _, half = (k * 0.5).whole()
    return x * half.power_of_two() * (last - half).power_of_two()


def exp(x: Float) -> Float:
    """e^x."""
    parts = reduced(clamped(x, *RANGE[x.format]))
    return scaled(1.0 + (parts.r + parts.tail), parts.k, parts.last)


def exp2(x: Float) -> Float:
    """2^x."""
    x = clamped(x, *RANGE2[x.format])
    k, last = x.whole()
    r = x - k
    return scaled(1.0 + r * polynomial(r, EXP2), k, last)


def _half_minus_half(x: Float) -> tuple[Float, Float]:
    """(e^x - 1) / 2 as a sum of two, the second one small; x neither far below zero nor beyond the range."""
    parts = reduced(x)
    scale = (parts.last - 1).power_of_two()
    total, error = fast_two_sum(scale - 0.5, scale * parts.r)
    return fast_two_sum(total, error + scale * parts.tail)


def expm1(x: Float) -> Float:
    """e^x - 1."""
    upper, lower = _half_minus_half(clamped(x, NEGLIGIBLE[x.format], RANGE[x.format][1]))
    return where(abs(x) < TINY[x.format], x, (upper + lower) * 2.0)


def tanh(x: Float) -> Float:
    """tanh x = e / (e + 1), where e = (e^2x - 1) / 2.

    1 / (e + 1) = 1 - tanh x, by which what the roundings lost is put back.
    """
    e, rest = _half_minus_half(clamped(abs(x) * 2.0, 0.0, SATURATED[x.format] * 2.0))
    below, lost = fast_two_sum(1.0, e)
    below, lost = where(e > 1.0, e + 1.0, below), where(e > 1.0, 1.0 - ((e + 1.0) - e), lost)
    quotient = e / below
    result = quotient + (rest - quotient * (lost + rest)) * (1.0 - quotient)
    return where(abs(x) < TINY[x.format], x, result.with_sign_of(x))


def expit(x: Float) -> Float:
    """1 / (1 + e^-x); below zero e^x / (1 + e^x)."""
    parts = reduced(clamped(-abs(x), *RANGE[x.format]))
    upper, lower = fast_two_sum(x.constant(1.0), parts.r)
    upper, lower = fast_two_sum(upper, lower + parts.tail)
    e, rest = scaled(upper, parts.k, parts.last), scaled(lower, parts.k, parts.last)
    below, lost = fast_two_sum(1.0, e)
    inverse = 1.0 / below
    negative = x < 0.0
    quotient = where(negative, e / below, inverse)
    change = where(negative, rest, 0.0) - quotient * (lost + rest)
    return quotient + change * inverse
