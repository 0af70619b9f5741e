"""Under every plan a gradient has the bits that it has where all is stored."""

import random
from contextvars import ContextVar

import numpy as np
import pytest
from affine_programs import random_program
from hypothesis import given, settings
from hypothesis import strategies as st
from loop_oracle import arguments
from modes import random_like
from scheduled_runs import Planned, hostile, marked, planned, same_bits

from adcompiler import pipeline
from adcompiler.backends import numba_backend
from adcompiler.frontend.capture import capture
from adcompiler.ir.errors import DerivativeError, PlanError
from adcompiler.ir.evaluate import evaluate
from adcompiler.transforms.residuals import PLANS


@pytest.fixture(autouse=True)
def unwatched(monkeypatch):
    """A round trip of the text after every pass would take most of the time."""
    monkeypatch.setattr(pipeline, "_WATCHERS", ContextVar("watchers", default=()))


# ---- random programs ----


@given(st.integers(0, 10**6))
@settings(max_examples=4)
def test_random_loops_under_random_plans_have_the_bits_of_storing_all(seed):
    """Loops in loops, ragged ones and branches, at sizes some make no trip, with NaN and signed zeros."""
    rng = random.Random(seed)
    function = random_program(seed).function
    if seed % 3 == 0:
        function = marked(function, rng)
    try:
        programs = [planned(function, residuals, "numpy") for residuals in PLANS]
    except DerivativeError:
        return
    except PlanError as error:  # a policy at a ragged loop
        assert "cannot follow its policy" in str(error)
        return
    for n, m in ((5, 2), (9, 7), (1, 0)):
        sizes = {"n": n, "m": m}
        with np.errstate(all="ignore"):
            args = (hostile if seed % 2 else arguments)(function, seed, sizes)
            args += random_like(evaluate(function, args, sizes), np.random.default_rng(seed))
            expected = programs[list(PLANS).index("store_all")].expected(args, sizes)
            for program in programs:
                assert same_bits(program.expected(args, sizes), expected)
                differ_under_plans(program, args, sizes, expected, rng, 2)


def differ_under_plans(program: Planned, args, sizes, expected, rng, plans):
    """Nothing does: the same bits under so many plans."""
    for _ in range(plans if program.scheduled.loops else 0):
        two_phase = rng.random() < 0.3
        plan = program.random_plan(rng, sizes, two_phase)
        assert same_bits(program.run(args, sizes, plan, two_phase), expected), (plan, two_phase)


# ---- machine code ----


def scalars(x, w):
    s, t = x[0], x[1]
    for i in range(x.shape[0]):
        s = np.exp(-s * s) * x[i] + 0.1 * s * t
        t = np.tanh(t * w[0] + x[i]) - s / (1.0 + t * t)
    return s * t


def arrays(x, w):
    s = x
    for i in range(w.shape[0]):
        s = np.sin(s * w[i]) * x + s * s * 0.1 if s[i] > 0.0 else np.exp(-s * s) * w[i] + np.log1p(s * s)
    return np.sum(s)


def until(x, w):
    s, k = x[0], 0
    while k < x.shape[0]:
        for _ in range(w.shape[0]):
            s = np.sin(s * w[k % 3] + x[k])
        k += 1
    return s * w[0]


def spoilt(array):
    """The array with NaN, infinity and zeros of both signs in it."""
    array = array.copy()
    array[5:9] = [np.nan, -0.0, 0.0, np.inf]
    return array


def compiled(function, dtype):
    """A function under every plan in machine code, what it stores and what it does not, and its arguments."""
    rng = np.random.default_rng(3)
    x, w = rng.normal(size=14).astype(dtype), rng.normal(size=11).astype(dtype)
    captured = capture(function, (x, w))
    calls = [[a, w, dtype(1.0)] for a in (x, spoilt(x))]
    calls += [[np.where(x > 0, dtype(0.0), dtype(-0.0)), -0.0 * w, dtype(-0.0)]]
    program = planned(captured.function, "auto", "numba")
    assert program.scheduled.loops
    stored = pipeline.compiled(
        pipeline.adjoint(captured.function, [0, 1], "store_all"), pipeline.Options.of("numba", parallel=False)
    )
    sizes = dict(zip(captured.function.sizes, (14, 11), strict=True))
    return program, stored, calls, sizes


@pytest.mark.parametrize(
    ("function", "dtype"), [(scalars, np.float64), (arrays, np.float32), (until, np.float64)]
)
def test_machine_code_as_written_has_the_bits_of_storing_all(function, dtype, monkeypatch):
    """As written: without contraction of a product and a sum, which depends on the code around them."""
    decorator = numba_backend._decorator
    written = 'fastmath={"contract"}'

    def uncontracted(options, kernel):
        assert written in decorator(options, kernel)
        return decorator(options, kernel).replace(written, "fastmath=False")

    monkeypatch.setattr(numba_backend, "_decorator", uncontracted)
    program, stored, calls, sizes = compiled(function, dtype)
    rng = random.Random(0)
    for args in calls:
        expected = program.expected(args, sizes)
        if function is not scalars:  # there, what is replayed is computed many elements at a time
            assert same_bits(expected, stored.call(*args, *sizes.values()))
        differ_under_plans(program, args, sizes, expected, rng, 25)


def test_machine_code_is_within_rounding_of_storing_all():
    program, stored, (args, *_), sizes = compiled(scalars, np.float64)
    rng = random.Random(1)
    expected = stored.call(*args, *sizes.values())
    for _ in range(25):
        found = program.run(args, sizes, program.random_plan(rng, sizes))
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-14, atol=1e-14 * np.max(np.abs(b)))
