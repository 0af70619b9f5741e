"""Functions as scalar Python that Numba compiles for CPU and GPU: what the templates of ops call by name.

Each function stands alone (`math` only), so that a backend may compile it by itself. Those of floats work in
double precision, and all give what NumPy and SciPy give, at poles and infinities too. Below -2^52 every float
is whole.
"""

from __future__ import annotations

import math


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
