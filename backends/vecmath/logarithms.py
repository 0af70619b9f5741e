"""Logarithms: log, log2, log10, and log1p, that of 1 + x.

x = 2^k m with sqrt(1/2) <= m < sqrt(2). With f = m - 1, s = f / (2 + f) and z = s^2, log m = f - f^2/2 + s
(f^2/2 + z p(z)); that form and the way to other bases are those of FreeBSD's e_log.c and k_log.h. A
subnormal number is multiplied by a power of two before.

Coefficients: minimax in the relative error of the logarithm, by Remez's exchange with 160 bits.
"""

from __future__ import annotations

from dataclasses import dataclass

from .exponentials import LN2_LOWER, LN2_UPPER, TINY, exp
from .notation import F32, F64, Bits, Float, fused, polynomial, two_sum, where

LOG = {
    F64: (
        0.666666666666671,
        0.3999999999951718,
        0.285714287300112,
        0.22222199005406681,
        0.18183576430198528,
        0.15313030195915803,
        0.14811936070983317,
    ),
    F32: (0.6666666865348816, 0.4000034034252167, 0.28535985946655273, 0.23618724942207336),
}
"""(log((1 + s) / (1 - s)) - 2 s) / s^3 in powers of z = s^2, for 0 <= z <= 0.0295."""

ROOT = {F64: 0x3FE6A09E00000000, F32: 0x3F3504F3}
"""The bits of sqrt(1/2), about."""
SMALLEST = {F64: 2.0**-1022, F32: 2.0**-126}
"""The smallest normal number."""
LIFT = {F64: 54, F32: 25}
"""Powers of two that make subnormal numbers normal."""
HALF = {F64: 32, F32: 12}
"""Bits without which products of two numbers are exact."""

LN2 = 0.6931471805599453

BASE2 = {F64: (1.44269504072144627571, 1.67517131648865118353e-10), F32: (1.44287109375, -1.7605285393e-4)}
BASE10 = {
    F64: (0.43429448187816888094, 2.50829467116452752298e-11),
    F32: (0.434326171875, -3.1689971365e-5),
}
"""1 / log 2 and 1 / log 10, in an upper part that is short and what is left."""
LOG10_2 = {
    F64: (3.01029995663611771306e-01, 3.69423907715893078616e-13),
    F32: (0.301025390625, 4.6050390e-6),
}


@dataclass(frozen=True)
class Parts:
    """log x = k log 2 + f - half + rest, where half = f^2 / 2."""

    k: Float
    place: Bits
    """k, with the bias of the format."""
    f: Float
    half: Float
    rest: Float


def normal(x: Float) -> tuple[Float, Bits, Float]:
    """k, bits of k with the bias of the format, and m, of a positive number 2^k m with m about 1."""
    format, root = x.format, ROOT[x.format]
    one, bits = format.bias << format.mantissa, format.mantissa
    subnormal = x < SMALLEST[format]
    raised = where(subnormal, x * 2.0 ** LIFT[format], x).bits + (one - root)
    place = raised >> bits
    whole = (place | x.constant(2.0**bits).bits).number
    k = whole - where(subnormal, x.constant(2.0**bits + format.bias + LIFT[format]), 2.0**bits + format.bias)
    return k, place, ((raised & (2**bits - 1)) + root).number


def parts(x: Float) -> Parts:
    """What the logarithm of a positive number is put together from."""
    k, place, m = normal(x)
    f = m - 1.0
    s = f / (f + 2.0)
    z = s * s
    half = 0.5 * f * f
    return Parts(k, place, f, half, s * fused(z, polynomial(z, LOG), half))


def at_ends(x: Float, result: Float) -> Float:
    """The logarithm of x, `result` within the domain: -inf at 0, NaN below, inf and NaN as they are."""
    outside = where(x.equals(0.0), x.constant(-float("inf")), float("nan"))
    return where(x > 0.0, where(x < float("inf"), result, x), outside)


def _natural(found: Parts, correction: Float | float) -> Float:
    format = found.k.format
    small = fused(found.k, LN2_LOWER[format], found.rest + correction)
    return found.k * LN2_UPPER[format] - ((found.half - small) - found.f)


def log(x: Float) -> Float:
    """The natural logarithm."""
    return at_ends(x, _natural(parts(x), 0.0))


def log1p(x: Float) -> Float:
    """log(1 + x): what rounds off 1 + x is divided by it, about, and added to its logarithm."""
    total, lost = two_sum(x, 1.0)
    found = parts(total)
    f, format = found.f, x.format
    scale = ((found.place ^ -1) + (2 * format.bias + 1) << format.mantissa).number
    correction = where(total < 2.0**60, lost * scale * (1.0 - f * (1.0 - f)), 0.0)
    return where(abs(x) < TINY[format], x, at_ends(total, _natural(found, correction)))


def logaddexp(x: Float, y: Float) -> Float:
    """log(e^x + e^y); like NumPy's it is as precise as the larger of the two terms that it adds."""
    larger = where(x > y, x, y)
    apart = larger + log1p(exp(-abs(x - y)))
    return where(x.equals(y), x + LN2, apart)


def _based(x: Float, factor: tuple[float, float], of_two: tuple[float, float]) -> Float:
    """factor * log x, where factor * log 2 = of_two; both in two parts."""
    found = parts(x)
    upper = (found.f - found.half).upper(HALF[x.format])
    lower = (found.f - upper) - found.half + found.rest
    high = upper * factor[0]
    low = fused(lower + upper, factor[1], lower * factor[0])
    low = fused(found.k, of_two[1], low)
    whole = found.k * of_two[0]
    total = whole + high
    return at_ends(x, total + (low + ((whole - total) + high)))


def log2(x: Float) -> Float:
    """The logarithm to base 2; whole for powers of two."""
    return _based(x, BASE2[x.format], (1.0, 0.0))


def log10(x: Float) -> Float:
    """The logarithm to base 10."""
    return _based(x, BASE10[x.format], LOG10_2[x.format])
