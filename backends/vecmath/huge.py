"""Angles of any size without the multiples of pi/2.

x 2/pi = n + r with |r| <= 1/2 is found from the bits of 2/pi that matter for the exponent of x, after Payne
and Hanek (1983). x is a whole number times a power of two; that power times 2/pi, without multiples of 4,
lies in a table, in pieces of 26 bits whose products with the halves of x are exact.
"""

from __future__ import annotations

from functools import cache
from math import pi

from .notation import Bits, Float, fused, two_sum, where
from .tables import Table

HALF_PI = (pi / 2, 6.123233995736766e-17)
"""pi/2 as a sum of two numbers."""
HALF_PI_HALVES = (1.5707963109016418, 1.5893254712295857e-08)
"""The first of them as a sum of two of 26 bits."""

BITS_OF_TWO_BY_PI = int(
    "a2f9836e4e441529fc2757d1f534ddc0db6295993c439041fe5163abdebbc561b7246e3a424dd2e006492eea09d1921cfe1deb1c"
    "b129a73ee88235f52ebb4484e99c7026b45f7e413991d639835339f49c845f8bbdf9283b1ff897ffde05980fef2f118b5a0a6d1f"
    "6d367ecf27cb09b74f463f669e5fea2d7527bac7ebe5f17b3d0739f78a5292ea6bfb5fb11f8d5d0856033046fc7b6bab",
    16,
)
"""2/pi times 2^1216."""

PIECE = 26
PIECES = 7
FIRST, LAST = 127, 255
"""Exponents of the format, in eights, that the table has: from 2^-7 on."""


@cache
def _two_by_pi() -> Table:
    """For each eight exponents 2^e 2/pi modulo 4, where 2^e is the last bit of a number with the lowest."""
    rows = []
    for eight in range(FIRST, LAST + 1):
        exponent, last = 8 * eight - 1075, PIECE * PIECES - 2
        left = (BITS_OF_TWO_BY_PI >> (1216 - last - exponent)) % 2 ** (last + 2)
        pieces: list[float] = []
        for k in range(PIECES):
            piece = (left + 2 ** (PIECE - 1)) % 2**PIECE - 2 ** (PIECE - 1)
            left = (left - piece) >> PIECE
            pieces.insert(0, piece * 2.0 ** (k * PIECE - last))
        rows.append([pieces[0] + pieces[1], pieces[2] + pieces[3], pieces[4] + pieces[5], pieces[6]])
    return Table("adcompiler_two_by_pi", rows)


def _pieces(x: Float) -> list[Float]:
    """The pieces that belong to a number, not negative."""
    index = (x.bits >> 55) - FIRST
    found = []
    *pairs, last = _two_by_pi().row(index.where(x < 0.5, 0))
    for k, pair in enumerate(pairs):
        upper = pair.rounded(2.0 ** (2 - PIECE * (2 * k + 1)))
        found += [upper, pair - upper]
    return [*found, last]


def _quarters(x: Float) -> tuple[Float, Float, Bits]:
    """|x| 2/pi = n + r: r as a sum of two, and bits whose last two are those of n."""
    x = abs(x)
    number = ((x.bits & (2**55 - 1)) + ((1023 + 52) << 52)).number
    upper = (number.bits + 2**25).number.upper(26)
    lower = number - upper
    pieces = _pieces(x)
    products = [upper * p + lower * before for p, before in zip(pieces[1:], pieces, strict=False)]
    first, n1 = products[0].whole()
    second, n2 = products[1].whole()
    third, n3 = ((products[0] - first) + (products[1] - second)).whole()
    r = ((products[0] - first) + (products[1] - second)) - third
    r, lost = two_sum(r, products[2])
    r, lost_too = two_sum(r, products[3])
    r, lost = two_sum(r, (lost + lost_too) + (products[4] + products[5]))
    return r, lost, n1 + n2 + n3


def reduced(x: Float) -> tuple[Float, Float, Bits]:
    """|x| = n pi/2 + y: y as a sum of two, and bits whose last two are those of n; NaN if x is infinite."""
    r, lost, n = _quarters(x)
    upper = r.upper(27)
    product = r * HALF_PI[0]
    error = (upper * HALF_PI_HALVES[0] - product) + upper * HALF_PI_HALVES[1]
    error = error + (r - upper) * HALF_PI_HALVES[0] + (r - upper) * HALF_PI_HALVES[1]
    y = where(abs(x) < float("inf"), product, float("nan"))
    return y, fused(r, HALF_PI[1], fused(lost, HALF_PI[0], error)), n
