"""Device arrays in the simulator: contents, lifetimes of their memory, what the pool keeps."""

import gc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import adcompiler
from adcompiler.backends.cuda.device import arrays, driver_memory, pool
from adcompiler.ir.errors import DeviceMemoryError

SHAPES = [(), (0,), (5,), (2, 0, 3), (3, 4), (2, 3, 4)]
DTYPES = [np.float64, np.float32, np.int64, np.bool_]


@pytest.fixture(autouse=True)
def empty_pool():
    adcompiler.clear_buffers()
    yield
    adcompiler.clear_buffers()


def numbers(shape, dtype):
    return np.arange(1, 1 + np.prod(shape, dtype=int)).reshape(shape).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_there_and_back(shape, dtype):
    array = numbers(shape, dtype)
    there = arrays.to_device(array)
    back = arrays.to_host(there)
    np.testing.assert_array_equal(back, array)
    assert (back.dtype, back.shape, there.dtype, tuple(there.shape)) == (dtype, shape, dtype, shape)


@pytest.mark.parametrize("shape", SHAPES)
def test_zeros_in_memory_that_was_used(shape):
    used = arrays.to_device(numbers(shape, np.float64))
    del used
    np.testing.assert_array_equal(arrays.to_host(arrays.zeros(shape, np.float64)), np.zeros(shape))


@pytest.mark.simulator
def test_memory_that_nobody_wrote_is_no_number():
    assert np.isnan(arrays.to_host(arrays.empty((3,), np.float64))).all()


def test_a_copy_of_a_strided_array_is_contiguous_and_apart():
    array = numbers((3, 4), np.float64)
    there = arrays.to_device(array)
    copied = arrays.copy(there.T)
    assert copied.is_c_contiguous()
    there[0, 0] = 100.0
    np.testing.assert_array_equal(arrays.to_host(copied), array.T)


def test_a_strided_array_of_the_host_is_copied_as_it_reads():
    array = numbers((4, 6), np.float64)[::2, ::-1]
    np.testing.assert_array_equal(arrays.to_host(arrays.to_device(array)), array)


def test_memory_serves_again_when_the_last_view_is_gone():
    first = arrays.to_device(numbers((64,), np.float64))
    view = first[1:3]
    del first
    assert arrays.SHARED.idle_bytes == 0
    np.testing.assert_array_equal(arrays.to_host(view), [2.0, 3.0])
    del view
    assert arrays.SHARED.idle_bytes == 512
    again = arrays.empty((8, 8), np.float64)
    assert arrays.SHARED.idle_bytes == 0
    del again


def test_arrays_alive_never_share_memory():
    alive = [arrays.to_device(np.full(10, float(k))) for k in range(5)]
    del alive[2]
    alive.insert(2, arrays.to_device(np.full(10, 2.0)))
    assert [arrays.to_host(a)[9] for a in alive] == [0.0, 1.0, 2.0, 3.0, 4.0]


@given(st.integers(1, 2**40))
def test_blocks_are_a_little_larger(size):
    block = pool.rounded(size)
    assert size <= block <= max(size + size // 8, pool.SMALLEST * -(-size // pool.SMALLEST))
    assert block % pool.SMALLEST == 0
    assert pool.rounded(block) == block


def test_sizes_have_few_kinds():
    assert len({pool.rounded(size) for size in range(2**20, 2**21)}) == 8 + 1


@pytest.fixture
def small(monkeypatch):
    """A pool that keeps 4 KiB, on a device of 8 KiB; and what was allocated there."""
    alive = []

    class Memory(bytearray):
        def __del__(self):
            alive.remove(len(self))

    def allocate(size):
        if sum(alive) + size > 8192:
            raise driver_memory.NoRoom
        alive.append(size)
        return Memory(size)

    monkeypatch.setattr(driver_memory, "allocate", allocate)
    monkeypatch.setattr(driver_memory, "free_bytes", lambda: 8192 - sum(alive))
    monkeypatch.setattr(pool, "most_kept", lambda: 4096)
    return pool.Pool(), alive


def test_the_pool_lets_go_of_what_was_not_used_for_longest(small):
    mine, alive = small
    blocks = [mine.take(size) for size in (1024, 2048, 2560)]
    for block in blocks:
        mine.give_back(block)
    del blocks, block
    assert mine.idle_bytes == 2560  # 1024 + 2048 + 2560 is more than 4096, 2048 + 2560 as well
    assert alive == [2560]
    mine.clear()
    assert (mine.idle_bytes, alive) == (0, [])


def test_a_block_of_the_same_size_serves_again(small):
    mine, alive = small
    first = mine.take(1000)
    mine.give_back(first)
    assert mine.take(700) is first
    assert alive == [1024]


def test_what_is_kept_makes_room(small):
    mine, alive = small
    mine.give_back(mine.take(4096))
    large = mine.take(8192)
    assert alive == [8192] and mine.idle_bytes == 0
    assert large.kind == (0, 8192)


@pytest.mark.simulator
def test_arrays_in_cycles_make_room(small):
    mine, alive = small
    with arrays.memory_from(mine):
        cycle = [arrays.empty((4096,), np.uint8)]
        cycle.append(cycle)
        del cycle
        gc.disable()
        try:
            arrays.empty((8192,), np.uint8)
        finally:
            gc.enable()
    assert alive == [8192]


def test_no_room(small):
    mine, _ = small
    held = mine.take(6000)
    with pytest.raises(DeviceMemoryError) as caught:
        mine.take(3000)
    assert str(caught.value) == "the GPU has no room for an array of 3,072 bytes, and 2,048 are free"
    assert (caught.value.asked, caught.value.free) == (3072, 2048)
    assert isinstance(caught.value, MemoryError) and isinstance(caught.value, adcompiler.AdcompilerError)
    assert held.kind == (0, 6144)


@settings(max_examples=50)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5), st.integers(1, 40)), max_size=40))
def test_whatever_is_made_and_dropped_keeps_its_contents(steps):
    alive = {}
    for made, name, size in steps:
        if made:
            alive[name] = arrays.to_device(np.full(size * 16, name)), size * 16
        else:
            alive.pop(name, None)
        for number, (array, length) in alive.items():
            np.testing.assert_array_equal(arrays.to_host(array), np.full(length, number))


def test_memory_of_another_pool():
    mine = pool.Pool()
    with arrays.memory_from(mine):
        inside = arrays.empty((10,), np.float64)
    del inside
    assert (mine.idle_bytes, arrays.SHARED.idle_bytes) == (512, 0)
