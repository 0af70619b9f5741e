"""Running sums along one axis of an array, in an order that depends on its shape alone.

The axis is cut into chunks of a fixed length. Chunks are summed side by side, their sums become running sums
in the same way, and then each chunk runs on from what comes before it (Blelloch, "Prefix sums and their
applications", 1990). Where the axis is the last one the lanes of a block share a chunk; else neighbouring
threads have neighbouring columns, each of which one thread runs through.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from math import prod
from typing import Any

import numpy as np

from ..device import toolkit
from ..device.launching import Shape, blocks, threads
from .reductions import MOST_LANES, Device, device, kernel, lanes_reducer

cuda: Any = toolkit.cuda()

ROW_CHUNK, COLUMN_CHUNK = 2**13, 2**8
"""Elements of a chunk, where lanes share it and where one thread has it."""

MANY_COLUMNS = 2**16
"""So many keep a device busy without their being cut."""

Launch = Callable[..., None]
"""`launch(kernel, (grid, block), *arguments)`."""

Empty = Callable[[Sequence[int], Any], Any]
"""`empty(shape, dtype)` is a device array."""


def running_sum(x: Any, out: Any, axis: int, reverse: bool, launch: Launch, empty: Empty) -> None:
    """Write into `out` the sums of the elements of `x` up to each place along an axis.

    Parameters
    ----------
    x, out
        C-contiguous device arrays of one shape and dtype; they may be the same.
    axis
        Counted from 0.
    reverse
        Whether sums run from the end of the axis.
    launch, empty
        How kernels are started, and arrays made.
    """
    if not x.size:
        return
    shape = prod(x.shape[:axis]), x.shape[axis], prod(x.shape[axis + 1 :])
    _run(x.reshape(shape), out.reshape(shape), reverse, launch, empty)


def _run(x: Any, out: Any, reverse: bool, launch: Launch, empty: Empty) -> None:
    """Running sums along the axis in the middle."""
    outer, n, inner = x.shape
    by_lanes = inner == 1 and n >= threads()
    if by_lanes:
        length = ROW_CHUNK
    else:
        length = n if outer * inner >= MANY_COLUMNS else COLUMN_CHUNK
    chunks = -(-n // length)
    kernels = _by_lanes(x.dtype) if by_lanes else _by_columns(x.dtype)
    shape = blocks(outer * chunks) if by_lanes else tasks(outer * chunks * inner)
    sums = x  # not read where there is one chunk
    if chunks > 1:
        sums = empty((outer, chunks, inner), x.dtype)
        launch(kernels.sums, shape, x, sums, length, reverse)
        _run(sums, sums, False, launch, empty)
    launch(kernels.scan, shape, x, sums, out, length, reverse)


def tasks(count: int) -> Shape:
    """Blocks whose threads take so many tasks in turn."""
    return blocks(-(-count // threads()))


@dataclass(frozen=True)
class Kernels:
    """`sums(x, sums, length, reverse)` adds up each chunk; `scan(x, sums, out, length, reverse)` runs through
    each, on from the running sums of those before it."""

    sums: Any
    scan: Any


@cache
def _by_lanes(dtype: np.dtype[Any]) -> Kernels:
    """A block a chunk."""
    scalar = dtype.type
    total = lanes_reducer("{acc} + {x}", dtype)
    running = lanes_scanner(dtype)

    @kernel
    def chunk_sums(x: Any, sums: Any, length: int, reverse: bool) -> None:
        rows, n, chunks = x.shape[0], x.shape[1], sums.shape[1]
        for task in range(cuda.blockIdx.x, rows * chunks, cuda.gridDim.x):
            row = task // chunks
            chunk = task - row * chunks
            acc = scalar(0)
            for j in range(chunk * length + cuda.threadIdx.x, min((chunk + 1) * length, n), cuda.blockDim.x):
                acc = scalar(acc + x[row, n - 1 - j if reverse else j, 0])
            acc = total(acc)
            if cuda.threadIdx.x == 0:
                sums[row, chunk, 0] = acc

    @kernel
    def chunk_scan(x: Any, sums: Any, out: Any, length: int, reverse: bool) -> None:
        rows, n = x.shape[0], x.shape[1]
        chunks = (n + length - 1) // length
        for task in range(cuda.blockIdx.x, rows * chunks, cuda.gridDim.x):
            row = task // chunks
            chunk = task - row * chunks
            before = sums[row, chunk - 1, 0] if chunk else scalar(0)
            for first in range(chunk * length, min((chunk + 1) * length, n), cuda.blockDim.x):
                j = first + cuda.threadIdx.x
                i = n - 1 - j if reverse else j
                inside = j < min((chunk + 1) * length, n)
                upto, all_lanes = running(x[row, i, 0] if inside else scalar(0))
                if inside:
                    out[row, i, 0] = before + upto
                before = scalar(before + all_lanes)

    return Kernels(chunk_sums, chunk_scan)


@cache
def _by_columns(dtype: np.dtype[Any]) -> Kernels:
    """A thread a chunk."""
    scalar = dtype.type

    @kernel
    def chunk_sums(x: Any, sums: Any, length: int, reverse: bool) -> None:
        rows, n, columns = x.shape
        chunks = sums.shape[1]
        for task in range(cuda.grid(1), rows * chunks * columns, cuda.gridsize(1)):
            row = task // (chunks * columns)
            chunk = task // columns - row * chunks
            column = task % columns
            acc = scalar(0)
            for j in range(chunk * length, min((chunk + 1) * length, n)):
                acc = scalar(acc + x[row, n - 1 - j if reverse else j, column])
            sums[row, chunk, column] = acc

    @kernel
    def chunk_scan(x: Any, sums: Any, out: Any, length: int, reverse: bool) -> None:
        rows, n, columns = x.shape
        chunks = (n + length - 1) // length
        for task in range(cuda.grid(1), rows * chunks * columns, cuda.gridsize(1)):
            row = task // (chunks * columns)
            chunk = task // columns - row * chunks
            column = task % columns
            acc = sums[row, chunk - 1, column] if chunk else scalar(0)
            for j in range(chunk * length, min((chunk + 1) * length, n)):
                i = n - 1 - j if reverse else j
                acc = scalar(acc + x[row, i, column])
                out[row, i, column] = acc

    return Kernels(chunk_sums, chunk_scan)


def lanes_scanner(dtype: np.dtype[Any]) -> Device:
    """A device function of a number a lane, in blocks of one row: the sum up to each lane, and that of all.

    Each lane adds the sum of as many lanes before it as it has added up already (Hillis and Steele, 1986).
    """
    scalar = dtype.type

    @device
    def running(acc: Any) -> Any:
        lane, lanes = cuda.threadIdx.x, cuda.blockDim.x
        sums = cuda.shared.array((2, MOST_LANES), scalar)
        side, distance = 0, 1
        sums[0, lane] = acc
        cuda.syncthreads()
        while distance < lanes:
            if lane >= distance:
                acc = scalar(sums[side, lane - distance] + acc)
            side, distance = 1 - side, 2 * distance
            sums[side, lane] = acc
            cuda.syncthreads()
        total = sums[side, lanes - 1]
        cuda.syncthreads()  # from here on `sums` may be written again
        return acc, total

    return running
