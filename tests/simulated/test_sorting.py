"""Sums at places that data decide, in the simulator, with short chunks, so that runs cross several."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from launched_kernels import cuda, empty, launch

from adcompiler.backends.cuda.kernels import scans, sorting


@pytest.fixture(autouse=True, scope="module")
def short_chunks():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sorting, "SORT_CHUNK", 16)
        patch.setattr(sorting, "RUN_CHUNK", 4)
        yield


def added(target, keys, values):
    found = cuda.to_device(target)
    sorting.add_segments(found, cuda.to_device(keys), cuda.to_device(values), watched, empty)
    return found.copy_to_host()


def watched(kernel, shape, *arguments):
    """A launch; where runs are added up each key has one, so that no two threads add to its place."""
    if kernel is sorting._chunk_runs:
        keys = arguments[1].copy_to_host()
        runs = [key for key, before in zip(keys, [None, *keys[:-1]], strict=True) if key != before]
        with_value = [key for key in runs if key != sorting.NOBODY]
        assert len(with_value) == len(set(with_value))
    launch(kernel, shape, *arguments)


def case(n, m, size, keys=None, dtype="f8"):
    """Whole numbers, whose sums are exact in any order."""
    random = np.random.default_rng(n + m + size)
    target, values = (random.integers(0, 9, (rows, m)).astype(dtype) for rows in (size, n))
    return target, np.array(random.integers(0, size, n) if keys is None else keys, np.int64), values


def numpys(target, keys, values):
    expected = target.copy()
    np.add.at(expected, keys, values)
    return expected


@pytest.mark.parametrize("dtype", ["f8", "f4", "i1", "i8", "u4"])
def test_values_are_added_where_their_keys_say(dtype):
    given_ = case(40, 2, 6, dtype=dtype)
    np.testing.assert_array_equal(added(*given_), numpys(*given_))


@pytest.mark.parametrize(
    ("n", "m", "size"),
    [(50, 1, 1), (30, 1, 300), (1, 1, 1), (4, 3, 2), (5, 1, 16), (5, 1, 17), (0, 2, 3), (3, 0, 2)],
)
def test_few_and_many_places(n, m, size):
    given_ = case(n, m, size)
    np.testing.assert_array_equal(added(*given_), numpys(*given_))


@settings(max_examples=12)
@given(st.lists(st.sampled_from([0, 1, 2, 15, 16, 40]), max_size=24))
def test_any_keys(keys):
    given_ = case(len(keys), 1, 41, keys)
    np.testing.assert_array_equal(added(*given_), numpys(*given_))


@settings(max_examples=12)
@given(st.lists(st.integers(0, 70), min_size=1, max_size=40))
def test_keys_are_sorted_and_equal_ones_keep_their_order(keys):
    found, order = sorting._sorted(cuda.to_device(np.array(keys)), 71, launch, empty)
    np.testing.assert_array_equal(order.copy_to_host(), np.argsort(keys, kind="stable"))
    np.testing.assert_array_equal(found.copy_to_host(), np.sort(keys))


def test_sums_do_not_depend_on_the_grid(monkeypatch):
    target, keys, _ = case(40, 1, 3)
    values = np.random.default_rng(1).normal(size=(40, 1))
    many = added(target, keys, values)
    for module in (scans, sorting):
        monkeypatch.setattr(module, "tasks", lambda count: ((1,), (4,)))
    monkeypatch.setattr(scans, "blocks", lambda count: ((1,), (4,)))
    assert added(target, keys, values).tobytes() == many.tobytes()


def test_a_long_run_is_shared():
    """No thread adds up more than a chunk, and lists become shorter."""
    lists = []

    def counted(kernel, shape, *arguments):
        if kernel is sorting._chunk_runs:
            lists.append((arguments[1].shape[0], arguments[-1]))
        launch(kernel, shape, *arguments)

    target, keys, values = map(cuda.to_device, case(64, 1, 1))
    sorting.add_segments(target, keys, values, counted, empty)
    assert lists == [(64, 4), (32, 4), (16, 4), (8, 4), (4, 4)]


def test_what_is_not_a_number_stays_at_its_place():
    target, keys, values = case(20, 1, 5)
    values[3] = np.nan
    found = added(target, keys, values)
    np.testing.assert_array_equal(np.isnan(found[:, 0]), np.arange(5) == keys[3])


@pytest.mark.parametrize(("dtype", "atomic"), [("f8", True), ("u4", True), ("i2", False), ("u1", False)])
def test_numbers_of_32_and_64_bits_are_added_atomically(dtype, atomic):
    kernels = []

    def counted(kernel, shape, *arguments):
        kernels.append(kernel)
        launch(kernel, shape, *arguments)

    target, keys, values = given_ = case(30, 2, 4, dtype=dtype)
    found = cuda.to_device(target)
    sorting.add_atomically(found, cuda.to_device(keys), cuda.to_device(values), counted, empty)
    np.testing.assert_array_equal(found.copy_to_host(), numpys(*given_))
    assert (sorting._add_each in kernels) == atomic
    assert (len(kernels) == 1) == atomic
