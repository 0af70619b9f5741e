"""Functions as scalar Python that Numba compiles for CPU and GPU: what the templates of ops call by name.

Each function stands alone (`math` and scalars of `np` only), so that a backend may compile it by itself.
Those of floats work in double precision, and all give what NumPy and SciPy give, at poles and infinities too.
Below -2^52 every float is whole. Those of formats of 16 bits are integer arithmetic without branches, which
LLVM vectorises; a NaN stays one, with the bits that NumPy gives it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def floor_divide(x: float, y: float, rest: float) -> float:
    """x // y of floats by C's remainder `rest`, which is exact; as NumPy at zeros and infinities."""
    if y == 0.0 and x != 0.0 and x == x:
        return math.copysign(math.inf, x) * math.copysign(1.0, y)
    if y == 0.0 or y != y or not math.isfinite(x):
        return math.nan
    quotient = (x - rest) / y
    if rest != 0.0 and (rest < 0.0) != (y < 0.0):
        quotient -= 1.0
    if quotient == 0.0:
        return math.copysign(0.0, x) * math.copysign(1.0, y)
    return float(math.floor(quotient + 0.5)) if abs(quotient) < 2.0**52 else quotient


def remainder(y: float, rest: float) -> float:
    """The remainder of a division by y, with the sign of y, also when it is zero, by C's remainder `rest`."""
    if rest != 0.0 and (rest < 0.0) != (y < 0.0):
        rest += y
    return math.copysign(rest, y)


def integer_power(x: int, n: int) -> int:
    """x**n for n >= 0 by repeated squaring; it wraps as products do."""
    result = 1
    while n > 0:
        if n & 1:
            result *= x
        x *= x
        n >>= 1
    return result


def gammaln(x: float) -> float:
    """log|Γ(x)|: the C library's, without the exceptions that Python adds at poles and on overflow."""
    if x == -math.inf:
        return x
    if x > 2.5e305 or x < -(2.0**52) or (x <= 0.0 and x == math.floor(x)):
        return math.inf
    return math.lgamma(x)


def digamma(x: float) -> float:
    """Γ'(x)/Γ(x) by reflection, recurrence up to 10, and the asymptotic series.

    Source: Abramowitz and Stegun, 6.3.7, 6.3.5, 6.3.18.
    """
    if x == 0.0:
        return math.copysign(math.inf, -x)
    result = 0.0
    if x < 0.0:
        if x < -(2.0**52) or x == math.floor(x):
            return math.nan
        to_pole = x - math.floor(x + 0.5)
        result = -math.pi / math.tan(math.pi * to_pole)
        x = 1.0 - x
    while x < 10.0:
        result -= 1.0 / x
        x += 1.0
    z = 1.0 / (x * x)
    tail = 1 / 132 - z * (691 / 32760 - z * (1 / 12))
    series = z * (1 / 12 - z * (1 / 120 - z * (1 / 252 - z * (1 / 240 - z * tail))))
    return result + math.log(x) - 0.5 / x - series


def polygamma(n: int, x: float) -> float:
    """The n-th derivative of digamma, n >= 1, as (-1)^(n+1) n! ζ(n+1, x) by the Euler-Maclaurin formula.

    Below zero the recurrence takes |x| steps; below -1e6 the result is NaN.
    Source: Abramowitz and Stegun, 6.4.10; DLMF, 25.11.28.
    """
    factor = -1.0
    for k in range(1, n + 1):
        factor *= -k
    if x <= 0.0:
        if x < -(2.0**52) or x == math.floor(x):
            return factor * math.inf
        if x < -1e6:
            return math.nan
    zeta = 0.0
    while x < 12.0 + n:
        term = 1.0
        for _ in range(n + 1):
            term /= x
        zeta += term
        x += 1.0
    power = 1.0
    for _ in range(n):
        power /= x
    zeta += power / n + 0.5 * power / x
    power *= (n + 1) / x / x
    bernoulli = (1 / 12, -1 / 720, 1 / 30240, -1 / 1209600, 1 / 47900160, -691 / 1307674368000)  # B(2j)/(2j)!
    for j, weight in enumerate(bernoulli):
        zeta += weight * power
        power *= (n + 2 * j + 2) * (n + 2 * j + 3) / (x * x)
    return factor * zeta


# ---- formats of 16 bits ----


def decode_f16(bits: Any) -> Any:
    """The f32 of an f16: exponents grow by 112; what has none is added to 2^-14, which is taken off again."""
    word = np.uint32((np.uint32(bits) & np.uint32(0x7FFF)) << np.uint32(13))
    exponent = np.uint32(word >> np.uint32(23))
    small = np.float32(np.uint32(word + np.uint32(0x38800000)).view(np.float32) - np.float32(2.0**-14))
    usual = np.uint32(word + (np.uint32(0x70000000) if exponent == 31 else np.uint32(0x38000000)))
    sign = np.uint32((np.uint32(bits) & np.uint32(0x8000)) << np.uint32(16))
    return np.uint32((small.view(np.uint32) if exponent == 0 else usual) | sign).view(np.float32)


def encode_f16_from_f32(x: Any) -> Any:
    """The f16 nearest to an f32. Beside 0.5 an f32 has the last place of the smallest f16, 2^-24."""
    word = np.float32(x).view(np.uint32)
    size = np.uint32(word & np.uint32(0x7FFFFFFF))
    beside = np.float32(size.view(np.float32) + np.float32(0.5))
    small = np.uint32(beside.view(np.uint32) - np.uint32(0x3F000000))
    rounded = np.uint32(size + np.uint32(0xFFF) + ((size >> np.uint32(13)) & np.uint32(1)))
    usual = np.uint32((rounded - np.uint32(0x38000000)) >> np.uint32(13))
    payload = np.uint32((size >> np.uint32(13)) & np.uint32(0x3FF))
    nan = np.uint32(0x7C00 | (payload if payload else np.uint32(1)))
    large = nan if size > np.uint32(0x7F800000) else np.uint32(0x7C00)
    found = small if size < np.uint32(0x38800000) else usual if size < np.uint32(0x47800000) else large
    return np.uint16(found | ((word >> np.uint32(16)) & np.uint32(0x8000)))


def encode_f16_from_f64(x: Any) -> Any:
    """The f16 nearest to an f64, rounded once; 2^28 is to it what 0.5 is to an f32."""
    word = np.float64(x).view(np.uint64)
    size = np.uint64(word & np.uint64(0x7FFFFFFFFFFFFFFF))
    beside = np.float64(size.view(np.float64) + np.float64(2.0**28))
    small = np.uint64(beside.view(np.uint64) - np.uint64(0x41B0000000000000))
    rounded = np.uint64(size + np.uint64(0x1FFFFFFFFFF) + ((size >> np.uint64(42)) & np.uint64(1)))
    usual = np.uint64((rounded - np.uint64(0x3F00000000000000)) >> np.uint64(42))
    payload = np.uint64((size >> np.uint64(42)) & np.uint64(0x3FF))
    nan = np.uint64(np.uint64(0x7C00) | (payload if payload else np.uint64(1)))
    large = nan if size > np.uint64(0x7FF0000000000000) else np.uint64(0x7C00)
    normal = usual if size < np.uint64(0x40F0000000000000) else large
    found = small if size < np.uint64(0x3F10000000000000) else normal
    return np.uint16(found | ((word >> np.uint64(48)) & np.uint64(0x8000)))


def decode_bf16(bits: Any) -> Any:
    """The f32 of a bf16, which is its upper half."""
    return np.uint32(np.uint32(bits) << np.uint32(16)).view(np.float32)


def encode_bf16_from_f32(x: Any) -> Any:
    """The bf16 nearest to an f32; every NaN becomes the quiet one of its sign."""
    word = np.float32(x).view(np.uint32)
    sign = np.uint32((word >> np.uint32(16)) & np.uint32(0x8000))
    last = np.uint32((word >> np.uint32(16)) & np.uint32(1))
    rounded = np.uint32(np.uint32(word + np.uint32(0x7FFF) + last) >> np.uint32(16))
    nan = np.uint32(word & np.uint32(0x7FFFFFFF)) > np.uint32(0x7F800000)
    return np.uint16(sign | np.uint32(0x7FC0) if nan else rounded)
