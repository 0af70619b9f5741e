"""Random programs on the device, threads in random order: values, races, failing checks; and planted errors.

FUZZ_DEVICE_PROGRAMS asks for more of each kind.
"""

import os
import random
from contextvars import ContextVar

import affine_programs
import loop_programs
import numpy as np
import parallel_programs
import pytest
from branching_programs import branching_program
from checked_programs import checked_program
from gradient_oracle import outcome as gradient_outcome
from gradient_programs import random_gradient_program
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from machine import Fault, machine
from mixed_functions import mixed_function
from modes import floats
from random_functions import COMPUTED, functions
from simulated_oracle import arguments, assert_right

from adcompiler import pipeline
from adcompiler.backends.cuda.device import checks
from adcompiler.backends.cuda.passes import placement
from adcompiler.backends.cuda.writing import grid_nests, grids
from adcompiler.ir.types import DType

pytestmark = pytest.mark.simulator

PROGRAMS = int(os.environ.get("FUZZ_DEVICE_PROGRAMS", "4"))

SIZES = [{"n": n, "m": m} for n, m in ((5, 2), (1, 1), (0, 0), (2, 3), (9, 4))]
NONEMPTY = [{"n": 5, "m": 2}, {"n": 1, "m": 1}, {"n": 9, "m": 9}]
ONE_SIZE = [{"n": 3}, {"n": 2}, {"n": 5}]

KINDS = {
    "affine": (lambda seed: affine_programs.random_program(seed).function, SIZES),
    "loops": (loop_programs.random_program, ONE_SIZE),
    "mixed": (mixed_function, NONEMPTY),
    "mixed, f32": (lambda seed: mixed_function(seed, "f32"), NONEMPTY),
    "parallel": (parallel_programs.random_program, SIZES),
}
ORDERS = {"": 1, "a": 1, "t": 3, "aa": 4}
"""Adjoints and tangents, of every so many programs."""


@pytest.fixture(autouse=True)
def unwatched(monkeypatch):
    """Verifying and printing after every pass would take most of the time."""
    monkeypatch.setattr(pipeline, "_WATCHERS", ContextVar("watchers", default=()))
    monkeypatch.setenv("ADCOMPILER_CHECK", "0")


def derivative(f, order):
    for mode in order:
        f = pipeline.adjoint(f, floats(f), "auto") if mode == "a" else pipeline.tangent(f, floats(f))
    return pipeline.finished(f) if order else f


def examine(f, seed, sizes):
    chosen = [sizes[0], sizes[1 + seed % (len(sizes) - 1)]]
    return assert_right(f, [(arguments(f, seed, s), s) for s in chosen], seed)


@pytest.mark.parametrize("kind", KINDS)
def test_random_programs_and_their_derivatives(kind):
    make, sizes = KINDS[kind]
    for seed in range(PROGRAMS):
        for order, every in ORDERS.items():
            if seed % every == every - 1:
                examine(derivative(make(seed), order), seed, sizes)


@settings(max_examples=8 * PROGRAMS, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(functions(COMPUTED), st.integers(0, 4), st.integers(0, 3), st.integers(0, 2**30))
def test_random_functions_of_all_dtypes(f, n, m, seed):
    rng, sizes = np.random.default_rng(seed), {"n": n, "m": m}
    if not all(guard.holds(sizes) for guard in f.guards):
        return
    args = []
    for kind in (p.type for p in f.body.params):
        shape = [d.value(sizes) for d in kind.shape]
        values = rng.integers(-3, 4, shape) if kind.dtype.is_integer else rng.normal(size=shape)
        values = values > 0 if kind.dtype is DType.BOOL else values
        args.append(np.asarray(values).astype(kind.dtype.numpy)[()])
    assert_right(f, [(args, sizes)], seed)


def test_gradients_of_random_python_programs():
    for seed in range(PROGRAMS):
        with machine(seed):
            source = random_gradient_program(random.Random(seed), 3)
            assert gradient_outcome(source, seed, backend="cuda", sizes=1) != "refused"


def test_random_loops_and_branches_and_their_adjoints():
    for seed in range(-(-PROGRAMS // 2)):
        examine(branching_program(seed), seed, ONE_SIZE)
        examine(derivative(branching_program(seed), "a"), seed, ONE_SIZE[1:])


# ---- failing checks ----


def failing(seed):
    """Calls of a program of checks, in some of which an index is none."""
    f, calls = checked_program(seed), []
    for k, sizes in enumerate(({"n": 9, "m": 4}, {"n": 2, "m": 1}, {"n": 0, "m": 0})):
        rng = np.random.default_rng([seed, k])
        n, m, highest = sizes["n"], sizes["m"], rng.choice([0.85, 0.93, 1.0])
        places = rng.integers(0, max(n, 1), n)
        if n and rng.random() < 0.5:
            places[rng.integers(n)] = n + 3
        calls.append(([*(rng.uniform(0.3, highest, shape) for shape in (n, n, (n, m))), places], sizes))
    return f, calls


def test_the_check_that_fails_first_is_raised():
    assert sum(assert_right(*failing(seed), seed) for seed in range(5 * PROGRAMS)) > PROGRAMS


# ---- planted errors ----


def _programs(seeds):
    for seed in seeds:
        assert_right(*failing(seed), seed)
        for kind in ("affine", "parallel", "mixed"):
            make, sizes = KINDS[kind]
            examine(make(seed), seed, sizes)


def _owned(eqn, known):
    return eqn.op.name == "for"


MUTANTS = {
    "the trips of every loop are independent": (placement, "independent", _owned),
    "launches have no number": (checks.Failures, "turn", lambda self: (self.words, 7)),
    "every trip is a point": (grids, "_role", lambda root, depth, tree: grids.Role.OWN),
    "every lane stores what one should": (grid_nests.RowNest, "_stored", lambda self, text: text),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_random_programs_see_a_planted_error(name, monkeypatch):
    monkeypatch.setattr(*MUTANTS[name])
    with pytest.raises((AssertionError, Fault)):
        for seed in range(40):
            assert_right(*failing(seed), seed)
            for make, sizes in (KINDS["parallel"], KINDS["mixed"]):
                examine(make(seed), seed, sizes)
