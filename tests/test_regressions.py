"""What once went wrong, by behaviour."""

import numpy as np
import pytest

from adcompiler import adjoint, grad, jvp, value_and_grad, vjp
from adcompiler.ir.errors import ArgumentError, CaptureError

BACKENDS = pytest.mark.parametrize("backend", ["numpy", "numba"])


def central(f, x, h=1e-6):
    """The gradient of a scalar function of one array by central differences."""
    g = np.zeros_like(x)
    for k in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[k] += h
        down[k] -= h
        g[k] = (f(up) - f(down)) / (2 * h)
    return g


# ---- loops whose length is read from data, or changes from trip to trip ----


def rows(data, indices, starts, x):
    s = 0.0
    for i in range(len(starts) - 1):
        t = 0.0
        for k in range(starts[i], starts[i + 1]):
            t += data[k] * x[indices[k]]
        s += np.sin(t) * t
    return s


SPARSE = np.array([0, 2, 1, 3, 0, 2]), np.array([0, 2, 3, 3, 6, 6]), np.array([0.3, -0.7, 1.1, 0.4])


@pytest.mark.parametrize("plan", ["auto", "store_all"])
def test_the_adjoint_of_a_loop_has_the_length_of_that_trip(plan):
    data = np.linspace(-1, 1, 6)
    gradient = grad(rows, backend="numpy", plan=plan)(data, *SPARSE)
    np.testing.assert_allclose(gradient, central(lambda d: rows(d, *SPARSE), data), atol=1e-9)


def test_a_pullback_knows_lengths_read_from_data():
    def products(data, indices, starts, x):
        y = np.zeros(len(starts) - 1)
        for i in range(len(starts) - 1):
            for k in range(starts[i], starts[i + 1]):
                y[i] += data[k] * x[indices[k]]
        return y

    _, pull = adjoint(products, (0, 3), backend="numpy").vjp(np.ones(6), *SPARSE)
    indices, starts, x = SPARSE
    bars, _ = pull(np.arange(5.0))
    np.testing.assert_allclose(bars, x[indices] * np.repeat(np.arange(5.0), np.diff(starts)))


def test_a_pullback_knows_lengths_of_arrays_it_is_handed():
    def segments(x, starts):
        return np.prod(x[starts[0] : starts[1]]) + np.prod(x[starts[1] : starts[2]])

    _, pull = adjoint(segments, backend="numpy").vjp(np.arange(1.0, 6.0), np.array([0, 2, 5]))
    np.testing.assert_allclose(pull(1.0)[0], [2, 1, 20, 15, 12])


def test_what_cannot_be_kept_is_computed_again():
    def energy(x):
        e = 0.0
        for i in range(len(x)):
            for j in range(i + 1, len(x)):
                d = x[i] - x[j]
                e += 1.0 / np.sqrt(np.sum(d * d) + 0.1)
        return e

    x = np.random.default_rng(0).normal(size=(6, 7))
    np.testing.assert_allclose(grad(energy, backend="numpy")(x), central(energy, x), atol=1e-8)


def test_a_state_in_a_ragged_loop():
    def f(x):
        s = 0.3
        for i in range(len(x)):
            for j in range(i):
                s = np.sin(s * x[j])
        return s

    x = np.linspace(0.5, 1.5, 9)
    np.testing.assert_allclose(grad(f, backend="numpy")(x), central(f, x), atol=1e-8)


def test_off_diagonal_elements_at_any_size():
    def off_diagonal(x):
        s = 0.0
        for i in range(len(x)):
            for j in range(len(x)):
                if i != j:
                    s = s + x[i] * x[j]
        return s

    f = adjoint(off_diagonal, backend="numpy")
    for n in (10, 100):
        x = np.arange(float(n))
        np.testing.assert_allclose(f(x), 2 * (x.sum() - x))


def test_slices_of_two_arrays_have_one_length_in_every_trip():
    def back_substitution(u, b):
        n = len(b)
        x = np.zeros(n)
        for i in range(n - 1, -1, -1):
            x[i] = (b[i] - u[i, i + 1 :] @ x[i + 1 :]) / u[i, i]
        return np.sum(x**2)

    rng = np.random.default_rng(1)
    u, b = np.triu(rng.normal(size=(6, 6))) + 3 * np.eye(6), rng.normal(size=6)
    expected = central(lambda b: np.sum(np.linalg.solve(u, b) ** 2), b)
    np.testing.assert_allclose(grad(back_substitution, 1, backend="numpy")(u, b), expected, atol=1e-8)


# ---- trees and arguments ----


def test_a_cotangent_has_none_where_the_value_has():
    value, pull = vjp(lambda x: (x.sum(), {"a": x * 2, "b": [None, 3]}), np.ones(3), backend="numpy")
    assert value[1]["b"] == [None, 3]
    np.testing.assert_array_equal(pull((1.0, {"a": np.ones(3), "b": [None, None]}))[0], [3, 3, 3])


def test_a_tangent_with_other_keys_is_refused():
    with pytest.raises(ArgumentError, match="the tangent of `p` has the structure"):
        jvp(lambda p: p["a"] - p["b"], ({"a": 1.0, "b": 2.0},), ({"a": 1.0, "c": 0.0},), backend="numpy")


def test_argnums_counts_the_arguments_that_a_star_takes():
    def f(x, *others):
        return x * others[0] * others[1]

    assert grad(f, 1, backend="numpy")(2.0, 3.0, 5.0) == 10.0
    assert grad(f, (0, 2), backend="numpy")(2.0, 3.0, 5.0) == (15.0, 6.0)
    assert vjp(f, 2.0, 3.0, 5.0, backend="numpy")[1](1.0) == (15.0, 10.0, 6.0)


# ---- arrays that are not plain ----


@pytest.mark.filterwarnings("ignore:the matrix subclass")
@pytest.mark.parametrize("kind", [np.matrix, np.ma.MaskedArray])
def test_arrays_of_other_arithmetic_are_refused(kind):
    special = kind([[1.0, 2.0], [3.0, 4.0]])
    with pytest.raises(ArgumentError, match=f"argument `x` is a {kind.__name__}, whose arithmetic may"):
        grad(lambda x: np.sum(x * x), backend="numpy")(special)
    with pytest.raises(ArgumentError, match=f"argument `special` is a {kind.__name__}"):
        grad(lambda x: np.sum(special * x), backend="numpy")(np.ones((2, 2)))
    with pytest.raises(CaptureError, match=f"a {kind.__name__} is made, whose arithmetic may"):
        grad(lambda x: np.sum(kind([[1.0, 2.0]]) * x), backend="numpy")(np.ones((1, 2)))


@BACKENDS
def test_mapped_files_are_arrays(backend, tmp_path):
    x = np.memmap(tmp_path / "x", dtype=float, mode="w+", shape=(6,))
    x[:] = 2.0
    gradient = grad(lambda x: np.sum(x**2), backend=backend)(x)
    assert type(gradient) is np.ndarray and gradient.tolist() == [4.0] * 6


@BACKENDS
@pytest.mark.parametrize("dtype", ["f8", "f4", ">f8"])
def test_arrays_of_rank_zero_are_taken(backend, dtype):
    value, gradient = value_and_grad(lambda x: x * x, backend=backend)(np.array(0.5, dtype))
    assert value == 0.25 and gradient == 1.0
    assert gradient.dtype == np.dtype(dtype).newbyteorder("=")


# ---- numbers ----


@BACKENDS
def test_a_python_float_is_divided_as_numpy_divides(backend):
    value, gradient = value_and_grad(lambda x: 1.0 / x, backend=backend)(0.0)
    assert value == np.inf and gradient == -np.inf
    assert type(gradient) is np.float64


def test_integers_that_loops_carry_are_compared():
    def mean_of_evens(x):
        k, s = 0, 0.0
        for v in x:
            k += 2
            s += v * k
        return s / max(k, 1)

    gradient = adjoint(mean_of_evens, backend="numpy")
    np.testing.assert_allclose(gradient(np.ones(10)), np.arange(2.0, 21.0, 2.0) / 20)
    assert gradient.primal(np.zeros(0)) == 0.0


def test_complex_numbers_are_refused():
    with pytest.raises(CaptureError, match="complex numbers are not supported"):
        grad(lambda x: np.abs(x * (1 + 2j)), backend="numpy")(1.0)


# ---- ufuncs and indices ----


def test_methods_of_ufuncs_are_captured():
    def scattered(x, k):
        out = np.zeros(3)
        np.add.at(out, k, x)
        np.subtract.at(out, k, 2 * x**2)
        return np.sum(out**2) + np.sum(np.subtract.outer(x, out) ** 3) + np.add.reduce(x)

    x, k = np.linspace(0.1, 1, 5), np.array([0, 2, 2, 0, 2])
    np.testing.assert_allclose(
        grad(scattered, backend="numpy")(x, k), central(lambda x: scattered(x, k), x), atol=1e-7
    )


def test_out_may_be_given_by_place():
    def f(x):
        out = np.empty_like(x)
        np.multiply(x, 3.0, out)
        np.add(out, x, out)
        return np.sum(out)

    np.testing.assert_array_equal(grad(f, backend="numpy")(np.ones(5)), np.full(5, 4.0))


def test_a_mask_whose_elements_are_known_selects():
    def f(x):
        return np.sum(x[np.array([True, False, True])] ** 2)

    np.testing.assert_array_equal(grad(f, backend="numpy")(np.arange(3.0)), [0, 0, 4])


def test_methods_of_arrays_that_are_not_supported_are_named():
    with pytest.raises(CaptureError, match="`.view` of an array is not supported"):
        grad(lambda x: np.sum(x.view()), backend="numpy")(np.ones(3))


def test_an_index_times_a_size_is_not_one_number():
    def strides(x, trips, m):
        s = 0.0
        for i in range(trips):
            s += np.sin(x[i * m + 3]) * x[i * m + 3]
            x[i * m] = 0.5 * s
        return s

    x = np.linspace(0.1, 0.9, 40)
    expected = central(lambda x: strides(x.copy(), 10, 3), x)
    np.testing.assert_allclose(grad(strides, backend="numpy")(x, 10, 3), expected, atol=1e-8)


def test_a_broadcast_number_that_only_its_own_nest_reads():
    def wave(x, w):
        return np.sum(np.sin(w * x) * x)

    def slope(x, w):
        return np.sum(np.cos(w * x) * x * x)

    x = np.linspace(0.1, 1.0, 7)
    tangent = jvp(grad(wave, 1), (x, 0.7), (np.zeros(7), 1.0))[1]
    np.testing.assert_allclose(grad(wave, 1)(x, 0.7), slope(x, 0.7))
    np.testing.assert_allclose(tangent, -np.sum(np.sin(0.7 * x) * x**3))


def test_sizes_that_are_computed_again_and_again():
    """Their polynomials would double in each of these steps."""

    def digits(x, k):
        s = 0.0
        for i in range(len(x)):
            for _ in range(6):
                k = 3 * k % 7 + k // 2
            s = s + k * x[i]
        return s

    x = np.arange(1.0, 5.0)
    numbers, k = [], 5
    for _ in range(4):
        for _ in range(6):
            k = 3 * k % 7 + k // 2
        numbers.append(float(k))
    np.testing.assert_array_equal(grad(digits, backend="numpy")(x, 5), numbers)
