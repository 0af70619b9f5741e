"""Programs whose products and systems are calls of libraries, in the simulator."""

import numpy as np
import pytest
from backend_cases import N, assert_fresh, assert_same, evaluated, op, program

from adcompiler.backends import compile_function
from adcompiler.ir.build import origin
from adcompiler.ir.errors import Location
from adcompiler.ir.ops.loops import loop
from adcompiler.transforms.factorisations import share_factors

MATRIX, OTHER, STACK, VECTOR = ("f64", "n", "n"), ("f64", "n", "m"), ("f64", "m", "n", "n"), ("f64", "n")


def turned(a):
    return op("transpose", a, axes=(1, 0))


def powers(a, b, c, s, x):
    """A product in a loop of the host is written into its row."""
    return loop(N, lambda i, y: [op("matmul", op("tanh", y), a), y], [a], [], [])


def rows_of_a_stack(a, b, c, s, x):
    return loop("m", lambda i, y, row: [op("matmul", row, y), op("solve", row, y)], [x], [], [s])


def batches(a, b, c, s, x):
    return [op("einsum", s, s, subscripts="bij,bkj->bik"), op("einsum", s, x, subscripts="bij,j->bi")]


def systems(a, b, c, s, x):
    y = op("solve", turned(a), b)
    return [y, op("solve", a, op("sin", y)), op("inv", a), op("solve", turned(a), x)]


def steps(a, b, c, s, x):
    """Systems with one matrix in a loop share the factors that were made before it."""
    return loop(N, lambda i, y: [op("solve", turned(a), op("solve", a, y))], [op("solve", a, x)], [], [])


def triangles(a, b, c, s, x):
    lower = op("cholesky", c)
    y = op("solve_triangular", lower, b, lower=True, unit=False)
    return [op("solve_triangular", turned(lower), y, lower=False, unit=False)]


def determinants(a, b, c, s, x):
    return [op("mul", op("detsign", a), op("logabsdet", a)), op("logabsdet", op("mul", c, 0.0))]


def arguments(n, m):
    rng = np.random.default_rng(n)
    a = rng.uniform(-1, 1, (n, n)) + 4 * np.eye(n)[::-1]
    s = rng.uniform(-1, 1, (m, n, n)) + 4 * np.eye(n)
    return [a, rng.random((n, m)), a @ a.T + np.eye(n), s, rng.random(n)]


def compiled(body):
    kinds = dict(zip("abcsx", (MATRIX, OTHER, MATRIX, STACK, VECTOR), strict=True))
    f = share_factors(program(body.__name__, body, sizes=("n", "m"), **kinds))
    return f, compile_function(f, "cuda")


@pytest.mark.parametrize("body", [powers, rows_of_a_stack, batches, systems, steps, triangles, determinants])
def test_programs(body):
    f, code = compiled(body)
    for n, m in ((5, 3), (1, 2), (0, 2)):
        args = arguments(n, m)
        found = code.call(*args, n, m)
        assert_same(found, evaluated(f, args, {"n": n, "m": m}))
        assert_fresh(found, args)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (systems, "Singular matrix"),
        (steps, "Singular matrix"),
        (triangles, "Matrix is not positive definite"),
    ],
)
def test_what_cannot_be_computed_is_an_error_at_the_users_line(body, message):
    def located(*params):
        with origin(Location("model.py", 3)):
            return body(*params)

    located.__name__ = body.__name__
    _, code = compiled(located)
    with pytest.raises(np.linalg.LinAlgError, match=f"^{message}") as caught:
        code.call(*(0 * x for x in arguments(4, 2)), 4, 2)
    assert "model.py:3" in "".join(caught.value.__notes__)
