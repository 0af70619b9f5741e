"""Reading and writing parts of arrays: `index`, `put`, `add_at`.

One attribute, `at`, says for each leading axis what is taken of it (see docs/internals.md): a `"point"`, a
`("span", length, step)`, `"all"` of it, or a `"gather"` by an integer array. `put` and `add_at` give a new
array; that they happen in place is decided by the backends. Indices are in range: who emits them makes sure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Literal

import numpy as np

from ..errors import DTypeError, ShapeError, VerifierError
from ..graph import Attr, Attrs, Block, Eqn, Value, constant
from ..op import Contribution, Cotangent, Linear, Op, Read, Sample, Structural
from ..types import BOOL, I64, ArrayType, Dim, Shape, broadcast_shapes, shape_text
from . import attributes
from .arrays import on_expressions, zeros
from .attributes import term
from .elementwise import matrix, vector
from .shape import broadcast_indices, flat_index

# ---- what is taken of each axis ----


@dataclass(frozen=True)
class Item:
    """What is taken of one axis; `operand` counts the index operands, None for a whole axis.

    A block is a span that is taken as an array of these extents.
    """

    kind: Literal["point", "span", "block", "all", "gather"]
    operand: int | None = None
    length: Dim = Dim.of(1)
    step: int = 1
    extents: Shape = ()


def items(attrs: Attrs, operands: int) -> list[Item]:
    """The attribute `at` with the index operand of each item; points where there is no such attribute."""
    given = attributes.items(attrs["at"]) if "at" in attrs else ("point",) * operands
    found: list[Item] = []
    used = 0
    for attr in given:
        found.append(_item(attr, used))
        used += found[-1].operand is not None
    if used != operands:
        raise VerifierError(f"at={given} takes {used} index operands, not {operands}")
    return found


def _item(attr: Attr, operand: int) -> Item:
    match attr:
        case "all":
            return Item("all")
        case "point" | "gather":
            return Item(attr, operand)
        case ("span", length, int(step)) if step != 0:
            return Item("span", operand, attributes.dims((length,))[0], step)
        case ("block", *extents):
            shape = attributes.dims(tuple(extents))
            return Item("block", operand, prod(shape, start=Dim.of(1)), 1, shape)
    raise VerifierError(f"{attr!r} does not say what to take of an axis")


def selected(x: ArrayType, operands: Sequence[ArrayType], attrs: Attrs) -> ArrayType:
    """The type of the elements of `x` that index operands of these types select.

    Raises ShapeError where `x` has too few axes or index arrays do not broadcast together.
    """
    taken = items(attrs, len(operands))
    if len(taken) > x.rank:
        raise ShapeError(
            f"too many indices for array: array is {x.rank}-dimensional, but {len(taken)} were indexed"
        )
    if any(item.kind == "block" for item in taken) and (x.rank > 1 or not taken[0].extents):
        raise VerifierError("a block is taken of an array of rank 1, as one of at least that")
    for item in taken:
        if item.operand is not None:
            _check_operand(item, operands[item.operand])
    slices = [n for item, d in zip(taken, x.shape, strict=False) for n in _stays(item, d)]
    rest = x.shape[len(taken) :]
    gathered = _gathered(taken, operands)
    place = gather_place(taken)
    return x.with_shape([*slices[:place], *gathered, *slices[place:], *rest])


def _check_operand(item: Item, operand: ArrayType) -> None:
    if operand.dtype != I64:
        raise DTypeError(f"indices must be i64, not {operand.dtype}")
    if item.kind != "gather" and operand.rank:
        raise VerifierError(f"a {item.kind} takes a scalar, not {operand}")


def _basic(item: Item) -> bool:
    """Whether the axis stays where it is."""
    return item.kind in ("span", "block", "all")


def _stays(item: Item, extent: Dim) -> Shape:
    """The axes that an axis of this extent becomes where it stands."""
    match item.kind:
        case "span":
            return (item.length,)
        case "block":
            return item.extents
    return (extent,) if item.kind == "all" else ()


def _gathered(taken: Sequence[Item], operands: Sequence[ArrayType]) -> Shape:
    """The axes that index arrays, broadcast together, give."""
    shapes = [operands[i.operand].shape for i in taken if i.kind == "gather" and i.operand is not None]
    try:
        return broadcast_shapes(shapes)
    except ShapeError:
        shown = " ".join(map(shape_text, shapes))
        raise ShapeError(
            f"shape mismatch: indexing arrays could not be broadcast together with shapes {shown}"
        ) from None


def gather_place(taken: Sequence[Item]) -> int:
    """Before how many of the remaining axes those of the index arrays go.

    NumPy's rule: points count as index arrays once there is one; where all of them stand side by side their
    axes go to that place, else to the front.
    """
    if not any(item.kind == "gather" for item in taken):
        return 0
    advanced = [k for k, item in enumerate(taken) if not _basic(item)]
    return advanced[0] if advanced[-1] - advanced[0] == len(advanced) - 1 else 0


def element_indices(
    x: ArrayType, operands: Sequence[ArrayType], attrs: Attrs, read: Read, indices: Sequence[str]
) -> list[str]:
    """Where in `x` the selected element at `indices` lies: one source of an integer for each axis of `x`.

    `read` counts the index operands alone.
    """
    taken = items(attrs, len(operands))
    place, width = gather_place(taken), len(_gathered(taken, operands))
    gathering = indices[place : place + width]
    staying = iter([*indices[:place], *indices[place + width :]])
    found: list[str] = []
    for item in taken:
        if item.kind == "gather":
            found.append(_gather_source(item, operands, read, gathering))
        else:
            start = "" if item.operand is None else read(item.operand, ())
            width = {"point": 0, "block": len(item.extents)}.get(item.kind, 1)
            found.append(_basic_source(item, start, [next(staying) for _ in range(width)]))
    return [*found, *staying]


def _gather_source(item: Item, operands: Sequence[ArrayType], read: Read, indices: Sequence[str]) -> str:
    """The element of an index array, which may be broadcast against the others."""
    assert item.operand is not None
    return read(item.operand, broadcast_indices(operands[item.operand].shape, indices))


def _basic_source(item: Item, start: str, indices: Sequence[str]) -> str:
    match item.kind:
        case "point":
            return start
        case "all":
            return indices[0]
        case "block":
            flat = flat_index(list(zip(item.extents, indices, strict=True)))
            return f"({flat}) + {term(start)}"
    return str(term(start) + item.step * term(indices[0]))


# ---- evaluation ----


def _key(x: Any, operands: Sequence[Any], at: tuple[Any, ...] | None) -> tuple[Any, ...]:
    """The key with which NumPy takes these elements; IndexError where one is not there, or negative."""
    taken = items({} if at is None else {"at": at}, len(operands))
    return tuple(
        slice(None) if item.operand is None else _axis_key(item, operands[item.operand], n)
        for item, n in zip(taken, np.shape(x), strict=False)
    )


def _axis_key(item: Item, operand: Any, n: int) -> Any:
    if item.kind == "gather":
        places = np.asarray(operand, np.int64)
        _require_inside(places, n)
        return places
    start, length = int(operand), attributes.integer(item.length)
    if item.kind == "point":
        _require_inside(np.array([start]), n)
        return start
    if length == 0:
        return slice(0, 0)
    _require_inside(np.array([start, start + (length - 1) * item.step]), n)
    stop = start + length * item.step
    return slice(start, stop if stop >= 0 else None, item.step)


def _require_inside(places: Any, n: int) -> None:
    outside = places[(places < 0) | (places >= n)]
    if outside.size:
        raise IndexError(f"index {outside.flat[0]} is out of bounds for axis with size {n}")


def _block(at: tuple[Any, ...] | None) -> tuple[int, ...]:
    """The extents of a block, if one is taken."""
    return next((tuple(item[1:]) for item in at or () if item[0] == "block"), ())


def _index(x: Any, *operands: Any, at: tuple[Any, ...] | None = None) -> Any:
    found = np.array(x[_key(x, operands, at)])
    return found.reshape(_block(at))[()] if _block(at) else found[()]


def _put(x: Any, value: Any, *operands: Any, at: tuple[Any, ...] | None = None) -> Any:
    result = np.array(x)
    stored = np.asarray(value)
    # never a rank-0 array as an object
    result[_key(x, operands, at)] = stored.reshape(-1) if _block(at) else stored[()]
    return result


def _add_at(x: Any, value: Any, *operands: Any, at: tuple[Any, ...] | None = None) -> Any:
    result = np.array(x)
    np.add.at(result, _key(x, operands, at), np.reshape(value, -1) if _block(at) else value)
    return result


# ---- types ----


def _index_infer(types: Sequence[ArrayType], attrs: Attrs, blocks: Sequence[Block]) -> tuple[ArrayType, ...]:
    x, *operands = types
    return (selected(x, operands, attrs),)


def _stored_infer(types: Sequence[ArrayType], attrs: Attrs, blocks: Sequence[Block]) -> tuple[ArrayType, ...]:
    """The stored value has exactly the type of what it replaces or is added to."""
    x, value, *operands = types
    place = selected(x, operands, attrs)
    if value.dtype != place.dtype:
        raise DTypeError(f"cannot store {value.dtype} in an array of {place.dtype}")
    if value.shape != place.shape:
        shapes = f"from shape {shape_text(value.shape)} into shape {shape_text(place.shape)}"
        raise ShapeError(f"could not broadcast input array {shapes}")
    return (x,)


def _put_infer(types: Sequence[ArrayType], attrs: Attrs, blocks: Sequence[Block]) -> tuple[ArrayType, ...]:
    if any(item.kind == "gather" for item in items(attrs, len(types) - 2)):
        raise VerifierError("put does not take index arrays: what is stored twice at one place has no order")
    return _stored_infer(types, attrs, blocks)


def _add_infer(types: Sequence[ArrayType], attrs: Attrs, blocks: Sequence[Block]) -> tuple[ArrayType, ...]:
    if types[0].dtype is BOOL:
        raise DTypeError("add_at is not defined for bool")
    return _stored_infer(types, attrs, blocks)


# ---- derivatives ----


def _index_transpose(eqn: Eqn, ct: Value) -> Sequence[Cotangent]:
    _, *operands = eqn.inputs
    return [Contribution(lambda sum_: add_at(sum_, ct, *operands, **eqn.attrs)), *[None] * len(operands)]


def _put_transpose(eqn: Eqn, ct: Value) -> Sequence[Cotangent]:
    """The cotangent is read before the place is cleared, so that it may be cleared in place."""
    _, value, *operands = eqn.inputs
    value_ct = index(ct, *operands, **eqn.attrs)
    kind = value.type
    nothing = zeros(shape=kind.shape, dtype=kind.dtype) if kind.rank else constant(0.0, kind.dtype)
    return [put(ct, nothing, *operands, **eqn.attrs), value_ct, *[None] * len(operands)]


def _add_at_transpose(eqn: Eqn, ct: Value) -> Sequence[Cotangent]:
    _, _, *operands = eqn.inputs
    return [ct, index(ct, *operands, **eqn.attrs), *[None] * len(operands)]


# ---- the records ----


def _i64(*places: int) -> tuple[np.int64, ...]:
    return tuple(np.int64(p) for p in places)


_M = matrix(-1, 1, 4, 5)
_CUBE = matrix(-1, 1, 2, 3, 4)
_ROWS = np.array([2, 0, 2])

# array, index operands, attributes: what index, put and add_at are tried on
_BASIC: tuple[tuple[Any, tuple[Any, ...], dict[str, Any]], ...] = (
    (vector(-1, 1), _i64(2), {}),
    (_M, _i64(3, 0), {}),
    (_M, _i64(1), {}),
    (_M, _i64(2), {"at": ("all", "point")}),
    (_M, _i64(1, 4), {"at": (("span", 3, 1), ("span", 2, -3))}),
    (_M, _i64(3), {"at": (("span", 4, -1),)}),
    (_CUBE, _i64(1, 1), {"at": ("point", "all", ("span", 2, 2))}),
    (np.arange(9.0), _i64(2), {"at": (("block", 2, 3),)}),
    (_M, _i64(2), {"at": (("span", 0, 1),)}),
    (np.zeros((0, 3)), _i64(-1), {"at": (("span", 0, -1),)}),
    (np.zeros((3, 0)), _i64(1), {}),
)
_GATHERS: tuple[tuple[Any, tuple[Any, ...], dict[str, Any]], ...] = (
    (vector(-1, 1), (np.array([[3, 0], [3, 4]]),), {"at": ("gather",)}),
    (_M, (_ROWS,), {"at": ("gather",)}),
    (_M, (_ROWS,), {"at": ("all", "gather")}),
    (_M, (_ROWS, np.array([[1], [4]])), {"at": ("gather", "gather")}),
    (_CUBE, (np.int64(1), np.array([3, 0])), {"at": ("point", "all", "gather")}),
    (_CUBE, (np.int64(0), np.array([1, 1]), np.int64(1)), {"at": ("point", "gather", ("span", 2, 2))}),
    (_M, (np.zeros(0, np.int64),), {"at": ("gather",)}),
)


def _stores(cases: Sequence[tuple[Any, tuple[Any, ...], dict[str, Any]]]) -> tuple[Sample, ...]:
    """The same accesses with something to store."""
    shapes = [np.shape(_index(x, *operands, **attrs)) for x, operands, attrs in cases]
    return tuple(
        Sample((x, matrix(-1, 1, *shape, seed=4) if shape else np.float64(0.7), *operands), attrs)
        for (x, operands, attrs), shape in zip(cases, shapes, strict=True)
    )


index = Op(
    name="index",
    infer=_index_infer,
    numpy=_index,
    derivative=Linear(_index_transpose),
    lowering=Structural(),
    sympy=on_expressions(_index),
    samples=tuple(Sample((x, *operands), attrs) for x, operands, attrs in _BASIC + _GATHERS),
)

put = Op(
    name="put",
    infer=_put_infer,
    numpy=_put,
    derivative=Linear(_put_transpose),
    lowering=Structural(),
    sympy=on_expressions(_put),
    updates=True,
    samples=_stores(_BASIC),
)

add_at = Op(
    name="add_at",
    infer=_add_infer,
    numpy=_add_at,
    derivative=Linear(_add_at_transpose),
    lowering=Structural(),
    sympy=on_expressions(_add_at),
    updates=True,
    adds=True,
    samples=_stores(_BASIC + _GATHERS),
)

OPS = (index, put, add_at)
