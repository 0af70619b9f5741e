"""NumPy functions that put arrays together: of others, of copies, of parts, with zeros around."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from adcompiler.ir.ops import assembly, diagonals, shape
from adcompiler.ir.types import I64, Dim

from .extents import bound_size, same_dim
from .frames import refuse
from .numpy_creation import array, dims, joint, operand_array
from .numpy_shapes import (
    atleast_1d,
    atleast_2d,
    axis_of,
    broadcast_arrays,
    diagonal,
    expand_dims,
    ravel,
    reshape,
    static_int,
    swapaxes,
    widened,
)
from .scalars import TracedScalar, cast
from .sizes import dim_of
from .values import TracedArray, wrap


def concatenate(arrays: Sequence[Any], /, axis: Any = 0, out: Any = None, *, dtype: Any = None) -> Any:
    """`np.concatenate`."""
    parts = [operand_array(a) for a in arrays]
    if not parts:
        raise ValueError("need at least one array to concatenate")
    if axis is None:
        parts, axis = [ravel(x) for x in parts], 0
    kind = joint(parts) if dtype is None else joint([np.empty(0, dtype)])
    rank = parts[0].ndim
    along = axis_of(axis, rank) if rank else 0
    for x in parts[1:]:
        if x.ndim == rank:
            pairs = zip(parts[0].type.shape, x.type.shape, strict=True)
            for k, (d, e) in enumerate(pairs):
                if k != along:
                    same_dim(d, e)
    found = wrap(assembly.concatenate(*(cast(x.read(), kind) for x in parts), axis=along))
    if out is not None:
        out[...] = found
        return out
    return found


def stack(arrays: Sequence[Any], axis: Any = 0, out: Any = None, *, dtype: Any = None) -> Any:
    """`np.stack`."""
    parts = [operand_array(a) for a in arrays]
    if not parts:
        raise ValueError("need at least one array to stack")
    if len({x.ndim for x in parts}) > 1 or any(
        not same_dim(d, e) for x in parts for d, e in zip(x.type.shape, parts[0].type.shape, strict=True)
    ):
        raise ValueError("all input arrays must have the same shape")
    return concatenate([expand_dims(x, axis) for x in parts], axis, out, dtype=dtype)


def vstack(tup: Sequence[Any], *, dtype: Any = None, casting: str = "same_kind") -> Any:
    """`np.vstack`."""
    return concatenate([atleast_2d(a) for a in tup], 0, dtype=dtype)


def hstack(tup: Sequence[Any], *, dtype: Any = None, casting: str = "same_kind") -> Any:
    """`np.hstack`."""
    parts = [atleast_1d(a) for a in tup]
    return concatenate(parts, 0 if parts and parts[0].ndim == 1 else 1, dtype=dtype)


def column_stack(tup: Sequence[Any]) -> Any:
    """`np.column_stack`."""
    parts = [operand_array(a) for a in tup]
    return concatenate([x if x.ndim > 1 else atleast_2d(x).T for x in parts], 1)


def append(arr: Any, values: Any, axis: Any = None) -> Any:
    """`np.append`."""
    return concatenate([arr, values], axis)


def tile(A: Any, reps: Any) -> Any:
    """`np.tile`: copies of the array along new axes, merged into the old ones."""
    x = operand_array(A)
    given = dims(reps)
    rank = max(x.ndim, len(given))
    times = (Dim.of(1),) * (rank - len(given)) + given
    old = (Dim.of(1),) * (rank - x.ndim) + x.type.shape
    apart = [d for pair in zip([Dim.of(1)] * rank, old, strict=True) for d in pair]
    wide = [d for pair in zip(times, old, strict=True) for d in pair]
    spread = widened(shape.reshape(x.read(), shape=tuple(apart)), tuple(wide))
    return wrap(shape.reshape(spread, shape=tuple(r * d for r, d in zip(times, old, strict=True))))


def repeat(a: Any, repeats: Any, axis: Any = None) -> Any:
    """`np.repeat`: every element equally often."""
    x = operand_array(a)
    if axis is None:
        x, axis = ravel(x), 0
    if isinstance(repeats, list | tuple) or np.ndim(repeats):
        refuse("np.repeat with one number an element is not supported", "repeat every element equally often")
    along, (times,) = axis_of(axis, x.ndim), dims(repeats)
    before, size, after = x.type.shape[:along], x.type.shape[along], x.type.shape[along + 1 :]
    apart = shape.reshape(x.read(), shape=(*before, size, Dim.of(1), *after))
    spread = widened(apart, (*before, size, times, *after))
    return wrap(shape.reshape(spread, shape=(*before, size * times, *after)))


def roll(a: Any, shift: Any, axis: Any = None) -> Any:
    """`np.roll`."""
    x = operand_array(a)
    if axis is None:
        return reshape(roll(ravel(x), shift, 0), x.shape)
    shifts, axes = (k if isinstance(k, list | tuple) else (k,) for k in (shift, axis))
    if len(shifts) == 1:
        shifts = shifts * len(axes)
    found = x.read()
    for by, along in zip(shifts, axes, strict=True):
        dim = dim_of(by)
        if dim is None:
            dim = bound_size(cast(by.read(), I64), "the shift of np.roll")
        found = shape.roll(found, shift=dim, axis=axis_of(along, x.ndim))
    return wrap(found)


def pad(array: Any, pad_width: Any, mode: str = "constant", constant_values: Any = 0) -> Any:
    """`np.pad` with zeros."""
    x = operand_array(array)
    if mode != "constant" or not isinstance(constant_values, int | float) or constant_values != 0:
        refuse("np.pad is supported with zeros alone", "concatenate with what the border should be")
    given = pad_width if isinstance(pad_width, list | tuple) else (pad_width,)
    pairs = list(given) if all(isinstance(p, list | tuple) for p in given) else [given]
    if len(pairs) == 1:
        pairs = pairs * x.ndim
    widths = tuple(dims(p * 2 if len(p) == 1 else p) for p in pairs)
    return wrap(assembly.pad(x.read(), widths=widths))


def tril(m: Any, k: Any = 0) -> Any:
    """`np.tril`."""
    return wrap(assembly.tril(operand_array(m).read(), k=dim_of(k) or Dim()))


def triu(m: Any, k: Any = 0) -> Any:
    """`np.triu`."""
    return wrap(assembly.triu(operand_array(m).read(), k=dim_of(k) or Dim()))


def diag(v: Any, k: Any = 0) -> Any:
    """`np.diag`: a diagonal matrix of a vector, the diagonal of a matrix."""
    x = operand_array(v)
    if x.ndim == 1:
        return wrap(diagonals.diag(x.read(), k=static_int(k, "the offset of a diagonal")))
    return diagonal(x, k)


def take(a: Any, indices: Any, axis: Any = None, out: Any = None, mode: str = "raise") -> Any:
    """`np.take`."""
    if mode != "raise":
        refuse(f"np.take with mode={mode!r} is not supported", "bring the indices into range before")
    x = operand_array(a)
    if axis is None:
        x, axis = ravel(x), 0
    found = x[(*(slice(None),) * axis_of(axis, x.ndim), indices)]
    return found if isinstance(found, TracedScalar) else found.copy()


def meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> tuple[Any, ...]:
    """`np.meshgrid`."""
    vectors = [ravel(x) for x in xi]
    rank = len(vectors)
    grids = [reshape(x, (1,) * k + x.shape + (1,) * (rank - 1 - k)) for k, x in enumerate(vectors)]
    if indexing == "xy" and rank > 1:
        grids = [swapaxes(x, 0, 1) for x in grids]
    return tuple(grids) if sparse else tuple(x.copy() for x in broadcast_arrays(*grids))


def copyto(dst: Any, src: Any, casting: str = "same_kind", where: Any = True) -> None:
    """`np.copyto`."""
    if not isinstance(dst, TracedArray):
        refuse(
            "np.copyto writes an array that was not made in the captured function", "pass it as an argument"
        )
    dst.store_result(array(src, copy=False) if where is True else np.where(where, src, dst), np.positive)


FUNCTIONS: Mapping[Any, Any] = MappingProxyType(
    {
        np.concatenate: concatenate,
        np.stack: stack,
        np.vstack: vstack,
        np.hstack: hstack,
        np.column_stack: column_stack,
        np.append: append,
        np.tile: tile,
        np.repeat: repeat,
        np.roll: roll,
        np.pad: pad,
        np.tril: tril,
        np.triu: triu,
        np.diag: diag,
        np.take: take,
        np.meshgrid: meshgrid,
        np.copyto: copyto,
    }
)
