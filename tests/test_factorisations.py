"""Systems with one matrix share its factors, and nothing is factored that was not before."""

import numpy as np
import pytest
from backend_cases import N, assert_same, call_numba, call_numpy, evaluated, op, program

from adcompiler import grad
from adcompiler.ir.ops.loops import loop
from adcompiler.ir.text import to_text
from adcompiler.transforms.factorisations import share_factors

MATRIX = ("f64", "n", "n")


def turned(a):
    return op("transpose", a, axes=(1, 0))


def several(a, b, c):
    """A vector and matrices, of the matrix and of its transpose."""
    x = op("solve", a, b)
    return [x, op("solve", turned(a), c), op("solve", a, op("sin", c)), op("solve", turned(a), x)]


def before_a_loop(a, b, c):
    x = op("solve", turned(a), b)
    return loop(N, lambda i, y: [op("solve", a, y), op("solve", turned(a), y)], [x], [], [])


def in_a_loop(a, b, c):
    return loop(N, lambda i, y: [op("solve", a, op("solve", turned(a), y))], [b], [], [])


def after_a_loop(a, b, c):
    (x,) = loop(N, lambda i, y: [op("solve", a, y)], [b], [], [])
    return [op("solve", a, x)]


def of_several_matrices(a, b, c):
    return [op("solve", a, b), op("solve", op("sin", a), b)]


def count(f, name):
    """How often the text of a Function has an op."""
    return sum(1 for line in to_text(f).splitlines() if f" = {name} " in line)


@pytest.mark.parametrize(
    ("body", "factors", "solves"),
    [
        (several, 1, 0),
        (before_a_loop, 1, 0),
        (in_a_loop, 1, 0),
        (after_a_loop, 0, 2),
        (of_several_matrices, 0, 2),
    ],
)
def test_systems_with_one_matrix_share_its_factors(body, factors, solves):
    f = program("systems", body, sizes=("n", "m"), a=MATRIX, b=("f64", "n"), c=("f64", "n", "m"))
    shared = share_factors(f)
    assert (count(shared, "lu"), count(shared, "solve")) == (factors, solves)
    rng = np.random.default_rng(0)
    for n in (0, 1, 5):
        a = rng.uniform(-1, 1, (n, n)) + 4 * np.eye(n)[::-1]
        args = (a, rng.random(n), rng.random((n, 3)))
        expected = evaluated(f, args, {"n": n, "m": 3})
        assert_same(evaluated(shared, args, {"n": n, "m": 3}), expected)
        for call in (call_numpy, call_numba):
            assert_same(call(shared, args, [n, 3]), expected)


def norm_of_solution(a, b):
    return np.sum(np.linalg.solve(a, b) ** 2)


def steps(a, x, n):
    for _ in range(n):
        x = np.tanh(np.linalg.solve(a, x))
    return np.sum(x)


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_a_gradient_factors_once(backend):
    slope = grad(norm_of_solution, argnums=(0, 1), backend=backend)
    rng = np.random.default_rng(0)
    a, b = rng.random((6, 6)) + 3 * np.eye(6)[::-1], rng.random(6)
    assert slope.source(a, b).count("lu(a") == 1
    x = np.linalg.solve(a, b)
    expected = np.linalg.solve(a.T, 2 * x)
    found = slope(a, b)
    np.testing.assert_allclose(found[1], expected, rtol=1e-11)
    np.testing.assert_allclose(found[0], -np.outer(expected, x), rtol=1e-11)
    with pytest.raises(np.linalg.LinAlgError, match="^Singular matrix"):
        slope(0 * a, b)


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_what_is_not_solved_is_not_factored(backend):
    """A singular matrix does no harm where no system is solved with it."""
    slope = grad(steps, argnums=1, backend=backend)
    assert np.array_equal(slope(np.zeros((6, 6)), np.ones(6), 0), np.ones(6))
    with pytest.raises(np.linalg.LinAlgError, match="^Singular matrix"):
        slope(np.zeros((6, 6)), np.ones(6), 1)
