"""Where an extremum stands: argmax, argmin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..graph import Attr, Attrs, Block, Eqn, Value, constant
from ..op import NoDerivative, Op, Sample, Whole
from ..types import BOOL, I64, ArrayType, Dim, DType
from . import attributes
from .arithmetic import cast
from .arrays import iota, size_value
from .comparison import equal, logical_or, not_equal
from .elementwise import matrix, vector
from .reductions import kept, max_, min_
from .selection import where
from .shape import reshape

_CUBE = matrix(-1, 1, 2, 3, 4)
_TIES = np.array([[2.0, 5.0, 5.0], [7.0, 1.0, 7.0]])


def _first(x: Value, axis: int, extremum: Op) -> Value:
    """Where along an axis the extremum stands first; a NaN is one, since it is the extremum then."""
    length = x.type.shape[axis]
    best = kept(extremum(x, axes=(axis,)), x.type, (axis,))
    hits = equal(x, best)
    if x.type.dtype.is_float:
        hits = logical_or(hits, not_equal(x, x))
    along = tuple(length if a == axis else Dim.of(1) for a in range(x.type.rank))
    places = reshape(iota(length=length), shape=along)
    return min_(where(hits, places, size_value(length)), axes=(axis,))


def _position(name: str, numpy: Callable[..., Any], extremum: Op) -> Op:
    """Where the (first) extremum stands: along attribute `axis`, in the flat array where that is None."""

    def infer(types: Sequence[ArrayType], attrs: Attrs, blocks: Sequence[Block]) -> tuple[ArrayType, ...]:
        (x,) = types
        axes = range(x.rank) if attrs["axis"] is None else (attributes.axis(attrs, x.rank),)
        if any(x.shape[a].constant == 0 for a in axes):
            raise ShapeError(f"attempt to get {name} of an empty sequence")
        return (ArrayType(I64, tuple(d for a, d in enumerate(x.shape) if a not in axes)),)

    def copied(types: Sequence[ArrayType], attrs: Attrs) -> Sequence[ArrayType]:
        """NumPy lays the elements along the axis one behind the other."""
        return () if attrs["axis"] in (None, types[0].rank - 1) else types

    def source(eqn: Eqn, operands: Sequence[str]) -> str:
        if not eqn.inputs[0].type.rank:
            return "0"
        axis = eqn.attrs["axis"]
        return f"np.{name}({operands[0]})" if axis is None else f"np.{name}({operands[0]}, {axis})"

    def expanded(x: Value, axis: Attr) -> Value:
        if not x.type.rank:
            return constant(0, I64)
        if axis is None:
            x, axis = reshape(x, shape=(x.type.size,)), 0
        ordered = cast(x, dtype=DType.U8) if x.type.dtype is BOOL else x
        return _first(ordered, attributes.integer(axis), extremum)

    return Op(
        name=name,
        infer=infer,
        numpy=lambda x, axis: numpy(x, axis=axis),
        derivative=NoDerivative("a position is an integer"),
        lowering=Whole(
            source, scratch=lambda types, attrs: () if attrs["axis"] is None else types, expanded=expanded
        ),
        scratch=copied,
        dear=True,
        samples=(
            Sample((vector(-1, 1),), {"axis": None}),
            Sample((_CUBE,), {"axis": None}),
            Sample((_CUBE,), {"axis": 1}),
            Sample((_TIES,), {"axis": 1}, smooth=False),
            Sample((np.array([[False, True], [False, False]]),), {"axis": 1}),
            Sample((np.float64(0.7),), {"axis": None}),
            Sample((np.zeros((2, 0)),), {"axis": 0}),
        ),
    )


argmax = _position("argmax", np.argmax, max_)
argmin = _position("argmin", np.argmin, min_)

OPS = (argmax, argmin)
