"""Reductions over the lanes of a block: the threads that differ in `threadIdx.x` alone.

A block is as wide as a reduction has lanes: `blockDim.x`, a power of two up to 1024. A block of one row is
reduced as a whole; of several rows, along y and z, each by itself. Kernels name a reduction as a global of
their module, and call it where all threads of the block come by:

    sum_lanes = lanes_reducer("{acc} + {x}", np.float64)

    acc = 0.0
    for i in range(first + cuda.threadIdx.x, stop, cuda.blockDim.x):
        acc += x[i]
    acc = sum_lanes(acc)                  # the same in every lane
    if cuda.threadIdx.x == 0:
        partial[chunk] = acc

A reducer is a device function, one a process for each step and dtype, so Numba compiles it once, whatever
number of kernels calls it. It has two bodies, and both combine in the same order, which depends on the number
of lanes alone: halves are folded onto each other, within each 32 lanes, then over the results of these.
On a device lanes exchange their numbers by shuffles of warps; the simulator, which has none, uses shared
memory.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, cast

import numpy as np

from ....ir.types import DType
from ...accumulate import stepped
from ..device import toolkit

cuda: Any = toolkit.cuda()

WARP, LAST, BITS = 32, 31, 5
"""Lanes of a warp, the number of the last, and how many bits number them."""

MOST_LANES, MOST_WARPS = 1024, 32
"""Of a block, on every device."""

WHOLE_WARP = 0xFFFFFFFF
"""The mask of a shuffle in which every lane takes part."""

Device = Callable[..., Any]
"""A device function."""


@cache
def lanes_reducer(step: str, dtype: Any) -> Device:
    """A device function of one number a lane that gives every lane of the row what these come to.

    Parameters
    ----------
    step
        A template of one step, with places `{acc}` and `{x}`, as `ir.op.Reduction` has it.
    dtype
        NumPy's type of the numbers, and of the result.
    """
    scalar = np.dtype(dtype).type
    combine = combiner(step, DType.of(dtype))
    return by_shared_memory(combine, scalar) if toolkit.simulated() else by_shuffles(combine, scalar)


def combiner(step: str, dtype: DType) -> Device:
    """One step as a device function of two numbers."""
    names: dict[str, Any] = {"np": np}
    exec(f"def combine(acc, x):\n    {stepped(step, dtype, 'acc', 'x')}\n    return acc", names)
    return device(names["combine"])


def device(function: Callable[..., Any]) -> Device:
    """A Python function that kernels may call."""
    return cast(Device, cuda.jit(function, device=True))


def kernel(function: Callable[..., Any]) -> Any:
    """A Python function that is launched."""
    return cuda.jit(function)


# ---- two bodies ----


def by_shuffles(combine: Device, scalar: Any) -> Device:
    """The body for devices: lanes read each other's registers, warps meet in shared memory."""
    carrier = _carrier(np.dtype(scalar))

    @device
    def folded(acc: Any, count: int) -> Any:
        """The first of `count` lanes of a warp gets what they come to."""
        half = count >> 1
        while half:
            acc = combine(acc, scalar(cuda.shfl_down_sync(WHOLE_WARP, carrier(acc), half)))
            half >>= 1
        return acc

    @device
    def reduced(acc: Any) -> Any:
        x, lanes = cuda.threadIdx.x, cuda.blockDim.x
        row = lanes * (cuda.threadIdx.y + cuda.blockDim.y * cuda.threadIdx.z)
        lane = (row + x) & LAST
        first = row & LAST
        acc = folded(acc, min(lanes, WARP))
        if lanes > WARP:
            results = cuda.shared.array(MOST_WARPS, scalar)
            if lane == 0:
                results[(row + x) >> BITS] = acc
            cuda.syncthreads()
            warps = lanes >> BITS
            acc = folded(results[(row >> BITS) + (lane & (warps - 1))], warps)
            cuda.syncthreads()  # from here on `results` may be written again
        return scalar(cuda.shfl_sync(WHOLE_WARP, carrier(acc), first))

    return reduced


def by_shared_memory(combine: Device, scalar: Any) -> Device:
    """The body for the simulator: the first lane of each row folds the numbers of all."""

    @device
    def fold(numbers: Any, start: int, apart: int, count: int) -> None:
        """What `count` numbers come to replaces the first of them."""
        half = count >> 1
        while half:
            for k in range(start, start + half * apart, apart):
                numbers[k] = combine(numbers[k], numbers[k + half * apart])
            half >>= 1

    @device
    def reduced(acc: Any) -> Any:
        lanes = cuda.blockDim.x
        row = lanes * (cuda.threadIdx.y + cuda.blockDim.y * cuda.threadIdx.z)
        numbers = cuda.shared.array(MOST_LANES, scalar)
        numbers[row + cuda.threadIdx.x] = acc
        cuda.syncthreads()
        if cuda.threadIdx.x == 0:
            for start in range(row, row + lanes, WARP):
                fold(numbers, start, 1, min(lanes, WARP))
            fold(numbers, row, WARP, lanes // WARP)
        cuda.syncthreads()
        acc = numbers[row]
        cuda.syncthreads()  # from here on `numbers` may be written again
        return acc

    return reduced


def _carrier(dtype: np.dtype[Any]) -> Any:
    """The type as which a number of this dtype is shuffled: these four are all there is."""
    if dtype.kind == "f":
        return np.float64 if dtype.itemsize == 8 else np.float32
    return np.int64 if dtype.itemsize == 8 else np.int32
