"""The gradients of the ten kernels, written by hand for Numba: a module and a function for each, of its name.

Each is the reverse mode of the kernel as an expert writes it down: what the reverse sweep needs is kept, what
is cheap is computed again, nothing is copied or cleared without need. They are compiled with the options that
adcompiler compiles with. The gradient of one argument is returned bare, of several as a tuple.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from numba import njit

as_generated = njit(error_model="numpy", fastmath={"contract"})


def load(name: str) -> Callable[..., Any]:
    """The gradient by hand of the kernel of that name."""
    return getattr(import_module(f".{name}", __name__), name)
