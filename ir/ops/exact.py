"""The irrational constants of the partials, and what they are exactly.

Partials are programs on floats; a proof needs to know that 0.6931471805599453 means log(2).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

LN2 = math.log(2.0)
LN10 = math.log(10.0)
TWO_BY_SQRT_PI = 2.0 / math.sqrt(math.pi)
DEGREE = math.pi / 180.0

_IRRATIONAL: dict[float, Callable[[Any], Any]] = {
    LN2: lambda sympy: sympy.log(2),
    LN10: lambda sympy: sympy.log(10),
    TWO_BY_SQRT_PI: lambda sympy: 2 / sympy.sqrt(sympy.pi),
    DEGREE: lambda sympy: sympy.pi / 180,
}


def exact(number: float) -> Any:
    """The SymPy number that a float stands for: one of the above, else the fraction that it is."""
    import sympy

    if abs(number) in _IRRATIONAL:
        return _IRRATIONAL[abs(number)](sympy) * (1 if number > 0 else -1)
    fraction = Fraction(float(number))
    return sympy.Rational(fraction.numerator, fraction.denominator)
