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
from .fortran import NO, YES, getrf, layout, potrf, trsm, trsv

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
    factors = np.empty((a.shape[0] + 1, a.shape[0]), a.dtype)
    lies = copied(a, factors)
    return factored(factors) and solve_factored_vector(factors, b, out, lies == YES)


def solve(a: Any, b: Any, out: Any) -> bool:
    """`out[:] = a⁻¹ b` of matrices."""
    factors = np.empty((a.shape[0] + 1, a.shape[0]), a.dtype)
    lies = copied(a, factors)
    return factored(factors) and solve_factored(factors, b, out, lies == YES)


def inverse(a: Any, out: Any) -> bool:
    """`out[:] = a⁻¹`."""
    return solve(a, np.eye(a.shape[0], dtype=a.dtype), out)


def lu(a: Any, out: Any, singular: bool) -> bool:
    """The factors of aᵀ = P L U as they lie in memory, and in a last row how P exchanges rows.

    A singular matrix has them as well, where it may be `singular`.
    """
    n = a.shape[0]
    for i in range(n):
        for j in range(n):
            out[i, j] = a[i, j]
    return factored(out) or singular


def solve_factored_vector(factors: Any, b: Any, out: Any, transposed: bool) -> bool:
    """`out[:] = a⁻¹ b`, or a⁻ᵀ b, of a vector, with what `lu` gave of a."""
    n = b.shape[0]
    for i in range(n):
        out[i] = b[i]
    if n == 0:
        return True
    if transposed:
        for i in range(n):
            j = int(factors[n, i])
            out[i], out[j] = out[j], out[i]
        trsv(LOWER, NO, UNIT, n, factors, n, out, 1)
        trsv(UPPER, NO, NO, n, factors, n, out, 1)
    else:
        trsv(UPPER, YES, NO, n, factors, n, out, 1)
        trsv(LOWER, YES, UNIT, n, factors, n, out, 1)
        for i in range(n - 1, -1, -1):
            j = int(factors[n, i])
            out[i], out[j] = out[j], out[i]
    return True


def solve_factored(factors: Any, b: Any, out: Any, transposed: bool) -> bool:
    """The same of a matrix."""
    n, m = b.shape
    for i in range(n):
        for j in range(m):
            out[i, j] = b[i, j]
    if n == 0 or m == 0:
        return True
    if transposed:
        for i in range(n):
            exchange(out, i, int(factors[n, i]))
        trsm(RIGHT, LOWER, YES, UNIT, m, n, 1.0, factors, n, out, m)
        trsm(RIGHT, UPPER, YES, NO, m, n, 1.0, factors, n, out, m)
    else:
        trsm(RIGHT, UPPER, NO, NO, m, n, 1.0, factors, n, out, m)
        trsm(RIGHT, LOWER, NO, UNIT, m, n, 1.0, factors, n, out, m)
        for i in range(n - 1, -1, -1):
            exchange(out, i, int(factors[n, i]))
    return True


# ---- parts ----


def copied(a: Any, out: Any) -> int:
    """Copy a matrix as it lies; tells whether that is row after row (NO), else `out` has its transpose."""
    lies, _ = layout(a)
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            out[i, j] = a[i, j] if lies == NO else a[j, i]
    return lies


def factored(x: Any) -> bool:
    """Factor a matrix in place, that of all rows but the last, which gets the exchanges of rows.

    Tells whether it is regular.
    """
    n = x.shape[1]
    pivots = np.empty(n, np.int32)
    info = getrf(n, n, x, n, pivots, 0) if n > 0 else 0
    for i in range(n):
        x[n, i] = pivots[i] - 1
    return info == 0


def exchange(x: Any, i: int, j: int) -> None:
    """Let two rows change places."""
    if i != j:
        for k in range(x.shape[1]):
            x[i, k], x[j, k] = x[j, k], x[i, k]


def lowered(function: Callable[..., Any]) -> Callable[..., Any]:
    """One of the functions here, which Numba can compile calls of from now on."""
    return routines.lowered(
        function, copied, factored, exchange, solve, solve_factored, solve_factored_vector
    )


FUNCTIONS = (
    cholesky,
    solve_triangular,
    solve_triangular_vector,
    solve,
    solve_vector,
    inverse,
    lu,
    solve_factored,
    solve_factored_vector,
)
"""What generated code calls."""
