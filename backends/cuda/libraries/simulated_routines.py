"""The routines of `device_routines` on the simulator's memory, by those of NumPy and SciPy.

They take what a device's libraries take, addresses and all: so what is handed to those is tested without one.
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from ..device import arrays
from .matrices import LEFT, LOWER, UNIT, YES, Columns


def gemm(
    dtype: Any,
    ops: tuple[int, int],
    extents: tuple[int, int, int],
    left: Columns,
    right: Columns,
    out: Columns,
    count: int,
) -> None:
    """So many products of an m×k and a k×n matrix; `extents` are m, n and k."""
    m, n, k = extents
    for number in range(count):
        a = _operand(dtype, ops[0], (m, k), left, number)
        b = _operand(dtype, ops[1], (k, n), right, number)
        _memory(dtype, (m, n), out, number)[...] = a @ b


def gemv(
    dtype: Any, op: int, extents: tuple[int, int], a: Columns, x: Columns, out: Columns, count: int
) -> None:
    """So many products of an m×n matrix, or of its transpose, and a vector."""
    m, n = extents[::-1] if op == YES else extents
    for number in range(count):
        product = _operand(dtype, op, (m, n), a, number) @ _memory(dtype, (1, n), x, number)[0]
        _memory(dtype, (1, m), out, number)[0] = product


def trsm(
    dtype: Any,
    side: int,
    triangle: int,
    op: int,
    diagonal: int,
    extents: tuple[int, int],
    a: Columns,
    b: Columns,
) -> None:
    """Solve for an m×n matrix, in place, with a triangle on one side of it."""
    from scipy.linalg import blas

    order = extents[0 if side == LEFT else 1]
    unknowns = _memory(dtype, extents, b)
    unknowns[...] = _routine(blas, dtype, "trsm")(
        1.0,
        _memory(dtype, (order, order), a),
        unknowns,
        side=side,
        lower=triangle == LOWER,
        trans_a=op,
        diag=diagonal == UNIT,
    )


def copy(dtype: Any, op: int, extents: tuple[int, int], a: Columns, out: Columns) -> None:
    """An m×n matrix: a copy of one, or of the transpose of one."""
    _memory(dtype, extents, out)[...] = _operand(dtype, op, extents, a)


def getrf(dtype: Any, n: int, a: Columns, pivots: Any) -> Any:
    """Factor a matrix in place; `pivots` are i64, from 1. The word that it gives is not 0 if U has a zero."""
    from scipy.linalg import lapack

    matrix = _memory(dtype, (n, n), a)
    matrix[...], found, info = _routine(lapack, dtype, "getrf")(matrix)
    pivots[...] = found + 1
    return arrays.to_device(np.array([info], np.int32))


def getrs(dtype: Any, op: int, n: int, count: int, a: Columns, pivots: Any, b: Columns) -> None:
    """Solve in place for so many columns, with the factors of a matrix."""
    from scipy.linalg import lapack

    unknowns = _memory(dtype, (n, count), b)
    exchanged = arrays.to_host(pivots).astype(np.int32) - 1
    unknowns[...], _ = _routine(lapack, dtype, "getrs")(
        _memory(dtype, (n, n), a), exchanged, unknowns, trans=op
    )


def potrf(dtype: Any, triangle: int, n: int, a: Columns) -> Any:
    """Factor a triangle in place. The word that it gives is not 0 if the matrix is not positive definite."""
    from scipy.linalg import lapack

    matrix = _memory(dtype, (n, n), a)
    matrix[...], info = _routine(lapack, dtype, "potrf")(matrix, lower=triangle == LOWER, clean=False)
    return arrays.to_device(np.array([info], np.int32))


# ---- memory ----


def _memory(dtype: Any, extents: tuple[int, int], of: Columns, number: int = 0) -> Any:
    """A matrix that can be written to, or the one of this number; its columns must not overlap."""
    (m, n), size = extents, dtype.itemsize
    assert of.apart >= max(m, 1)
    if not m or not n:
        return np.empty(extents, dtype)
    held = ((n - 1) * of.apart + m) * size
    memory = (ctypes.c_char * held).from_address(of.address + number * of.step * size)
    return np.ndarray(extents, dtype, memory, strides=(size, of.apart * size))


def _operand(dtype: Any, op: int, extents: tuple[int, int], of: Columns, number: int = 0) -> Any:
    """A factor of these extents, of the precision in which products are added."""
    lying = _memory(dtype, extents[::-1] if op == YES else extents, of, number)
    return (lying.T if op == YES else lying).astype(np.result_type(dtype, np.float32))


def _routine(module: Any, dtype: Any, name: str) -> Any:
    return getattr(module, f"{'d' if dtype == np.float64 else 's'}{name}")
