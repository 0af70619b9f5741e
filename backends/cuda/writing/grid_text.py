"""The loops over a grid, and the shapes of launches, as source."""

from __future__ import annotations

from collections.abc import Sequence

from ....ir.types import Dim
from ...source import Line, in_loop

AXES = "xyz"
"""Of a grid, the innermost loop first."""

ONE = "points()"
"""The shape of a launch of one thread."""


def over_points(indices: Sequence[str], extents: Sequence[Dim], text: str) -> list[Line]:
    """A statement for each point of a grid."""
    lines = [Line(text)]
    for behind, (index, extent) in enumerate(zip(reversed(indices), reversed(extents), strict=True)):
        trips = grid_range(extent, AXES[behind]) if behind < len(AXES) else f"range({extent})"
        lines = in_loop(f"for {index} in {trips}:", lines, "")
    return lines


def points_shape(extents: Sequence[Dim]) -> str:
    """The shape of a launch of a thread for each point, as source of the host."""
    return f"points({', '.join(map(str, extents))})"


def grid_range(extent: Dim, axis: str, backwards: bool = False) -> str:
    """The trips that a thread of a grid takes."""
    start = f"cuda.blockIdx.{axis} * cuda.blockDim.{axis} + cuda.threadIdx.{axis}"
    apart = f"cuda.gridDim.{axis} * cuda.blockDim.{axis}"
    if backwards:
        return f"range({extent - 1} - ({start}), -1, -({apart}))"
    return f"range({start}, {extent}, {apart})"
