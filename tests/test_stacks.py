"""Sums of loops that are stacks: each trip of a derived loop adds to an element of its own, to zeros."""

import numpy as np
import pytest

from adcompiler import adjoint
from adcompiler.ir.check import verify
from adcompiler.ir.equality import same
from adcompiler.ir.evaluate import evaluate
from adcompiler.ir.graph import walk
from adcompiler.ir.ops import OPS
from adcompiler.ir.parse import parse
from adcompiler.transforms.dce import dce
from adcompiler.transforms.simplify import simplify

LOOP = """func f[n](x: f64[n], y: f64[n]) -> (f64[n], f64[n]) {{
  z: f64[n] = zeros {{shape=(n,), dtype=f64}}
  a: f64[n], b: f64[n] = for {start}, y, x {{length=n, sums=2}} (i: i64, p: f64[n], q: f64[n], e: f64) {{
    t: f64 = sin e{before}
    u: f64[n] = add_at {into}, t, {place}{note}
    v: f64[n] = add_at q, t, i  # adjoint of index
    yield u, v
  }}
  return a, b
}}
"""
STACKED = """func f[n](x: f64[n], y: f64[n]) -> (f64[n], f64[n]) {
  b: f64[n], a: f64[n] = for y, x {length=n, sums=1} (i: i64, q: f64[n], e: f64) {
    t: f64 = sin e
    v: f64[n] = add_at q, t, i
    yield v, t
  }
  return a, b
}
"""
USUAL = {"start": "z", "before": "", "into": "p", "place": "i", "note": "  # adjoint of index"}


def written(**changes):
    function = parse(LOOP.format(**(USUAL | changes)), OPS)
    return function, dce(simplify(function))


def test_a_sum_becomes_a_stack():
    before, after = written()
    verify(after)
    assert same(after, parse(STACKED, OPS))
    args = np.linspace(0.5, 2.0, 5), np.arange(5.0)
    for found, expected in zip(evaluate(after, args), evaluate(before, args), strict=True):
        np.testing.assert_array_equal(found, expected)


OTHERS = {
    "the user's own": {"note": ""},
    "not from zeros": {"start": "x"},
    "always the same element": {"place": "0"},
    "two elements": {"before": "\n    w: f64[n] = add_at p, t, 0", "into": "w"},
}


@pytest.mark.parametrize("changes", OTHERS.values(), ids=OTHERS)
def test_other_sums_stay(changes):
    before, after = written(**changes)
    assert same(dce(before), after)


def test_a_sum_that_is_longer_than_the_loop_stays():
    def some(x):
        total = 0.0
        for i in range(len(x) - 2):
            total += np.sin(x[i])
        return total

    x = np.linspace(0.0, 1.0, 6)
    gradient = adjoint(some, backend="numpy")
    np.testing.assert_allclose(gradient(x), np.append(np.cos(x[:4]), [0.0, 0.0]))


def rows(x):
    total = 0.0
    for i in range(len(x)):
        for j in range(x.shape[1]):
            total += x[i, j] ** 3
        total += np.sum(x[i]) ** 2
    return total


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_gradients_of_elements_and_of_rows(backend):
    x = np.random.default_rng(0).normal(size=(4, 3))
    expected = 3.0 * x * x + 2.0 * np.sum(x, axis=1, keepdims=True)
    np.testing.assert_allclose(adjoint(rows, backend=backend)(x), expected)


def test_no_zeros_are_left_of_a_sum_of_squares():
    def squares(x):
        total = 0.0
        for i in range(len(x)):
            total += x[i] * x[i]
        return total

    gradient = adjoint(squares)
    np.testing.assert_array_equal(gradient(np.arange(40.0)), 2.0 * np.arange(40.0))
    ops = {eqn.op.name for eqn in walk(gradient.programs(np.arange(40.0)).stage("gradient").body)}
    assert not ops & {"zeros", "add_at"}
