"""The leaves of a variable: numbers and arrays inside tuples, lists and dicts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from adcompiler.ir.types import BOOL, DType

from .joins import WEAK_BOOL, WEAK_FLOAT, WEAK_INT, NumberType
from .maybe import Half, Maybe, maybe
from .scalars import TracedScalar, is_bfloat16
from .sizes import Size, SizePredicate
from .syntax import called, is_invented
from .values import TracedArray

Leaf = Any


@dataclass(frozen=True)
class Slot:
    """A leaf of a carried variable."""

    name: str
    parts: tuple[Any, ...] = ()

    def __str__(self) -> str:
        return self.name + "".join(f"[{part!r}]" for part in self.parts if not isinstance(part, Half))

    @property
    def label(self) -> str:
        """What messages call it."""
        return called(str(self))


class _Missing:
    pass


MISSING = _Missing()


def mapped(value: Any, of: Callable[[Slot, Leaf], Leaf], slot: Slot) -> Any:
    """A tuple, list or dict with its leaves replaced; the same object where nothing is."""
    inner = {key: mapped(x, of, Slot(slot.name, (*slot.parts, key))) for key, x in children(value)}
    return rebuilt(value, list(inner.values())) if inner else of(slot, value)


def rebuilt(value: Any, elements: list[Any]) -> Any:
    """A container of the same structure with other elements."""
    if type(value) is Maybe:
        return maybe(*elements)
    if isinstance(value, dict):
        return dict(zip(value, elements, strict=True))
    if isinstance(value, list):
        return elements
    return value._make(elements) if hasattr(value, "_make") else tuple(elements)


def leaves(value: Any, slot: Slot) -> Iterator[tuple[Slot, Leaf]]:
    """Every leaf with its slot."""
    inner = list(children(value))
    for key, x in inner:
        yield from leaves(x, Slot(slot.name, (*slot.parts, key)))
    if not inner:
        yield slot, value


def children(value: Any) -> list[tuple[Any, Any]]:
    """The elements of a container that may be carried; none for a leaf."""
    if type(value) is Maybe:
        return [(Half.VALUE, value.value), (Half.DEFINED, value.defined)]
    if type(value) in (list, tuple) or (isinstance(value, tuple) and hasattr(value, "_make")):
        return list(enumerate(value))
    return list(value.items()) if type(value) is dict else []


def found(value: Any, slot: Slot) -> Leaf:
    """The leaf of a variable in the place of a slot."""
    for part in slot.parts:
        value = dict(children(value)).get(part, MISSING)
    return value


def skeleton(value: Any) -> Any:
    """The structure of a variable."""
    inner = children(value)
    return (type(value), *((key, skeleton(x)) for key, x in inner)) if inner else None


def is_flag(slot: Slot) -> bool:
    """Whether a slot is a flag of a jump, which the rewriting invented."""
    return is_invented(slot.name)


def is_number(leaf: Any) -> bool:
    """Whether a leaf is a number, traced or not."""
    kinds = (bool, int, float, np.bool_, np.number)
    return isinstance(leaf, kinds) or type(leaf) is SizePredicate or is_bfloat16(leaf.__class__)


def number_type(leaf: Any) -> NumberType:
    """The type of a number."""
    kind = type(leaf)
    if kind is TracedScalar:
        number: NumberType = leaf.number
        return number
    if kind is Size:
        return WEAK_INT
    if kind is SizePredicate:
        return NumberType(BOOL)
    if isinstance(leaf, bool):
        return WEAK_BOOL
    if kind is int:
        return WEAK_INT
    return WEAK_FLOAT if kind is float else NumberType(DType.of(leaf.dtype))


def describe(leaf: Any) -> str:
    """What messages call a leaf."""
    if leaf is None or isinstance(leaf, str):
        return repr(leaf)
    if type(leaf) is TracedArray:
        sizes = ", ".join(map(str, leaf.type.shape))
        return f"an array {leaf.type.dtype.numpy}[{sizes}]"
    if is_number(leaf):
        return f"a number ({number_type(leaf)})"
    return f"a {type(leaf).__name__}"
