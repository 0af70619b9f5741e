"""x^y = 2^(y log2 |x|), with the sign and the ends that IEEE 754 and C give it.

The logarithm is a sum of two numbers, right to 65 bits, since y multiplies its error. It is put together as
in FreeBSD's e_pow.c: upper parts are short, so that their products are exact. x = 2^k m with sqrt(1/2) <= m
< sqrt(2), s = (m - 1) / (m + 1), and log m = 2/3 s (3 + s^2 + s^4 p(s^2)).

Coefficients: minimax, by Remez's exchange with 160 bits. Numbers of 32 bits are computed in 64.
"""

from __future__ import annotations

from .exponentials import EXP2, RANGE2, clamped, halves_of_power, whole
from .logarithms import normal
from .notation import F64, Bits, Float, Truth, fast_two_sum, fused, polynomial, where

LOG = {
    F64: (
        0.6000000000000058,
        0.4285714285649409,
        0.3333333354641594,
        0.2727269607816954,
        0.2307928534567523,
        0.19903833376572938,
        0.19632940458794193,
    )
}
"""(log((1 + s) / (1 - s)) - 2 s - 2/3 s^3) / (2/3 s^5) in powers of s^2, for s^2 <= 0.0295."""

FACTOR = (9.61796700954437255859e-01, 9.61796693925975554329e-01, -7.02846165095275826516e-09)
"""2/3 / log 2: short, as it is, and what the short one lacks."""
SHORT = 27
"""Bits without which products are exact."""


def _log2(x: Float) -> tuple[Float, Float]:
    """log2 x as a sum of two, the first one short; x is normal or subnormal, not negative."""
    k, _, m = normal(x)
    f = m - 1.0
    inverse = 1.0 / (m + 1.0)
    s = f * inverse
    upper = s.upper(SHORT)
    below = (m + 1.0).upper(SHORT)
    rest = ((f - upper * below) - upper * (m - (below - 1.0))) * inverse
    z = s * s
    tail = fused(z * z, polynomial(z, LOG), rest * (upper + s))
    square = upper * upper
    factor = (square + 3.0 + tail).upper(SHORT)
    lacking = tail - ((factor - 3.0) - square)
    u, v = upper * factor, fused(rest, factor, lacking * s)
    total = (u + v).upper(SHORT)
    lost = v - (total - u)
    high = FACTOR[0] * total
    low = fused(total, FACTOR[2], lost * FACTOR[1])
    result = ((high + low) + k).upper(SHORT)
    return result, low - ((result - k) - high)


def _exp2(upper: Float, lower: Float) -> Float:
    """2^(upper + lower), where the second one is small beside the first, or both are beyond the range."""
    total = upper + lower
    inside = abs(total) < 1100.0
    upper = where(inside, upper, clamped(total, *RANGE2[F64]))
    k, last = whole(upper, 1.0, 2 * F64.bias)
    r, lost = fast_two_sum(upper - k, where(inside, lower, 0.0))
    first, second = halves_of_power(last)
    tail = fused(r, polynomial(r, EXP2), lost * EXP2[F64][0])
    return (1.0 + tail) * first * second


def _integer(y: Float) -> tuple[Truth, Bits]:
    """Whether |y| is a whole number, and bits of which the last one says whether it is odd."""
    shifted = y + 2.0**52
    whole = (y >= 2.0**52) | (shifted - 2.0**52).equals(y)
    bits = where(y < 2.0**52, shifted, where(y < 2.0**53, y, 0.0)).bits
    return whole, bits


def power(x: Float, y: Float) -> Float:
    """x^y."""
    return _power(x.converted(F64), y.converted(F64)).converted(x.format)


def _power(x: Float, y: Float) -> Float:
    size, infinite = abs(x), float("inf")
    upper, lower = _log2(size)
    short = y.upper(SHORT)
    usual = _exp2(short * upper, fused(y - short, upper, y * lower))
    logarithm = where(size.equals(0.0), x.constant(-infinite), where(size < infinite, upper, size))
    ordinary = (size > 0.0) & (size < infinite) & (abs(y) < infinite)
    towards = y * logarithm
    limit = where(towards > 0.0, x.constant(infinite), where(towards < 0.0, 0.0, towards))
    result = where(ordinary, usual, limit)
    result = where(size.equals(1.0) & abs(y).equals(infinite), 1.0, result)
    whole, last = _integer(abs(y))
    result = where((x < 0.0) & (size < infinite) & ~whole, float("nan"), result)
    sign = where(whole, (last << 63).number, 0.0).bits & x.bits
    result = (result.bits ^ (sign & F64.sign)).number
    return where(y.equals(0.0) | x.equals(1.0), 1.0, result)
