"""Reading and writing parts of arrays: `index`, `put`, `add_at`.

One attribute, `at`, says for each leading axis what is taken of it (see docs/internals.md): a `"point"`, a
`("span", length, step)`, `"all"` of it, or a `"gather"` by an integer array. `put` and `add_at` give a new array;
that they happen in place is decided by the backends. Indices are in range: who emits them has made sure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ..errors import DTypeError, ShapeError, VerifierError
from ..graph import Attr, Attrs, Block, Eqn, Value, constant
from ..op import Contribution, Cotangent, Linear, Op, Sample, Structural
from ..types import F64, I64, ArrayType, Dim, Shape, broadcast_shapes
from . import attributes
from .arrays import zeros
from .attributes import shape_text
from .elementwise import matrix, vector

# ---- what is taken of each axis --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Item:
    """What is taken of one axis; `operand` counts the index operands, None for a whole axis."""

    kind: Literal["point", "span", "all", "gather"]
    operand: int | None = None
    length: Dim = Dim.of(1)
    step: int = 1


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
    raise VerifierError(f"{attr!r} does not say what to take of an axis")


def selected(x: ArrayType, operands: Sequence[ArrayType], attrs: Attrs) -> ArrayType:
    """The type of the elements of `x` that index operands of these types select.

    Raises ShapeError where `x` has too few axes or index arrays do not broadcast together.
    """
    taken = items(attrs, len(operands))
    if len(taken) > x.rank:
        raise ShapeError(f"too many indices for array: array is {x.rank}-dimensional, but {len(taken)} were indexed")
    for item in taken:
        if item.operand is not None:
            _check_operand(item, operands[item.operand])
    slices = [item.length if item.kind == "span" else d for item, d in zip(taken, x.shape, strict=False) if _basic(item)]
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
    return item.kind in ("span", "all")


def _gathered(taken: Sequence[Item], operands: Sequence[ArrayType]) -> Shape:
    """The axes that index arrays, broadcast together, give."""
    shapes = [operands[i.operand].shape for i in taken if i.kind == "gather" and i.operand is not None]
    try:
        return broadcast_shapes(shapes)
    except ShapeError:
        shown = " ".join(map(shape_text, shapes))
        raise ShapeError(f"shape mismatch: indexing arrays could not be broadcast together with shapes {shown}") from None


def gather_place(taken: Sequence[Item]) -> int:
    """Before how many of the remaining axes those of the index arrays go.

    NumPy's rule: points count as index arrays once there is one; where all of them stand side by side their axes go
    to that place, else to the front.
    """
    if not any(item.kind == "gather" for item in taken):
        return 0
    advanced = [k for k, item in enumerate(taken) if not _basic(item)]
    return advanced[0] if advanced[-1] - advanced[0] == len(advanced) - 1 else 0


def element_indices(
    x: ArrayType,
    operands: Sequence[ArrayType],
    attrs: Attrs,
    read: Callable[[int, Sequence[str]], str],
    indices: Sequence[str],
) -> list[str]:
    """Where in `x` the selected element at `indices` lies: one source of an integer for each axis of `x`.

    `read(k, indices)` is the source of an element of index operand k.
    """
    taken = items(attrs, len(operands))
    width = len(_gathered(taken, operands))
    place = gather_place(taken)
    own = indices[place : place + width]
    basic = iter([*indices[:place], *indices[place + width :]])
    return [
        _source(item, operands, read, own, basic) for item in taken
    ] + list(basic)
