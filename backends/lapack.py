"""Factorisations and linear systems, written into arrays that are there: what generated code calls.

Each function tells whether it could compute its result. LAPACK counts columns first, so what lies row after
row is the transpose to it: a lower triangle an upper one, and a right-hand side of several columns one that
stands on the left, which BLAS solves as it lies.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import routines
from .fortran import NO, YES, getrf, getrs, layout, potrf, trsm, trsv

UPPER, LOWER = ord("U"), ord("L")
RIGHT = ord("R")
UNIT = ord("U")
"""A diagonal of ones, which is not read."""


def cholesky(a: Any, out: Any) -> bool:
    """The lower triangle L of L Lᵀ = a, whose upper triangle is not read."""
    n = a.shape[0]
    for i in range(n):
        for j in range(n):
            out[i, j] = a[i, j] if j <= i else 0
    return n == 0 or potrf(UPPER, n, out, n, 0) == 0


def solve_triangular_vector(a: Any, b: Any, out: Any, lower: bool, unit: bool) -> bool:
    """`out[:] = a⁻¹ b` of a triangle and a vector."""
    n = a.shape[0]
    for i in range(n):
        out[i] = b[i]
        if not unit and a[i, i] == 0:
            return False
    lies, apart = layout(a)
    side = UPPER if lower == (lies == NO) else LOWER
    if n > 0:
        trsv(side, YES if lies == NO else NO, UNIT if unit else NO, n, a, apart, out, 1)
    return True


def solve_triangular(a: Any, b: Any, out: Any, lower: bool, unit: bool) -> bool:
    """`out[:] = a⁻¹ b` of a triangle and a matrix."""
    n, m = b.shape
    for i in range(n):
        if not unit and a[i, i] == 0:
            return False
    for i in range(n):
        for j in range(m):
            out[i, j] = b[i, j]
    lies, apart = layout(a)
    side = UPPER if lower == (lies == NO) else LOWER
    if n > 0 and m > 0:
        trsm(RIGHT, side, lies, UNIT if unit else NO, m, n, 1.0, a, apart, out, m)
    return True


def solve_vector(a: Any, b: Any, out: Any) -> bool:
    """`out[:] = a⁻¹ b` of a matrix and a vector."""
    n = a.shape[0]
    factors, pivots = np.empty((n, n), a.dtype), np.empty(n, np.int32)
    for i in range(n):
        out[i] = b[i]
    lies = copied(a, factors)
    if n == 0:
        return True
    if getrf(n, n, factors, n, pivots, 0) != 0:
        return False
    return getrs(YES if lies == NO else NO, n, 1, factors, n, pivots, out, n, 0) == 0


def solve(a: Any, b: Any, out: Any) -> bool:
    """`out[:] = a⁻¹ b` of matrices."""
    for i in range(b.shape[0]):
        for j in range(b.shape[1]):
            out[i, j] = b[i, j]
    return solve_in_place(a, out)


def inverse(a: Any, out: Any) -> bool:
    """`out[:] = a⁻¹`."""
    for i in range(a.shape[0]):
        for j in range(a.shape[0]):
            out[i, j] = 1 if i == j else 0
    return solve_in_place(a, out)


def copied(a: Any, out: Any) -> int:
    """Copy a matrix as it lies; tells whether that is row after row (NO), else `out` has its transpose."""
    lies, _ = layout(a)
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            out[i, j] = a[i, j] if lies == NO else a[j, i]
    return lies


def solve_in_place(a: Any, x: Any) -> bool:
    """`x[:] = a⁻¹ x` of matrices.

    What LAPACK factors is F = P L U, the transpose of what is copied: a is Fᵀ or F.
    """
    n, m = x.shape
    factors, pivots = np.empty((n, n), a.dtype), np.empty(n, np.int32)
    lies = copied(a, factors)
    if n == 0:
        return True
    if getrf(n, n, factors, n, pivots, 0) != 0:
        return False
    if m == 0:
        return True
    if lies == NO:
        trsm(RIGHT, UPPER, NO, NO, m, n, 1.0, factors, n, x, m)
        trsm(RIGHT, LOWER, NO, UNIT, m, n, 1.0, factors, n, x, m)
        for i in range(n - 1, -1, -1):
            exchange(x, i, pivots[i] - 1)
    else:
        for i in range(n):
            exchange(x, i, pivots[i] - 1)
        trsm(RIGHT, LOWER, YES, UNIT, m, n, 1.0, factors, n, x, m)
        trsm(RIGHT, UPPER, YES, NO, m, n, 1.0, factors, n, x, m)
    return True


def exchange(x: Any, i: int, j: int) -> None:
    """Let two rows change places."""
    if i != j:
        for k in range(x.shape[1]):
            x[i, k], x[j, k] = x[j, k], x[i, k]


def lowered(function: Callable[..., Any]) -> Callable[..., Any]:
    """One of the functions here, which Numba can compile calls of from now on."""
    return routines.lowered(function, copied, exchange, solve_in_place)


FUNCTIONS = (cholesky, solve_triangular, solve_triangular_vector, solve, solve_vector, inverse)
"""What generated code calls."""
