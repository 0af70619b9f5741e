"""How kernels are simulated: threads that wait are threads, others take turns, and share their arrays."""

import threading
import time

import numpy as np
import pytest

from adcompiler.backends.cuda.device import simulator, toolkit
from adcompiler.backends.cuda.kernels import reductions

pytestmark = pytest.mark.simulator

cuda = toolkit.cuda()


@reductions.device
def waiting(x):
    cuda.syncthreads()
    return x


@reductions.device
def waiting_inside(x):
    return waiting(x) + 1


@reductions.device
def alone(x):
    return x + 1


def threads_of(function):
    """How many Python threads run the threads of a block that call a function."""
    seen = set()

    @cuda.jit
    def kernel(out):
        i = cuda.grid(1)
        out[i] = function(i)
        seen.add(threading.current_thread())

    out = np.zeros(8, np.int64)
    kernel[2, 4](out)
    return len(seen), out.tolist()


def test_threads_that_wait_for_others_are_threads():
    assert threads_of(waiting) == (8, [0, 1, 2, 3, 4, 5, 6, 7])
    assert threads_of(waiting_inside) == (8, [1, 2, 3, 4, 5, 6, 7, 8])
    assert threads_of(reductions.lanes_reducer("{acc} + {x}", np.int64)) == (8, [6] * 4 + [22] * 4)


def test_others_take_turns():
    assert threads_of(alone) == (1, [1, 2, 3, 4, 5, 6, 7, 8])


def test_threads_are_numbered_along_three_axes():
    @cuda.jit
    def kernel(out):
        x, y, z = cuda.grid(3)
        out[z, y, x] = 100 * z + 10 * y + x

    out = np.zeros((4, 6, 4), np.int64)
    kernel[(2, 3, 1), (2, 2, 4)](out)
    z, y, x = np.indices(out.shape)
    assert (out == 100 * z + 10 * y + x).all()


def test_an_error_in_a_kernel_is_told():
    @cuda.jit
    def kernel(out):
        out[cuda.threadIdx.x + 10] = 0.0

    with pytest.raises(IndexError):
        kernel[1, 2](np.zeros(3))


def test_one_shared_array_a_block_for_each_line_shape_and_dtype():
    made = []

    @cuda.jit
    def kernel(dtype):
        made.append(cuda.shared.array(4, dtype))
        cuda.syncthreads()

    for dtype in (np.float64, np.int8):
        made.clear()
        kernel[1, 8](dtype)
        assert len(made) == 8
        assert len(set(map(id, made))) == 1
        assert made[0].dtype == dtype


def test_threads_that_are_the_first_at_once_share_an_array(monkeypatch):
    made, empty = [], np.empty

    def slowly(*given):
        time.sleep(0.01)  # all others come by meanwhile
        return empty(*given)

    monkeypatch.setattr(simulator.np, "empty", slowly)

    @cuda.jit
    def kernel():
        made.append(cuda.shared.array(4, np.float64))
        cuda.syncthreads()

    kernel[1, 4]()
    assert len(set(map(id, made))) == 1
