"""Arrays as one row of elements, in the order of memory."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from ....ir.types import Dim, Shape


def split(shape: Shape, behind: int) -> tuple[Dim, Dim]:
    """The elements of the axes before, and of those behind."""
    cut = len(shape) - behind
    return prod(shape[:cut], start=Dim.of(1)), prod(shape[cut:], start=Dim.of(1))


def number(indices: Sequence[str], shape: Shape) -> str:
    """The number of an element in the order of memory."""
    text = "0"
    for index, extent in zip(indices, shape, strict=False):
        text = index if text == "0" else f"({text}) * ({extent}) + {index}"
    return text
