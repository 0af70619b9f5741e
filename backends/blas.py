"""Products of matrices, written into arrays that are there: what generated code calls.

A matrix may be an array, its transpose, or any view with one axis whose elements lie next to each other:
nothing is copied. BLAS counts columns first, so that C = A B is handed over as Cᵀ = Bᵀ Aᵀ. Products of few
numbers are plain loops, and those of sizes that BLAS cannot count.
"""

from __future__ import annotations

from typing import Any

from .fortran import MOST, NO, YES, gemm, gemv, layout
from .routines import lowered as lowered

FEW = 64
"""Multiplications up to which a product is a loop: a call of BLAS takes as long as that."""


def matmul(a: Any, b: Any, out: Any) -> None:
    """`out[:] = a @ b` of matrices; the rows of `out` are contiguous, and it lies apart from `a` and `b`."""
    rows, columns = out.shape
    inner = a.shape[1]
    a_lies, a_apart = layout(a)
    b_lies, b_apart = layout(b)
    out_apart = max(out.strides[0] // out.itemsize, columns)
    largest = max(rows, columns, inner, a_apart, b_apart, out_apart)
    if largest <= MOST and rows * columns * inner > FEW:
        gemm(b_lies, a_lies, columns, rows, inner, 1.0, b, b_apart, a, a_apart, 0.0, out, out_apart)
        return
    for i in range(rows):
        for j in range(columns):
            out[i, j] = 0
        for k in range(inner):
            x = a[i, k]
            for j in range(columns):
                out[i, j] += x * b[k, j]


def matvec(a: Any, x: Any, out: Any) -> None:
    """`out[:] = a @ x` of a matrix and a vector; `out` lies apart from both."""
    rows, inner = a.shape
    lies, apart = layout(a)
    step = max(x.strides[0] // x.itemsize, 1)
    out_step = max(out.strides[0] // out.itemsize, 1)
    if rows * inner <= FEW or max(rows, inner, apart, step, out_step) > MOST:
        for i in range(rows):
            total = out.dtype.type(0)
            for k in range(inner):
                total += a[i, k] * x[k]
            out[i] = total
        return
    for i in range(rows):
        out[i] = 0
    if lies == NO:
        gemv(YES, inner, rows, 1.0, a, apart, x, step, 1.0, out, out_step)
    else:
        gemv(NO, rows, inner, 1.0, a, apart, x, step, 1.0, out, out_step)
