"""What gradients allocate; run in a fresh process, on Linux."""

import resource

import kernels
import numpy as np

import adcompiler

from . import status

ROOM = 2**20  # bytes


def of_recurrence(n: int) -> float:
    """The most that the gradient of the recurrence takes beyond its argument and result, in arrays of n."""
    kernel = kernels.load("recurrence")
    gradient = adcompiler.adjoint(kernel.function)
    gradient(*kernel.arguments(100))
    args = kernel.arguments(n)
    before = status.resident()
    status.forget_peak()
    result = gradient(*args)
    return (status.peak() - before - result.nbytes) / result.nbytes


def squared(x, most):
    """A loop that might be long: x is squared until it is small."""
    y = x
    for _ in range(most):
        if y < 0.1:
            break
        y = y * y
    return y


def of_early_break(most: int) -> dict[str, float | int]:
    """The gradient of a loop that breaks in its third trip, with 1 MiB of room left in the address space."""
    gradient = adcompiler.adjoint(squared)
    gradient(0.5, 10)
    size = status.reserved()
    before = status.resident()
    status.forget_peak()
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (size + ROOM, hard))
    found = gradient(0.5, most)
    np.testing.assert_allclose(found, 0.5)  # of x**4 at 1/2
    return {"gradient": float(found), "bytes": status.peak() - before}
