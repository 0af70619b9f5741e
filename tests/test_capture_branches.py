"""Branches that data decide: captured programs give what Python gives, and so do their gradients."""

import math
import textwrap

import numpy as np
import pytest
from branch_array_programs import ALIASES, ARRAYS, LOOPS
from branch_programs import EXPRESSIONS, NUMBERS, RETURNS, SHORT_CIRCUITS
from captured_programs import assert_captured, load, run_captured

from adcompiler import grad
from adcompiler.frontend.capture import capture
from adcompiler.ir.errors import CaptureError
from adcompiler.ir.graph import walk


def vector(n, seed=0):
    return np.random.default_rng(seed).uniform(-1.0, 1.0, n)


def ops(captured):
    return [eqn.op.name for eqn in walk(captured.function.body)]


# ---- numbers ----

POINTS = [(2.0, 0.3), (0.5, -0.7), (-0.4, 0.8), (-2.0, -0.2), (0.0, 0.0), (0.0, 1.0), (math.nan, 0.4)]


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers(name):
    f = load(NUMBERS[name])["f"]
    for first in (0, 2):
        points = [*POINTS[first:], *POINTS[:first]]
        if name == "an assertion in a branch":
            points = [p for p in points if not math.isnan(p[0])]
        assert_captured(f, *points)


# ---- expressions ----


@pytest.mark.parametrize("expression", sorted(EXPRESSIONS))
def test_expressions(expression):
    f = load(f"def f(x, y):\n    return {expression}")["f"]
    for first in (0, 2):
        assert_captured(f, *POINTS[first:], *POINTS[:first])


def test_cheap_conditions_are_joined_without_a_branch():
    f = load("def f(x, y):\n    return 0.0 < x < y and (x + 1.0 < 2.0 * y or x == 3.0)")["f"]
    captured = assert_captured(f, *POINTS)
    assert "if" not in ops(captured)


@pytest.mark.parametrize("name", SHORT_CIRCUITS)
def test_what_python_does_not_evaluate_is_not_evaluated(name):
    f = load(SHORT_CIRCUITS[name])["f"]
    a = np.array([0.1, 0.9, 0.2])
    assert_captured(f, (a, 12), (a, 3), (a, 0))


RAISES = {
    "an index": (
        "return np.zeros(3)[5] * x",
        IndexError,
        "index( 5)? is out of bounds for axis 0 with size 3",
    ),
    "a division": ("return x * (1 // 0)", ZeroDivisionError, "integer division or modulo by zero"),
    "a list": ("return [x][3]", IndexError, "list index out of range"),
    "a key": ("return {'a': x}['b']", KeyError, "'b'"),
    "an assertion": ("assert x < 0, 'x is positive'", AssertionError, "x is positive"),
    "an assertion that is known": ("assert False, 'never'", AssertionError, "never"),
}


@pytest.mark.parametrize("name", RAISES)
def test_an_error_in_a_branch_is_raised_where_the_branch_is_taken(name):
    line, error, message = RAISES[name]
    f = load(f"def f(x):\n    if x > 1.0:\n        {line}\n    return x * x")["f"]
    captured = assert_captured(f, (0.5,), (-1.0,))
    with pytest.raises(error, match=message):
        f(2.0)
    with pytest.raises(error, match=message):
        run_captured(captured, f, (2.0,))
    assert next(e for e in walk(captured.function.body) if e.op.name == "check").location.line == 3


# ---- returns ----


@pytest.mark.parametrize("name", RETURNS)
def test_returns(name):
    f = load(RETURNS[name])["f"]
    for first in (0, 2):
        assert_captured(f, *POINTS[first:6], *POINTS[:first])


# ---- arrays ----


def calls(n):
    up, down = np.abs(vector(n)), -np.abs(vector(n, 1))
    return [(up, down), (down, up), (down, 2.0 * down), (up, 2.0 * up)]


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays(name):
    f = load(ARRAYS[name])["f"]
    with np.errstate(invalid="ignore"):
        assert_captured(f, *calls(6), *calls(5))
        assert_captured(f, *calls(5)[::-1])


@pytest.mark.parametrize("name", ALIASES)
def test_what_depends_on_the_data_s_aliases_is_refused(name):
    f = load(ALIASES[name])["f"]
    with pytest.raises(CaptureError, match="share memory|holds depends|changes a list|another name"):
        capture(f, calls(5)[0])


# ---- loops ----


@pytest.mark.parametrize("name", LOOPS)
def test_loops(name):
    f = load(LOOPS[name])["f"]
    assert_captured(
        f, (vector(12), vector(12, 1)), (vector(9, 2), vector(9, 3)), (vector(23, 4), vector(23, 5))
    )


GRID = """
    def f(u, c):
        n, m = u.shape
        out = np.zeros((n, m))
        for i in range(n):
            for j in range(m):
                if {test}:
                    out[i, j] = {edge}
                else:
                    out[i, j] = {inner}
        return out
"""
FIVE = "u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + u[i, j + 1] - 4.0 * u[i, j]"
GRIDS = {
    "or": ("i == 0 or j == 0 or i == n - 1 or j == m - 1", "u[i, j]", FIVE),
    "not and": ("not (i > 0 and j > 0 and i < n - 1 and j < m - 1)", "u[i, j]", FIVE),
    "and": ("0 < i < n - 1 and 0 < j < m - 1", FIVE, "u[i, j]"),
    "not or": ("not (i == 0 or j == 0 or i == n - 1 or j == m - 1)", FIVE, "u[i, j]"),
    "in": ("i >= 1 and j != 0 and not i == n - 1 and m - 1 > j", FIVE, "u[i, j]"),
}


@pytest.mark.parametrize("name", GRIDS)
def test_boundaries_need_no_checks(name):
    test, edge, inner = GRIDS[name]
    f = load(GRID.format(test=test, edge=edge, inner=inner))["f"]
    grids = [vector(n * m, n).reshape(n, m) for n, m in ((9, 10), (12, 11), (10, 9))]
    captured = assert_captured(f, *((u, 0.5) for u in grids))
    assert not {"check", "where"} & set(ops(captured))
    assert ops(captured).count("if") == 1


FACTS = {
    "ternary": "s += x[i - 1] if i > 0 else 0.0",
    "else of equal": "s += 0.0 if i == 0 else x[i - 1]",
    "size as a test": "s += x[i - 1] if i else 0.0",
    "with data": "s += x[i - 1] if i > 0 and x[i - 1] > 0 else 0.0",
    "data first": "s += x[i - 1] if x[i] > 0 and i > 0 else 0.0",
    "a flag": "inside = i > 0 and x[i] > 0\n        s += x[i - 1] if inside else 1.0",
    "a negated flag": "edge = i == 0 or x[i] > 0\n        s += 1.0 if edge else x[i - 1]",
    "continue": "if i == 0:\n            continue\n        s += x[i - 1]",
    "assert": "assert i < len(x)\n        s += x[i]",
    "the last": "if i != len(x) - 1:\n            s += x[i + 1]",
    "twice": "if i > 1:\n            s += x[i - 1]\n            if i > 2:\n                s += x[i - 2]",
}


@pytest.mark.parametrize("name", FACTS)
def test_a_branch_knows_what_its_test_says_of_indices(name):
    f = load(f"def f(x):\n    s = 0.0\n    for i in range(len(x)):\n        {FACTS[name]}\n    return s")["f"]
    captured = assert_captured(f, (vector(12),), (vector(9, 1),), (vector(10, 2),))
    assert not {"check", "where"} & set(ops(captured))


def test_what_is_decided_by_sizes_is_decided_while_tracing():
    f = load("""
        def f(x):
            s = 0.0
            for i in range(len(x)):
                if len(x) > 3 and i >= 0:
                    s += x[i]
            return s
    """)["f"]
    captured = assert_captured(f, (vector(12),), (vector(9, 1),))
    assert "if" not in ops(captured)
    assert run_captured(captured, f, (vector(2),)) is None


def test_an_assertion_on_sizes_holds_afterwards():
    f = load("""
        def f(x, starts):
            s = 0.0
            for i in range(len(starts)):
                k = starts[i]
                for j in range(k):
                    assert j < len(x)
                    s += x[j]
            return s
    """)["f"]
    captured = assert_captured(f, (vector(12), np.array([3, 12, 0, 5, 6, 7, 8, 9, 1])))
    kinds = [e.attrs["kind"] for e in walk(captured.function.body) if e.op.name == "check"]
    assert "IndexError" not in kinds
    with pytest.raises(AssertionError):
        run_captured(captured, f, (vector(12), np.array([3, 13, 0, 5, 6, 7, 8, 9, 1])))


# ---- gradients ----

GRADIENTS = {
    **{f"loop: {name}": LOOPS[name] for name in LOOPS if name != "a state"},
    **{f"array: {name}": ARRAYS[name] for name in ARRAYS},
}


TOTAL = """
    def loss(x, y):
        s = 0.0
        for k, part in enumerate(leaves(f({x}, {y}))):
            s = s + (k + 1.0) * np.sum(np.sin(part))
        return s

    def leaves(returned):
        if isinstance(returned, (tuple, list)):
            return [leaf for part in returned for leaf in leaves(part)]
        return [returned]
"""


def loss_of(source, x, y):
    """A scalar of everything that the program `f` returns."""
    return load(textwrap.dedent(source) + textwrap.dedent(TOTAL).format(x=x, y=y))["loss"]


def difference(loss, args, k, j, step=1e-6):
    """Central difference with respect to element j of argument k."""

    def at(h):
        moved = [np.array(x) for x in args]
        moved[k][j] += h
        return loss(*(x if x.ndim else float(x) for x in moved))

    return (at(step) - at(-step)) / (2 * step)


def assert_gradient(loss, *args):
    found = grad(loss, argnums=(0, 1), backend="numpy")(*args)
    for k, gradient in enumerate(found):
        for j in np.ndindex(np.shape(gradient)):
            assert np.isclose(gradient[j], difference(loss, args, k, j), rtol=1e-6, atol=1e-8), (k, j)


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients_of_arrays(name):
    loss = loss_of(GRADIENTS[name], "x * 1.0", "y * 1.0")
    if name == "array: a branch that is not taken with NaN":
        assert_gradient(loss, np.abs(vector(6)), vector(6, 1))
    else:
        for seed in (0, 4):
            assert_gradient(loss, vector(6, seed), vector(6, seed + 1))


SCALARS = {
    name: source for name, source in (NUMBERS | RETURNS).items() if name not in ("booleans", "nothing")
}


@pytest.mark.parametrize("name", SCALARS)
def test_gradients_of_numbers(name):
    loss = loss_of(SCALARS[name], "x", "y")
    for x, y in POINTS[:4]:
        assert_gradient(loss, x, y)
