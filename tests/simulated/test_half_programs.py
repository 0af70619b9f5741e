"""Floats of 16 bits on the device: kernels load, decode, encode and store their bits."""

import ml_dtypes
import numpy as np
import pytest

from adcompiler import ArgumentError, value_and_grad
from adcompiler.backends import compile_function
from adcompiler.ir.build import function
from adcompiler.ir.graph import Value
from adcompiler.ir.ops import OPS
from adcompiler.ir.ops.arithmetic import cast
from adcompiler.ir.types import DType, array_type

HALVES = pytest.mark.parametrize("half", [np.float16, ml_dtypes.bfloat16], ids=["f16", "bf16"])
RNG = np.random.default_rng(0)


def waves(x, y):
    return np.sum(np.sin(x) * y + x / (y + 2))


def layer(w, x):
    return np.sum(np.tanh(np.dot(w, x)))


def marched(x, y):
    s = np.zeros(x.shape[0], x.dtype)
    for i in range(1, x.shape[0]):
        s[i] = np.sin(s[i - 1]) * x[i] + y[i - 1]
    return np.sum(s)


@HALVES
@pytest.mark.parametrize("f", [waves, layer, marched], ids=lambda f: f.__name__)
def test_gradients_are_those_of_the_cpu(f, half):
    x, y = RNG.normal(size=10).astype(half), RNG.uniform(1, 2, 10).astype(half)
    args = (RNG.normal(size=(6, 10)).astype(half), x) if f is layer else (x, y)
    (value, found), (expected, gradient) = (
        value_and_grad(f, argnums=(0, 1), backend=backend)(*args) for backend in ("cuda", "numpy")
    )
    for ours, its in zip((value, *found), (expected, *gradient), strict=True):
        assert ours.dtype == its.dtype == half
        error = float(DType.of(half).limits.eps)
        np.testing.assert_allclose(ours.astype(float), its.astype(float), rtol=2 * error, atol=2 * error)


@HALVES
def test_casts_have_numpys_bits(half):
    kind = DType.of(half)
    x = np.array([0.0, -0.0, 1 + 2.0**-11 + 2.0**-40, 6e-8, -2.0**-25, 65520.0, np.inf, np.nan, 1e-40])

    def both(x):
        return [cast(x, dtype=kind), cast(cast(x, dtype=kind), dtype=DType.F32)]

    f = function("casts", [Value(array_type("f64", "n"), "x")], both, ops=OPS, sizes=("n",))
    narrow, wide = compile_function(f, "cuda").call(x, x.size)
    with np.errstate(all="ignore"):
        expected = x.astype(half)
        np.testing.assert_array_equal(narrow.view(np.uint16), expected.view(np.uint16))
        np.testing.assert_array_equal(wide, expected.astype(np.float32))


def test_arrays_of_the_device_are_refused():
    from numba import cuda

    f = function("twice", [Value(array_type("f16", "n"), "x")], lambda x: [x + x], ops=OPS, sizes=("n",))
    with pytest.raises(ArgumentError, match="with float16 or bfloat16 is given a (FakeCUDA|DeviceND)Array"):
        compile_function(f, "cuda").call(cuda.to_device(np.ones(3, np.float16)), 3)
