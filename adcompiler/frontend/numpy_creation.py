"""NumPy functions that make arrays: of lengths that may be sizes, of lists that may hold traced numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from adcompiler.ir.graph import constant
from adcompiler.ir.ops.arrays import iota, zeros
from adcompiler.ir.types import I64, ArrayType, Dim, DType, Relation, Shape

from . import extents
from .cells import Cell
from .extents import bound_size, holds, require
from .frames import refuse
from .handles import Traced, holds_traced, type_name
from .scalars import NUMBERS, TracedScalar, cast, common_dtype, dtype_of, value
from .sizes import dim_of, plain_integer, size_in
from .values import TracedArray, stored, wrap

# ---- shapes ----


def dims(shape: Any) -> Shape:
    """The Dims of a shape that a user gives: an integer, a size, traced data, or a sequence of them."""
    entries = shape if isinstance(shape, list | tuple) else (shape,)
    return tuple(length(entry) for entry in entries)


def length(entry: Any) -> Dim:
    """The Dim of one length; it is not negative, or the program stops."""
    dim, data = dim_of(entry), False
    if dim is None:
        if not isinstance(entry, TracedScalar) or not entry.value.type.dtype.is_integer:
            raise TypeError(f"'{type_name(entry)}' object cannot be interpreted as an integer")
        dim = bound_size(cast(entry.value, I64), "a length")
        data = True
    require(dim, "ValueError", "negative dimensions are not allowed")
    return extents.length(dim) if data else dim


# ---- filled arrays ----


def full(shape: Any, fill_value: Any, dtype: Any = None, order: str = "C", *, like: Any = None) -> Any:
    """`np.full`."""
    kind = dtype_of(strong_dtype(fill_value) if dtype is None else dtype)
    place = ArrayType(kind, dims(shape))
    return TracedArray(Cell(stored(fill_value, place), contiguous=True if order == "C" else None))


def zeros_(shape: Any, dtype: Any = float, order: str = "C", *, like: Any = None) -> Any:
    """`np.zeros`, and `np.empty`, whose elements may be anything."""
    made = zeros(shape=dims(shape), dtype=dtype_of(float if dtype is None else dtype))
    return TracedArray(Cell(made, contiguous=True if order == "C" else None))


def ones(shape: Any, dtype: Any = None, order: str = "C", *, like: Any = None) -> Any:
    """`np.ones`."""
    return full(shape, 1, float if dtype is None else dtype, order)


def full_like(
    a: Any, fill_value: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None
) -> Any:
    """`np.full_like`."""
    a = operand_array(a)
    kind = a.dtype if dtype is None else dtype
    return full(a.shape if shape is None else shape, fill_value, kind, _order(order, a))


def zeros_like(a: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None) -> Any:
    """`np.zeros_like`, and `np.empty_like`."""
    a = operand_array(a)
    kind = a.dtype if dtype is None else dtype
    return zeros_(a.shape if shape is None else shape, kind, _order(order, a))


def ones_like(a: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None) -> Any:
    """`np.ones_like`."""
    return full_like(a, 1, dtype, order, shape=shape)


def _order(order: str, like: TracedArray) -> str:
    """`K` is the order of the array given, as far as it is known."""
    return "C" if order == "K" and like.contiguous else order


def eye(n: Any, m: Any = None, k: int = 0, dtype: Any = float, order: str = "C", *, like: Any = None) -> Any:
    """`np.eye`."""
    rows, columns = arange(n), arange(n if m is None else m)
    return (rows[:, None] + k == columns).astype(dtype)


def identity(n: Any, dtype: Any = None, *, like: Any = None) -> Any:
    """`np.identity`."""
    return eye(n, dtype=float if dtype is None else dtype)


# ---- ranges ----


def arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = None, *, like: Any = None) -> Any:
    """`np.arange` of integers and sizes; of floats where all are known."""
    low, high = (0, start) if stop is None else (start, stop)
    if not any(isinstance(x, Traced) for x in (low, high, step)):
        return array(np.arange(low, high, step, dtype=dtype))
    if not all(isinstance(x, int | np.integer) for x in (low, high, step)):
        refuse("np.arange of traced floats has a length that depends on their rounding", "use np.linspace")
    by = plain_integer(step, "the step of np.arange", "multiply np.arange of the length by it")
    if by == 0:
        raise ZeroDivisionError("division by zero")
    found = TracedArray(Cell(iota(length=_count(low, high, by))))
    found = found if by == 1 else found * by
    found = found if dim_of(low) == Dim() else found + low
    return found if dtype is None else found.astype(dtype)


def _count(low: Any, high: Any, by: int) -> Dim:
    """The number of elements of `np.arange`."""
    way = high - low if by > 0 else low - high
    dim = size_in(way)
    if dim is not None:
        return (extents.length(dim) + (abs(by) - 1)) // abs(by)
    return bound_size(np.maximum((way + (abs(by) - 1)) // abs(by), 0).astype(np.int64).read(), "a length")


def linspace(
    start: Any, stop: Any, num: Any = 50, endpoint: bool = True, retstep: bool = False, dtype: Any = None
) -> Any:
    """`np.linspace` between numbers: the last point is exact."""
    if not any(isinstance(x, Traced) for x in (start, stop, num)):
        points, step = np.linspace(start, stop, num, endpoint, retstep=True, dtype=dtype)
        return (array(points), step) if retstep else array(points)
    count = length(num)
    gaps = count - 1 if endpoint else count
    if holds(gaps - 1, Relation.NONNEGATIVE) is False:
        found = full(num, start, dtype or float)
        return (found, np.nan) if retstep else found
    parts = value(np.float64(gaps.constant)) if gaps.constant else cast(extents.value_of(gaps), DType.F64)
    start, stop = (np.multiply(x, 1.0) for x in (start, stop))
    step = (stop - start) / TracedScalar(parts)
    points = arange(num) * step + start
    if endpoint:
        points[-1] = stop
    points = points if dtype is None else points.astype(dtype)
    return (points, step) if retstep else points


# ---- arrays of what is given ----


def strong_dtype(x: Any) -> Any:
    """The dtype of the array that NumPy makes of something: Python numbers are not weak there."""
    if isinstance(x, Traced):
        return x.read().type.dtype.numpy
    if isinstance(x, list | tuple):
        return common_dtype([*map(strong_dtype, x)]).numpy if x else np.dtype(float)
    return np.asarray(x).dtype


def array(
    object: Any,
    dtype: Any = None,
    *,
    copy: bool | None = True,
    order: str = "K",
    subok: bool = False,
    ndmin: int = 0,
    like: Any = None,
) -> Any:
    """`np.array`: of numbers, of traced values, and of nested lists of both."""
    kind = strong_dtype(object) if dtype is None else np.dtype(dtype)
    if isinstance(object, TracedArray) and not copy and object.dtype == kind:
        made: Any = object
    elif isinstance(object, TracedArray):
        made = TracedArray(Cell(cast(object.read(), dtype_of(kind)), contiguous=object.contiguous))
    elif isinstance(object, Traced):
        made = TracedArray(Cell(cast(object.read(), dtype_of(kind))))
    elif isinstance(object, list | tuple) and any(map(holds_traced, object)):
        made = np.stack([array(x, kind, copy=False) for x in object])
    else:
        data = np.asarray(object, dtype)
        made = TracedArray(Cell(constant(data, dtype_of(data.dtype)), contiguous=True))
    return made if made.ndim >= ndmin else made[(None,) * (ndmin - made.ndim)]


def asarray(a: Any, dtype: Any = None, order: Any = None, **options: Any) -> Any:
    """`np.asarray`: the array itself where it is one."""
    return array(a, dtype, copy=False)


def copy(a: Any, order: str = "K", subok: bool = False) -> Any:
    """`np.copy`."""
    return array(a)


def operand_array(x: Any) -> TracedArray:
    """What a function that takes arrays makes of an operand: a handle; of a number, one of rank 0."""
    if isinstance(x, TracedArray):
        return x
    if isinstance(x, (Traced, np.ndarray, list, tuple, *NUMBERS)):
        made: TracedArray = array(x, copy=False)
        return made
    refuse(f"a {type(x).__name__} is used as an array", "pass an array")


def number_or_array(x: Any) -> Any:
    """An array of rank 0 as NumPy's functions return it: a scalar."""
    return wrap(x.read()) if x.ndim == 0 else x


def joint(operands: Sequence[Any]) -> DType:
    """The dtype of arrays put together."""
    return common_dtype([x.dtype for x in operands])


FUNCTIONS: Mapping[Any, Any] = MappingProxyType(
    {
        np.full: full,
        np.zeros: zeros_,
        np.empty: zeros_,
        np.ones: ones,
        np.full_like: full_like,
        np.zeros_like: zeros_like,
        np.empty_like: zeros_like,
        np.ones_like: ones_like,
        np.eye: eye,
        np.identity: identity,
        np.arange: arange,
        np.linspace: linspace,
        np.array: array,
        np.asarray: asarray,
        np.ascontiguousarray: asarray,
        np.asanyarray: asarray,
        np.copy: copy,
    }
)
