"""The kernels between calls of libraries, compiled: none needs local memory, or widens single precision."""

import pytest
from numba import int32, int64, types

from adcompiler.backends.cuda.device.toolkit import ptx
from adcompiler.backends.cuda.kernels import library_kernels as kernels

SIGNATURES = {
    "lower_triangle": lambda a, m: (a, m),
    "identity": lambda a, m: (m,),
    "pivots_to_numbers": lambda a, m: (int64[::1], m),
    "numbers_to_pivots": lambda a, m: (m, int64[::1]),
    "zeros_on_diagonal": lambda a, m: (a, int32[::1]),
    "note_failure": lambda a, m: (int32[::1], int64[::1], int64, int64),
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_kernels_compile(name):
    """For a matrix that lies column after column, of single precision."""
    given, made = (types.Array(types.float32, 2, order) for order in "FC")
    text = ptx(getattr(kernels, name), SIGNATURES[name](given, made))
    assert ".entry" in text
    assert "f64" not in text
    assert ".local" not in text
