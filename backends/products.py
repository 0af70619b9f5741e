"""Which matmuls and einsums are products of matrices for BLAS, and how their operands look as matrices.

The labels of a product of two operands are of four kinds: *rows* are those of the left operand and of the
result, *columns* those of the right one and of the result, *inner* ones are summed over, and those of all
three are looped over. A kind of several labels is one axis of a matrix where they stand together, in one
order, wherever they occur; else the last of them is, and the others are looped over. In each matrix one of
the axes must lie next to each other in memory. What does not fit, or is small, becomes loops over elements.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from types import MappingProxyType

from ..ir.graph import Eqn, Value
from ..ir.ops.attributes import integers
from ..ir.ops.products import contraction
from ..ir.types import Dim, Shape

SMALL = 128
"""Multiplications up to which a product of known sizes is loops, which LLVM unrolls."""

NARROW = 16
"""The same for a product of which only two of the three sizes are known: it has a small matrix."""

ONE = Dim.of(1)
NONE: Mapping[Value, Eqn] = MappingProxyType({})


@dataclass(frozen=True)
class Matrix:
    """An array of these labels as a matrix or, without `columns`, as a vector; the others are looped over."""

    labels: str
    rows: str
    columns: str

    @property
    def plain(self) -> bool:
        """Whether it is what lies behind the axes that are looped over, as it is or transposed."""
        return sorted(self.labels[-len(self.rows + self.columns) :]) == sorted(self.rows + self.columns) and (
            len(self.rows) == 1 and len(self.columns) <= 1
        )

    @property
    def transposed(self) -> bool:
        """Whether the rows lie next to each other."""
        return bool(self.columns) and self.labels.endswith(self.rows)

    @property
    def contiguous(self) -> bool:
        """Whether one of the axes lies next to each other."""
        return self.labels.endswith(self.rows) or not self.columns or self.labels.endswith(self.columns)


@dataclass(frozen=True)
class Product:
    """A product of two matrices, or of a matrix and a vector, for each index of the loops.

    `order` says which operand of the equation is the left one, and which the right one.
    """

    loops: str
    order: tuple[int, int]
    left: Matrix
    right: Matrix
    result: Matrix


def library_product(eqn: Eqn, transposes: Mapping[Value, Eqn] = NONE) -> Product | None:
    """What BLAS computes of an equation; None where that is not a product of matrices, or a small one.

    Operands that are the results of `transposes` are read where those read them.
    """
    if eqn.op.name not in ("matmul", "einsum") or len(eqn.inputs) != 2:
        return None
    labels = contraction(eqn)
    a, b = map(_before, eqn.inputs, labels.operands, map(transposes.get, eqn.inputs))
    return _product((a[0], b[0]), labels.result, a[1], b[1])


def _before(operand: Value, labels: str, transpose: Eqn | None) -> tuple[str, Shape]:
    """The labels and the shape of an operand before it was transposed."""
    if transpose is None:
        return labels, operand.type.shape
    axes = integers(transpose.attrs["axes"])
    return "".join(labels[axes.index(k)] for k in range(len(axes))), transpose.inputs[0].type.shape


@lru_cache(maxsize=1024)
def _product(operands: tuple[str, str], result: str, a: Shape, b: Shape) -> Product | None:
    left, right = operands
    sizes = dict(zip(left + right, a + b, strict=True))
    only_left, only_right = set(left) - set(right), set(right) - set(left)
    if not result or not only_left | only_right <= set(result):
        return None
    swapped = not only_left or bool(only_right and result[-1] in only_left)
    if swapped:  # the last axis of the result is one of columns, and a vector stands on the right
        left, right = right, left
    rows = _joined([c for c in result if c in left and c not in right], left, result)
    columns = _joined([c for c in result if c in right and c not in left], right, result)
    summed = [c for c in left if c in right and c not in result]
    inner = _joined(summed, left, right)
    if not rows or len(inner) != len(summed) or not inner or _small(sizes, rows, columns, inner):
        return None
    loops = "".join(c for c in result if c not in rows + columns)
    found = Product(
        loops,
        (1, 0) if swapped else (0, 1),
        Matrix(left, rows, inner),
        Matrix(right, inner, columns),
        Matrix(result, rows, columns),
    )
    fits = found.left.contiguous and found.right.contiguous and result.endswith(columns or rows)
    return found if fits else None


def _joined(labels: Sequence[str], *places: str) -> str:
    """The labels as one axis, where they stand together in this order in all the places; else the last."""
    together = "".join(labels)
    return together if all(together in place for place in places) else together[-1:]


def _small(sizes: Mapping[str, Dim], *kinds: str) -> bool:
    extents = [prod((sizes[c] for c in kind), start=ONE).constant for kind in kinds]
    known = [n for n in extents if n is not None]
    return prod(known) <= (SMALL, NARROW, 0, 0)[len(extents) - len(known)]


def strides(labels: str, shape: Shape) -> dict[str, Dim]:
    """How many elements the neighbours along each label are apart."""
    return {c: prod(shape[k + 1 :], start=ONE) for k, c in enumerate(labels)}
