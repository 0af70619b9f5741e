"""Functions that Numba compiles are differentiated as they stand, whatever the options of their decorator."""

import numba
import numpy as np
import pytest
from numba import njit, prange

from adcompiler import adjoint, check_grads

X = np.linspace(-1.0, 1.0, 7)


@njit
def sum_of_squares(x):
    s = 0.0
    for i in range(x.shape[0]):
        s += x[i] * x[i]
    return s


@njit
def cube(v):
    return v**3


@njit
def sum_of_cubes(x):
    s = 0.0
    for i in range(len(x)):
        s += cube(x[i])
    return s


def plain_around_compiled(x):
    return sum_of_cubes(2.0 * x) + sum_of_squares(x)


@njit(fastmath=True, error_model="numpy", boundscheck=True, nogil=True)
def with_options(x):
    out = np.empty_like(x)
    out[0] = x[0]
    for i in range(1, x.size):
        out[i] = np.sin(out[i - 1]) * x[i] + out[i - 1]
    return out[-1]


@njit(numba.float64(numba.float64[:]))
def with_a_signature(x):
    return x[0] * x[1]


@njit(inline="always")
def scaled(a, k):
    for i in range(len(a)):
        a[i] *= k


@numba.jit(nopython=True, fastmath={"nnan", "contract"})
def helper_that_writes(x):
    y = x.copy()
    scaled(y, 3.0)
    scaled(y[1:], 2.0)
    return np.dot(x, y)


@njit(parallel=True)
def parallel_without_prange(x):
    return np.sum(np.exp(x) * x)


@njit(parallel=True)
def with_prange(x, scale):
    s = 0.0
    out = np.zeros(len(x))
    for i in prange(len(x)):
        out[i] = scale * np.sin(x[i])
    for i in numba.prange(1, len(x)):
        s += out[i] * x[i - 1]
    return s


GRADIENTS = [
    (sum_of_squares, lambda x: 2 * x),
    (sum_of_cubes, lambda x: 3 * x**2),
    (plain_around_compiled, lambda x: 24 * x**2 + 2 * x),
    (with_a_signature, lambda x: np.r_[x[1], x[0], np.zeros(5)]),
    (helper_that_writes, lambda x: np.r_[6 * x[0], 12 * x[1:]]),
    (parallel_without_prange, lambda x: np.exp(x) * (1 + x)),
]


@pytest.mark.parametrize("function, gradient", GRADIENTS, ids=lambda f: f.__name__)
def test_as_it_stands(function, gradient):
    compiled = adjoint(function, backend="numpy")
    given = X.copy()
    np.testing.assert_allclose(compiled(given), gradient(X), rtol=1e-12)
    np.testing.assert_allclose(compiled.primal(given), getattr(function, "py_func", function)(X.copy()))
    np.testing.assert_array_equal(given, X)


def test_flags_of_the_decorator_do_not_change_the_derivative():
    check_grads(with_options, (X,))
    value, _ = adjoint(with_options).value_and_grad(X)
    assert value == pytest.approx(with_options(X), rel=1e-12)


@adjoint
@njit
def decorated(x):
    return x[0] * np.sum(x)


def test_both_decorators():
    np.testing.assert_allclose(decorated(X), np.r_[X.sum() + X[0], np.full(6, X[0])])
    assert decorated.primal(X) == pytest.approx(X[0] * X.sum())


def test_prange_is_range():
    for backend in ("numpy", "numba"):
        gradient = adjoint(with_prange, backend=backend)(X, 2.0)
        expected = 2 * np.r_[np.sin(X[1:]), 0.0] + 2 * np.r_[0.0, np.cos(X[1:]) * X[:-1]]
        np.testing.assert_allclose(gradient, expected, rtol=1e-12, atol=1e-12)
