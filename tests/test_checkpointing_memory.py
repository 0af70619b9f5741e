"""The memory of planned calls: as predicted, within the budget, monotone in it, never above storing all."""

import json
import os
import re
import subprocess
import sys
from contextvars import ContextVar

import budget_programs
import numpy as np
import pytest
from budget_programs import (
    PROGRAMS,
    in_straight_line,
    leapfrog,
    least,
    marked_beside,
    one_after_another,
    recurrence,
)
from counted_evaluations import evaluations
from peak_memory import measured_peak

from adcompiler import (
    Budget,
    MaxExtra,
    PlanError,
    Snapshots,
    adjoint,
    checkpointed,
    clear_buffers,
    grad,
    jvp,
    pipeline,
)

PYTHON = 6144
"""Bytes of objects of Python's: headers of arrays, tuples, numbers, what a call looks up."""

X = np.random.default_rng(1).normal(size=2000)

pytestmark = pytest.mark.filterwarnings("ignore:.* is compiled for the 8th time")


@pytest.fixture(autouse=True)
def unwatched(monkeypatch):
    """A round trip of the text after every pass would take most of the time."""
    monkeypatch.setattr(pipeline, "_WATCHERS", ContextVar("watchers", default=()))


@pytest.fixture(scope="module")
def measured():
    """What a process measures of the programs under plans, by backend."""
    found = {}

    def of(backend):
        if backend not in found:
            program = [sys.executable, budget_programs.__file__, backend]
            alone = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "ADCOMPILER_CHECK": "0"}
            out = subprocess.run(program, capture_output=True, text=True, check=True, env=alone)
            found[backend] = json.loads(out.stdout)
        return found[backend]

    return of


each = pytest.mark.parametrize(
    ("backend", "name"), [(backend, name) for backend in ("numpy", "numba") for name in PROGRAMS]
)


@each
def test_the_peak_under_every_budget_is_what_was_said(backend, name, measured):
    """With no buffers kept from calls before, and with those that the same call has left.

    Machine code copies what loops carry, and a schedule need not have moves of each kind at once: it may take
    a state less than is predicted.
    """
    state = PROGRAMS[name][1][0].nbytes if backend == "numba" else 0
    for one in measured(backend)[name].values():
        assert one["unknown"] == []
        assert 0.98 * one["peak"] - state <= one["cold"] <= one["peak"] + PYTHON
        warm = one["peak"] - one["kept"]
        assert 0.98 * warm - state <= one["warm"] <= warm + PYTHON


@each
def test_no_peak_is_above_the_budget(backend, name, measured):
    budgets = [one for one in measured(backend)[name].values() if one["budget"]]
    assert len(budgets) == 5
    for one in budgets:
        assert one["peak"] <= one["budget"]
        assert one["cold"] <= one["budget"] + PYTHON


@each
def test_auto_never_peaks_above_storing_all(backend, name, measured):
    auto, store_all = (measured(backend)[name][plan] for plan in ("auto", "store_all"))
    assert auto["peak"] <= store_all["peak"]
    assert auto["cold"] <= store_all["cold"] + PYTHON


@each
def test_a_larger_budget_costs_no_more(backend, name, measured):
    swept = [one for one in measured(backend)[name].values() if one["budget"]]
    work = [one["work"] for one in swept]
    assert work == sorted(work, reverse=True)
    assert [one["peak"] for one in swept] == sorted(one["peak"] for one in swept)


@each
def test_gradients_are_those_of_storing_all(backend, name, measured):
    """Arrays of many elements, element by element: no plan changes a bit."""
    bits = {one["bits"] for one in measured(backend)[name].values()}
    assert len(bits) == 1


# ---- sweeps of budgets ----


def counted(x, n):
    """Its trips evaluate arctan once."""
    s = x
    for _ in range(n):
        s = 0.9 * np.arctan(s) + 0.1 * x
    return np.sum(s)


def test_thirty_budgets_are_monotone_in_evaluations_and_in_measured_peaks():
    first = least(counted, (X, 40), "numpy")
    last = adjoint(counted, plan="store_all", backend="numpy").memory(X, 40).peak
    made, peaks = [], []
    for budget in np.linspace(first, 1.02 * last, 30).astype(int):
        g = adjoint(counted, plan=Budget(int(budget)), backend="numpy")
        made.append(evaluations(lambda g=g: g(X, 40)))
        peaks.append(measured_peak(lambda g=g: g(X, 40)))
        assert peaks[-1] <= budget + PYTHON
    assert made == sorted(made, reverse=True)
    assert len(set(made)) > 12
    assert made[0] == 40 * 41 // 2
    assert made[-1] == 40
    assert all(b - a > -PYTHON for a, b in zip(peaks, peaks[1:], strict=False))


@pytest.mark.parametrize("f", [recurrence, leapfrog, in_straight_line])
def test_more_work_allowed_never_means_a_higher_peak(f):
    peaks = []
    for fraction in (0.0, 0.1, 0.33, 1.0, 3.0, 1000.0):
        peaks.append(adjoint(f, plan=MaxExtra(fraction), backend="numpy").memory(X, 16).peak)
    assert peaks == sorted(peaks, reverse=True)
    assert peaks[0] <= adjoint(f, backend="numpy").memory(X, 16).peak
    assert peaks[-1] == adjoint(f, plan="recompute_all", backend="numpy").memory(X, 16).peak < 0.5 * peaks[0]


# ---- the least budget ----


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize("f", [recurrence, in_straight_line])
def test_the_least_budget_is_enough_and_a_byte_less_is_refused_before_anything_is_allocated(f, backend):
    args = np.resize(X, 10**6), 6
    fewest = least(f, args, backend)
    assert adjoint(f, plan=Budget(fewest), backend=backend).memory(*args).peak == fewest

    short = adjoint(f, plan=Budget(fewest - 1), backend=backend)
    said = f"a budget of {fewest - 1:,} bytes is too small: the least that a call takes is {fewest:,}"

    def refused():
        with pytest.raises(PlanError, match=re.escape(said)) as raised:
            short(*args)
        assert raised.value.hint == f"Budget({fewest}) is feasible"

    refused()
    assert measured_peak(refused) < args[0].nbytes / 2  # there are tables of costs, and no array of the call


def test_a_policy_too_small_for_a_trip_names_the_loop():
    def f(x, n):
        s = x
        for _ in checkpointed(range(n), Budget(8)):
            s = np.sin(s) * x
        return np.sum(s)

    with pytest.raises(
        PlanError, match=r"8 bytes are too few for this loop: one trip keeps 16,000"
    ) as raised:
        grad(f, backend="numpy")(X, 16)
    assert "for _ in checkpointed(range(n), Budget(8)):" in str(raised.value)


# ---- what a budget is shared out to ----


def nested(x, n):
    """A loop in a loop in straight-line code, a branch in it, and a loop behind it."""
    a = np.exp(-x * x) * np.tanh(x)
    s = a
    for i in range(n):
        for _ in range(4):
            s = np.sin(s * a) + 0.1 * x
        s = s * s * 0.5 if s[i] > 0.2 else s + a
    t = np.cos(s) * a
    for _ in range(n):
        t = np.sin(t) * s
    return np.sum(np.exp(-t * t) * a)


def test_one_budget_is_shared_by_loops_in_loops_branches_and_straight_lines():
    args = (X, 30)
    whole = adjoint(nested, plan="store_all", backend="numpy")
    expected, most = whole(*args), whole.memory(*args).peak
    first = least(nested, args, "numpy")
    assert first < 0.15 * most
    for budget in np.linspace(first, most, 6).astype(int):
        g = adjoint(nested, plan=Budget(int(budget)), backend="numpy")
        assert np.array_equal(g(*args), expected)
        assert 0.98 * g.memory(*args).peak <= measured_peak(lambda g=g: g(*args)) <= budget + PYTHON


def test_loops_that_share_a_budget_cost_no_more_than_halves_of_it():
    """The planner gives each the bytes that save most there: against every split in twentieths."""
    args = (X, X[:300].copy(), 30)
    first = least(one_after_another, args, "numpy")
    most = adjoint(one_after_another, backend="numpy").memory(*args).peak
    g = adjoint(one_after_another, plan=Budget((2 * first + most) // 3), backend="numpy")
    g(*args)
    program = g.programs(*args).compiled("gradient")
    (choice,) = program.planner._choices.values()
    loops = choice.loops
    given = sum(
        max(s.budget, s.tape) * loop.state / s.state for s, loop in zip(choice.schedules, loops, strict=True)
    )
    spare = given - sum(loop.least for loop in loops)
    chosen = sum(loop.again(s) for s, loop in zip(choice.schedules, loops, strict=True))
    for k in range(21):
        shares = (int(spare * k / 20), int(spare * (20 - k) / 20))
        split = sum(
            loop.again(loop.within(loop.least + share)) for loop, share in zip(loops, shares, strict=True)
        )
        assert chosen <= 1.02 * split


@pytest.mark.parametrize("plan", ["sqrt", "recompute_all", MaxExtra(1.0)], ids=str)
def test_a_plan_holds_for_loops_beside_one_that_is_marked(plan):
    g = adjoint(marked_beside, plan=plan, backend="numpy")
    expected = adjoint(marked_beside, plan="store_all", backend="numpy")
    assert np.array_equal(g(X, 40), expected(X, 40))
    assert g.memory(X, 40).peak < 0.5 * adjoint(marked_beside, backend="numpy").memory(X, 40).peak


# ---- derivatives of gradients ----


def marked(x, n):
    s = x
    for _ in checkpointed(range(n), Snapshots(3)):
        s = np.sin(s) * x + 0.2 * s
    return np.sum(s * s * 1e-3)


def unmarked(x, n):
    s = x
    for _ in range(n):
        s = np.sin(s) * x + 0.2 * s
    return np.sum(s * s * 1e-3)


def second_orders(f, x, v, **options):
    """Hessian times vector, forward over reverse and reverse over reverse, as calls."""
    g = grad(f, backend="numpy", **options)
    along = grad(lambda x: np.sum(g(x, 40) * v), backend="numpy", **options)
    return lambda: jvp(lambda x: g(x, 40), (x,), (v,), backend="numpy", **options)[1], lambda: along(x)


def test_second_derivatives_through_scheduled_loops():
    v = np.cos(np.arange(2000.0))
    calls = [
        second_orders(unmarked, X, v),
        second_orders(marked, X, v),
        second_orders(unmarked, X, v, plan="sqrt"),
        second_orders(unmarked, X, v, plan="recompute_all"),
    ]
    expected = calls[0][0]()
    for forward, reverse in calls:
        np.testing.assert_array_equal(forward(), expected)
        np.testing.assert_allclose(reverse(), expected, rtol=1e-9)


def test_a_hessian_through_a_scheduled_loop():
    x = np.array([0.4, -0.7, 1.1])
    rows = [[second_orders(f, x, e)[0]() for e in np.eye(3)] for f in (marked, unmarked)]
    np.testing.assert_array_equal(*rows)
    np.testing.assert_allclose(rows[0], np.transpose(rows[0]), rtol=1e-12)


def test_forward_over_reverse_keeps_within_the_bound_of_snapshots():
    v = np.cos(np.arange(2000.0))
    bounded, whole = (second_orders(f, X, v)[0] for f in (marked, unmarked))
    for call in (bounded, whole):
        call()
    clear_buffers()
    assert measured_peak(bounded) < 0.3 * measured_peak(whole)
