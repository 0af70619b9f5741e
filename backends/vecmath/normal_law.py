"""The error function and its complement.

Near zero, erf x = x + x p(x^2). Beyond, erfc x = e^(-x^2) q(t) / (x + 1/2) with t = (x - 3) / (x + 3), the
form of Shepherd and Laframboise (1981), where q hardly varies; x^2 is a sum of two numbers. Both are
computed.

Coefficients: minimax in the relative error, by Remez's exchange with 160 bits. Numbers of 32 bits are
computed in 64.
"""

from __future__ import annotations

from .exponentials import EXPM1, LOG2_E, clamped, halves_of_power, near_one, whole, without_ln2
from .notation import (
    F64,
    Float,
    at_least,
    fast_two_sum,
    fused,
    polynomial,
    quotient,
    two_product,
    two_sum,
    where,
)

ERF = {
    F64: (
        0.12837916709551256,
        -0.37612638903183543,
        0.11283791670945159,
        -0.02686617064326027,
        0.0052239776072865625,
        -0.000854832598287394,
        0.0001205529510940345,
        -1.4924740484580211e-05,
        1.6447464712183857e-06,
        -1.6208760270995594e-07,
        1.3721137893742711e-08,
        -7.797685989081661e-10,
    )
}
"""erf(x) / x - 1 in powers of x^2, for x <= 1."""

ERFC = {
    F64: (
        0.6265040291348648,
        -0.06781055306229083,
        -0.023781147176722087,
        0.0648225793514139,
        -0.05963683170789217,
        0.03415401367065944,
        -0.011885257452497626,
        0.0012646959314670063,
        0.0009443450781148387,
        -0.000389916353125646,
        -5.257902029826261e-05,
        6.255079902395968e-05,
        2.4700555856325473e-06,
        -1.0053446331645283e-05,
        -3.5018902353001873e-07,
        1.7400611887955637e-06,
        1.4684867947945876e-07,
        -3.0666945049750416e-07,
        -3.419447097975278e-08,
        4.190884209950988e-08,
    )
}
"""e^(x^2) erfc(x) (x + 1/2) in powers of t, for 0.749 <= x <= 27.3."""

BORDER, BORDER_OF_COMPLEMENT = 1.0, 0.75
"""Where the first formula ends."""
TINY = 2.0**-54
"""erf(x) / x is that of 0 below."""
ZERO = 28.0
"""erfc rounds to 0 above."""
ONE = 6.0
"""erf rounds to 1 above."""


def _near(size: Float) -> Float:
    """erf(x) / x - 1, for small x, of |x|; the square of a tiny one would underflow, which takes long."""
    size = at_least(TINY, size)
    return polynomial(size * size, ERF)


def _far(x: Float) -> Float:
    """erfc x, for x that is positive and not small."""
    x = clamped(x, BORDER_OF_COMPLEMENT, ZERO)
    square, rest = _squared(x)
    k, last = whole(-square, LOG2_E, 2 * F64.bias)
    r, error = without_ln2(-square, k)
    r, error = fast_two_sum(r, error - rest)
    total, lost = fast_two_sum(x.constant(1.0), r)
    total, lost = fast_two_sum(total, fused(r * r, polynomial(r, EXPM1), error + lost))
    first, *others = ERFC[F64]
    t = (x - 3.0) / (x + 3.0)
    factor, missing = fast_two_sum(first, t * polynomial(t, {F64: others}))
    product, rest = two_product(total, factor)
    upper, lower = halves_of_power(last)
    rest = fused(total, missing, fused(lost, factor, rest))
    return quotient(product, rest, *two_sum(x, 0.5)) * upper * lower


def _far_beside_one(x: Float) -> Float:
    """The same, less precise: what 1 is added to."""
    x = clamped(x, BORDER, ONE)
    square, rest = _squared(x)
    inverse = 1.0 / ((x + 0.5) * (x + 3.0))
    factor = polynomial((x - 3.0) * (x + 0.5) * inverse, ERFC) * ((x + 3.0) * inverse)
    k, last = whole(-square, LOG2_E, F64.bias)
    return near_one(-square, k, -rest) * factor * (last << F64.mantissa).number


def _squared(x: Float) -> tuple[Float, Float]:
    """x^2 as a sum of two."""
    short = x.upper(27)
    return short * short, (x - short) * (x + short)


def erf(x: Float) -> Float:
    """The error function."""
    return _erf(x.converted(F64)).converted(x.format)


def erfc(x: Float) -> Float:
    """1 - erf x, also where that is small."""
    return _erfc(x.converted(F64)).converted(x.format)


def _erf(x: Float) -> Float:
    size = abs(x)
    return where(size < BORDER, fused(x, _near(size), x), (1.0 - _far_beside_one(size)).with_sign_of(x))


def _erfc(x: Float) -> Float:
    size = abs(x)
    far = _far(size)
    total, lost = fast_two_sum(x.constant(1.0), -x)
    near = total + (lost - x * _near(size))
    return where(size < BORDER_OF_COMPLEMENT, near, where(x < 0.0, 2.0 - far, far))
