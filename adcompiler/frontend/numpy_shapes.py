"""NumPy functions that move elements about: views, and arrays put together of others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from adcompiler.frontend.extents import (
    bound_size,
    common_shape,
    fits,
    same_dim,
    shown,
    shown_shape,
    static,
)
from adcompiler.frontend.frames import Cell, current, link, refuse
from adcompiler.frontend.numpy_creation import array, dims, joint, operand_array
from adcompiler.frontend.scalars import TracedScalar, cast
from adcompiler.frontend.sizes import Size, dim_of
from adcompiler.frontend.values import TracedArray, wrap
from adcompiler.frontend.views import ReshapeStep
from adcompiler.ir.errors import ShapeError
from adcompiler.ir.graph import Value
from adcompiler.ir.ops import assembly, shape
from adcompiler.ir.ops.attributes import canonical_axes
from adcompiler.ir.types import I64, Dim, Shape, normalize_axis

Array = TracedArray


def axis_of(axis: Any, rank: int) -> int:
    """One axis, counted from the front."""
    return normalize_axis(plain(axis, "an axis"), rank)


def axes_of(axis: Any, rank: int) -> tuple[int, ...]:
    """Axes in canonical form; None means all."""
    if axis is None:
        return tuple(range(rank))
    given = axis if isinstance(axis, list | tuple) else (axis,)
    return canonical_axes([plain(a, "an axis") for a in given], rank)


def plain(x: Any, what: str) -> int:
    """An integer that must be known: a size becomes static."""
    dim = dim_of(x)
    if dim is None:
        raise TypeError(f"'{type(x).__name__}' object cannot be interpreted as an integer")
    return static(dim, what)


# ---- views ----


def reshape(a: Any, /, shape: Any = None, order: str = "C", *, copy: bool | None = None) -> Array:
    """`np.reshape`: one length may be -1."""
    if order != "C":
        refuse(f"reshape in order {order!r} is not supported", "transpose before and after")
    x = operand_array(a)
    given = shape if isinstance(shape, list | tuple) else (shape,)
    target = _target(x.type.shape, given)
    return x.copy().reshaped(target) if copy else x.reshaped(target)


def _target(before: Shape, given: Sequence[Any]) -> Shape:
    whole = _size(before)
    unknown = [k for k, d in enumerate(given) if dim_of(d) == Dim.of(-1)]
    if len(unknown) > 1:
        raise ValueError("can only specify one unknown dimension")
    known = [Dim.of(1) if k in unknown else dims(d)[0] for k, d in enumerate(given)]
    if unknown:
        known[unknown[0]] = _quotient(whole, _size(known), before, given)
    elif not same_dim(whole, _size(known)):
        _misfit(before, given)
    return tuple(known)


def _quotient(whole: Dim, part: Dim, before: Shape, given: Sequence[Any]) -> Dim:
    """`whole / part`: of polynomials where each term divides, else of numbers."""
    if part.constant and all(c % part.constant == 0 for _, c in whole.terms):
        return whole // part.constant
    if len(part.terms) == 1:
        (monomial, coefficient) = part.terms[0]
        found = Dim()
        for factors, c in whole.terms:
            rest = list(factors)
            for atom in monomial:
                if atom not in rest:
                    break
                rest.remove(atom)
            else:
                if c % coefficient == 0:
                    found = found + Dim(((tuple(rest), c // coefficient),))
        if found * part == whole and found != Dim():
            return found
    if static(part, "a length in reshape") == 0 or static(whole, "the size in reshape") % (part.constant or 1):
        _misfit(before, given)
    return whole // (part.constant or 1)


def _misfit(before: Shape, given: Sequence[Any]) -> None:
    asked = shown_shape([dim_of(d) or Dim() for d in given])
    message = f"cannot reshape array of size {shown(_size(before))} into shape {asked}"
    raise ShapeError(message, current().location())


def _size(shape: Sequence[Dim]) -> Dim:
    total = Dim.of(1)
    for d in shape:
        total = total * d
    return total


def ravel(a: Any, order: str = "C") -> Array:
    """`np.ravel`."""
    if order == "F":
        return ravel(np.transpose(a))
    return reshape(a, -1)


def transpose(a: Any, axes: Any = None) -> Array:
    """`np.transpose`: a view."""
    x = operand_array(a)
    order = range(x.ndim)[::-1] if axes is None else [axis_of(k, x.ndim) for k in axes]
    if sorted(order) != list(range(x.ndim)):
        raise ValueError("axes don't match array" if len(order) != x.ndim else "repeated axis in transpose")
    return x.transposed(tuple(order))


def swapaxes(a: Any, axis1: Any, axis2: Any) -> Array:
    """`np.swapaxes`."""
    x = operand_array(a)
    order = list(range(x.ndim))
    first, second = axis_of(axis1, x.ndim), axis_of(axis2, x.ndim)
    order[first], order[second] = second, first
    return x.transposed(tuple(order))


def moveaxis(a: Any, source: Any, destination: Any) -> Array:
    """`np.moveaxis`."""
    x = operand_array(a)
    sources, targets = (
        [axis_of(k, x.ndim) for k in (g if isinstance(g, list | tuple) else (g,))]
        for g in (source, destination)
    )
    order = [k for k in range(x.ndim) if k not in sources]
    for target, origin in sorted(zip(targets, sources, strict=True)):
        order.insert(target, origin)
    return x.transposed(tuple(order))


def expand_dims(a: Any, axis: Any) -> Array:
    """`np.expand_dims`: a view."""
    x = operand_array(a)
    given = axis if isinstance(axis, list | tuple) else (axis,)
    rank = x.ndim + len(given)
    new = axes_of(list(given), rank)
    old = iter(x.type.shape)
    return x.step(ReshapeStep(tuple(Dim.of(1) if k in new else next(old) for k in range(rank))))


def squeeze(a: Any, axis: Any = None) -> Array:
    """`np.squeeze`: a view."""
    x = operand_array(a)
    if axis is None:
        gone = tuple(k for k, d in enumerate(x.type.shape) if d.constant == 1)
    else:
        gone = axes_of(axis, x.ndim)
        if any(not same_dim(x.type.shape[k], Dim.of(1)) for k in gone):
            raise ValueError("cannot select an axis to squeeze out which has size not equal to one")
    kept = tuple(d for k, d in enumerate(x.type.shape) if k not in gone)
    return x.step(ReshapeStep(kept)) if gone else x


def broadcast_to(array: Any, shape: Any, subok: bool = False) -> Array:
    """`np.broadcast_to`: it cannot be written, and its elements are those of the array now."""
    x, target = operand_array(array), dims(shape)
    aligned = zip(reversed(x.type.shape), reversed(target), strict=False)
    if x.ndim > len(target) or not all([fits(d, e) or d == e for d, e in aligned]):
        raise ValueError(
            "operands could not be broadcast together with remapped shapes [original->remapped]: "
            f"{shown_shape(x.type.shape)} and requested shape {shown_shape(target)}"
        )
    return _readonly(x, shape_op(x.read(), target), "it is the result of np.broadcast_to")


def shape_op(x: Value, target: Shape) -> Value:
    """`broadcast`, where the shape differs."""
    return x if x.type.shape == target else shape.broadcast(x, shape=target)


def _readonly(x: Array, part: Value, why: str) -> Array:
    made = Cell(part, x.cell.name, readonly=why)
    link(made, x.cell)
    return TracedArray(made)


def broadcast_arrays(*args: Any, subok: bool = False) -> tuple[Array, ...]:
    """`np.broadcast_arrays`."""
    arrays = [operand_array(a) for a in args]
    target = common_shape([x.type.shape for x in arrays])
    return tuple(_readonly(x, shape_op(x.read(), target), "it was broadcast") for x in arrays)


def atleast_1d(*arys: Any) -> Any:
    """`np.atleast_1d`."""
    found = [x if x.ndim else x[None] for x in map(operand_array, arys)]
    return found[0] if len(found) == 1 else tuple(found)


def atleast_2d(*arys: Any) -> Any:
    """`np.atleast_2d`."""
    found = [x if x.ndim > 1 else x[None] if x.ndim else x[None, None] for x in map(operand_array, arys)]
    return found[0] if len(found) == 1 else tuple(found)


def flip(m: Any, axis: Any = None) -> Array:
    """`np.flip`: a view."""
    x = operand_array(m)
    turned = axes_of(axis, x.ndim)
    return x[tuple(slice(None, None, -1 if k in turned else None) for k in range(x.ndim))]


def split(ary: Any, indices_or_sections: Any, axis: Any = 0) -> list[Array]:
    """`np.split`: views."""
    x = operand_array(ary)
    along = axis_of(axis, x.ndim)
    if isinstance(indices_or_sections, list | tuple):
        ends: list[Any] = [0, *indices_or_sections, None]
    else:
        parts = plain(indices_or_sections, "the number of sections")
        size = x.type.shape[along]
        if any(c % parts for _, c in size.terms):
            size = Dim.of(static(size, "the length of an axis that is split"))
        if any(c % parts for _, c in size.terms):
            raise ValueError("array split does not result in an equal division")
        ends = [Size(size // parts * k) for k in range(parts + 1)]
    before = (slice(None),) * along
    return [x[(*before, slice(a, b))] for a, b in zip(ends, ends[1:], strict=False)]


# ---- put together ----


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
    spread = shape_op(shape.reshape(x.read(), shape=tuple(apart)), tuple(wide))
    return wrap(shape.reshape(spread, shape=tuple(r * d for r, d in zip(times, old, strict=True))))


def repeat(a: Any, repeats: Any, axis: Any = None) -> Any:
    """`np.repeat`: every element equally often."""
    x = operand_array(a)
    if axis is None:
        x, axis = ravel(x), 0
    if isinstance(repeats, list | tuple | np.ndarray) or getattr(repeats, "ndim", 0):
        refuse("np.repeat with one number an element is not supported", "repeat every element equally often")
    along, (times,) = axis_of(axis, x.ndim), dims(repeats)
    before, size, after = x.type.shape[:along], x.type.shape[along], x.type.shape[along + 1 :]
    apart = shape.reshape(x.read(), shape=(*before, size, Dim.of(1), *after))
    spread = shape_op(apart, (*before, size, times, *after))
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
    given = pad_width if isinstance(pad_width, list | tuple) else ((pad_width, pad_width),)
    pairs = [p if isinstance(p, list | tuple) else (p,) for p in given]
    if len(pairs) == 2 and all(len(p) == 1 for p in pairs):
        pairs = [(pairs[0][0], pairs[1][0])]
    widths = tuple(dims(p * 2 if len(p) == 1 else p) for p in (pairs * x.ndim if len(pairs) == 1 else pairs))
    return wrap(assembly.pad(x.read(), widths=widths))


def tril(m: Any, k: Any = 0) -> Any:
    """`np.tril`."""
    return wrap(assembly.tril(operand_array(m).read(), k=dim_of(k) or Dim()))


def triu(m: Any, k: Any = 0) -> Any:
    """`np.triu`."""
    return wrap(assembly.triu(operand_array(m).read(), k=dim_of(k) or Dim()))


def diagonal(a: Any, offset: Any = 0, axis1: Any = 0, axis2: Any = 1) -> Any:
    """`np.diagonal` of a matrix: it cannot be written."""
    x = operand_array(a)
    if x.ndim != 2:
        refuse(f"np.diagonal of an array of {x.ndim} axes is not supported", "take it of each matrix in a loop")
    x = x if axis_of(axis1, 2) < axis_of(axis2, 2) else x.T
    k = plain(offset, "the offset of a diagonal")
    rows, columns = x.type.shape
    if not rows == columns and (columns - rows).constant is None:
        for d in (rows, columns):
            static(d, "a side of a matrix whose diagonal is taken")
    return _readonly(x, assembly.diagonal(x.read(), k=k), "it is a diagonal, which NumPy makes read-only")


def diag(v: Any, k: Any = 0) -> Any:
    """`np.diag`: a diagonal matrix of a vector, the diagonal of a matrix."""
    x = operand_array(v)
    if x.ndim == 1:
        return wrap(assembly.diag(x.read(), k=plain(k, "the offset of a diagonal")))
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
        refuse("np.copyto writes an array that was not made in the captured function", "pass it as an argument")
    dst.store_result(array(src, copy=False) if where is True else np.where(where, src, dst), np.positive)


FUNCTIONS: Mapping[Any, Any] = MappingProxyType(
    {
        np.reshape: reshape,
        np.ravel: ravel,
        np.transpose: transpose,
        np.swapaxes: swapaxes,
        np.moveaxis: moveaxis,
        np.expand_dims: expand_dims,
        np.squeeze: squeeze,
        np.broadcast_to: broadcast_to,
        np.broadcast_arrays: broadcast_arrays,
        np.atleast_1d: atleast_1d,
        np.atleast_2d: atleast_2d,
        np.flip: flip,
        np.fliplr: lambda m: flip(m, 1),
        np.flipud: lambda m: flip(m, 0),
        np.split: split,
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
        np.diagonal: diagonal,
        np.diag: diag,
        np.take: take,
        np.meshgrid: meshgrid,
        np.copyto: copyto,
        np.shape: lambda a: operand_array(a).shape,
        np.ndim: lambda a: operand_array(a).ndim,
        np.size: lambda a, axis=None: operand_array(a).size if axis is None else operand_array(a).shape[axis],
    }
)
