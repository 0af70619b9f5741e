"""Bounds of indices: what is shown is true at every value, and what programs need is shown."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcompiler.ir.affine import nonnegative
from adcompiler.ir.types import Dim

N, M, INDEX, J, K = (Dim.of(name) for name in ("n", "m", "i", "j", "k"))
TRIPS = (N - 1).positive()


def in_range(dim, low, high, bounds):
    """Whether `low <= dim < high` is shown."""
    return nonnegative(dim - low, bounds) and nonnegative(high - dim - 1, bounds)


SHOWN = [
    (INDEX, 0, N, {"i": (Dim(), N - 1)}),
    (INDEX + 1, 0, N, {"i": (Dim(), N - 2)}),
    (INDEX + 1 - 1, 0, N, {"i": (Dim(), N - 2)}),
    (Dim(), 0, N, {"i": (Dim(), N - 1)}),
    (N - 1, 0, N, {"i": (Dim(), N - 1)}),
    (N - 1 - INDEX, 0, N, {"i": (Dim(), N - 1)}),
    (J, 0, N, {"i": (Dim(), N - 1), "j": (Dim(), INDEX - 1)}),
    (INDEX + 1 + J, 0, N, {"i": (Dim(), N - 1), "j": (Dim(), N - INDEX - 2)}),
    (INDEX * M + J, 0, N * M, {"i": (Dim(), N - 1), "j": (Dim(), M - 1)}),
    (INDEX * 2 + 1, 0, N * 2, {"i": (Dim(), N - 1)}),
    (INDEX, 0, TRIPS, {"i": (Dim(), N - 2)}),
    (INDEX + 1, 0, N, {"i": (Dim(), TRIPS - 1)}),
    (INDEX, 0, N + 3, {"i": (Dim(), N - 1)}),
]


@pytest.mark.parametrize("dim, low, high, bounds", SHOWN, ids=str)
def test_the_indices_of_ordinary_loops_are_shown_in_range(dim, low, high, bounds):
    assert in_range(dim, low, high, bounds)


NOT_SHOWN = [
    (INDEX - 1, 0, N, {"i": (Dim(), N - 1)}),
    (INDEX + 1, 0, N, {"i": (Dim(), N - 1)}),
    (INDEX, 0, M, {"i": (Dim(), N - 1)}),
    (K, 0, N, {"k": (Dim(), None)}),
    (J + INDEX, 0, N, {"i": (Dim(), N - 1), "j": (Dim(), INDEX - 1)}),
    (INDEX * INDEX, 0, N, {"i": (Dim(), N - 1)}),
    (N - 1, 0, N, {}),
]


@pytest.mark.parametrize("dim, low, high, bounds", NOT_SHOWN, ids=str)
def test_what_may_be_out_of_range_is_not_shown(dim, low, high, bounds):
    assert not in_range(dim, low, high, bounds)


def test_a_fact_shows_what_follows_from_it():
    assert not nonnegative(N - 3, {})
    assert nonnegative(N - 3, {}, [N - 4])
    assert nonnegative(N - 3, {}, [N - 3])


@given(st.lists(st.integers(-3, 3), min_size=6, max_size=6), st.integers(0, 3), st.integers(-3, 3))
def test_whatever_is_shown_is_true(c, low, gap):
    """All sizes up to 4, and every value of two nested indices within the bounds."""
    dim = INDEX * c[0] + J * c[1] + N * c[2] + (N + c[3]).positive() * c[4] + c[5]
    first, second = (Dim.of(low), N + gap), (Dim(), INDEX + 1)
    if not nonnegative(dim, {"i": first, "j": second}):
        return
    for n, i, j in product(range(5), range(-4, 9), range(10)):
        sizes = {"n": n, "i": i, "j": j}
        inside = all(
            b[0].value(sizes) <= sizes[x] <= b[1].value(sizes) for x, b in (("i", first), ("j", second))
        )
        assert not inside or dim.value(sizes) >= 0
