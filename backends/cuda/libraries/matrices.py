"""How matrices lie in the device's memory, for libraries that count columns first.

To these, what lies row after row is the transpose: C = A B of such matrices is handed over as Cᵀ = Bᵀ Aᵀ.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ..device.driver_memory import address, transposed

NO, YES = 0, 1
"""Whether a matrix is to be transposed (cublasOperation_t)."""

LOWER, UPPER = 0, 1
"""Which triangle of a matrix is read (cublasFillMode_t)."""

LEFT, RIGHT = 0, 1
"""On which side of the unknowns the triangle stands (cublasSideMode_t)."""

NOT_UNIT, UNIT = 0, 1
"""Whether the diagonal of a triangle is ones, and not read (cublasDiagType_t)."""


class Columns(NamedTuple):
    """A matrix in memory, columns first.

    Its address, and, in elements, how far its columns are apart, and how far the next of several such is.
    """

    address: int
    apart: int
    step: int = 0


def rows_first(matrix: Any) -> bool:
    """Whether a matrix lies row after row; else it lies column after column."""
    return bool(matrix.strides[1] == matrix.dtype.itemsize)


def as_it_lies(matrix: Any) -> Any:
    """The matrix, or its transpose: the one that lies row after row."""
    return matrix if rows_first(matrix) else transposed(matrix)


def columns(matrix: Any) -> Columns:
    """What lies row after row, as its transpose, columns first."""
    rows = as_it_lies(matrix)
    return Columns(address(rows), max(rows.strides[0] // rows.dtype.itemsize, rows.shape[1], 1))
