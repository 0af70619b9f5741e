"""The two bodies of a reduction on a device: both give the same bits, in the order that is stated."""

import numpy as np
import pytest

from adcompiler.backends.cuda.device import toolkit
from adcompiler.backends.cuda.kernels import reductions
from adcompiler.ir.ops import OPS
from adcompiler.ir.types import DType

cuda = toolkit.cuda()
ROWS = [(1, 1), (256, 4), (3, 8), (32, 32), (1, 64), (4, 256), (2, 512), (1, 1024)]


def over_lanes(body, step, x):
    dtype = DType.of(x.dtype)
    reduced = body(reductions.combiner(step, dtype), x.dtype.type)

    @cuda.jit
    def kernel(x, out):
        out[cuda.threadIdx.y, cuda.threadIdx.x] = reduced(x[cuda.threadIdx.y, cuda.threadIdx.x])

    rows, lanes = x.shape
    out = cuda.device_array_like(x)
    toolkit.configured(kernel, (1,), (lanes, rows))(cuda.to_device(x), out)
    return out.copy_to_host()


def numbers(dtype, shape):
    random = np.random.default_rng(0)
    if dtype.is_float:
        return (random.normal(size=shape) * 10.0 ** random.integers(-6, 6, shape)).astype(dtype.numpy)
    return random.integers(0, 2 if dtype is DType.BOOL else 100, shape).astype(dtype.numpy)


def folded(x):
    """The order of a sum, by definition: halves onto each other, within 32 lanes, then over these."""
    while len(x) > 1:
        x = x[: len(x) // 2] + x[len(x) // 2 :]
    return x[0]


@pytest.mark.parametrize(("rows", "lanes"), ROWS)
@pytest.mark.parametrize("dtype", list(DType), ids=str)
def test_both_bodies_give_the_same_bits(rows, lanes, dtype):
    steps = ["any", "all"] if dtype is DType.BOOL else ["sum", "prod", "max", "min"]
    x = numbers(dtype, (rows, lanes))
    for name in steps:
        step = OPS[name].lowering.step
        ours, theirs = (
            over_lanes(body, step, x) for body in (reductions.by_shuffles, reductions.by_shared_memory)
        )
        assert ours.tobytes() == theirs.tobytes(), name


@pytest.mark.parametrize(("rows", "lanes"), ROWS)
def test_the_order_of_a_sum(rows, lanes):
    x = numbers(DType.F64, (rows, lanes))
    found = over_lanes(reductions.by_shuffles, "{acc} + {x}", x)
    for sums, row in zip(found, x, strict=True):
        within = np.array([folded(row[k : k + 32]) for k in range(0, lanes, 32)])
        assert (sums == folded(within)).all()
