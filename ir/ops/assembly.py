"""Arrays put together from others and from zeros: concatenate, pad, triangles.

`stack` is a concatenation of reshapes, `split` some spans of `index`: the frontend makes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ShapeError, VerifierError
from ..graph import Attr, Attrs, Block, Eqn, Value
from ..op import Cotangent, Element, Linear, Op, Read, Sample, Whole, constructor
from ..types import BOOL, ArrayType, Dim, shape_text
from . import attributes
from .arrays import on_expressions, size_value, undefined, zeros
from .attributes import term
from .elementwise import anything, common_dtype, matrix, vector
from .indexing import index, put

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


def _concatenate_expanded(*parts: Value, axis: Attr) -> Value:
    (result,) = _concatenate_infer([x.type for x in parts], {"axis": axis}, ())
    along = attributes.integer(axis)
    whole = undefined(shape=result.shape, dtype=result.dtype)
    start = Dim()
    for x in parts:
        length = x.type.shape[along]
        if length != Dim():
            whole = put(whole, x, size_value(start), at=(*["all"] * along, ("span", length, 1)))
        start = start + length
    return whole


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
    lowering=Whole(_concatenate_source, expanded=_concatenate_expanded),
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


def _pad_expanded(x: Value, widths: Attr) -> Value:
    (result,) = _pad_infer([x.type], {"widths": widths}, ())
    if not result.rank:
        return x
    starts = [size_value(before) for before, _ in _widths({"widths": widths})]
    spans = tuple(("span", d, 1) for d in x.type.shape)
    return put(zeros(shape=result.shape, dtype=result.dtype), x, *starts, at=spans)


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
    lowering=Whole(_pad_source, scratch=_pad_scratch, expanded=_pad_expanded),
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

OPS = (concatenate, pad, tril, triu)
