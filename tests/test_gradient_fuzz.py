"""Gradients of random programs: against differences, in both modes, at other sizes; and what they found."""

import random
from contextvars import ContextVar

import numpy as np
import pytest
from captured_programs import load
from gradient_oracle import Wrong, outcome
from gradient_programs import random_gradient_program

from adcompiler import adjoint, pipeline
from adcompiler.backends import memory
from adcompiler.frontend import specialise
from adcompiler.transforms import activity, nest, reverse


@pytest.fixture(autouse=True)
def unwatched(monkeypatch):
    """A round trip of the text after every pass would take ten times as long as all the rest."""
    monkeypatch.setattr(pipeline, "_WATCHERS", ContextVar("watchers", default=()))


def tried(seeds, longest=2, **options):
    """What becomes of each program; raises `Wrong` for one with wrong numbers."""
    programs = (random_gradient_program(random.Random(seed), longest) for seed in seeds)
    return [outcome(program, seed, **options) for program, seed in zip(programs, seeds, strict=True)]


@pytest.mark.parametrize("block", range(6))
def test_gradients_of_random_programs_are_right_or_refused(block):
    found = tried(range(10 * block, 10 * block + 6), sizes=2)
    found += tried(range(10 * block + 6, 10 * block + 9), sizes=2, plan="store_all")
    found += tried([10 * block + 9], sizes=1, second_order=True)
    assert found.count("right") >= 8


def test_gradients_of_random_programs_are_right_in_machine_code():
    assert tried([19, 39, 59], backend="numba", sizes=1) == ["right"] * 3


# ---- planted errors ----

MUTANTS = {
    "an array is read again where it was overwritten": (nest, "never_meet", lambda *_: True),
    "a carry varies only where its start does": (activity, "state_count", lambda attrs: 0),
    "a stretched axis is not summed": (reverse, "unbroadcast", lambda ct, primal: ct),
    "an array that is still read is overwritten": (memory.Scope, "dies", lambda *_: True),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_random_programs_see_a_planted_error(name, monkeypatch):
    monkeypatch.setattr(specialise, "_BY_CODE", {})
    monkeypatch.setattr(*MUTANTS[name])
    with pytest.raises(Wrong):
        tried(range(40), longest=4, sizes=1)


# ---- found by random programs ----


@pytest.mark.parametrize(
    ("target", "items"),
    [("e", "x"), ("e", "h[:, 0]"), ("_, e", "enumerate(x)"), ("e, _", "zip(x, h)"), ("e", "reversed(x)")],
)
@pytest.mark.parametrize("n", [3, 9])
def test_a_loop_sees_what_it_writes_into_what_it_iterates_over(target, items, n):
    """An unrolled loop had read every item before its first trip."""
    f = load(f"""
        def f(x):
            x = 1.0 * x
            h = np.outer(x, x)
            s = 0.0
            for {target} in {items}:
                s = 0.5 * s + e
                x[0] = s
                x[-1] = 2.0 * s
                h[-1, 0] = 3.0 * s
            return s
    """)["f"]
    x = np.linspace(0.1, 0.8, n)
    gradient = adjoint(f, backend="numpy")
    assert gradient.primal(x) == pytest.approx(f(x), rel=1e-14)
    slopes = [f(x + 0.5 * e) - f(x - 0.5 * e) for e in np.eye(n)]  # exact: f is at most quadratic
    np.testing.assert_allclose(gradient(x), slopes, rtol=1e-12)


@pytest.mark.parametrize(("test", "trip"), [("i", 0), ("i - 1", 1), ("i != 2", 2), ("i < 8", 8)])
def test_not_of_an_index_is_a_condition_on_it(test, trip):
    f = load(f"""
        def f(x):
            s = 0.0
            for i in range(len(x)):
                if not {test}:
                    s = 0.5 * s + 3.0 * x[i]
            return s
    """)["f"]
    np.testing.assert_array_equal(adjoint(f, backend="numpy")(np.ones(9)), 3.0 * (np.arange(9) == trip))
