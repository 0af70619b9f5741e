"""Grids and blocks, by the sizes of what a kernel runs over.

What a block does at a time, and so the order of every sum, depends on sizes alone. How many blocks there are
does not matter to results: each takes points, rows or tiles in turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from ....ir.errors import DeviceError
from . import toolkit
from .checks import Failures

Shape = tuple[tuple[int, ...], tuple[int, ...]]
"""The blocks of a grid, and the threads of a block, along x, y and z."""

MANY = 2**17
"""So many threads keep a device busy."""

TILE = 2**13
"""Elements of a tile: 32 for each thread of a block, so that what tiles leave is little."""


def threads() -> int:
    """Threads of a block; a launch of the simulator costs a millisecond each."""
    return 4 if toolkit.simulated() else 256


def points(*extents: int) -> Shape:
    """One thread a point; extents are those of the loops over points, the outermost first."""
    inner = [max(int(n), 1) for n in reversed(extents)][:3]
    block, left = [], threads()
    for n, most in zip(inner, toolkit.limits().block, strict=False):
        block.append(min(_power(n), left, most))
        left //= block[-1]
    return _shape([-(-n // b) for n, b in zip(inner, block, strict=True)], block)


def rows(*extents: int) -> Shape:
    """Rows of threads, one a point, whose lanes share a loop of the last extent."""
    *around, across = (max(int(n), 1) for n in extents)
    lanes = min(_power(across), threads())
    block = [lanes, min(_power(around[-1]), threads() // lanes)]  # less than any device allows
    return _shape([-(-around[-1] // block[1]), *reversed(around[-3:-1])], block)


def tiles(*extents: int) -> tuple[int, int, int, int, int]:
    """Rows and columns of a tile, tiles across, all tiles, and threads along the columns of a tile."""
    tile = threads() * 4 if toolkit.simulated() else TILE
    down, across = (max(int(n), 1) for n in (1, *extents)[-2:])
    columns = min(_power(across), tile)
    high = min(_power(down), tile // columns)
    wide = -(-across // columns)
    return high, columns, wide, wide * -(-down // high), min(columns, threads())


def blocks(count: int) -> Shape:
    """Blocks that take so many tiles in turn."""
    return _shape([count], [threads()])


def one_block(count: int) -> Shape:
    """One block for so many numbers."""
    return (1,), (min(_power(max(int(count), 1)), threads()),)


def chunks(points: Sequence[int], along: int, lanes: bool) -> tuple[int, int]:
    """How many chunks a loop is cut into at each point, and their length: one where there are points enough.

    `lanes` says whether the threads of a block share a point.
    """
    at_once = prod(max(int(n), 1) for n in points) * (threads() if lanes else 1)
    least = threads() * (8 if lanes else 1)
    count = max(min(MANY // at_once, int(along) // least), 1)
    length = -(-int(along) // count)
    return (-(-int(along) // length), length) if length else (1, 0)


def chunked(shape: Shape, count: int) -> Shape:
    """A launch for each chunk."""
    grid, block = shape
    return _shape([*(*grid, 1, 1)[:2], count], block)


def in_all(shape: Shape) -> int:
    """The threads of a launch."""
    grid, block = shape
    return prod(grid) * prod(block)


def launch(kernel: Any, shape: Shape, *arguments: Any) -> None:
    """Start a kernel, checked against what the device offers.

    In place of `Failures` it is given their words, and the number of this launch.

    Raises
    ------
    DeviceError
        The block or the grid is larger than the device allows.
    """
    grid, block = shape
    limits = toolkit.limits()
    if prod(block) > limits.threads or any(n > most for n, most in zip(block, limits.block, strict=False)):
        raise DeviceError(f"a block of {block} threads is larger than the device allows ({limits.threads})")
    given = [part for a in arguments for part in (a.turn() if isinstance(a, Failures) else (a,))]
    toolkit.configured(kernel, grid, block)(*given)


def _shape(grid: Sequence[int], block: Sequence[int]) -> Shape:
    """No more blocks than keep a device busy: they take what there is in turn."""
    left, found = most_blocks(), []
    for wanted, most in zip(grid, toolkit.limits().grid, strict=False):
        found.append(max(min(int(wanted), most, left), 1))
        left //= found[-1]
    return tuple(found), tuple(block)


def most_blocks() -> int:
    """Blocks of a grid: some times as many as run at once."""
    return toolkit.limits().multiprocessors * (1 if toolkit.simulated() else 32)


def _power(n: int) -> int:
    """The least power of two that is not less."""
    return 1 << (n - 1).bit_length()
