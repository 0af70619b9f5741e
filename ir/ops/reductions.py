"""Sums, products, extrema and truth over axes; running sums. `keepdims` is a reshape that the frontend emits.

The tangent of a product is a weighted sum of tangents; the weights are the running products from both ends,
multiplied: zeros are nothing special. An extremum shares its cotangent equally among ties, and masks it
as `where` does: nothing comes from what was not taken, not even a NaN. Where it is NaN, so is its derivative.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..graph import Attrs, Block, Eqn, Value, constant
from ..op import (
    Cotangent,
    Forward,
    Linear,
    NoDerivative,
    Op,
    Reduction,
    Reverse,
    Rule,
    Sample,
    Scan,
    TypeRule,
)
from ..types import I64, ArrayType, Dim
from . import attributes
from .arithmetic import cast
from .arrays import on_expressions
from .comparison import equal, greater, less
from .elementwise import Accepts, boolean, common_dtype, matrix, numeric, vector
from .loops import loop
from .selection import where
from .shape import broadcast, inverse, reshape, transpose

# ---- what reductions share ----


def _reduced(name: str, accepts: Accepts, empty: str | None = None) -> TypeRule:
    """The axes in attribute `axes` go away; `empty` names a reduction that needs an element."""

    def infer(types: Sequence[ArrayType], attrs: Attrs, blocks: Sequence[Block]) -> tuple[ArrayType, ...]:
        (x,) = types
        common_dtype(name, types, accepts)
        axes = attributes.axes(attrs, x.rank)
        if empty and any(x.shape[a].constant == 0 for a in axes):
            raise ShapeError(f"zero-size array to reduction operation {empty} which has no identity")
        return (x.with_shape([d for a, d in enumerate(x.shape) if a not in axes]),)

    return infer


def kept(reduced: Value, x: ArrayType, axes: Sequence[int]) -> Value:
    """A result of a reduction of `x` in a shape that broadcasts against it."""
    if not axes:
        return reduced
    return reshape(reduced, shape=tuple(Dim.of(1) if a in axes else d for a, d in enumerate(x.shape)))


def _axes(eqn: Eqn) -> tuple[int, ...]:
    return attributes.integers(eqn.attrs["axes"])


Weights = Callable[[Value, Value, tuple[int, ...]], Value]


def weighted_sum(weights: Weights) -> Rule:
    """The derivative of a reduction of x to y: dy = sum(weights(x, y, axes) * dx, axes).

    The axes are those in attribute `axes`, all where there is none.
    """

    def axes_of(eqn: Eqn) -> tuple[int, ...]:
        return _axes(eqn) if "axes" in eqn.attrs else tuple(range(eqn.inputs[0].type.rank))

    def jvp(forward: Forward, eqn: Eqn) -> tuple[Sequence[Value], Sequence[Value | None]]:
        x, tangent = forward.primal(eqn.inputs[0]), forward.tangent(eqn.inputs[0])
        y, axes = eqn.op(x, **eqn.attrs), axes_of(eqn)
        return [y], [None if tangent is None else sum_(weights(x, y, axes) * tangent, axes=axes)]

    def vjp(reverse: Reverse, eqn: Eqn, cotangents: Sequence[Value | None]) -> None:
        (x,), (cotangent,) = eqn.inputs, cotangents
        if cotangent is not None and reverse.differentiable(x):
            axes = axes_of(eqn)
            reverse.accumulate(x, weights(x, eqn.output, axes) * kept(cotangent, x.type, axes))

    return Rule(jvp, vjp)


_CUBE = matrix(-1, 1, 2, 3, 4)
_TIES = np.array([[2.0, 5.0, 5.0], [7.0, 1.0, 7.0]])
_SAMPLES = (
    Sample((vector(-1, 1),), {"axes": (0,)}),
    Sample((_CUBE,), {"axes": (0, 2)}),
    Sample((_CUBE,), {"axes": (1,)}),
    Sample((_CUBE,), {"axes": ()}),
    Sample((np.float64(0.7),), {"axes": ()}),
    Sample((np.zeros((2, 0)),), {"axes": (0,)}),
)
_EMPTY = (Sample((np.zeros((2, 0)),), {"axes": (1,)}), Sample((np.zeros(0),), {"axes": (0,)}))

# ---- sum, prod ----


def _sum(x: Any, axes: tuple[int, ...]) -> Any:
    return np.sum(x, axis=axes, dtype=np.asarray(x).dtype)


def _prod(x: Any, axes: tuple[int, ...]) -> Any:
    return np.prod(x, axis=axes, dtype=np.asarray(x).dtype)


def _sum_transpose(eqn: Eqn, ct: Value) -> Sequence[Cotangent]:
    x = eqn.inputs[0].type
    return [broadcast(kept(ct, x, _axes(eqn)), shape=x.shape)]


sum_ = Op(
    name="sum",
    infer=_reduced("sum", numeric),
    numpy=_sum,
    derivative=Linear(_sum_transpose),
    lowering=Reduction("{zero}", "{acc} + {x}"),
    sympy=on_expressions(_sum),
    dear=True,
    samples=_SAMPLES + _EMPTY,
)


def _others(x: Value, y: Value, axes: tuple[int, ...]) -> Value:
    """For each element, the product of all others that it is reduced with."""
    order = (*axes, *(a for a in range(x.type.rank) if a not in axes))
    front = transpose(x, axes=order)
    length = ArrayType(I64, tuple(x.type.shape[a] for a in axes)).size
    lines = reshape(front, shape=(length, *y.type.shape))
    others = _products_before(lines, reverse=False) * _products_before(lines, reverse=True)
    return transpose(reshape(others, shape=front.type.shape), axes=inverse(order))


def _products_before(x: Value, reverse: bool) -> Value:
    """For each position along the first axis, the product of what stands before it, or after it."""
    length, *rest = x.type.shape
    one = broadcast(constant(1.0, x.type.dtype), shape=tuple(rest))
    _, products = loop(
        length, lambda i, so_far, item: [so_far * item, so_far], [one], [], [x], reverse=reverse
    )
    return products


prod = Op(
    name="prod",
    infer=_reduced("prod", numeric),
    numpy=_prod,
    derivative=weighted_sum(_others),
    lowering=Reduction("{one}", "{acc} * {x}"),
    sympy=on_expressions(_prod),
    dear=True,
    samples=(
        *_SAMPLES,
        *_EMPTY,
        Sample((np.array([[0.0, 2.0, 3.0], [0.0, 0.0, 2.0], [2.0, 3.0, 4.0]]),), {"axes": (1,)}),
    ),
)

# ---- extrema ----


def _taken_share(beats: Op) -> Rule:
    """The derivative of an extremum, which is an element that none `beats`."""

    def masked(x: Value, y: Value, axes: tuple[int, ...], moving: Value) -> Value:
        """Zero where an element is not the extremum; a NaN beats nothing, and nothing beats it."""
        return where(beats(kept(y, x.type, axes), x), constant(0.0, x.type.dtype), moving)

    def number(x: Value, y: Value, axes: tuple[int, ...]) -> Value:
        """How many elements are the extremum; NaN where that is NaN."""
        hits = cast(equal(x, kept(y, x.type, axes)), dtype=x.type.dtype)
        return where(equal(y, y), sum_(hits, axes=axes), constant(np.nan, x.type.dtype))

    def jvp(forward: Forward, eqn: Eqn) -> tuple[Sequence[Value], Sequence[Value | None]]:
        x, tangent = forward.primal(eqn.inputs[0]), forward.tangent(eqn.inputs[0])
        y, axes = eqn.op(x, **eqn.attrs), _axes(eqn)
        if tangent is None:
            return [y], [None]
        return [y], [sum_(masked(x, y, axes, tangent), axes=axes) / number(x, y, axes)]

    def vjp(reverse: Reverse, eqn: Eqn, cotangents: Sequence[Value | None]) -> None:
        (x,), (y,), (cotangent,) = eqn.inputs, eqn.outputs, cotangents
        if cotangent is not None and reverse.differentiable(x):
            axes = _axes(eqn)
            share = kept(cotangent / number(x, y, axes), x.type, axes)
            reverse.accumulate(x, masked(x, y, axes, share), chosen=True)

    return Rule(jvp, vjp)


def _extremum(name: str, ufunc: np.ufunc, sympy: str, start: str, beats: Op, sign: str, word: str) -> Op:
    def symbolic(x: Any, axes: tuple[int, ...]) -> Any:
        import sympy as sp

        pick = np.frompyfunc(getattr(sp, sympy), 2, 1)
        for axis in reversed(axes):
            x = pick.reduce(x, axis=axis)
        return x

    return Op(
        name=name,
        infer=_reduced(name, numeric, ufunc.__name__),
        numpy=lambda x, axes: ufunc.reduce(x, axis=axes),
        derivative=_taken_share(beats),
        # a NaN is taken, and stays: nothing compares with it
        lowering=Reduction(
            start,
            f"({{x}} if {{x}} {sign} {{acc}} or {{x}} != {{x}} else {{acc}})",
            f"{word}({{acc}}, {{x}})",
        ),
        sympy=on_expressions(symbolic),
        dear=True,
        samples=(
            *_SAMPLES,
            Sample((_TIES,), {"axes": (1,)}, smooth=False),
            Sample((_TIES,), {"axes": (0, 1)}, smooth=False),
        ),
    )


max_ = _extremum("max", np.maximum, "Max", "{lowest}", greater, ">", "larger")
min_ = _extremum("min", np.minimum, "Min", "{highest}", less, "<", "smaller")

# ---- truth ----


def _truth(name: str, numpy: Callable[..., Any], start: str, word: str) -> Op:
    tests = np.array([[True, False, True], [False, False, True]])
    return Op(
        name=name,
        infer=_reduced(name, boolean),
        numpy=lambda x, axes: numpy(x, axis=axes),
        derivative=NoDerivative("its result is a truth value"),
        lowering=Reduction(start, f"({{acc}} {word} {{x}})"),
        dear=True,
        samples=(
            Sample((tests,), {"axes": (0, 1)}),
            Sample((tests,), {"axes": (0,)}),
            Sample((np.zeros((2, 0), bool),), {"axes": (1,)}),
            Sample((np.True_,), {"axes": ()}),
        ),
    )


any_ = _truth("any", np.any, "{zero}", "or")
all_ = _truth("all", np.all, "{one}", "and")

# ---- running sums ----


def _cumsum_infer(types: Sequence[ArrayType], attrs: Attrs, blocks: Sequence[Block]) -> tuple[ArrayType, ...]:
    (x,) = types
    common_dtype("cumsum", types, numeric)
    attributes.axis(attrs, x.rank)
    return (x,)


def _cumsum(x: Any, axis: int, reverse: bool = False) -> Any:
    if reverse:
        result = np.empty_like(x)
        np.cumsum(np.flip(x, axis), axis, out=np.flip(result, axis))
        return result
    return np.cumsum(x, axis, dtype=x.dtype)


def _cumsum_transpose(eqn: Eqn, ct: Value) -> Sequence[Cotangent]:
    """What an element is added to: everything that comes after it."""
    return [cumsum(ct, axis=eqn.attrs["axis"], reverse=not eqn.attrs.get("reverse", False))]


cumsum = Op(
    name="cumsum",
    infer=_cumsum_infer,
    numpy=_cumsum,
    derivative=Linear(_cumsum_transpose),
    lowering=Scan("{zero}", "{acc} + {x}"),
    sympy=on_expressions(_cumsum),
    dear=True,
    samples=(
        Sample((vector(-1, 1),), {"axis": 0}),
        Sample((vector(-1, 1),), {"axis": 0, "reverse": True}),
        Sample((_CUBE,), {"axis": 1}),
        Sample((_CUBE,), {"axis": 2, "reverse": True}),
        Sample((np.zeros((0, 2)),), {"axis": 0}),
        Sample((np.zeros((0, 2)),), {"axis": 1, "reverse": True}),
    ),
)

OPS = (sum_, prod, max_, min_, any_, all_, cumsum)
