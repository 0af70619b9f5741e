"""Where the states and tapes of loops that run by schedules lie.

What is stored lives in one *pool* for each dtype: states from its beginning, tapes from its end, each in the
order of the trips, so that the one grows into what the other has left. An initial state needs no place in it.
Where states may lie on disk, the caller lends a pool for those of each dtype (`stores`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from adcompiler.ir.build import emit
from adcompiler.ir.graph import Attr, Value
from adcompiler.ir.ops import OPS
from adcompiler.ir.ops.arrays import size_value
from adcompiler.ir.types import ArrayType, Dim, DType

Pools = dict[str, Value]
"""By the names of their lengths."""


@dataclass(frozen=True)
class Shelf:
    """Where in the pools some values of one trip lie, all states or all tapes."""

    types: tuple[ArrayType, ...]
    elements: Mapping[DType, Dim]
    pools: Mapping[DType, str]
    from_end: bool

    def _places(self, number: Value) -> list[Value]:
        """Where each value of number `number` begins."""
        places, used = [], dict[DType, Dim]()
        for type in self.types:
            d = type.dtype
            size, inside = self.elements[d], used.get(d, Dim.of(0))
            if self.from_end:
                first = size_value(Dim.of(self.pools[d]) - size + inside) - number * size_value(size)
            else:
                first = number * size_value(size) + size_value(inside)
            places.append(first)
            used[d] = inside + _size(type)
        return places

    def put(self, pools: Pools, values: Mapping[int, Value], number: Value) -> Pools:
        """The pools with these of the values, by their place among them, under this number."""
        found, places = dict(pools), self._places(number)
        for k, value in values.items():
            name = self.pools[value.type.dtype]
            found[name] = OPS["put"](found[name], value, places[k], **_block(value.type))
        return found

    def get(self, pools: Pools, number: Value) -> list[Value]:
        """The values under this number."""
        places = zip(self.types, self._places(number), strict=True)
        return [OPS["index"](pools[self.pools[t.dtype]], place, **_block(t)) for t, place in places]


def _block(type: ArrayType) -> dict[str, Attr]:
    """Which elements of a pool are an array, or number, of this type."""
    return {"at": (("block", *type.shape),)} if type.rank else {}


def pool_of(dtype: DType, length: str) -> Value:
    """A parameter of this length, under the same name."""
    return Value(ArrayType(dtype, (Dim.of(length),)), length)


def elements_of(values: Sequence[Value]) -> dict[DType, Dim]:
    """The elements of some arrays and numbers, by dtype."""
    found: dict[DType, Dim] = {}
    for v in values:
        found[v.type.dtype] = found.get(v.type.dtype, Dim.of(0)) + _size(v.type)
    return found


def _size(type: ArrayType) -> Dim:
    return type.with_shape([d.positive() for d in type.shape]).size


def empty_pool(dtype: DType, length: str) -> Value:
    """A pool of this length in which nothing lies yet."""
    attrs: dict[str, Attr] = {"shape": (Dim.of(length),), "dtype": dtype}
    return emit(OPS["undefined"], [], attrs, names=[f"pool_{dtype}"])[0]
