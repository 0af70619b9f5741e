"""NumPy functions over axes: sums, products, extrema, truth, moments, running sums."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from adcompiler.ir.graph import Value, constant
from adcompiler.ir.op import Op
from adcompiler.ir.ops import positions, reductions
from adcompiler.ir.ops.arrays import checked
from adcompiler.ir.ops.comparison import greater_equal
from adcompiler.ir.ops.loops import loop
from adcompiler.ir.ops.shape import broadcast, reshape, transpose
from adcompiler.ir.types import BOOL, I64, Dim, DType

from .extents import proved, value_of
from .frames import current, refuse
from .numpy_assembly import concatenate
from .numpy_creation import operand_array
from .numpy_shapes import axes_of, axis_of, ravel, swapaxes
from .scalars import cast, dtype_of
from .sizes import integer
from .ufuncs import into
from .values import TracedArray, wrap

_NO_VALUE = np._NoValue
"""What NumPy's own functions hand on for an option that was not given."""

# ---- what all reductions share ----


def reduced(
    op: Op,
    a: Any,
    axis: Any,
    dtype: DType | None,
    keepdims: Any,
    out: Any = None,
    ufunc: np.ufunc = np.positive,
) -> Any:
    """One op over axes, on operands of a dtype."""
    x = operand_array(a)
    axes = axes_of(axis, x.ndim)
    operand = x.read() if dtype is None else cast(x.read(), dtype)
    return _finished(op(operand, axes=axes), x, axes, keepdims, out, ufunc)


def _finished(
    found: Value, x: TracedArray, axes: tuple[int, ...], keepdims: Any, out: Any, ufunc: np.ufunc
) -> Any:
    if keepdims is True:
        found = reshape(found, shape=tuple(Dim.of(1) if k in axes else d for k, d in enumerate(x.type.shape)))
    return into(None if out is _NO_VALUE else out, wrap(found), ufunc)


def accumulator(x: TracedArray, dtype: Any) -> DType:
    """The dtype in which NumPy adds and multiplies: small integers and bools widen."""
    if dtype is not None:
        return dtype_of(dtype)
    kind = x.type.dtype
    if kind is BOOL:
        return DType.I64
    if kind.is_integer and kind.itemsize < 8:
        return DType.I64 if kind.value[0] == "i" else DType.U64
    return kind


def masked(a: Any, where: Any, neutral: float) -> TracedArray:
    """The array with what `where=` leaves out replaced by what changes nothing."""
    x = operand_array(a)
    return x if _everywhere(where) else operand_array(np.where(where, x, np.array(neutral, x.dtype)[()]))


def _everywhere(where: Any) -> bool:
    """Whether `where=` leaves nothing out."""
    return where is True or where is _NO_VALUE


def elements(x: TracedArray, axes: Sequence[int]) -> Any:
    """The number of elements that are reduced to one: an integer or a size."""
    return integer(math.prod((x.type.shape[k] for k in axes), start=Dim.of(1)))


def require_elements(x: TracedArray, axes: tuple[int, ...], message: str) -> None:
    """The program stops where nothing is reduced to one element, though there are elements to give."""
    for k in axes:
        size = x.type.shape[k]
        if size.constant == 0 and current().frame is current().top:
            raise ValueError(message)
        if not proved(size - 1):
            checked(greater_equal(value_of(size), constant(1, I64)), kind="ValueError", message=message)


# ---- sums and products ----


def _accumulation(op: Op, ufunc: np.ufunc) -> Callable[..., Any]:
    """A reduction that joins elements by a ufunc, beginning with its neutral element."""

    def accumulated(
        a: Any,
        axis: Any = None,
        dtype: Any = None,
        out: Any = None,
        keepdims: Any = False,
        initial: Any = _NO_VALUE,
        where: Any = True,
    ) -> Any:
        x = masked(a, where, ufunc.identity)
        found = reduced(op, x, axis, accumulator(x, dtype), keepdims)
        return into(out, found if initial is _NO_VALUE else ufunc(found, initial), ufunc)

    return accumulated


sum_ = _accumulation(reductions.sum_, np.add)
prod = _accumulation(reductions.prod, np.multiply)


def _along(a: Any, axis: Any) -> tuple[TracedArray, int]:
    """An array and one axis of it; without an axis all its elements in one."""
    x = operand_array(a)
    return (ravel(x), 0) if axis is None else (x, axis_of(axis, x.ndim))


def cumsum(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    """`np.cumsum`."""
    x, along = _along(a, axis)
    return into(out, wrap(reductions.cumsum(cast(x.read(), accumulator(x, dtype)), axis=along)), np.add)


def cumprod(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    """`np.cumprod`: a loop along the axis that keeps every product."""
    x, along = _along(a, axis)
    kind = accumulator(x, dtype)
    order = (along, *(k for k in range(x.ndim) if k != along))
    rows = transpose(cast(x.read(), kind), axes=order)
    length, *rest = rows.type.shape
    one = broadcast(constant(1, kind), shape=tuple(rest)) if rest else constant(1, kind)

    def trip(i: Value, so_far: Value, row: Value) -> list[Value]:
        product = so_far * row
        return [product, product]

    _, products = loop(length, trip, [one], [], [rows])
    found = wrap(products).transposed(tuple(sorted(range(x.ndim), key=lambda k: order[k])))
    return found.copy() if out is None else into(out, found, np.multiply)


def diff(a: Any, n: Any = 1, axis: Any = -1, prepend: Any = _NO_VALUE, append: Any = _NO_VALUE) -> Any:
    """`np.diff`."""
    x = operand_array(a)
    along = axis_of(axis, x.ndim)
    if prepend is not _NO_VALUE or append is not _NO_VALUE:
        ends = [operand_array(e) for e in (prepend, append) if e is not _NO_VALUE]
        if any(e.ndim != x.ndim for e in ends):
            refuse("np.diff with a number before or behind is not supported", "concatenate before")
        parts = [*([] if prepend is _NO_VALUE else [prepend]), x, *([] if append is _NO_VALUE else [append])]
        x = concatenate(parts, along)
    before = (slice(None),) * along
    step = np.not_equal if x.type.dtype is BOOL else np.subtract
    for _ in range(n):
        x = step(x[(*before, slice(1, None))], x[(*before, slice(None, -1))])
    return x


# ---- extrema ----


def _extremum(op: Op, of_bools: Op, ufunc: np.ufunc) -> Callable[..., Any]:
    def extremum(
        a: Any,
        axis: Any = None,
        out: Any = None,
        keepdims: Any = False,
        initial: Any = _NO_VALUE,
        where: Any = True,
    ) -> Any:
        if initial is not _NO_VALUE or not _everywhere(where):
            refuse(f"np.{op.name} with initial= or where= is not supported", "use np.where before")
        x = operand_array(a)
        message = f"zero-size array to reduction operation {ufunc.__name__} which has no identity"
        require_elements(x, axes_of(axis, x.ndim), message)
        chosen = of_bools if x.type.dtype is BOOL else op
        return reduced(chosen, x, axis, None, keepdims, out, ufunc)

    return extremum


max_ = _extremum(reductions.max_, reductions.any_, np.maximum)
min_ = _extremum(reductions.min_, reductions.all_, np.minimum)


def ptp(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False) -> Any:
    """`np.ptp`: the range of values."""
    return max_(a, axis, keepdims=keepdims) - min_(a, axis, keepdims=keepdims)


def _position(op: Op) -> Callable[..., Any]:
    def position(a: Any, axis: Any = None, out: Any = None, *, keepdims: Any = False) -> Any:
        x = operand_array(a)
        axes = axes_of(axis, x.ndim)
        require_elements(x, axes, f"attempt to get {op.name} of an empty sequence")
        operand = cast(x.read(), DType.I8) if x.type.dtype is BOOL else x.read()
        found = op(operand, axis=None if axis is None else axes[0])
        return _finished(found, x, axes, keepdims, out, np.positive)

    return position


# ---- truth ----


def _truth(op: Op, neutral: bool) -> Callable[..., Any]:
    def truth(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, *, where: Any = True) -> Any:
        return reduced(op, masked(a, where, neutral), axis, BOOL, keepdims, out)

    return truth


def count_nonzero(a: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    """`np.count_nonzero`."""
    return sum_(operand_array(a).astype(bool), axis, keepdims=keepdims)


# ---- moments ----


def mean(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, *, where: Any = True
) -> Any:
    """`np.mean`; of float16 NumPy computes it in float32."""
    x = operand_array(a)
    if dtype is None and x.type.dtype.is_half:
        wide = mean(x, axis, np.float32, None, keepdims, where=where)
        return into(out, wide.astype(x.dtype), np.true_divide)
    kind = np.float64 if dtype is None and not x.type.dtype.is_float else dtype
    total = sum_(x, axis, kind, keepdims=keepdims, where=where)
    if _everywhere(where):
        count = elements(x, axes_of(axis, x.ndim))
    else:
        count = sum_(np.broadcast_to(where, x.shape), axis, keepdims=keepdims)
    found = np.true_divide(total, count)
    found = found if found.dtype == total.dtype else found.astype(total.dtype)
    return into(out, found, np.true_divide)


def var(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    ddof: Any = 0,
    keepdims: Any = False,
    *,
    correction: Any = _NO_VALUE,
) -> Any:
    """`np.var`: the mean squared distance from the mean; of halves in float32: no square overflows."""
    x = operand_array(a)
    if dtype is None and x.type.dtype.is_half:
        wide = var(x.astype(np.float32), axis, None, None, ddof, keepdims, correction=correction)
        return into(out, wide.astype(x.dtype), np.true_divide)
    kind = np.float64 if dtype is None and not x.type.dtype.is_float else dtype
    distance = x - mean(x, axis, kind, keepdims=True)
    total = sum_(distance * distance, axis, kind, keepdims=keepdims)
    less = ddof if correction is _NO_VALUE else correction
    found = np.true_divide(total, np.maximum(elements(x, axes_of(axis, x.ndim)) - less, 0))
    found = found if found.dtype == total.dtype else found.astype(total.dtype)
    return into(out, found, np.true_divide)


def std(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, **options: Any) -> Any:
    """`np.std`."""
    return np.sqrt(var(a, axis, dtype, None, ddof, **options), out=out)


def average(
    a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: Any = False
) -> Any:
    """`np.average`."""
    if returned:
        refuse("np.average with returned=True is not supported", "add up the weights yourself")
    x = operand_array(a)
    if weights is None:
        return mean(x, axis, keepdims=keepdims)
    w = operand_array(weights)
    if w.ndim != x.ndim:
        if w.ndim != 1 or axis is None:
            raise TypeError("Axis must be specified when shapes of a and weights differ.")
        w = swapaxes(w[(None,) * (x.ndim - 1)], -1, axis_of(axis, x.ndim))
    if not x.type.dtype.is_float and not w.type.dtype.is_float:
        w = w.astype(float)
    total = sum_(np.multiply(x, w), axis, keepdims=keepdims)
    weight = sum_(np.broadcast_to(w, x.shape), axis, keepdims=keepdims)
    message = "Weights sum to zero, can't be normalized"
    checked(np.not_equal(weight, 0).read(), kind="ZeroDivisionError", message=message)
    return total / weight


def nan_ignored(function: Callable[..., Any]) -> Callable[..., Any]:
    """`np.nansum` and its kind: NaNs are left out."""

    def ignoring(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False) -> Any:
        x = operand_array(a)
        if not x.type.dtype.is_float:
            return function(x, axis, dtype, out, keepdims)
        return function(x, axis, dtype, out, keepdims, where=np.logical_not(np.isnan(x)))

    return ignoring


FUNCTIONS: Mapping[Any, Any] = MappingProxyType(
    {
        np.sum: sum_,
        np.prod: prod,
        np.cumsum: cumsum,
        np.cumprod: cumprod,
        np.diff: diff,
        np.max: max_,
        np.amax: max_,
        np.min: min_,
        np.amin: min_,
        np.ptp: ptp,
        np.argmax: _position(positions.argmax),
        np.argmin: _position(positions.argmin),
        np.any: _truth(reductions.any_, False),
        np.all: _truth(reductions.all_, True),
        np.count_nonzero: count_nonzero,
        np.mean: mean,
        np.var: var,
        np.std: std,
        np.average: average,
        np.nansum: nan_ignored(sum_),
        np.nanprod: nan_ignored(prod),
        np.nanmean: nan_ignored(mean),
    }
)
