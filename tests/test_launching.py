"""Shapes of launches: within the limits of every device, and tiles and chunks that miss nothing."""

from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcompiler.backends.cuda.device import launching, toolkit
from adcompiler.ir.errors import DeviceError

EXTENTS = st.integers(0, 10**9) | st.integers(0, 40)


@pytest.fixture(autouse=True)
def a_device(monkeypatch):
    monkeypatch.setattr(toolkit, "simulated", lambda: False)
    monkeypatch.setattr(toolkit, "limits", lambda: toolkit.GUARANTEED)


def assert_allowed(shape):
    grid, block = shape
    assert prod(block) <= 256
    for count, most in (*zip(grid, toolkit.GUARANTEED.grid, strict=False),):
        assert 1 <= count <= most
    for count, most in zip(block, toolkit.GUARANTEED.block, strict=False):
        assert 1 <= count <= most
        assert count & (count - 1) == 0  # lanes are folded by halves
    assert prod(grid) <= launching.most_blocks()


@given(st.lists(EXTENTS, max_size=5))
def test_points(extents):
    assert_allowed(launching.points(*extents))


@given(st.lists(EXTENTS, min_size=2, max_size=4))
def test_rows(extents):
    assert_allowed(launching.rows(*extents))


@given(st.lists(EXTENTS, min_size=1, max_size=2))
def test_tiles_cover_what_they_cut(extents):
    rows, columns, across, count, width = launching.tiles(*extents)
    *down, last = extents
    assert across * columns >= last > (across - 1) * columns or last == 0
    assert count // across * rows >= prod(down)
    assert rows * columns <= launching.TILE and width <= columns
    assert_allowed(launching.blocks(count))
    assert_allowed(launching.one_block(count))


@given(st.lists(EXTENTS, min_size=1, max_size=2), EXTENTS, st.booleans())
def test_chunks_cover_what_they_cut(points, along, lanes):
    count, length = launching.chunks(points, along, lanes)
    assert count >= 1 and count * length >= along
    assert count == 1 or (count - 1) * length < along
    assert count == 1 or prod(points) * count <= launching.MANY
    shape = launching.rows(*points, along) if lanes else launching.points(*points)
    assert_allowed(launching.chunked(shape, count))


def test_a_long_axis_may_be_the_third():
    _, block = launching.points(1000, 1, 1)
    assert block == (1, 1, 64)


def test_a_block_that_no_device_allows_is_refused():
    with pytest.raises(DeviceError, match=r"a block of \(2048,\) threads is larger than the device allows"):
        launching.launch(None, ((1,), (2048,)))
