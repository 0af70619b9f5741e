"""Reductions over lanes in the simulator: against NumPy, and two bodies against each other, bit by bit."""

import threading

import numpy as np
import pytest
from scalar_sources import COMPUTED

from adcompiler.backends.cuda.device import toolkit
from adcompiler.backends.cuda.kernels import reductions
from adcompiler.ir.errors import AdcompilerError, DTypeError
from adcompiler.ir.op import Reduction
from adcompiler.ir.ops import OPS
from adcompiler.ir.types import DType, array_type

cuda = toolkit.cuda()
REDUCTIONS = [op for op in OPS.values() if isinstance(op.lowering, Reduction)]


def reducing(reduced):
    @cuda.jit
    def kernel(x, out):
        row, lane = cuda.threadIdx.y + cuda.blockDim.y * cuda.threadIdx.z, cuda.threadIdx.x
        out[row, lane] = reduced(x[row, lane])

    return kernel


def over_lanes(reduced, x):
    """What every lane gets of rows of numbers."""
    rows, lanes = x.shape
    out = np.zeros_like(x)
    reducing(reduced)[1, (lanes, 1, rows) if rows == 2 else (lanes, rows)](x, out)
    return out


def accepted():
    """Each reduction with each dtype that it takes."""
    for op in REDUCTIONS:
        for dtype in COMPUTED:
            try:
                op.infer([array_type(str(dtype), 8)], {"axes": (0,)}, ())
            except AdcompilerError:
                continue
            yield pytest.param(op, dtype, id=f"{op.name}-{dtype}")


def numbers(dtype, *shape):
    random = np.random.default_rng(0)
    if dtype.is_float:
        return random.uniform(0.5, 2, shape).astype(dtype.numpy)
    return random.integers(0, 2 if dtype is DType.BOOL else 100, shape).astype(dtype.numpy)


@pytest.mark.parametrize(("op", "dtype"), list(accepted()))
def test_every_lane_gets_what_numpy_gives(op, dtype):
    x = numbers(dtype, 3, 8)
    reduced = reductions.lanes_reducer(op.lowering.step, dtype.numpy)
    with np.errstate(over="ignore"):
        found = over_lanes(reduced, x)
        expected = op.numpy(x, axes=(1,))[:, None]
    if dtype.is_float:
        np.testing.assert_allclose(found, np.broadcast_to(expected, x.shape), rtol=8 * np.finfo(x.dtype).eps)
    else:
        np.testing.assert_array_equal(found, np.broadcast_to(expected, x.shape))


@pytest.mark.parametrize("name", ["max", "min"])
def test_a_nan_in_any_lane_is_the_extremum(name):
    x = np.arange(64.0).reshape(8, 8)
    np.fill_diagonal(x, np.nan)
    reduced = reductions.lanes_reducer(OPS[name].lowering.step, np.float64)
    assert np.isnan(over_lanes(reduced, x)).all()


def folded(x):
    """The order of a sum, by definition: halves onto each other, within 32 lanes, then over these."""
    while len(x) > 1:
        x = x[: len(x) // 2] + x[len(x) // 2 :]
    return x[0]


@pytest.mark.parametrize("lanes", [1, 2, 16, 32, 64])
def test_the_order_of_a_sum(lanes):
    x = np.random.default_rng(lanes).normal(size=(2, lanes)) * 10.0 ** np.arange(lanes)[:, None].T
    sums = over_lanes(reductions.lanes_reducer("{acc} + {x}", np.float64), x)
    for found, row in zip(sums, x, strict=True):
        within = np.array([folded(row[k : k + 32]) for k in range(0, lanes, 32)])
        assert (found == folded(within)).all()


def test_two_reductions_of_different_dtypes_in_one_kernel():
    total = reductions.lanes_reducer("{acc} + {x}", np.float64)
    most = reductions.lanes_reducer(OPS["max"].lowering.step, np.int8)

    @cuda.jit
    def kernel(x, k, out):
        i = cuda.threadIdx.x
        out[i] = total(x[i]) + most(k[i]) + total(2.0 * x[i])

    x, out = np.arange(8.0), np.zeros(8)
    kernel[1, 8](x, np.arange(8, dtype=np.int8), out)
    assert (out == 28 + 7 + 56).all()


def test_no_other_dtype_is_reduced():
    with pytest.raises(DTypeError, match="dtype complex128 is not supported"):
        reductions.lanes_reducer("{acc} + {x}", np.complex128)


# ---- the body for devices, on shuffles that meet at barriers ----


@pytest.fixture
def shuffles(monkeypatch):
    """Warps as a device has them: whoever is read without being there answers with nonsense."""
    from numba.cuda.simulator.kernelapi import FakeCUDAModule

    def exchange(self, value, source):
        thread = threading.current_thread()
        self.offered = getattr(self, "offered", {})
        thread.syncthreads()
        self.offered[thread.thread_id] = value
        thread.syncthreads()
        warp = thread.thread_id // 32 * 32
        nonsense = type(value)(77)
        return self.offered.get(warp + source, nonsense) if 0 <= source < 32 else value

    def shfl_down_sync(self, mask, value, distance):
        assert mask == 0xFFFFFFFF
        return exchange(self, value, self.laneid + distance)

    def shfl_sync(self, mask, value, lane):
        assert mask == 0xFFFFFFFF
        return exchange(self, value, lane)

    monkeypatch.setattr(FakeCUDAModule, "shfl_down_sync", shfl_down_sync, raising=False)
    monkeypatch.setattr(FakeCUDAModule, "shfl_sync", shfl_sync, raising=False)


@pytest.mark.parametrize("dtype", ["f64", "f32", "i64", "u8"])
@pytest.mark.parametrize(("rows", "lanes"), [(1, 1), (3, 2), (5, 8), (2, 32), (1, 64), (2, 64)])
@pytest.mark.usefixtures("shuffles")
def test_both_bodies_agree_in_every_bit(rows, lanes, dtype):
    dtype = DType(dtype)
    step = OPS["max"].lowering.step if dtype.is_integer else "{acc} + {x}"
    x = numbers(dtype, rows, lanes)
    combine = reductions.combiner(step, dtype)
    ours = over_lanes(reductions.by_shuffles(combine, dtype.numpy.type), x)
    theirs = over_lanes(reductions.by_shared_memory(combine, dtype.numpy.type), x)
    assert ours.tobytes() == theirs.tobytes()


@pytest.mark.usefixtures("shuffles")
def test_both_bodies_keep_the_same_one_of_two_zeros():
    combine = reductions.combiner(OPS["max"].lowering.step, DType.F64)
    x = np.where(np.eye(8, dtype=bool), 0.0, -0.0)
    ours = over_lanes(reductions.by_shuffles(combine, np.float64), x)
    theirs = over_lanes(reductions.by_shared_memory(combine, np.float64), x)
    assert ours.tobytes() == theirs.tobytes()
    assert all(len({y.tobytes() for y in row}) == 1 for row in ours)
