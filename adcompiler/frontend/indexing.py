"""What `x[key]` means: NumPy's keys as items of the op `index`, positions that lie in range, shapes.

A position is proved to be in range, or guarded, or checked when the program runs. A negative one that is
known to be negative counts from the end; one whose sign depends on data becomes a select.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from adcompiler.ir.graph import Attr, Constant, Value, constant
from adcompiler.ir.ops.arithmetic import add
from adcompiler.ir.ops.arrays import checked
from adcompiler.ir.ops.comparison import greater_equal, less, logical_and
from adcompiler.ir.ops.indexing import gather_place, items
from adcompiler.ir.ops.selection import where
from adcompiler.ir.types import BOOL, I64, Dim, Relation, Shape

from . import extents
from .extents import bound_size, common_shape, holds, require, shown, value_of
from .frames import refuse
from .handles import Traced
from .scalars import cast, value
from .sizes import Size, SizePredicate, dim_of, plain_integer
from .views import Position, position_value, trimmed


@dataclass(frozen=True)
class Access:
    """What a key takes of an array.

    Attributes
    ----------
    expanded
        The shape of the array with an axis of length 1 for each `np.newaxis`.
    at, positions, shape
        The items of the op `index` on the expanded array, its operands, and the shape of what is taken.
    gathers
        Whether there are index arrays among them: then what is taken is a copy.
    element
        Whether NumPy gives a scalar, not an array of rank 0.
    """

    expanded: Shape
    at: tuple[Attr, ...]
    positions: tuple[Position, ...]
    shape: Shape
    gathers: bool
    element: bool


def parse(shape: Shape, key: Any) -> Access:
    """The meaning of a key without boolean arrays."""
    given = key if isinstance(key, tuple) else (key,)
    whole, entries = _complete(shape, [_array_like(k) for k in given])
    at: list[Attr] = []
    positions: list[Position] = []
    for axis, (entry, size) in enumerate(zip(entries, whole, strict=True)):
        item, position = _item(entry, size, axis)
        at.append(item)
        positions += [] if position is None else [position]
    gathers = "gather" in at
    if gathers:
        _refuse_hollow_ellipsis(given, whole)
        common_shape([p.type.shape for p in positions if isinstance(p, Value)])
    points = all(item == "point" for item in at) and len(at) == len(whole)
    element = points and not any(k is Ellipsis for k in given)
    taken = _shape(whole, at, positions)
    return Access(whole, trimmed(at), tuple(positions), taken, gathers, element)


def _array_like(entry: Any) -> Any:
    """Lists are index arrays; a bool is neither an index nor a mask here."""
    if isinstance(entry, list):
        if any(isinstance(x, Traced) for x in entry):
            return np.stack(entry)
        return np.asarray(entry, dtype=None if entry else np.int64)
    if type(entry) in (bool, np.bool_) or isinstance(entry, SizePredicate):
        refuse("an array is indexed with a bool", "index with a slice, an integer or an integer array")
    return entry


def _complete(shape: Shape, entries: list[Any]) -> tuple[Shape, list[Any]]:
    """One entry an axis, and the shape that they apply to: ellipsis filled in, new axes of length 1 added."""
    used = sum(1 for e in entries if e is not None and e is not Ellipsis)
    dots = [k for k, e in enumerate(entries) if e is Ellipsis]
    if len(dots) > 1:
        raise IndexError("an index can only have a single ellipsis ('...')")
    if used > len(shape):
        raise IndexError(
            f"too many indices for array: array is {len(shape)}-dimensional, but {used} were indexed"
        )
    fill = [slice(None)] * (len(shape) - used)
    place = dots[0] if dots else len(entries)
    complete = entries[:place] + fill + entries[place + len(dots) :]
    axes = iter(shape)
    whole = tuple(Dim.of(1) if e is None else next(axes) for e in complete)
    return whole, [slice(None) if e is None else e for e in complete]


def _refuse_hollow_ellipsis(given: Sequence[Any], whole: Shape) -> None:
    """To NumPy an ellipsis sets index arrays apart even where it stands for no axis."""
    places = [k for k, entry in enumerate(given) if entry is Ellipsis]
    if places and len(given) - 1 == len(whole) and 0 < places[0] < len(given) - 1:
        refuse("an ellipsis stands for no axis beside index arrays", "leave `...` out of the key")


def _item(entry: Any, size: Dim, axis: int) -> tuple[Attr, Position | None]:
    if isinstance(entry, slice):
        return _span(entry, size)
    if isinstance(entry, Traced) and not isinstance(entry, Size):
        index = entry.read()
        if not index.type.dtype.is_integer:
            _not_integer()
        index = cast(index, I64)
        if index.type.rank:
            return "gather", gathered(index, size, axis)
        return "point", point(index, size, axis)
    if isinstance(entry, np.ndarray) and entry.ndim:
        known = constant(entry, I64) if entry.dtype.kind in "iu" else _not_integer()
        return "gather", gathered(known, size, axis)
    return "point", point(integer_dim(entry), size, axis)


def integer_dim(entry: Any) -> Dim:
    """A plain integer or size that is an index."""
    dim = dim_of(entry[()] if isinstance(entry, np.ndarray) else entry)
    return _not_integer() if dim is None else dim


def _not_integer() -> Any:
    raise IndexError(
        "only integers, slices (`:`), ellipsis (`...`), numpy.newaxis (`None`) and integer or boolean arrays "
        "are valid indices"
    )


# ---- points ----


def point(index: Position, size: Dim, axis: int) -> Position:
    """An index that lies in 0..size-1, or the program stops."""
    known = Dim.of(int(index.data)) if isinstance(index, Constant) else index
    if isinstance(known, Dim):
        sign = holds(known, Relation.NONNEGATIVE)
        if sign is not None:
            place = known if sign else size + known
            message = f"index {shown(known)} is out of bounds for axis {axis} with size {shown(size)}"
            needed = size - place - 1 if sign else place
            require(needed, "IndexError", message, _outside(size, axis))
            return place
    return _checked(_wrapped(position_value(known), size), size, axis)


def _wrapped(index: Value, size: Dim) -> Value:
    """Negative indices count from the end."""
    return where(less(index, constant(0, I64)), add(index, value_of(size)), index)


def _checked(index: Value, size: Dim, axis: int) -> Value:
    inside = logical_and(greater_equal(index, constant(0, I64)), less(index, value_of(size)))
    checked(inside, kind="IndexError", message=_outside(size, axis))
    return index


def _outside(size: Dim, axis: int) -> str:
    """NumPy's words, as far as they are known before the program runs."""
    return f"index is out of bounds for axis {axis} with size {size}"


def gathered(index: Value, size: Dim, axis: int) -> Value:
    """An index array with elements in 0..size-1, or the program stops."""
    if not isinstance(index, Constant):
        return _checked(_wrapped(index, size), size, axis)
    if not index.data.size:
        return index
    low, high = int(index.data.min()), int(index.data.max())
    for extreme in (low, high):
        message = f"index {extreme} is out of bounds for axis {axis} with size {shown(size)}"
        needed = size + extreme if extreme < 0 else size - extreme - 1
        require(needed, "IndexError", message, _outside(size, axis))
    if low >= 0:
        return index
    if size.constant is not None:
        return constant(np.where(index.data < 0, index.data + size.constant, index.data), I64)
    return where(constant(index.data < 0, BOOL), add(index, value_of(size)), index)


# ---- slices ----


def _span(entry: slice, size: Dim) -> tuple[Attr, Position | None]:
    """Start and length, by the rules of `slice.indices`, without asking more than these need."""
    step = 1 if entry.step is None else plain_integer(entry.step, "the step of a slice", "write a loop")
    if step == 0:
        raise ValueError("slice step cannot be zero")
    if step > 0:
        start = Dim() if entry.start is None else _first(_bound(entry.start, "a slice bound"), size)
        stop = size if entry.stop is None else _upto(_bound(entry.stop, "a slice bound"), size)
        length = stop - start
    else:
        start = size - 1 if entry.start is None else _upto(_bound(entry.start, "a slice bound"), size, 1)
        stop = Dim.of(-1) if entry.stop is None else _first(_bound(entry.stop, "a slice bound"), size, -1)
        length = start - stop
    if start == Dim() and length == size and step == 1:
        return "all", None
    whole = abs(step)
    return ("span", (extents.length(length) + (whole - 1)) // whole, step), start


def _bound(entry: Any, what: str) -> Dim:
    dim = dim_of(entry)
    if dim is not None:
        return dim
    if not isinstance(entry, Traced) or entry.read().type.rank or not entry.read().type.dtype.is_integer:
        raise TypeError("slice indices must be integers or None or have an __index__ method")
    return bound_size(cast(value(entry), I64), what)


def _position(bound: Dim, size: Dim) -> tuple[Dim, bool]:
    """Where a slice bound lies, and whether it counts from the front.

    From the front it is not below 0, from the back it is below the size; nothing else is known.
    """
    if size - bound == Dim.of(1):
        # if negative, it is -1 of an empty axis: either way nothing is there
        return bound, False
    front = holds(bound, Relation.NONNEGATIVE)
    if front is None:
        require(
            bound, "IndexError", f"the slice bound {bound} is negative, and whether it is depends on data"
        )
    return (bound, True) if front is not False else (size + bound, False)


def _first(bound: Dim, size: Dim, lowest: int = 0) -> Dim:
    """The lower end of a range: not below the lowest place; beyond the size the range is empty anyway."""
    place, front = _position(bound, size)
    return place if front or _decided(place - lowest, f"slice bound {bound}") else Dim.of(lowest)


def _upto(bound: Dim, size: Dim, beyond: int = 0) -> Dim:
    """The upper end of a range: not above the size; below the start the range is empty anyway."""
    place, front = _position(bound, size)
    inside = not front or _decided(size - beyond - place, f"slice bound {bound}")
    return place if inside else size - beyond


def _decided(dim: Dim, what: str) -> bool:
    """Whether `dim >= 0`; where that depends on data it is checked, since the size of the slice is typed."""
    truth = holds(dim, Relation.NONNEGATIVE)
    if truth is None:
        message = f"{what} lies outside of the array: NumPy would clip it, here it is an error"
        require(dim, "IndexError", message)
    return truth is not False


# ---- shapes ----


def _shape(whole: Shape, at: Sequence[Attr], positions: Sequence[Position]) -> Shape:
    operands = iter(positions)
    gathered_shapes: list[Shape] = []
    staying: list[Dim] = []
    for item, size in zip(at, whole, strict=True):
        position = None if item == "all" else next(operands)
        if item == "gather":
            assert isinstance(position, Value)
            gathered_shapes.append(position.type.shape)
        elif item == "all":
            staying.append(size)
        elif isinstance(item, tuple):
            assert isinstance(item[1], Dim)
            staying.append(item[1])
    if not gathered_shapes:
        return tuple(staying)
    place = gather_place(items({"at": tuple(at)}, len(positions)))
    return (*staying[:place], *common_shape(gathered_shapes), *staying[place:])


def unmasked(key: Any) -> Any:
    """A key; a boolean array whose elements are known as the index arrays of what it marks."""
    if traced_mask(key) and isinstance(key.read(), Constant):
        key = key.read().data
    known = isinstance(key, np.ndarray) and not isinstance(key, Traced)
    return key.nonzero() if known and key.dtype == bool and key.ndim else key


def traced_mask(key: Any) -> bool:
    """Whether a key is one boolean array whose elements are not known."""
    return isinstance(key, Traced) and getattr(key, "ndim", 0) > 0 and key.read().type.dtype is BOOL
