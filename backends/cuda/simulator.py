"""What makes numba-cuda's simulator, where threads of a kernel are Python threads, right and quick enough."""

from __future__ import annotations

import sys
import threading
from functools import cache
from typing import Any

import numpy as np

PATIENCE = 1e-5
"""Seconds for which a thread that runs keeps others waiting; with Python's 5 ms, a barrier takes 10 ms."""

_making = threading.Lock()


@cache
def prepare() -> None:
    """Do so, once in a process."""
    from numba.cuda.simulator import kernelapi

    shared: Any = kernelapi.FakeCUDAShared
    shared.array = _shared_array
    sys.setswitchinterval(PATIENCE)


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
