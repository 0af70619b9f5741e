"""Arrays put together from others and from zeros: concatenate, pad, triangles, diagonals.

`stack` is a concatenation of reshapes, `split` some spans of `index`: the frontend makes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ShapeError, VerifierError
from ..graph import Attrs, Block, Eqn, Value
from ..op import Contribution, Cotangent, Element, Linear, Op, Read, Sample, Whole, constructor
from ..types import BOOL, ArrayType, Dim, shape_text
from . import attributes
from .arithmetic import add
from .arrays import iota, on_expressions, size_value
from .attributes import term
from .elementwise import anything, common_dtype, matrix, vector
from .indexing import add_at, index

# ---- concatenate ----


def _concatenate_infer(
    types: Sequence[ArrayType], attrs: Attrs, blocks: Sequence[Block]
) -> tuple[ArrayType, ...]:
    if not types:
        raise ShapeError("need at least one array to concatenate")
    common_dtype("concatenate", types, anything)
    first = types[0]
    if not first.rank:
        raise ShapeError("zero-dimensional arrays cannot be concatenated")
    axis = attributes.axis(attrs, first.rank)
    for k, t in enumerate(types):
        _require_match(first, t, k, axis)
    total = sum((t.shape[axis] for t in types), start=Dim())
    return (first.with_shape([*first.shape[:axis], total, *first.shape[axis + 1 :]]),)


def _require_match(first: ArrayType, other: ArrayType, k: int, axis: int) -> None:
    if first.rank != other.rank:
        raise ShapeError(
            "all the input arrays must have same number of dimensions, but the array at index 0 has "
            f"{first.rank} dimension(s) and the array at index {k} has {other.rank} dimension(s)"
        )
    for along, (d, e) in enumerate(zip(first.shape, other.shape, strict=True)):
        if along != axis and d != e:
            raise ShapeError(
                "all the input array dimensions except for the concatenation axis must match exactly, "
                f"but along dimension {along}, the array at index 0 has size {d} "
                f"and the array at index {k} has size {e}"
            )


def _concatenate_transpose(eqn: Eqn, ct: Value) -> Sequence[Cotangent]:
    axis = attributes.integer(eqn.attrs["axis"])
    parts: list[Cotangent] = []
    start = Dim()
    for x in eqn.inputs:
        length = x.type.shape[axis]
        parts.append(index(ct, size_value(start), at=(*["all"] * axis, ("span", length, 1))))
        start = start + length
    return parts


def _concatenate_source(eqn: Eqn, operands: Sequence[str]) -> str:
    return _joined(operands, attributes.integer(eqn.attrs["axis"]))


def _joined(parts: Sequence[str], axis: int) -> str:
    return f"np.concatenate(({', '.join(parts)}{',' if len(parts) == 1 else ''}), {axis})"


def _concatenate(*parts: Any, axis: int) -> Any:
    return np.concatenate(parts, axis)


concatenate = Op(
    name="concatenate",
    infer=_concatenate_infer,
    numpy=_concatenate,
    derivative=Linear(_concatenate_transpose),
    lowering=Whole(_concatenate_source),
    moves=True,
    sympy=on_expressions(_concatenate),
    samples=(
        Sample((vector(-1, 1, 2), vector(-1, 1, 3, seed=1)), {"axis": 0}),
        Sample((matrix(-1, 1, 2, 3), matrix(-1, 1, 2, 1, seed=1), np.zeros((2, 0))), {"axis": 1}),
        Sample((matrix(-1, 1, 2, 3),), {"axis": 0}),
        Sample((np.zeros((0, 2)), np.zeros((0, 2))), {"axis": 0}),
    ),
)

# ---- pad ----


def _widths(attrs: Attrs) -> list[tuple[Dim, Dim]]:
    """How many zeros stand before and after, for each axis."""
    pairs = [attributes.dims(pair) for pair in attributes.items(attrs["widths"])]
    if any(len(pair) != 2 for pair in pairs):
        raise VerifierError(f"widths are pairs of sizes, not {attrs['widths']}")
    return [(before, after) for before, after in pairs]


def _pad_infer(types: Sequence[ArrayType], attrs: Attrs, blocks: Sequence[Block]) -> tuple[ArrayType, ...]:
    (x,) = types
    widths = _widths(attrs)
    if len(widths) != x.rank:
        raise ShapeError(f"{len(widths)} pairs of widths do not pad an array of dimension {x.rank}")
    return (x.with_shape([before + d + after for d, (before, after) in zip(x.shape, widths, strict=True)]),)


def _pad(x: Any, widths: Sequence[tuple[int, int]]) -> Any:
    padded = [n + before + after for n, (before, after) in zip(np.shape(x), widths, strict=True)]
    result = np.zeros(padded, np.asarray(x).dtype)
    result[tuple(slice(before, before + n) for n, (before, _) in zip(np.shape(x), widths, strict=True))] = x
    return result[()]


def _pad_source(eqn: Eqn, operands: Sequence[str]) -> str:
    """One axis after the other, each between two blocks of zeros."""
    (source,) = operands
    shape = list(eqn.inputs[0].type.shape)
    zeros_type = constructor(eqn.output.type.dtype)
    for axis, (before, after) in enumerate(_widths(eqn.attrs)):
        blocks = [shape_text([*shape[:axis], width, *shape[axis + 1 :]]) for width in (before, after)]
        left, right = (f"np.zeros({block}, {zeros_type})" for block in blocks)
        kept = [p for p, width in ((left, before), (source, None), (right, after)) if width != Dim()]
        source = _joined(kept, axis) if len(kept) > 1 else source
        shape[axis] = before + shape[axis] + after
    return f"{source}.copy()" if source == operands[0] and shape else source


def _pad_scratch(types: Sequence[ArrayType], attrs: Attrs) -> Sequence[ArrayType]:
    """Of the last axis that is padded: the blocks, and what was padded before."""
    before = after = types[0]
    blocks: list[ArrayType] = []
    for axis, widths in enumerate(_widths(attrs)):
        if any(width != Dim() for width in widths):
            before = after
            around = [(*before.shape[:axis], width, *before.shape[axis + 1 :]) for width in widths]
            blocks = [before.with_shape(shape) for shape in around]
            extent = widths[0] + before.shape[axis] + widths[1]
            after = before.with_shape((*before.shape[:axis], extent, *before.shape[axis + 1 :]))
    return [*blocks, *([] if before == types[0] else [before])]


def _pad_transpose(eqn: Eqn, ct: Value) -> Sequence[Cotangent]:
    starts = [size_value(before) for before, _ in _widths(eqn.attrs)]
    return [index(ct, *starts, at=tuple(("span", d, 1) for d in eqn.inputs[0].type.shape))]


pad = Op(
    name="pad",
    infer=_pad_infer,
    numpy=_pad,
    derivative=Linear(_pad_transpose),
    lowering=Whole(_pad_source, scratch=_pad_scratch),
    moves=True,
    sympy=on_expressions(_pad),
    samples=(
        Sample((vector(-1, 1),), {"widths": ((1, 2),)}),
        Sample((matrix(-1, 1, 2, 3),), {"widths": ((0, 1), (2, 0))}),
        Sample((matrix(-1, 1, 2, 3),), {"widths": ((0, 0), (0, 0))}),
        Sample((np.zeros((0, 2)),), {"widths": ((1, 1), (0, 0))}),
        Sample((np.float64(0.7),), {"widths": ()}),
    ),
)

# ---- triangles ----


def _triangle_infer(
    types: Sequence[ArrayType], attrs: Attrs, blocks: Sequence[Block]
) -> tuple[ArrayType, ...]:
    attributes.dim(attrs["k"])
    if types[0].rank < 2:
        raise ShapeError("a triangle is taken of an array of at least two dimensions")
    return (types[0],)


def _mask(types: Sequence[ArrayType], attrs: Attrs) -> Sequence[ArrayType]:
    """Which elements of a matrix are kept; a buffer of it where it is broadcast over several."""
    (x,) = types
    buffers = [ArrayType(BOOL, (Dim.of(np.getbufsize()),))] if x.rank > 2 else []
    return [ArrayType(BOOL, x.shape[-2:]), *buffers]


def _triangle(name: str, numpy: Any, relation: str) -> Op:
    """Keep what lies on one side of diagonal `k`; the rest is zero."""

    def element(eqn: Eqn, read: Read, indices: Sequence[str]) -> str:
        row, column = indices[-2:]
        inside = f"{column} {relation} {term(row) + attributes.dim(eqn.attrs['k'])}"
        return f"({read(0, indices)} if {inside} else {constructor(eqn.output.type.dtype)}(0))"

    op = Op(
        name=name,
        infer=_triangle_infer,
        numpy=numpy,
        derivative=Linear(lambda eqn, ct: [op(ct, k=eqn.attrs["k"])]),
        lowering=Element(element),
        scratch=_mask,
        sympy=on_expressions(numpy),
        samples=(
            Sample((matrix(-1, 1, 3, 3),), {"k": 0}),
            Sample((matrix(-1, 1, 3, 4),), {"k": -1}),
            Sample((matrix(-1, 1, 2, 3, 2),), {"k": 1}),
            Sample((np.zeros((0, 2)),), {"k": 0}),
        ),
    )
    return op


tril = _triangle("tril", np.tril, "<=")
triu = _triangle("triu", np.triu, ">=")

# ---- diagonals ----


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


def _diagonal_transpose(eqn: Eqn, ct: Value) -> Sequence[Cotangent]:
    row, column = _ends(attributes.integer(eqn.attrs["k"]))
    places = iota(length=ct.type.shape[0])
    rows, columns = (add(places, start) if start else places for start in (row, column))
    return [Contribution(lambda sum_: add_at(sum_, ct, rows, columns, at=("gather", "gather")))]


def _diagonal(x: Any, k: int) -> Any:
    return np.diagonal(x, k).copy()


def _diagonal_source(eqn: Eqn, operands: Sequence[str]) -> str:
    return f"np.diag({operands[0]}, {eqn.attrs['k']}).copy()"


diagonal = Op(
    name="diagonal",
    infer=_diagonal_infer,
    numpy=_diagonal,
    derivative=Linear(_diagonal_transpose),
    lowering=Whole(_diagonal_source, scratch=lambda types, attrs: _diagonal_infer(types, attrs, ())),
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


diag = Op(
    name="diag",
    infer=_diag_infer,
    numpy=_diag,
    derivative=Linear(lambda eqn, ct: [diagonal(ct, k=eqn.attrs["k"])]),
    lowering=Whole(lambda eqn, operands: f"np.diag({operands[0]}, {eqn.attrs['k']})"),
    moves=True,
    sympy=on_expressions(_diag),
    samples=(
        Sample((vector(-1, 1, 3),), {"k": 0}),
        Sample((vector(-1, 1, 3),), {"k": -2}),
        Sample((np.zeros(0),), {"k": 1}),
    ),
)

OPS = (concatenate, pad, tril, triu, diagonal, diag)
