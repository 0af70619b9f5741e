"""NumPy functions that give views: other shapes, axes in another order, parts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from adcompiler.ir.errors import ShapeError
from adcompiler.ir.graph import Value
from adcompiler.ir.ops import diagonals, shape
from adcompiler.ir.ops.attributes import canonical_axes
from adcompiler.ir.types import Dim, Shape, normalize_axis

from .cells import Cell, link
from .extents import (
    common_shape,
    fits,
    require,
    same_dim,
    shown,
    shown_shape,
    static,
)
from .frames import current, refuse
from .handles import type_name
from .numpy_creation import dims, operand_array
from .sizes import Size, dim_of
from .values import TracedArray
from .views import ReshapeStep

Array = TracedArray


def axis_of(axis: Any, rank: int) -> int:
    """One axis, counted from the front."""
    return normalize_axis(static_int(axis, "an axis"), rank)


def axes_of(axis: Any, rank: int) -> tuple[int, ...]:
    """Axes in canonical form; None means all."""
    if axis is None:
        return tuple(range(rank))
    given = axis if isinstance(axis, list | tuple) else (axis,)
    return canonical_axes([static_int(a, "an axis") for a in given], rank)


def static_int(x: Any, what: str) -> int:
    """An integer that must be known: a size becomes static."""
    dim = dim_of(x)
    if dim is None:
        raise TypeError(f"'{type_name(x)}' object cannot be interpreted as an integer")
    return static(dim, what)


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
            # nothing divided by nothing may be anything: NumPy refuses
            require(part - 1, "ValueError", "cannot reshape array of size 0 into a shape with -1 and 0")
            return found
    if static(part, "a length in reshape") == 0 or static(whole, "the size in reshape") % (
        part.constant or 1
    ):
        _misfit(before, given)
    return whole // (part.constant or 1)


def _misfit(before: Shape, given: Sequence[Any]) -> None:
    asked = shown_shape([dim_of(d) or Dim() for d in given])
    message = f"cannot reshape array of size {shown(_size(before))} into shape {asked}"
    raise ShapeError(message, current().location())


def _size(shape: Sequence[Dim]) -> Dim:
    return math.prod(shape, start=Dim.of(1))


def ravel(a: Any, order: str = "C") -> Array:
    """`np.ravel`."""
    if order == "F":
        return ravel(np.transpose(a))
    x = operand_array(a)
    flat = (x.type.size,)
    return x.reshaped(flat) if x.cell.owned and not x.path and x.contiguous else x.detached(flat)


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
    return readonly(x, widened(x.read(), target), "it is the result of np.broadcast_to")


def widened(x: Value, target: Shape) -> Value:
    """`broadcast`, where the shape differs."""
    return x if x.type.shape == target else shape.broadcast(x, shape=target)


def readonly(x: Array, part: Value, why: str) -> Array:
    """What NumPy gives as a view that cannot be written: it is right until the array is written."""
    made = Cell(part, x.cell.name, readonly=why)
    link(made, x.cell)
    return TracedArray(made)


def broadcast_arrays(*args: Any, subok: bool = False) -> tuple[Array, ...]:
    """`np.broadcast_arrays`."""
    arrays = [operand_array(a) for a in args]
    target = common_shape([x.type.shape for x in arrays])
    return tuple(readonly(x, widened(x.read(), target), "it was broadcast") for x in arrays)


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
    found: Array = x[tuple(slice(None, None, -1 if k in turned else None) for k in range(x.ndim))]
    return found


def split(ary: Any, indices_or_sections: Any, axis: Any = 0) -> list[Array]:
    """`np.split`: views."""
    x = operand_array(ary)
    along = axis_of(axis, x.ndim)
    if isinstance(indices_or_sections, list | tuple):
        ends: list[Any] = [0, *indices_or_sections, None]
    else:
        parts = static_int(indices_or_sections, "the number of sections")
        size = x.type.shape[along]
        if any(c % parts for _, c in size.terms):
            size = Dim.of(static(size, "the length of an axis that is split"))
        if any(c % parts for _, c in size.terms):
            raise ValueError("array split does not result in an equal division")
        ends = [Size(size // parts * k) for k in range(parts + 1)]
    before = (slice(None),) * along
    return [x[(*before, slice(a, b))] for a, b in zip(ends, ends[1:], strict=False)]


def diagonal(a: Any, offset: Any = 0, axis1: Any = 0, axis2: Any = 1) -> Any:
    """`np.diagonal` of a matrix: it cannot be written."""
    x = operand_array(a)
    if x.ndim != 2:
        refuse(
            f"np.diagonal of an array of {x.ndim} axes is not supported", "take it of each matrix in a loop"
        )
    x = x if axis_of(axis1, 2) < axis_of(axis2, 2) else x.T
    k = static_int(offset, "the offset of a diagonal")
    rows, columns = x.type.shape
    if not same_dim(rows, columns) and (columns - rows).constant is None:
        for d in (rows, columns):
            static(d, "a side of a matrix whose diagonal is taken")
    return readonly(x, diagonals.diagonal(x.read(), k=k), "it is a diagonal, which NumPy makes read-only")


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
        np.diagonal: diagonal,
        np.shape: lambda a: operand_array(a).shape,
        np.ndim: lambda a: operand_array(a).ndim,
        np.size: lambda a, axis=None: operand_array(a).size if axis is None else operand_array(a).shape[axis],
    }
)
