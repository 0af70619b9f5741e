"""Functions and their gradients, written by hand for Numba: a module and a function for each, of its name.

Each is the reverse mode of a kernel, workload or example as an expert writes it down: what the reverse sweep
needs is kept, what is cheap is computed again, loops are fused, products of matrices are left to BLAS,
nothing is copied or cleared without need. They are compiled with the options that adcompiler compiles with.
The gradient of one argument is returned bare, of several as a tuple. Of workloads `primal` is the function,
by hand too.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from numba import njit

as_generated = njit(error_model="numpy", fastmath={"contract"})


def load(name: str) -> Callable[..., Any]:
    """The gradient by hand of the kernel, workload or example of that name."""
    return getattr(import_module(f".{name}", __name__), name)


def load_primal(name: str) -> Callable[..., Any]:
    """The function by hand of the workload of that name."""
    return import_module(f".{name}", __name__).primal
