"""Routines of cuBLAS and cuSOLVER, on matrices in the device's memory.

All are asynchronous, on the current stream. Numbers of half precision are multiplied as such and added in
single precision; single precision is that, not a shorter one. `simulated_routines` has the same functions for
the simulator's memory.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from ..device import arrays, streams
from ..device.driver_memory import address
from . import handles
from .matrices import NO, Columns

HALF, BRAIN, SINGLE, DOUBLE = 2, 14, 0, 1
"""cudaDataType."""

IN_SINGLE, IN_DOUBLE = 68, 70
"""cublasComputeType_t."""

DEFAULT = -1
"""cublasGemmAlgo_t: the library chooses."""

_KINDS = {"float16": HALF, "bfloat16": BRAIN, "float32": SINGLE, "float64": DOUBLE}


@cache
def _number(value: float, dtype: Any) -> tuple[int, Any]:
    """A number in the host's memory, of the precision in which products are added: its address, and it."""
    held = np.array(value, np.float64 if dtype == np.float64 else np.float32)
    return held.ctypes.data, held


def _one(dtype: Any) -> int:
    return _number(1.0, dtype)[0]


def _zero(dtype: Any) -> int:
    return _number(0.0, dtype)[0]


def _named(cublas: Any, dtype: Any, name: str) -> Any:
    """The function for a dtype that counts with 64 bits."""
    return getattr(cublas, f"{'d' if dtype == np.float64 else 's'}{name}_64")


# ---- products ----


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
    kind, blas = _KINDS[dtype.name], handles.blas()
    computed = IN_DOUBLE if kind == DOUBLE else IN_SINGLE
    one, zero = _one(dtype), _zero(dtype)
    with blas.on_current_stream() as cublas:
        if count == 1:
            a, b, c = ((m.address, kind, m.apart) for m in (left, right, out))
            cublas.gemm_ex_64(blas.number, *ops, *extents, one, *a, *b, zero, *c, computed, DEFAULT)
        else:
            x, y, z = ((m.address, kind, m.apart, m.step) for m in (left, right, out))
            cublas.gemm_strided_batched_ex_64(
                blas.number, *ops, *extents, one, *x, *y, zero, *z, count, computed, DEFAULT
            )


def gemv(
    dtype: Any, op: int, extents: tuple[int, int], a: Columns, x: Columns, out: Columns, count: int
) -> None:
    """So many products of an m×n matrix, or of its transpose, and a vector; single or double precision."""
    blas = handles.blas()
    with blas.on_current_stream() as cublas:
        call = _named(cublas, dtype, "gemv_strided_batched")
        call(blas.number, op, *extents, _one(dtype), *a, *x, _zero(dtype), *out, count)


# ---- triangles, copies ----


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
    blas = handles.blas()
    with blas.on_current_stream() as cublas:
        call = _named(cublas, dtype, "trsm")
        call(blas.number, side, triangle, op, diagonal, *extents, _one(dtype), *a[:2], *b[:2])


def copy(dtype: Any, op: int, extents: tuple[int, int], a: Columns, out: Columns) -> None:
    """An m×n matrix: a copy of one, or of the transpose of one."""
    blas = handles.blas()
    with blas.on_current_stream() as cublas:
        call = _named(cublas, dtype, "geam")
        call(blas.number, op, NO, *extents, _one(dtype), *a[:2], _zero(dtype), *out[:2], *out[:2])


# ---- factorisations ----


def getrf(dtype: Any, n: int, a: Columns, pivots: Any) -> Any:
    """Factor a matrix in place; `pivots` are i64, from 1. The word that it gives is not 0 if U has a zero."""
    solver, kind = handles.solver(), _KINDS[dtype.name]
    failed = arrays.empty((1,), np.int32)
    with solver.on_current_stream() as cusolver:
        matrix = solver.number, solver.parameters, n, n, kind, *a[:2]
        there, here = _buffers(cusolver.xgetrf_buffer_size(*matrix, kind))
        cusolver.xgetrf(*matrix, address(pivots), kind, *_given(there, here), address(failed))
    return failed


def getrs(dtype: Any, op: int, n: int, count: int, a: Columns, pivots: Any, b: Columns) -> None:
    """Solve in place for so many columns, with the factors of a matrix."""
    solver, kind = handles.solver(), _KINDS[dtype.name]
    unread = arrays.empty((1,), np.int32)
    with solver.on_current_stream() as cusolver:
        matrix = solver.number, solver.parameters, op, n, count, kind, *a[:2]
        cusolver.xgetrs(*matrix, address(pivots), kind, *b[:2], address(unread))


def potrf(dtype: Any, triangle: int, n: int, a: Columns) -> Any:
    """Factor a triangle in place. The word that it gives is not 0 if the matrix is not positive definite."""
    solver, kind = handles.solver(), _KINDS[dtype.name]
    failed = arrays.empty((1,), np.int32)
    with solver.on_current_stream() as cusolver:
        matrix = solver.number, solver.parameters, triangle, n, kind, *a[:2]
        there, here = _buffers(cusolver.xpotrf_buffer_size(*matrix, kind))
        cusolver.xpotrf(*matrix, kind, *_given(there, here), address(failed))
    return failed


def _buffers(sizes: tuple[int, int]) -> tuple[Any, Any]:
    """What a routine computes in, on the device and on the host: to be held until it is launched."""
    return arrays.empty((sizes[0],), np.uint8), streams.lasting(np.empty(sizes[1], np.uint8))


def _given(there: Any, here: Any) -> tuple[int, int, int, int]:
    return address(there), there.size, here.ctypes.data, here.size
