"""Arrays that are known only when the program runs: handles on storage, with views and in-place writes.

A handle is a cell and a path of views. Reading folds the path; writing puts the new part back along it. A
second name for an array shares the handle, a basic slice shares the cell: aliasing is NumPy's, and the IR
stays pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import numpy as np

from adcompiler.ir.errors import CaptureError, DTypeError, ShapeError
from adcompiler.ir.graph import Value
from adcompiler.ir.ops.indexing import add_at, index
from adcompiler.ir.ops.selection import where
from adcompiler.ir.ops.shape import broadcast, reshape
from adcompiler.ir.types import ArrayType, Dim, Shape

from .cells import Cell, link
from .extents import common_shape, fits, shown_shape, static
from .frames import current, refuse
from .handles import Traced
from .indexing import Access, parse, traced_mask, unmasked
from .scalars import (
    SHARED_METHODS,
    TracedScalar,
    cast,
    dtype_of,
    is_operand,
    listed,
    promotes_as,
    value,
)
from .sizes import integer
from .stores import store_gathered
from .views import (
    IndexStep,
    Path,
    ReshapeStep,
    Step,
    TransposeStep,
    extended,
    path_type,
    place_attrs,
    position_value,
    read_path,
    same_path,
    write_path,
)


def _in_place(ufunc: np.ufunc) -> Callable[[TracedArray, Any], TracedArray]:
    def method(self: TracedArray, other: Any) -> TracedArray:
        result = ufunc(self, other)
        self.store_result(result, ufunc)
        return self

    return method


class TracedArray(Traced):
    """An array, or a view of one."""

    def __init__(self, cell: Cell, path: Path = ()) -> None:
        self.cell = cell
        self.path = path

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return np.ndarray

    # ---- what it is ----

    @property
    def type(self) -> ArrayType:
        return path_type(self.cell.type, self.path)

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.type.dtype.numpy

    @property
    def ndim(self) -> int:
        return self.type.rank

    @property
    def shape(self) -> tuple[Any, ...]:
        return tuple(integer(d) for d in self.type.shape)

    @property
    def size(self) -> Any:
        return integer(self.type.size)

    @property
    def itemsize(self) -> int:
        return self.type.dtype.itemsize

    @property
    def nbytes(self) -> Any:
        return integer(self.type.size * self.itemsize)

    def __len__(self) -> int:
        if not self.ndim:
            raise TypeError("len() of unsized object")
        return static(self.type.shape[0], "the length of an array")

    def __iter__(self) -> Iterator[Any]:
        if not self.ndim:
            raise TypeError("iteration over a 0-d array")
        return (self[k] for k in range(len(self)))

    def __contains__(self, x: Any) -> NoReturn:
        refuse("`in` an array depends on its elements", "use np.any(x == value)")

    __hash__ = None  # type: ignore[assignment]

    # ---- reading and writing ----

    def read(self) -> Value:
        return read_path(self.cell.read(), self.path)[-1]

    def write(self, part: Value) -> None:
        """Replace the elements that this handle shows."""
        self.cell.write(write_path(self.cell.read(), self.path, part))

    def store(self, x: Any) -> None:
        """`self[...] = x`, with NumPy's casting and broadcasting."""
        if isinstance(x, TracedArray) and x.cell is self.cell and same_path(x.path, self.path):
            return
        self.write(stored(x, self.type))

    def store_result(self, x: Any, ufunc: np.ufunc) -> None:
        """Take the result of a ufunc in place, as `out=` does."""
        if not np.can_cast(x.dtype, self.dtype, "same_kind"):
            raise DTypeError(
                f"Cannot cast ufunc '{ufunc.__name__}' output from dtype('{x.dtype}') "
                f"to dtype('{self.dtype}') with casting rule 'same_kind'",
                current().location(),
                f"make the array of dtype {x.dtype} in the first place",
            )
        given, own = x.type.shape, self.type.shape
        aligned = own[len(own) - len(given) :]
        if len(given) > len(own) or not all(
            fits(d, e) or d == e for d, e in zip(given, aligned, strict=True)
        ):
            shapes = f"{shown_shape(own)} doesn't match the broadcast shape {shown_shape(given)}"
            message = f"non-broadcastable output operand with shape {shapes}"
            raise ShapeError(message, current().location())
        self.store(x)

    def __getitem__(self, key: Any) -> Any:
        key = unmasked(key)
        if traced_mask(key):
            refuse(
                f"`{self.name}[mask]` has a shape that depends on the data",
                f"use np.where(mask, {self.name}, 0), or a loop with an `if`",
            )
        access = parse(self.type.shape, key)
        if access.gathers:
            base = self.through(access)
            return wrap(index(base.read(), *map(position_value, access.positions), at=access.at))
        part = self.viewed(access)
        return TracedScalar(part.read()) if access.element else part

    def __setitem__(self, key: Any, x: Any) -> None:
        key = unmasked(key)
        if traced_mask(key):
            self.store_where(key, x)
            return
        access = parse(self.type.shape, key)
        if access.gathers:
            base = self.through(access)
            part = stored(x, self.type.with_shape(access.shape))
            base.write(store_gathered(base.read(), part, access))
        else:
            self.viewed(access).store(x)

    def store_where(self, mask: Any, x: Any) -> None:
        """`self[mask] = x` for one value, or one a place behind the axes of the mask."""
        behind = self.type.shape[mask.ndim :]
        part = self.type.with_shape(behind)
        self.refuse_packed(x, len(behind))
        self.write(where(_behind(mask, self), stored(x, part), self.read()))

    def refuse_packed(self, x: Any, rank: int) -> None:
        """What goes to the places of a mask has one value for all, not one for each."""
        if np.ndim(x) > rank:
            refuse(
                f"what is stored in `{self.name}[mask]` has as many elements as the mask has places",
                f"use {self.name}[...] = np.where(mask, values, {self.name}), or a loop with an `if`",
            )

    def update(self, key: Any, ufunc: np.ufunc, x: Any) -> None:
        """`self[key] += x` and its kind: by mask the elements that are not read stay as they are."""
        if traced_mask(key):
            self.refuse_packed(x, self.ndim - key.ndim)
            updated = self.copy()
            updated.store_result(ufunc(self, x), ufunc)
            self.write(where(_behind(key, self), updated.read(), self.read()))
            return
        part = self[key]
        if isinstance(part, TracedArray):
            result = part.copy() if part.cell is not self.cell else part
            result.store_result(ufunc(part, x), ufunc)
            self[key] = result
        else:
            self[key] = ufunc(part, x)

    def add_at(self, key: Any, x: Any) -> None:
        """`np.add.at(self, key, x)`: what is added at one place twice counts twice."""
        access = parse(self.type.shape, key)
        base = self.through(access)
        part = stored(x, self.type.with_shape(access.shape))
        places = map(position_value, access.positions)
        base.write(add_at(base.read(), part, *places, **place_attrs(access.at)))

    @property
    def contiguous(self) -> bool:
        """Whether NumPy surely holds it in C order."""
        return self.ndim <= 1 or (self.cell.contiguous and not self.path)

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.cell.name or "x"

    # ---- views ----

    def through(self, access: Access) -> TracedArray:
        """With the axes of length 1 that a key adds."""
        return self if access.expanded == self.type.shape else self.step(ReshapeStep(access.expanded))

    def viewed(self, access: Access) -> TracedArray:
        """The part that a key without index arrays takes."""
        return self.through(access).step(IndexStep(access.at, access.positions, access.shape))

    def step(self, step: Step) -> TracedArray:
        """One more view."""
        return TracedArray(self.cell, extended(self.path, step))

    def transposed(self, axes: tuple[int, ...]) -> TracedArray:
        """A view with the axes in another order."""
        if axes == tuple(range(self.ndim)):
            return TracedArray(self.cell, self.path)
        return self.step(TransposeStep(axes, tuple(self.type.shape[a] for a in axes)))

    def reshaped(self, shape: Shape) -> TracedArray:
        """The elements in another shape: a view where NumPy surely makes one, else possibly one."""
        kept = [d for d in shape if d.constant != 1] == [d for d in self.type.shape if d.constant != 1]
        if shape == self.type.shape or kept or self.contiguous:
            return self.step(ReshapeStep(shape))
        return self.detached(shape)

    def detached(self, shape: Shape) -> TracedArray:
        """The elements in another shape: a view or a copy, which of them depends on the memory layout."""
        part = reshape(self.read(), shape=shape)
        made = Cell(part, self.cell.name, contiguous=True)
        link(made, self.cell)
        return TracedArray(made)

    @property
    def T(self) -> TracedArray:
        return self.transposed(tuple(range(self.ndim))[::-1])

    @property
    def flat(self) -> NoReturn:
        refuse("`.flat` is not supported", "use .ravel(), or x.reshape(-1)")

    @property
    def real(self) -> TracedArray:
        return self

    @property
    def imag(self) -> NoReturn:
        refuse("complex numbers are not supported", "write real and imaginary parts as two arrays")

    # ---- copies ----

    def copy(self, order: str = "C") -> TracedArray:
        """The same elements, elsewhere."""
        return TracedArray(Cell(self.read(), contiguous=order == "C" or self.ndim <= 1))

    def astype(
        self, dtype: Any, order: str = "K", casting: str = "unsafe", subok: bool = True, copy: bool = True
    ) -> TracedArray:
        """A copy in another dtype."""
        kind = dtype_of(dtype)
        if not copy and kind is self.type.dtype:
            return TracedArray(self.cell, self.path)
        return TracedArray(Cell(cast(self.read(), kind)))

    def item(self, *place: Any) -> Any:
        """One element as a Python number."""
        if place:
            key = place[0] if isinstance(place[0], tuple) else place
            found = self.reshaped((self.type.size,))[place[0]] if len(key) == 1 else self[key]
            return found.item()
        if not fits(self.type.size, Dim.of(1)) and self.type.size.constant != 1:
            raise ValueError("can only convert an array of size 1 to a Python scalar")
        return TracedScalar(reshape(self.read(), shape=()) if self.ndim else self.read()).item()

    def fill(self, x: Any) -> None:
        """Store one number everywhere."""
        self.store(x)

    def flatten(self, order: Any = "C") -> Any:
        """A copy of the elements in one axis."""
        return np.ravel(self, order).copy()

    def tolist(self) -> Any:
        """Nested lists of Python numbers."""
        if not self.ndim:
            return self.item()
        return [x.tolist() if isinstance(x, TracedArray) else x.item() for x in self]

    def reshape(self, *shape: Any, order: Any = "C", copy: bool | None = None) -> Any:
        """`np.reshape`, which also takes the sizes one by one."""
        given = shape[0] if len(shape) == 1 else shape
        return np.reshape(self, given, order=order, copy=copy)

    def transpose(self, *axes: Any) -> Any:
        """`np.transpose`, which also takes the axes one by one."""
        given = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes or None
        return np.transpose(self, given)

    def __getattr__(self, name: str) -> Any:
        """The other methods are NumPy's functions of that name."""
        if name in SHARED_METHODS | _METHODS:
            function = getattr(np, name)
            return lambda *args, **kwargs: function(self, *args, **kwargs)
        if hasattr(np.ndarray, name) and not name.startswith("__"):
            refuse(f"`.{name}` of an array is not supported", "write it with NumPy functions that are")
        raise AttributeError(f"'numpy.ndarray' object has no attribute '{name}'")

    # ---- in place ----

    __iadd__, __isub__, __imul__ = _in_place(np.add), _in_place(np.subtract), _in_place(np.multiply)
    __itruediv__, __ifloordiv__ = _in_place(np.divide), _in_place(np.floor_divide)
    __imod__, __ipow__, __imatmul__ = _in_place(np.remainder), _in_place(np.power), _in_place(np.matmul)
    __iand__, __ior__, __ixor__ = (
        _in_place(np.bitwise_and),
        _in_place(np.bitwise_or),
        _in_place(np.bitwise_xor),
    )
    __ilshift__, __irshift__ = _in_place(np.left_shift), _in_place(np.right_shift)


_METHODS = frozenset("swapaxes diagonal trace argsort sort searchsorted nonzero compress take".split())


def _behind(mask: TracedArray, x: TracedArray) -> Value:
    """A mask over the leading axes, in a shape that broadcasts."""
    common_shape([mask.type.shape, x.type.shape[: mask.ndim]])
    return reshape(mask.read(), shape=(*mask.type.shape, *[Dim.of(1)] * (x.ndim - mask.ndim)))


def wrap(x: Value, weak: Any = None) -> Any:
    """A value that an equation gave, as NumPy returns it: a scalar where the rank is 0, else a new array."""
    return TracedArray(Cell(x)) if x.type.shape else TracedScalar(x, weak)


def stored(x: Any, place: ArrayType) -> Value:
    """An operand as it is stored in a place: cast and broadcast.

    Raises
    ------
    ShapeError
        In NumPy's words, where it does not fit.
    """
    if not is_operand(x):
        if not isinstance(x, list | tuple):
            raise CaptureError(f"a {type(x).__name__} cannot be stored in an array", current().location())
        x = listed(x)
    if promotes_as(x) is complex:
        refuse("complex numbers are not supported", "write real and imaginary parts as two arrays")
    part = value(x, place.dtype)
    given = part.type.shape
    extra = len(given) - len(place.shape)
    kept = given[max(extra, 0) :]
    aligned = place.shape[len(place.shape) - len(kept) :]
    leading = all(d.constant == 1 for d in given[: max(extra, 0)])
    if not leading or not all(fits(d, e) or (d.constant == 1) for d, e in zip(kept, aligned, strict=True)):
        shapes = f"from shape {shown_shape(given)} into shape {shown_shape(place.shape)}"
        raise ShapeError(f"could not broadcast input array {shapes}", current().location())
    if extra > 0:
        part = reshape(part, shape=kept)
    return part if kept == place.shape else broadcast(part, shape=place.shape)
