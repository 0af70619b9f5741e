"""e^x and what is made of it: exp2, expm1, sinh, cosh, tanh and the logistic function.

x = k ln 2 + r with |r| <= ln 2 / 2, after Cody and Waite: ln 2 is split in two, so that k times the first
part is exact. e^r = 1 + r + r^2 p(r). 2^k is multiplied in two halves, since it may lie outside of the
format where the result does not, or where that is subnormal. Sums of different magnitudes carry their error
along. What is computed with a tiny x is computed with a larger one, whose square does not underflow: that
takes a processor many times as long as another product.

Coefficients: minimax in the relative error, by Remez's exchange with 160 bits.
"""

from __future__ import annotations

from .notation import F32, F64, Bits, Float, at_least, fast_two_sum, fused, polynomial, two_sum, where

LOG2_E = 1.4426950408889634
LN2_UPPER = {F64: 6.93147180369123816490e-01, F32: 0.693359375}
"""Its last bits are zero: products with whole numbers up to 2^11, or 2^8, are exact."""
LN2_LOWER = {F64: 1.90821492927058770002e-10, F32: -2.12194440e-4}

EXP = {
    F64: (
        0.500000000000001,
        0.16666666666666674,
        0.041666666666521524,
        0.008333333333322172,
        0.0013888888947962543,
        0.00019841269886699926,
        2.4801487165838708e-05,
        2.755724221351069e-06,
        2.7632716110097873e-07,
        2.511009630403349e-08,
    ),
    F32: (
        0.4999999701976776,
        0.1666652262210846,
        0.04166760668158531,
        0.008369224146008492,
        0.0013855312718078494,
    ),
}
"""(e^r - 1 - r) / r^2 for |r| <= 0.3468, for a small error of e^r."""

EXPM1 = {
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
    F32: EXP[F32],
}
"""The same, for a small error of e^r - 1."""

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
TOO_LARGE = {F64: 710.5, F32: 89.5}
"""sinh x and cosh x are beyond the largest number."""
NEGLIGIBLE = {F64: -40.0, F32: -20.0}
"""e^x - 1 rounds to -1 below."""
SATURATED = {F64: 20.0, F32: 10.0}
"""tanh x rounds to 1 above."""
TINY = {F64: 2.0**-54, F32: 2.0**-25}
"""sinh x, tanh x and e^x - 1 round to x below, cosh x to 1, the logistic function to 1/2."""


def clamped(x: Float, low: float, high: float) -> Float:
    """x between two bounds; NaN stays."""
    x = at_least(low, x)
    return where(x > high, high, x)


def whole(x: Float, factor: float, bias: int) -> tuple[Float, Bits]:
    """The whole number k nearest to factor * x, and bits whose last ones are those of k + bias."""
    shift = x.format.to_whole + bias
    shifted = fused(x, factor, shift)
    return shifted - shift, shifted.bits


def halves_of_power(last: Bits) -> tuple[Float, Float]:
    """Two factors of 2^k, where the last bits are those of k + twice the bias; k may exceed the exponents."""
    format = last.format
    half = (last << (format.mantissa - 1)) & -(1 << format.mantissa)
    return half.number, ((last << format.mantissa) - half).number


def without_ln2(x: Float, k: Float) -> tuple[Float, Float]:
    """r = x - k ln 2, as a sum of two."""
    left = x - k * LN2_UPPER[x.format]
    away = k * LN2_LOWER[x.format]
    r = left - away
    return r, (left - r) - away


def near_one(x: Float, k: Float, rest: Float | None = None) -> Float:
    """e^(x - k ln 2 + rest), where that is about 1."""
    r = fused(k, -LN2_LOWER[x.format], fused(k, -LN2_UPPER[x.format], x))
    r = r if rest is None else r + rest
    return fused(fused(polynomial(r, EXP), r, 1.0), r, 1.0)


def exp(x: Float) -> Float:
    """e^x."""
    x = clamped(x, *RANGE[x.format])
    k, last = whole(x, LOG2_E, 2 * x.format.bias)
    upper, lower = halves_of_power(last)
    return near_one(x, k) * upper * lower


def exp2(x: Float) -> Float:
    """2^x."""
    x = clamped(x, *RANGE2[x.format])
    k, last = whole(x, 1.0, 2 * x.format.bias)
    r = x - k
    upper, lower = halves_of_power(last)
    return fused(polynomial(r, EXP2), r, 1.0) * upper * lower


def _without_one(x: Float, power: int) -> tuple[Float, Float]:
    """(e^x - 1) / 2^power as a sum of two, the second one small; e^x / 2^power is within the format."""
    k, last = whole(x, LOG2_E, x.format.bias - power)
    r, error = without_ln2(x, k)
    scale = (last << x.format.mantissa).number
    total, lost = fast_two_sum(scale - 2.0**-power, scale * r)
    return fast_two_sum(total, fused(scale, fused(r * r, polynomial(r, EXPM1), error), lost))


def expm1(x: Float) -> Float:
    """e^x - 1."""
    tiny = abs(x) < TINY[x.format]
    computed = where(tiny, TINY[x.format], clamped(x, NEGLIGIBLE[x.format], RANGE[x.format][1]))
    upper, lower = _without_one(computed, 1)
    return where(tiny, x, (upper + lower) * 2.0)


def sinh(x: Float) -> Float:
    """sinh x = 2 (q + q / (4 q + 1)), where q = (e^|x| - 1) / 4 and 1 / (4 q + 1) = e^-|x|."""
    q, rest = _without_one(clamped(abs(x), TINY[x.format], TOO_LARGE[x.format]), 2)
    second = q / (4.0 * q + 1.0)
    inverse = 1.0 - 4.0 * second
    result = (q + (second + rest * fused(inverse, inverse, 1.0))) * 2.0
    return where(abs(x) < TINY[x.format], x, result.with_sign_of(x))


def cosh(x: Float) -> Float:
    """cosh x = 2 (q + 1/4 + 1/4 / (4 q + 1)), q as for sinh."""
    q, rest = _without_one(clamped(abs(x), TINY[x.format], TOO_LARGE[x.format]), 2)
    total, lost = two_sum(q, 0.25 + 0.25 / (4.0 * q + 1.0))
    return (total + (lost + rest)) * 2.0


def tanh(x: Float) -> Float:
    """tanh x = e / (e + 1), where e = (e^2x - 1) / 2.

    1 / (e + 1) = 1 - tanh x, by which what the roundings lost is put back.
    """
    e, rest = _without_one(clamped(abs(x) * 2.0, TINY[x.format], SATURATED[x.format] * 2.0), 1)
    below, lost = two_sum(e, 1.0)
    quotient = e / below
    result = quotient + (rest - quotient * (lost + rest)) * (1.0 - quotient)
    return where(abs(x) < TINY[x.format], x, result.with_sign_of(x))


def expit(x: Float) -> Float:
    """1 / (1 + e), where e = e^-|x|; below zero e / (1 + e).

    1 / (1 + e) is the result, or 1 minus the result; by it what the roundings lost is put back.
    """
    negative = x < 0.0
    e, rest = _exp_in_two(clamped(-abs(x), RANGE[x.format][0], -TINY[x.format]))
    below, lost = fast_two_sum(1.0, e)
    quotient = where(negative, e, 1.0) / below
    change = where(negative, rest, 0.0) - quotient * (lost + rest)
    return quotient + change * where(negative, 1.0 - quotient, quotient)


def _exp_in_two(x: Float) -> tuple[Float, Float]:
    """e^x as a sum of two, the second one small."""
    k, last = whole(x, LOG2_E, 2 * x.format.bias)
    r, error = without_ln2(x, k)
    total, lost = fast_two_sum(x.constant(1.0), r)
    total, lost = fast_two_sum(total, fused(r * r, polynomial(r, EXPM1), error + lost))
    upper, lower = halves_of_power(last)
    return total * upper * lower, lost * upper * lower
