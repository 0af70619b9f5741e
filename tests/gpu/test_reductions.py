"""Reductions over as many lanes as a block has: both bodies, bit by bit, and NumPy."""

import numpy as np
import pytest

from adcompiler.backends.cuda import reductions, toolkit
from adcompiler.ir.ops import OPS
from adcompiler.ir.types import DType

cuda = toolkit.cuda()
SHAPES = [(1, 1024), (2, 512), (4, 256), (8, 128), (32, 32), (64, 16), (128, 4)]


def over_lanes(reduced, x):
    @cuda.jit
    def kernel(x, out):
        row, lane = cuda.threadIdx.y, cuda.threadIdx.x
        out[row, lane] = reduced(x[row, lane])

    rows, lanes = x.shape
    out = cuda.device_array_like(x)
    toolkit.configured(kernel, 1, (lanes, rows))(cuda.to_device(x), out)
    return out.copy_to_host()


def numbers(shape, dtype):
    random = np.random.default_rng(0)
    return (random.normal(size=shape) * 1e3).astype(dtype.numpy)


@pytest.mark.parametrize("step", ["sum", "max"])
@pytest.mark.parametrize("dtype", [DType.F64, DType.F32, DType.I64, DType.I8], ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_both_bodies_agree_in_every_bit(shape, dtype, step):
    x = numbers(shape, dtype)
    combine = reductions.combiner(OPS[step].lowering.step, dtype)
    by_shuffles, by_shared_memory = (
        over_lanes(body(combine, dtype.numpy.type), x)
        for body in (reductions.by_shuffles, reductions.by_shared_memory)
    )
    assert by_shuffles.tobytes() == by_shared_memory.tobytes()
    if step == "max":
        np.testing.assert_array_equal(by_shuffles, np.repeat(x.max(1, keepdims=True), shape[1], 1))
