"""The most bytes that a call takes at a time, measured: by tracemalloc, to which NumPy reports its arrays.

Numba's arrays are reported to it, too, in a process where `numba_reports` was called: its allocator is then
Python's. That cannot be undone, hence a process of its own.
"""

import gc
import tracemalloc


def measured_peak(call):
    """The most bytes that `call()` takes at a time, beyond what is there before it.

    Memory that is kept between calls counts where the call has to take it: after `adcompiler.clear_buffers`.
    """
    gc.disable()  # what it frees would not be the call's
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    result = call()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    gc.enable()
    del result
    return peak - before


def numba_reports():
    """Let Numba allocate as Python does, from now on."""
    import numpy as np
    from numba import njit
    from numba.core.runtime import _nrt_python

    njit(lambda n: np.empty(n))(1)  # its allocator is there from the first array on
    _nrt_python.memsys_use_cpython_allocator()
