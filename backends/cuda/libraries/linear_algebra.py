"""What generated programs call of NVIDIA's libraries: dense linear algebra on device arrays.

cuBLAS and cuSOLVER are reached by nvmath-python, whose functions are those of the libraries: they work on the
memory that is there, on the stream that they are told, and wait for nothing, so that calls can be recorded
into a graph. CuPy's wrappers know no workspace, no batches of vectors and no 64-bit sizes, and bring arrays,
a pool and streams of their own.

A matrix may be an array, `transposed(array)`, or a part of one: nothing is copied to hand it over.

    product(a, b, out, "bij,bjk->bik", "i", "j", "k")    # all of b in one call
    fail_where(solve(a, transposed(b), out), status, 3)

A call that may fail gives a word on the device; `fail_where` stores it among those of the checks of a call,
as a kernel does, and the host reads them all at the end. In the simulator SciPy computes.
"""

from __future__ import annotations

from typing import Any

from ..device.driver_memory import transposed as transposed
from ..device.launching import launch, points
from ..kernels import library_kernels as kernels
from .device_products import product as product
from .systems import Failed
from .systems import cholesky as cholesky
from .systems import inverse as inverse
from .systems import lu as lu
from .systems import solve as solve
from .systems import solve_factored as solve_factored
from .systems import solve_factored_vector as solve_factored_vector
from .systems import solve_triangular as solve_triangular
from .systems import solve_triangular_vector as solve_triangular_vector
from .systems import solve_vector as solve_vector


def fail_where(failed: Failed, status: Any, number: int) -> None:
    """Note that the check of this number has failed, where a library could not compute its result.

    Parameters
    ----------
    failed
        What the call gave: a device array of one word, or None.
    status
        The `Failures` of the call, whose checks are counted from 1.
    """
    if failed is not None:
        launch(kernels.note_failure, points(), failed, status, number)

