"""Factorisations and linear systems on the device, written into arrays that are there.

The functions have the names and arguments of those that run on the CPU (`backends/lapack.py`). What those
tell at once is here a word on the device, which is not 0 where the result could not be computed; None where
nothing can fail. `fail_where` hands it on to the checks of a call.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..device import arrays
from ..device.driver_memory import address, transposed
from ..device.launching import launch, points
from ..kernels import library_kernels as kernels
from .matrices import (
    LEFT,
    LOWER,
    NO,
    NOT_UNIT,
    RIGHT,
    UNIT,
    UPPER,
    YES,
    Columns,
    as_it_lies,
    columns,
    rows_first,
)
from .routines import routines

Failed = Any
"""A device array of one i32, or None."""


def cholesky(a: Any, out: Any) -> Failed:
    """The lower triangle L of L Lᵀ = a, whose upper triangle is not read."""
    n = a.shape[0]
    if n == 0:
        return None
    launch(kernels.lower_triangle, points(n * n), a, out)
    return routines().potrf(out.dtype, UPPER, n, columns(out))


# ---- triangles ----


def solve_triangular(a: Any, b: Any, out: Any, lower: bool, unit: bool) -> Failed:
    """`out[:] = a⁻¹ b` of a triangle and a matrix."""
    failed = _zeros_on_diagonal(a, unit)
    if b.size:
        copied(b, out)
        n, m = b.shape
        triangle, op = _triangle(a, lower), NO if rows_first(a) else YES
        diagonal = UNIT if unit else NOT_UNIT
        routines().trsm(out.dtype, RIGHT, triangle, op, diagonal, (m, n), columns(a), columns(out))
    return failed


def solve_triangular_vector(a: Any, b: Any, out: Any, lower: bool, unit: bool) -> Failed:
    """`out[:] = a⁻¹ b` of a triangle and a vector."""
    n = b.shape[0]
    if n == 0:
        return None
    failed = _zeros_on_diagonal(a, unit)
    copied_vector(b, out)
    triangle, op = _triangle(a, lower), YES if rows_first(a) else NO
    diagonal = UNIT if unit else NOT_UNIT
    routines().trsm(out.dtype, LEFT, triangle, op, diagonal, (n, 1), columns(a), Columns(address(out), n))
    return failed


def _triangle(a: Any, lower: bool) -> int:
    """Which one it is, columns first."""
    return UPPER if lower == rows_first(a) else LOWER


def _zeros_on_diagonal(a: Any, unit: bool) -> Failed:
    n = a.shape[0]
    if unit or n == 0:
        return None
    failed = arrays.zeros((1,), np.int32)
    launch(kernels.zeros_on_diagonal, points(n), a, failed)
    return failed


# ---- systems ----


def solve(a: Any, b: Any, out: Any) -> Failed:
    """`out[:] = a⁻¹ b` of matrices."""
    if a.shape[0] == 0:
        return None
    factors, pivots, failed = _factored(a)
    _substituted(factors, pivots, b, out, YES if rows_first(a) else NO)
    return failed


def solve_vector(a: Any, b: Any, out: Any) -> Failed:
    """`out[:] = a⁻¹ b` of a matrix and a vector."""
    if a.shape[0] == 0:
        return None
    factors, pivots, failed = _factored(a)
    _substituted_vector(factors, pivots, b, out, YES if rows_first(a) else NO)
    return failed


def inverse(a: Any, out: Any) -> Failed:
    """`out[:] = a⁻¹`."""
    n = a.shape[0]
    if n == 0:
        return None
    factors, pivots, failed = _factored(a)
    launch(kernels.identity, points(n * n), out)
    # columns of the inverse of what was factored are rows of that of its transpose
    op = NO if rows_first(a) else YES
    routines().getrs(out.dtype, op, n, n, columns(factors), pivots, columns(out))
    return failed


def lu(a: Any, out: Any, singular: bool) -> Failed:
    """The factors of aᵀ = P L U as they lie in memory, and in a last row how P exchanges rows.

    A singular matrix has them as well, where it may be `singular`.
    """
    n = a.shape[0]
    if n == 0:
        return None
    copied(a, out)
    pivots = arrays.empty((n,), np.int64)
    failed = routines().getrf(out.dtype, n, columns(out), pivots)
    launch(kernels.pivots_to_numbers, points(n), pivots, out)
    return None if singular else failed


def solve_factored(factors: Any, b: Any, out: Any, transposed: bool) -> Failed:
    """`out[:] = a⁻¹ b`, or a⁻ᵀ b, of a matrix, with what `lu` gave of a."""
    if b.size:
        _substituted(factors, _pivots(factors), b, out, NO if transposed else YES)
    return None


def solve_factored_vector(factors: Any, b: Any, out: Any, transposed: bool) -> Failed:
    """The same of a vector."""
    if b.size:
        _substituted_vector(factors, _pivots(factors), b, out, NO if transposed else YES)
    return None


# ---- parts ----


def _factored(a: Any) -> tuple[Any, Any, Failed]:
    """The factors of a matrix as it lies in memory, which is of its transpose if that is row after row."""
    n = a.shape[0]
    factors, pivots = arrays.empty((n, n), a.dtype), arrays.empty((n,), np.int64)
    copied(as_it_lies(a), factors)
    return factors, pivots, routines().getrf(a.dtype, n, columns(factors), pivots)


def _pivots(factors: Any) -> Any:
    n = factors.shape[1]
    pivots = arrays.empty((n,), np.int64)
    launch(kernels.numbers_to_pivots, points(n), factors, pivots)
    return pivots


def _substituted(factors: Any, pivots: Any, b: Any, out: Any, op: int) -> None:
    """Solve for a matrix, each of whose columns lies in one piece meanwhile."""
    n, m = b.shape
    if m:
        turned = arrays.empty((m, n), b.dtype)
        copied(transposed(b), turned)
        routines().getrs(b.dtype, op, n, m, columns(factors), pivots, columns(turned))
        copied(transposed(turned), out)


def _substituted_vector(factors: Any, pivots: Any, b: Any, out: Any, op: int) -> None:
    n = b.shape[0]
    copied_vector(b, out)
    place = Columns(address(out), n)
    routines().getrs(b.dtype, op, n, 1, columns(factors), pivots, place)


def copied(a: Any, out: Any) -> None:
    """Copy a matrix into the first rows of another one, which lies row after row."""
    rows, across = a.shape
    op = NO if rows_first(a) else YES
    routines().copy(a.dtype, op, (across, rows), columns(a), columns(out))


def copied_vector(x: Any, out: Any) -> None:
    """Copy a vector into one whose elements are neighbours."""
    lying = Columns(address(x), max(x.strides[0] // x.dtype.itemsize, 1))
    routines().copy(x.dtype, NO, (1, x.shape[0]), lying, Columns(address(out), 1))
