"""Whole programs on the device: gradients against those of NumPy, plans, failing checks, equal bits."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest

from adcompiler import Budget, MaxExtra, PlanError, adjoint, value_and_grad
from adcompiler.backends.cuda.device import launching

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))
import kernels  # noqa: E402
import workloads  # noqa: E402

N = {"heat": 40, "lstm": 6, "lennard_jones": 9, "hmm": 9, "newton": 5}


def both(function, args, argnums=0, **options):
    """The gradient on the device, and NumPy's."""
    found = adjoint(function, argnums=argnums, backend="cuda", **options)(*args)
    expected = adjoint(function, argnums=argnums, backend="numpy")(*args)
    return (found, expected) if isinstance(found, tuple) else ((found,), (expected,))


def assert_close(found, expected, rtol=1e-12):
    for a, b in zip(found, expected, strict=True):
        assert a.dtype == b.dtype and np.shape(a) == np.shape(b)
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * max(np.max(np.abs(b), initial=0), 1e-300))


@pytest.mark.parametrize("name", kernels.NAMES)
def test_loop_kernels(name):
    kernel = kernels.load(name)
    assert_close(*both(kernel.function, kernel.arguments(N.get(name, 30)), kernel.argnums))


@pytest.mark.parametrize("name", workloads.gradients())
def test_workloads(name):
    workload, args = workloads.small(name)
    assert_close(*both(workload.function, args, workload.argnums))


# ---- one thread a trip ----


def oscillators(start, stiffness, steps):
    """The classical Runge-Kutta method, a trajectory a trip."""
    end = np.empty(len(start))
    for i in range(len(start)):
        y = start[i]
        for _ in range(steps):
            a = -stiffness * np.sin(y)
            b = -stiffness * np.sin(y + 0.05 * a)
            c = -stiffness * np.sin(y + 0.05 * b)
            d = -stiffness * np.sin(y + 0.1 * c)
            y = y + 0.1 * (a + 2.0 * b + 2.0 * c + d) / 6.0
        end[i] = y
    return np.sum(end * end)


def buffered(start, steps):
    """Each trip has arrays of its own: a short one, and one as long as there are steps."""
    end = np.empty(len(start))
    for i in range(len(start)):
        path = np.zeros(steps + 1)
        last = np.zeros(3)
        path[0] = start[i]
        for t in range(steps):
            path[t + 1] = path[t] + 0.1 * np.sin(path[t]) * path[0]
            last[t % 3] += path[t]
        end[i] = path[steps] * last[0] + last[1]
    return np.sum(end * end)


def test_trajectories_are_one_thread_each():
    args = (np.linspace(-1.0, 2.0, 7), 1.3, 5)
    assert_close(*both(oscillators, args, (0, 1)))
    source = adjoint(oscillators, argnums=(0, 1), backend="cuda").source(*args)
    host = source[source.index("def oscillators_grad(") :]
    assert not re.search(r"^ *for ", host, re.MULTILINE)  # every loop is in a kernel


def test_trips_have_arrays_of_their_own():
    args = (np.linspace(-1.0, 2.0, 7), 6)
    assert_close(*both(buffered, args))
    source = adjoint(buffered, backend="cuda").source(*args)
    assert "cuda.local.array((3,), np.float64)" in source
    assert "side_by_side((n,), (m + 1,), np.float64)" in source


# ---- plans ----


def waves(u, speed, steps):
    before = u.copy()
    total = 0.0
    for _ in range(steps):
        after = 2.0 * u - before
        after[1:-1] += speed * (u[2:] - 2.0 * u[1:-1] + u[:-2]) * np.cos(u[1:-1])
        before, u = u, after
        total += np.sum(u * u)
    return total


WAVES = (np.sin(np.arange(8.0)), 0.3, 11)


@pytest.mark.parametrize("plan", ["store_all", "sqrt", MaxExtra(0.5), Budget(4000)], ids=str)
def test_plans(plan):
    assert_close(*both(waves, WAVES, (0, 1), plan=plan))


def test_a_budget_that_is_too_small():
    gradient = adjoint(waves, backend="cuda", plan=Budget(500))
    with pytest.raises(PlanError, match="a budget of 500 bytes is too small: the least that a call"):
        gradient(*WAVES)


# ---- checks ----


def looked_up(x, places):
    total = 0.0
    for i in range(len(places)):
        total += x[places[i]] ** 2
    return total


def until_far(x, places):
    total, i = 0.0, 0
    while total < 100.0:
        total += x[places[i]] * np.sum(x)
        i += 1
    return total


@pytest.mark.parametrize("function", [looked_up, until_far])
def test_a_failing_check_raises_what_numpy_raises(function):
    x, places = np.ones(5), np.array([0, 1, 7, 2])
    messages = []
    for backend in ("cuda", "numpy"):
        with pytest.raises(IndexError) as caught:
            adjoint(function, backend=backend)(x, places)
        messages.append((str(caught.value), getattr(caught.value, "__notes__", None)))
    assert messages[0] == messages[1]


# ---- equal bits ----


def statistics(x, places):
    rows = np.exp(x - np.max(x, axis=1)[:, None])
    picked = np.sum(x, axis=0)[places]
    return np.sum(np.log(np.sum(rows, axis=1))) + np.sum(picked * picked) + np.sum(np.cumsum(x[0]))


def test_results_do_not_depend_on_the_grid(monkeypatch):
    """Sums are cut by sizes alone."""
    rng = np.random.default_rng(1)
    args = rng.normal(size=(9, 13)), rng.integers(0, 13, 30)
    compute = value_and_grad(statistics, backend="cuda")
    value, gradient = compute(*args)
    for blocks in (1, 3, 1000):
        monkeypatch.setattr(launching, "most_blocks", lambda blocks=blocks: blocks)
        again, same = compute(*args)
        assert again == value and np.array_equal(same, gradient)
    assert_close((gradient,), (adjoint(statistics, backend="numpy")(*args),))


def test_deterministic_is_a_choice():
    x, places = np.linspace(0.0, 1.0, 6), np.array([0, 3, 3, 0, 5])
    sure, quick = (
        adjoint(lambda x, p: np.sum(np.sin(x[p])), backend="cuda", deterministic=choice)
        for choice in (True, False)
    )
    assert_close((sure(x, places),), (quick(x, places),))
    assert "add_atomically" in quick.source(x, places) and "add_atomically" not in sure.source(x, places)
