"""Diagonals of matrices, and matrices of diagonals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..graph import Attr, Attrs, Block, Eqn, Value, constant
from ..op import Contribution, Cotangent, Linear, Op, Sample, Whole
from ..types import ArrayType, Dim, shape_text
from . import attributes
from .arithmetic import add
from .arrays import iota, on_expressions
from .assembly import pad
from .comparison import equal
from .elementwise import matrix, vector
from .indexing import add_at, index
from .selection import where
from .shape import reshape


def _ends(k: int) -> tuple[int, int]:
    """Row and column at which diagonal `k` starts."""
    return max(-k, 0), max(k, 0)


def _diagonal_infer(
    types: Sequence[ArrayType], attrs: Attrs, blocks: Sequence[Block]
) -> tuple[ArrayType, ...]:
    (x,) = types
    if x.rank != 2:
        raise ShapeError(f"a diagonal is taken of an array of two dimensions, not of {x.rank}")
    row, column = _ends(attributes.integer(attrs["k"]))
    down, across = x.shape[0] - row, x.shape[1] - column
    if (across - down).never_negative():
        return (x.with_shape([down.positive()]),)
    if (down - across).never_negative():
        return (x.with_shape([across.positive()]),)
    raise ShapeError(
        f"the length of a diagonal of shape {shape_text(x.shape)} depends on which size is smaller"
    )


def _places(k: Attr, length: Dim) -> list[Value]:
    """Rows and columns of the elements of diagonal `k`."""
    places = iota(length=length)
    return [add(places, start) if start else places for start in _ends(attributes.integer(k))]


_BOTH = ("gather", "gather")


def _diagonal_transpose(eqn: Eqn, ct: Value) -> Sequence[Cotangent]:
    places = _places(eqn.attrs["k"], ct.type.shape[0])
    return [Contribution(lambda sum_: add_at(sum_, ct, *places, at=_BOTH))]


def _diagonal(x: Any, k: int) -> Any:
    return np.diagonal(x, k).copy()


def _diagonal_expanded(x: Value, k: Attr) -> Value:
    (result,) = _diagonal_infer([x.type], {"k": k}, ())
    return index(x, *_places(k, result.shape[0]), at=_BOTH)


def _diagonal_source(eqn: Eqn, operands: Sequence[str]) -> str:
    return f"np.diag({operands[0]}, {eqn.attrs['k']}).copy()"


diagonal = Op(
    name="diagonal",
    infer=_diagonal_infer,
    numpy=_diagonal,
    derivative=Linear(_diagonal_transpose),
    lowering=Whole(
        _diagonal_source,
        scratch=lambda types, attrs: _diagonal_infer(types, attrs, ()),
        expanded=_diagonal_expanded,
    ),
    moves=True,
    sympy=on_expressions(_diagonal),
    samples=(
        Sample((matrix(-1, 1, 3, 3),), {"k": 0}),
        Sample((matrix(-1, 1, 3, 4),), {"k": 1}),
        Sample((matrix(-1, 1, 4, 3),), {"k": -2}),
        Sample((matrix(-1, 1, 2, 3),), {"k": 3}),
        Sample((np.zeros((0, 0)),), {"k": 0}),
    ),
)


def _diag_infer(types: Sequence[ArrayType], attrs: Attrs, blocks: Sequence[Block]) -> tuple[ArrayType, ...]:
    (x,) = types
    if x.rank != 1:
        raise ShapeError(f"a diagonal matrix is made of an array of one dimension, not of {x.rank}")
    size = x.shape[0] + abs(attributes.integer(attrs["k"]))
    return (x.with_shape([size, size]),)


def _diag(x: Any, k: int) -> Any:
    return np.diag(x, k)


def _diag_expanded(x: Value, k: Attr) -> Value:
    """The element of its column in each row whose diagonal this is; where there is none, zeros are taken."""
    before = attributes.integer(k)
    padded = pad(x, widths=((max(before, 0), max(-before, 0)),)) if before else x
    size = padded.type.shape[0]
    columns = iota(length=size)
    rows = reshape(add(columns, before) if before else columns, shape=(size, 1))
    return where(equal(rows, columns), padded, constant(0, x.type.dtype))


diag = Op(
    name="diag",
    infer=_diag_infer,
    numpy=_diag,
    derivative=Linear(lambda eqn, ct: [diagonal(ct, k=eqn.attrs["k"])]),
    lowering=Whole(
        lambda eqn, operands: f"np.diag({operands[0]}, {eqn.attrs['k']})", expanded=_diag_expanded
    ),
    moves=True,
    sympy=on_expressions(_diag),
    samples=(
        Sample((vector(-1, 1, 3),), {"k": 0}),
        Sample((vector(-1, 1, 3),), {"k": -2}),
        Sample((np.zeros(0),), {"k": 1}),
    ),
)

OPS = (diagonal, diag)
