"""Sine, cosine and tangent, of huge numbers too.

|x| = n pi/2 + y with |y| <= pi/4, about, where y is a sum of two numbers; y goes into odd and even minimax
polynomials (Remez's exchange, 160 bits). Up to 2^20 that is done after Cody and Waite: pi/2 is split in
three, so that n times the first two parts is exact. Beyond, and where so much cancels that three parts are
too few, a function that is called for such arguments alone does what `huge.py` says.

Numbers of 32 bits are computed in 64. Powers of tiny ones would underflow, for which a processor takes many
times as long as for another product: nothing is computed with them.
"""

from __future__ import annotations

from . import huge
from .notation import (
    F64,
    Bits,
    Float,
    Truth,
    at_least,
    fast_two_sum,
    fused,
    polynomial,
    quotient,
    two_sum,
    where,
)
from .rare import rarely

SIN = {
    F64: (
        -0.1666666666666664,
        0.008333333333323662,
        -0.00019841269830144393,
        2.755731365185318e-06,
        -2.5050734571069506e-08,
        1.5894710581635298e-10,
    )
}
"""(sin y - y) / y^3 in powers of y^2, for |y| <= pi/4."""

COS = {
    F64: (
        0.04166666666666665,
        -0.001388888888888284,
        2.4801587294628004e-05,
        -2.7557315738613277e-07,
        2.0875897738682843e-09,
        -1.1367981880469046e-11,
    )
}
"""(cos y - 1 + y^2/2) / y^4 in powers of y^2, for |y| <= pi/4."""

TWO_BY_PI = 0.6366197723675814
HALF_PI = (1.5707963267341256, 6.077100506303966e-11, 2.0222662487959506e-21)
"""pi/2 as a sum of three, the first two with 33 bits each."""
LARGEST = 2.0**20
CANCELLED = 2.0**-50
"""How small y may be beside x."""
TINY = 2.0**-27
"""sin x and tan x round to x below, cos x to 1."""


def _reduced(x: Float) -> tuple[Float, Float, Bits, Truth]:
    """|x| = n pi/2 + y: y as a sum of two, bits whose last two are those of n, and whether that is right.

    A tiny x is taken for a larger one.
    """
    x = at_least(TINY, abs(x))
    n, last = (x * TWO_BY_PI).whole()
    y, lost = two_sum(x - n * HALF_PI[0], -(n * HALF_PI[1]))
    y, rest = fast_two_sum(y, lost - n * HALF_PI[2])
    return y, rest, last, (x < LARGEST) & (abs(y) >= x * CANCELLED)


def _sin(y: Float, rest: Float) -> Float:
    z = y * y
    return y + fused(z * y, polynomial(z, SIN), rest)


def _cos(y: Float, rest: Float) -> Float:
    z = y * y
    half = 0.5 * z
    near = 1.0 - half
    return near + (((1.0 - near) - half) + fused(z * z, polynomial(z, COS), -(y * rest)))


def _turned(y: Float, rest: Float, n: Bits) -> Float:
    """sin(y + rest + n pi/2)."""
    value = where((n & 1).equals(0), _sin(y, rest), _cos(y, rest))
    return (value.bits ^ ((n & 2) << 62)).number


def _tan(y: Float, rest: Float, n: Bits) -> Float:
    """tan(y + rest + n pi/2): what the roundings of sine, cosine and quotient lost is put back."""
    z = y * y
    sine, lost = fast_two_sum(y, fused(z * y, polynomial(z, SIN), rest))
    half = 0.5 * z
    near, away = fast_two_sum(y.constant(1.0), -half)
    cosine, missing = fast_two_sum(near, away + fused(z * z, polynomial(z, COS), -(y * rest)))
    even = (n & 1).equals(0)
    above, above_rest = where(even, sine, -cosine), where(even, lost, -missing)
    below, below_rest = where(even, cosine, sine), where(even, missing, lost)
    return quotient(above, above_rest, below, below_rest)


def _huge_tan(x: Float) -> Float:
    return _tan(*huge.reduced(x)).times_sign_of(x)


def _huge_sin(x: Float) -> Float:
    y, rest, n = huge.reduced(x)
    return _turned(y, rest, n).times_sign_of(x)


def _huge_cos(x: Float) -> Float:
    y, rest, n = huge.reduced(x)
    return _turned(y, rest, n + 1)


def sin(x: Float) -> Float:
    """The sine; NaN of an infinite number."""
    wide = x.converted(F64)
    y, rest, n, right = _reduced(wide)
    usual = where(abs(wide) < TINY, wide, _turned(y, rest, n).times_sign_of(wide))
    return rarely(right, _huge_sin, wide, usual).converted(x.format)


def cos(x: Float) -> Float:
    """The cosine; NaN of an infinite number."""
    wide = x.converted(F64)
    y, rest, n, right = _reduced(wide)
    return rarely(right, _huge_cos, wide, _turned(y, rest, n + 1)).converted(x.format)


def tan(x: Float) -> Float:
    """The tangent; NaN of an infinite number."""
    wide = x.converted(F64)
    y, rest, n, right = _reduced(wide)
    usual = where(abs(wide) < TINY, wide, _tan(y, rest, n).times_sign_of(wide))
    return rarely(right, _huge_tan, wide, usual).converted(x.format)
