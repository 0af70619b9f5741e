"""The machine that runs kernels in tests: what it takes for a fault, and what not."""

import numpy as np
import pytest
from machine import Fault, machine

from adcompiler.backends.cuda.device import arrays, launching, toolkit
from adcompiler.backends.cuda.kernels import reductions

pytestmark = pytest.mark.simulator

cuda = toolkit.cuda()
total = reductions.lanes_reducer("{acc} + {x}", np.float64)


@cuda.jit
def doubled(x):
    x[cuda.grid(1)] *= 2.0


@cuda.jit
def shifted(x):
    x[cuda.grid(1)] = x[(cuda.grid(1) + 1) % x.shape[0]]


@cuda.jit
def all_to_one(x):
    x[0] = 7.0


@cuda.jit
def added(x):
    cuda.atomic.add(x, 0, 1.0)


@cuda.jit
def added_and_read(x):
    cuda.atomic.add(x, 0, 1.0)
    x[cuda.grid(1)] = x[0]


@cuda.jit
def beyond(x):
    x[cuda.grid(1) - 1] = 0.0


@cuda.jit
def exchanged(x):
    mine = x[3 - cuda.threadIdx.x]
    cuda.syncthreads()
    x[cuda.threadIdx.x] = mine


@cuda.jit
def summed(x):
    x[cuda.threadIdx.x] = total(x[cuda.threadIdx.x])


@cuda.jit
def apart(x):
    if cuda.threadIdx.x == 0:
        cuda.syncthreads()
    else:
        cuda.syncthreads()


@cuda.jit
def left(x):
    if cuda.threadIdx.x > 0:
        cuda.syncthreads()


@cuda.jit
def kept(x):
    for k in range(2):
        made = cuda.local.array(1, np.float64)
        if k == 0:
            made[0] = 1.0
            first = made
    x[cuda.grid(1)] = first[0]


def ran(kernel, seed):
    x = arrays.to_device(np.arange(4.0))
    with machine(seed):
        launching.launch(kernel, ((1,), (4,)), x)
    return arrays.to_host(x)


@pytest.mark.parametrize(
    ("kernel", "expected"),
    [(doubled, [0, 2, 4, 6]), (added, [4, 1, 2, 3]), (exchanged, [3, 2, 1, 0]), (summed, [6, 6, 6, 6])],
)
def test_what_is_right_in_every_order(kernel, expected):
    for seed in range(5):
        np.testing.assert_array_equal(ran(kernel, seed), expected)


@pytest.mark.parametrize(
    ("kernel", "message"),
    [
        (shifted, "one element"),
        (all_to_one, "write, write one element"),
        (added_and_read, "one element"),
        (beyond, r"write \(-1,\) of an array of \(4,\)"),
        (apart, "barriers in lines"),
        (left, "some threads end, others wait at a barrier"),
    ],
)
def test_faults(kernel, message):
    for seed in range(5):
        with pytest.raises(Fault, match=message):
            ran(kernel, seed)


def test_an_array_that_is_made_again_has_the_same_place():
    assert np.isnan(ran(kept, 0)).all()
