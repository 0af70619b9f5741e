"""What makes numba-cuda's simulator, where threads of a kernel are Python threads, right and quick enough.

A launch takes it half a millisecond a thread, and a hundred times as long where it waits for Python to change
threads. So threads that never wait for each other are run one after the other, without Python threads.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from functools import cache
from inspect import getclosurevars
from typing import Any

import numpy as np

PATIENCE = 1e-5
"""Seconds for which a thread that runs keeps others waiting; with Python's 5 ms, a barrier takes 10 ms."""

_making = threading.Lock()


@cache
def prepare() -> None:
    """Do so, once in a process."""
    from numba.cuda.simulator import kernel, kernelapi

    shared: Any = kernelapi.FakeCUDAShared
    shared.array = _shared_array
    blocks: Any = kernel.BlockManager
    blocks.run = _run(blocks.run)
    sys.setswitchinterval(PATIENCE)


# ---- shared memory ----


def _shared_array(shared: Any, shape: Any, dtype: Any) -> Any:
    """An array for each line, shape and dtype.

    The simulator's own knows the line alone, and where two threads are the first at once, each gets its own.
    """
    place = sys._getframe(1)
    key = place.f_code.co_filename, place.f_lineno, shape, np.dtype(dtype)
    with _making:
        if key not in shared._allocations:
            shared._allocations[key] = np.empty(shape, dtype)
    return shared._allocations[key]


# ---- threads ----


def _run(in_threads: Callable[..., None]) -> Callable[..., None]:
    """How a block is run: by the simulator's own means, which are given, where its threads wait."""

    def run(block: Any, grid_point: Any, *arguments: Any) -> None:
        if _waits(block._f):
            in_threads(block, grid_point, *arguments)
        else:
            _run_in_turn(block, grid_point, arguments)

    return run


def _run_in_turn(block: Any, grid_point: Any, arguments: Any) -> None:
    from numba.cuda.simulator.kernelapi import Dim3

    thread: Any = threading.current_thread()
    thread.blockIdx = Dim3(*grid_point)
    for number, point in enumerate(np.ndindex(*reversed(block._block_dim))):
        thread.threadIdx, thread.thread_id = Dim3(*reversed(point)), number
        block._f(*arguments)


@cache
def _waits(function: Callable[..., Any]) -> bool:
    """Whether a kernel's thread may wait for others: in its text, or in device functions that it calls."""
    names = function.__code__.co_names
    return any(name.startswith("syncthreads") for name in names) or any(map(_waits, _called(function)))


def _called(function: Callable[..., Any]) -> Iterator[Callable[..., Any]]:
    """The device functions that a Python function names."""
    from numba.cuda.simulator.kernel import FakeCUDAKernel

    known = getclosurevars(function)
    for value in (*known.globals.values(), *known.nonlocals.values()):
        if isinstance(value, FakeCUDAKernel):
            yield value.fn
