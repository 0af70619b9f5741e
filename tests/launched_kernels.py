"""Launches and arrays for tests of kernels by themselves."""

import numpy as np

from adcompiler.backends.cuda.device import toolkit

cuda = toolkit.cuda()


def launch(kernel, shape, *arguments):
    kernel[shape](*arguments)


def empty(shape, dtype):
    """What nobody may read before it is written."""
    made = cuda.device_array(shape, dtype)
    made[:] = np.full(shape, np.nan if np.dtype(dtype).kind == "f" else 99, dtype)
    return made
