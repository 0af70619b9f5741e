"""What a program costs, counted by hand."""

import numpy as np
import pytest

from adcompiler import adjoint
from adcompiler.ir.cost import Cost, static_cost
from adcompiler.ir.ops import OPS
from adcompiler.ir.parse import parse


def cost(text, **sizes):
    """The cost of a program in text."""
    return static_cost(parse(text, OPS), sizes)


def traced(function, *args, stage="primal"):
    """The cost of a Python function, or of its gradient, at these arguments."""
    programs, operands = adjoint(function, backend="numpy").specialised(args, {})
    return static_cost(programs.stage(stage), dict(zip(programs.function.sizes, operands.sizes, strict=True)))


def test_elementwise_ops_cost_what_their_records_say():
    text = """
    func f[n](x: f64[n], unused: f64[n]) -> (f64) {
      s: f64[n] = sin x
      y: f64[n] = mul s, s
      r: f64 = sum y {axes=(0,)}
      return r
    }
    """
    assert cost(text, n=10) == Cost(flops=10 * (15 + 1 + 1), bytes=88, alive=160 + 80, exact=True)


@pytest.mark.parametrize(
    ("a", "b", "terms"),
    [((6, 7), (7, 8), 6 * 7 * 8), ((6, 7), (7,), 6 * 7), ((7,), (7, 8), 7 * 8), ((7,), (7,), 7)],
)
def test_products_of_matrices(a, b, terms):
    assert traced(np.matmul, np.ones(a), np.ones(b)).flops == 2 * terms


def test_einsum_counts_every_label_once():
    a, b = np.ones((6, 7, 8)), np.ones((6, 8, 9))
    assert traced(lambda a, b: np.einsum("bij,bjk->bik", a, b), a, b).flops == 2 * 6 * 7 * 8 * 9


def test_linear_systems():
    a, b = np.eye(6), np.ones(6)
    assert traced(np.linalg.solve, a, b).flops == 2 * (6**3 // 3 + 36)
    assert traced(np.linalg.inv, a).flops == 2 * 6**3


def test_a_loop_costs_its_trips():
    def triangle(x):
        total = 0.0
        for i in range(len(x)):
            for j in range(i):
                total += x[i] * x[j]
        return total

    found = traced(triangle, np.ones(100))
    assert (found.flops, found.exact) == (2 * sum(range(100)), True)


def test_additions_into_an_array_cost_what_is_added():
    def picked(x, i):
        return x[i] * x[0]

    gradient = traced(picked, np.ones(1000), 7, stage="gradient")
    assert gradient.flops < 10
    assert gradient.bytes == 2 * 8000


def test_integers_and_moves_are_free():
    def moved(x, n):
        return np.sum(np.concatenate([x, x])[::2].reshape(n, -1).T[0])

    assert traced(moved, np.ones(60), 6).flops == 6


def test_the_dearer_branch_counts_and_is_a_guess():
    def either(x):
        return np.sum(np.sin(x)) if x[0] > 0 else np.sum(x)

    found = traced(either, np.ones(50))
    assert (found.flops, found.exact) == (50 * 16, False)


def test_a_while_counts_its_limit_or_one_trip():
    def halved(x):
        while x > 1.0:
            x = x * 0.5
        return x

    def bounded(x, most):
        for _ in range(most):
            if x < 1.0:
                break
            x = x * 0.5
        return x

    once, many = traced(halved, 8.0), traced(bounded, 8.0, 40)
    assert (once.flops, once.exact) == (1, False)
    assert (many.flops, many.exact) == (40, False)


def test_stacks_are_alive():
    def powers(x, n):
        y = x
        for _ in range(n):
            y = np.sin(y) * x
        return np.sum(y)

    small, large = (traced(powers, np.ones(1000), n, stage="gradient").alive for n in (10, 110))
    assert large - small == pytest.approx(100 * 8000)
