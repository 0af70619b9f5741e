"""Arrays on the device, as generated programs make and copy them: C-contiguous, in memory from a pool."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from . import driver_memory
from .pool import Pool

SHARED = Pool()
"""What all calls take their memory from, but for those that are recorded."""

_pool: ContextVar[Pool] = ContextVar("pool", default=SHARED)


def empty(shape: Sequence[int], dtype: DTypeLike) -> Any:
    """A device array filled with anything.

    Raises
    ------
    DeviceMemoryError
        The device has no room for it.
    """
    extents, kind = tuple(map(int, shape)), np.dtype(dtype)
    size = math.prod(extents) * kind.itemsize
    if not size:
        return driver_memory.nothing(extents, kind)
    pool = _pool.get()
    block = pool.take(size)
    return driver_memory.array_in(block.memory, extents, kind, partial(pool.give_back, block))


def zeros(shape: Sequence[int], dtype: DTypeLike) -> Any:
    """A device array of zeros."""
    made = empty(shape, dtype)
    driver_memory.clear(made)
    return made


def copy(array: Any) -> Any:
    """A C-contiguous copy of a device array."""
    made = empty(array.shape, array.dtype)
    driver_memory.copy_on_device(made, array)
    return made


def to_device(array: NDArray[Any]) -> Any:
    """A NumPy array on the device."""
    made = empty(array.shape, array.dtype)
    driver_memory.copy_to_device(made, np.ascontiguousarray(array).reshape(array.shape))
    return made


def to_host(array: Any) -> NDArray[Any]:
    """A device array as a NumPy array, when all that computes it is done."""
    return driver_memory.copy_to_host(array)


@contextmanager
def memory_from(pool: Pool) -> Iterator[None]:
    """Arrays that are made in this context lie in memory of this pool."""
    token = _pool.set(pool)
    try:
        yield
    finally:
        _pool.reset(token)


def overwrite(target: Any, source: Any) -> None:
    """Copy a device array, or a part of one, into another of its shape."""
    driver_memory.copy_on_device(target, source)


def grown(tape: Any) -> Any:
    """A tape of twice the length that begins with this one's rows."""
    rows, *row = tape.shape
    made = empty((2 * rows, *row), tape.dtype)
    overwrite(made[:rows], tape)
    return made


def resident(data: NDArray[Any]) -> Any:
    """A constant array on the device."""
    return to_device(data)


def side_by_side(first: Sequence[int], behind: Sequence[int], dtype: DTypeLike) -> Any:
    """An array of axes `first` and `behind`, in whose memory those of `first` come last."""
    return driver_memory.rotated(empty((*behind, *first), dtype), len(behind))
