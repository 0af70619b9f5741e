"""Symbolic sizes: what they print, and that arithmetic on them is arithmetic on their values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcompiler.ir.literals import dim
from adcompiler.ir.tokens import Cursor
from adcompiler.ir.types import Dim

N, M = Dim.of("n"), Dim.of("m")


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (Dim(), "0"),
        (1 + N, "n + 1"),
        (3 - N * M, "-m*n + 3"),
        (N // 2, "n // 2"),
        ((N + 1) // 2, "(n + 1) // 2"),
        ((-N) // 2, "(-n) // 2"),
        (N * M // 2, "m*n // 2"),
        ((N // 2) // 3, "n // 2 // 3"),
        (N // 2 + N, "n + n // 2"),
        (N - N // 2, "n - (n // 2)"),
        (-(N // 2), "-(n // 2)"),
        (3 * ((N + 1) // 2), "3*((n + 1) // 2)"),
        (M * (N // 2), "m*(n // 2)"),
        ((N - 1).positive(), "max(n - 1, 0)"),
        ((N - 1).positive() // 2, "max(n - 1, 0) // 2"),
        ((2 * N + 4) // 2, "n + 2"),
    ],
    ids=str,
)
def test_sizes_print_as_people_write_them(size: Dim, text: str) -> None:
    assert str(size) == text


def _grown(sizes: st.SearchStrategy[Dim]) -> st.SearchStrategy[Dim]:
    small = st.integers(-3, 3)
    return st.one_of(
        st.builds(lambda a, b: a + b, sizes, sizes | small),
        st.builds(lambda a, b: a - b, sizes, sizes | small),
        st.builds(lambda a, b: a * b, sizes, sizes | small),
        st.builds(lambda a, d: a // d, sizes, st.integers(1, 4)),
        st.builds(lambda a: a.positive(), sizes),
    )


SIZES = st.recursive(st.sampled_from([N, M, Dim.of(2)]), _grown, max_leaves=6)
VALUES = st.fixed_dictionaries({"n": st.integers(0, 9), "m": st.integers(0, 9)})


@given(SIZES, VALUES)
def test_the_text_of_a_size_is_python_for_its_value(size: Dim, values: dict[str, int]) -> None:
    assert eval(str(size), {"max": max}, dict(values)) == size.value(values)


@given(SIZES)
def test_the_text_of_a_size_is_read_back(size: Dim) -> None:
    assert dim(Cursor(str(size))) == size


@given(SIZES, SIZES, VALUES)
def test_arithmetic_is_that_of_the_values(a: Dim, b: Dim, values: dict[str, int]) -> None:
    x, y = a.value(values), b.value(values)
    found = [a + b, a - b, a * b, 5 - a, a // 3, a.positive()]
    assert [size.value(values) for size in found] == [x + y, x - y, x * y, 5 - x, x // 3, max(x, 0)]


@given(SIZES, SIZES, VALUES)
def test_a_size_may_be_another(size: Dim, other: Dim, values: dict[str, int]) -> None:
    if other.value(values) < 0:
        other = other.positive()
    replaced = size.substitute({"n": other})
    assert "n" in other.names() or "n" not in replaced.names()
    assert replaced.value(values) == size.value({**values, "n": other.value(values)})


@given(SIZES, VALUES)
def test_what_is_never_negative_is_not(size: Dim, values: dict[str, int]) -> None:
    assert size.value(values) >= 0 or not size.never_negative()
