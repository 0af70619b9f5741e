"""Memory that programs work in, kept between calls.

Fresh memory costs a page fault every few kilobytes, which is most of what a large adjoint takes. So a program
gets one array for everything that it makes at its top level and does not return (`buffers.py` says where in
it). One call at a time has it; the next call of any program may have it again.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from .cuda.device.arrays import SHARED

WORTH = 2**13
"""Words of 8 bytes from which on memory is kept: below that the allocator is as fast."""

KEPT = 2**27
"""Words of 8 bytes that are kept at most: 1 GiB."""

_lock = threading.Lock()
_idle: list[Any] = []
"""Arrays that nobody uses, the least recently used first."""


def take(words: int) -> Any:
    """An array of at least that many words, for the caller alone, filled with anything."""
    if words < WORTH:
        return np.empty(words)
    with _lock:
        sizes = [work.size for work in _idle]
        fitting = [size for size in sizes if size >= words]
        if fitting:
            return _idle.pop(sizes.index(min(fitting)))
        if sizes:  # it makes room for a larger one
            del _idle[sizes.index(max(sizes))]
    return np.empty(words)


def give_back(work: Any) -> None:
    """Keep an array for a later call; the least recently used go where they are too many."""
    if not WORTH <= work.size <= KEPT:
        return
    with _lock:
        _idle.append(work)
        while sum(idle.size for idle in _idle) > KEPT:
            del _idle[0]


def clear_buffers() -> None:
    """Free the memory that compiled programs keep between calls, on a GPU as well.

    Arrays that a gradient computes on the way to its result lie in memory that is kept for the next call, of
    that gradient or another one: at most 1 GiB in total, the least recently used freed first. Memory that a
    running call works in is not touched, and is kept when the call ends.
    """
    with _lock:
        _idle.clear()
    SHARED.clear()
