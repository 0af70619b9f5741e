"""Running sums in the simulator, with short chunks, so that small arrays have several."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from launched_kernels import cuda, empty, launch

from adcompiler.backends.cuda.kernels import scans


@pytest.fixture(autouse=True, scope="module")
def short_chunks():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scans, "ROW_CHUNK", 20)
        patch.setattr(scans, "COLUMN_CHUNK", 5)
        yield


def running_sum(x, axis, reverse=False):
    out = empty(x.shape, x.dtype)
    scans.running_sum(cuda.to_device(x), out, axis, reverse, launch, empty)
    return out.copy_to_host()


def numpys(x, axis, reverse=False):
    along = -1 if reverse else 1
    flipped = np.moveaxis(np.moveaxis(x, axis, 0)[::along], 0, axis)
    sums = np.cumsum(flipped, axis, dtype=x.dtype)
    return np.moveaxis(np.moveaxis(sums, axis, 0)[::along], 0, axis)


def whole_numbers(shape, dtype, seed=0):
    """Floats whose sums are exact in any order; integers that overflow."""
    random = np.random.default_rng(seed)
    if np.dtype(dtype).kind == "f":
        return random.integers(-9, 10, shape).astype(dtype)
    info = np.iinfo(dtype)
    return random.integers(info.min, info.max, shape, dtype, endpoint=True)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(
    ("shape", "axis"),
    [((47,), 0), ((3, 25), 1), ((7,), 0), ((3, 7), 1), ((33, 2), 0), ((2, 6, 3), 1), ((1, 1), 1)],
)
def test_running_sums_are_numpys(shape, axis, reverse):
    x = whole_numbers(shape, np.float64)
    np.testing.assert_array_equal(running_sum(x, axis, reverse), numpys(x, axis, reverse))


@pytest.mark.parametrize("shape", [(45,), (12, 2)])
@pytest.mark.parametrize("dtype", ["f4", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"])
def test_every_dtype(dtype, shape):
    x = whole_numbers(shape, dtype)
    np.testing.assert_array_equal(running_sum(x, 0), numpys(x, 0))


@settings(max_examples=15)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=3), st.data())
def test_any_shape(shape, data):
    axis = data.draw(st.integers(0, len(shape) - 1))
    reverse = data.draw(st.booleans())
    x = whole_numbers(shape, np.float64, seed=sum(shape))
    np.testing.assert_array_equal(running_sum(x, axis, reverse), numpys(x, axis, reverse))


@pytest.mark.parametrize(("shape", "axis"), [((50,), 0), ((23, 2), 0)])
def test_sums_do_not_depend_on_the_grid(shape, axis, monkeypatch):
    x = np.random.default_rng(1).normal(size=shape)
    many = running_sum(x, axis)
    monkeypatch.setattr(scans, "blocks", lambda count: ((1,), (4,)))
    monkeypatch.setattr(scans, "tasks", lambda count: ((1,), (4,)))
    assert running_sum(x, axis).tobytes() == many.tobytes()


def test_a_sum_may_replace_its_terms():
    x = cuda.to_device(np.arange(1.0, 48.0))
    scans.running_sum(x, x, 0, False, launch, empty)
    np.testing.assert_array_equal(x.copy_to_host(), np.cumsum(np.arange(1.0, 48.0)))


def test_a_nan_reaches_what_comes_after_it_alone():
    x = np.ones(45)
    x[21] = np.nan
    np.testing.assert_array_equal(np.isnan(running_sum(x, 0)), np.arange(45) >= 21)
    np.testing.assert_array_equal(np.isnan(running_sum(x, 0, True)), np.arange(45) <= 21)
