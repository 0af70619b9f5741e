"""Slices between integers that data decide: lengths that follow, those that do not, and bounds that are held.

Values and gradients of whole programs of this kind are in `user_slices.py`.
"""

import numpy as np
import pytest
from user_slices import triangular_factors

from adcompiler import value_and_grad
from adcompiler.frontend.capture import capture
from adcompiler.frontend.provenance import HEAVIEST, Provenance, eliminated, is_opaque
from adcompiler.ir.build import Builder, building
from adcompiler.ir.errors import ShapeError
from adcompiler.ir.graph import Value, walk
from adcompiler.ir.ops import OPS
from adcompiler.ir.types import I64, ArrayType, Dim

X = np.linspace(0.1, 0.9, 40)
V = np.linspace(0.5, 1.5, 11)


def window(x, v, at, shift):
    """v times the window of x that begins at data, moved by a size."""
    return np.sum(v * x[at[0] + shift : at[0] + v.size + shift])


# ---- what is bound ----


def test_both_bounds_of_a_slice_are_in_one_size():
    program = capture(triangular_factors, (np.zeros((2, 12)), np.zeros((2, 66)))).function
    bound = [eqn for eqn in walk(program.body) if eqn.op.name == "bind"]
    kinds = [eqn.attrs["kind"] for eqn in walk(program.body) if eqn.op.name == "check"]
    assert len(bound) == 1
    # each bound is not negative, and the second lies in the array
    assert kinds == ["ValueError", "ValueError", "IndexError"]


def test_an_element_that_changes_in_between_is_another_integer():
    def f(x, r):
        r = r.copy()
        first = r[0]
        r[0] += 2
        return np.sum(x[first : r[0] + x.size - 9]) + np.sum(x[r[0] : r[0] + 3])

    value, gradient = value_and_grad(f, backend="numpy")(X, np.array([3, 0]))
    assert value == pytest.approx(np.sum(X[3:36]) + np.sum(X[5:8]))
    expected = np.zeros(40)
    expected[3:36] += 1.0
    expected[5:8] += 1.0
    np.testing.assert_array_equal(gradient, expected)


def test_equal_elements_of_two_arrays_are_two_integers():
    def f(x, r, q, v):
        return v * x[r[0] : q[0] + v.size]

    with pytest.raises(ShapeError, match=r"with shapes \(11,\) \(max\(k_2 - k_1, 0\),\)"):
        value_and_grad(f, backend="numpy")(X, np.array([3]), np.array([3]), V)


def test_a_range_between_data_that_differ_by_a_size_has_a_known_length():
    def f(x, at, n):
        s = 1.0
        for k in range(at[0], at[0] + n):
            s = s * x[k] + 0.1
        return s

    program = capture(f, (X, np.array([3]), 12)).function
    (loop,) = (eqn for eqn in walk(program.body) if eqn.op.name == "for")
    assert str(loop.attrs["length"]) == "m"
    assert not [eqn for eqn in walk(program.body) if eqn.op.name == "bind"]


# ---- bounds ----


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_bounds_are_held(backend):
    compiled = value_and_grad(window, backend=backend)
    value, gradient = compiled(X, V, np.array([7]), 2)
    assert value == pytest.approx(np.sum(V * X[9:20]))
    np.testing.assert_array_equal(gradient, np.concatenate([np.zeros(9), V, np.zeros(20)]))
    assert compiled(X, V, np.array([27]), 2)[0] == pytest.approx(np.sum(V * X[29:]))
    with pytest.raises(IndexError, match=r"^slice bound k_1 \+ m lies outside of the array: NumPy would"):
        compiled(X, V, np.array([28]), 2)
    with pytest.raises(ValueError, match="^a slice bound must not be negative"):
        compiled(X, V, np.array([-3]), 2)


def test_a_first_bound_below_zero_may_not_be_what_the_size_is_of():
    """at is negative, its sum with 2 is not: only what is a bound is checked."""
    value, _ = value_and_grad(window, backend="numpy")(X, V, np.array([-2]), 2)
    assert value == pytest.approx(np.sum(V * X[:11]))


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize("size", [1, 3, 11])
def test_a_bound_that_overflows_is_no_bound(backend, size):
    largest = np.array([np.iinfo(np.int64).max])
    with np.errstate(over="ignore"), pytest.raises((ValueError, IndexError)):
        value_and_grad(window, backend=backend)(X[:size], V, largest, 0)


def test_a_length_below_zero_is_an_error():
    def f(x, at, n):
        first, last = at[0] + n, at[0] + 3
        return np.sum(x) * np.zeros(last - first).size

    compiled = value_and_grad(f, backend="numpy")
    assert compiled(X, np.array([3]), 0)[0] == pytest.approx(3 * np.sum(X))
    with pytest.raises(ValueError, match="^negative dimensions are not allowed"):
        compiled(X, np.array([3]), 12)


def test_a_slice_whose_length_is_below_zero_is_empty():
    def f(x, at, n):
        return np.sum(x[at[0] + n : at[0] + 3]) + x[0]

    compiled = value_and_grad(f, backend="numpy")
    for n in (0, 1, 3, 12):
        assert compiled(X, np.array([3]), n)[0] == pytest.approx(np.sum(X[3 + n : 6]) + X[0])


# ---- provenance ----


def noted(write):
    """The polynomial of what `write(a, b)` computes of two integers, and those of a and b."""
    known, builder = Provenance(), Builder(OPS)
    a, b = Value(ArrayType(I64), "a"), Value(ArrayType(I64), "b")
    with building(builder):
        result = write(a, b)
    for eqn in builder.eqns:
        known.note(eqn)
    return known.polynomial(result), known.polynomial(a), known.polynomial(b)


def test_sums_differences_and_products_are_polynomials():
    found, a, b = noted(lambda a, b: (a + b) * (a - b) + 3)
    assert found == a * a - b * b + 3
    assert is_opaque(found)


def test_what_one_op_computes_twice_is_one_integer():
    absolute = OPS["abs"]
    found, *_ = noted(lambda a, b: absolute(a - b) - absolute(a - b))
    assert found == Dim()
    other, *_ = noted(lambda a, b: absolute(a - b) - absolute(b - a))
    assert is_opaque(other)


def test_large_coefficients_are_not_computed_with():
    found, a, _ = noted(lambda a, b: a * 2**31)
    assert found == a * 2**31
    found, a, _ = noted(lambda a, b: a * 2**31 + a)
    assert a.name not in found.names()


def test_heavy_polynomials_are_not_computed_with():
    def power(a, b):
        total = a + b
        for _ in range(8):
            total = total * total
        return total

    found, *_ = noted(power)
    assert found.weight() <= HEAVIEST


def test_a_size_replaces_an_opaque_term_where_it_divides():
    a, b, n, k = map(Dim.of, ("?1", "?2", "n", "k"))
    assert eliminated(2 * a + b, "k", a + n) == 2 * k - 2 * n + b
    assert eliminated(4 * a + 1, "k", 2 * a) == 2 * k + 1
    assert eliminated(3 * a, "k", 2 * a) == 3 * a
    assert eliminated(a, "k", b) == a
