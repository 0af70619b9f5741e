"""Loops that run by schedules evaluate their bodies as often as recurrences say: real calls are counted."""

from contextvars import ContextVar
from functools import cache

import numpy as np
import pytest
from counted_evaluations import counted_loop, counted_while, evaluations, plain, taping
from schedule_oracle import Machine, cheapest

from adcompiler import Budget, Online, Snapshots, Sqrt, StoreAll, adjoint, pipeline
from adcompiler.ir.equality import difference
from adcompiler.schedules import online
from adcompiler.schedules.binomial import Binomial
from adcompiler.schedules.tapes import Planned

X = 0.3

pytestmark = pytest.mark.filterwarnings("ignore:.* is compiled for the 8th time, as the guard that `policy`")


@pytest.fixture(autouse=True)
def unwatched(monkeypatch):
    """A round trip of the text after every pass would take most of the time."""
    monkeypatch.setattr(pipeline, "_WATCHERS", ContextVar("watchers", default=()))


@cache
def advances(n, s):
    """t(n, s), by its recurrence."""
    if n <= 1:
        return 0
    if s == 1:
        return n * (n - 1) // 2
    return min(k + advances(k, s) + advances(n - k, s - 1) for k in range(1, n))


def gradients(f, **options):
    """The gradient function, which a count is made of."""
    return adjoint(f, backend="numpy", **options)


def in_two_phases(g, n):
    """The evaluations of the way forward and of the way back."""
    _, pull = g.vjp(X, n)
    back = evaluations(lambda: pull(1.0))
    assert evaluations(lambda: pull(2.0)) == back  # it leaves what it reads as it was
    return evaluations(lambda: g.vjp(X, n)), back


# ---- counted loops ----


@pytest.mark.parametrize("slots", [0, 1, 2, 3, 5, 9])
def test_snapshots_cost_what_the_binomial_recurrence_says(slots):
    g = gradients(counted_loop(Snapshots(slots)))
    for n in [*range(14), 19, 34]:
        merged = n + advances(n, slots + 1)
        assert evaluations(lambda n=n: g(X, n)) == merged == Binomial(n, slots).evaluations
        if n in (0, 1, 2, 7, 13, 34):
            assert evaluations(lambda n=n: g.value_and_grad(X, n)) == merged
            assert in_two_phases(g, n) == (n, advances(n + 1, slots + 1) if n else 0)


@pytest.mark.parametrize(
    ("n", "slots", "repeated"),
    [(1000, 1, 28820), (1000, 2, 12155), (1000, 9, 3636), (1000, 19, 2747), (100, 9, 222), (365, 9, 1096)],
)
def test_snapshots_cost_what_is_quoted(n, slots, repeated):
    assert evaluations(lambda: GIVEN[slots](X, n)) == n + repeated


GIVEN = {slots: gradients(counted_loop(Snapshots(slots))) for slots in (1, 2, 9, 19)}


def test_a_thousand_trips_with_nine_snapshots():
    g = GIVEN[9]
    assert evaluations(lambda: g(X, 1000)) == evaluations(lambda: g.value_and_grad(X, 1000)) == 4636
    assert in_two_phases(g, 1000) == (1000, 3640)


def test_chen_s_rule_and_storing_all():
    chen, all_kept = gradients(counted_loop(Sqrt())), gradients(counted_loop(StoreAll()))
    for n in (0, 1, 2, 3, 16, 17, 100):
        assert evaluations(lambda n=n: all_kept(X, n)) == n
        assert in_two_phases(all_kept, n) == (n, 0)
        assert evaluations(lambda n=n: chen(X, n)) <= 2 * n
        assert sum(in_two_phases(chen, n)) <= 2 * n + 1
    assert evaluations(lambda: chen(X, 100)) == 190  # all but the last segment run twice


# ---- tapes that weigh more than a state ----


def test_tapes_cost_what_no_reversal_undercuts():
    """Against the shortest path over all that can be held at a time."""
    for budget in (5, 6, 7, 10, 11, 16):
        g = gradients(taping(Budget(8 * budget)), plan="store_all")
        for n in (1, 2, 4, 5):
            assert evaluations(lambda g=g, n=n: g(X, n)) == cheapest(n, Machine(1, 5, budget))
            assert sum(in_two_phases(g, n)) == Planned(n, 1, 5, budget).evaluations


def recurrence(steps, columns, tape):
    """p(n, m) of the columns m, with a tape of `tape` units and states of one."""
    p = np.full((steps + 1, columns), 10**8)
    p[0] = 0
    p[1, tape:] = 1
    k = np.arange(steps + 1)[:, None]
    for n in range(2, steps + 1):
        p[n, 1:] = (k[1:n] + p[n - 1 : 0 : -1, :-1] + p[1:n, 1:]).min(axis=0)
        p[n, tape:] = np.minimum(p[n, tape:], 1 + p[n - 1, : columns - tape])
    return p


def test_tapes_cost_what_the_recurrence_says():
    """Pinned inputs are worth at most the state that the recurrence has beside them."""
    p = recurrence(200, 82, 5)
    for budget in (5, 7, 12, 40, 80):
        g = gradients(taping(Budget(8 * budget)), plan="store_all")
        for n in (1, 2, 5, 13, 40, 200):
            made = evaluations(lambda g=g, n=n: g(X, n))
            assert made == Planned(n, 1, 5, budget).evaluations
            assert p[n, budget + 1] <= made <= p[n, budget]


def test_tapes_as_large_as_states_cost_what_is_quoted():
    p = recurrence(1000, 66, 1)
    quoted = {16: 3182, 32: 2488, 64: 1954}
    for budget, evaluated in quoted.items():
        assert p[1000, budget] == evaluated
        g = gradients(counted_loop(Budget(8 * budget)))
        assert p[1000, budget + 1] <= evaluations(lambda g=g: g(X, 1000)) <= evaluated


# ---- loops of unknown length ----


@pytest.mark.parametrize("slots", [0, 1, 3, 9, 10])
def test_online_snapshots_cost_what_their_placement_says(slots):
    g = gradients(counted_while(Online(slots)))
    for n in (0, 1, 2, slots, slots + 1, 13, 40):
        said = online.Online(n, slots).evaluations
        assert evaluations(lambda n=n: g(X, n)) == sum(in_two_phases(g, n)) == said
        if n <= (slots + 2) * (slots + 3) // 2 - 1:  # as if the trips had been known
            assert said == 2 * n + advances(n + 1, slots + 1) - n * (n > 0)


@pytest.mark.parametrize(("slots", "most"), [(9, 5597), (10, 5597), (19, 3967), (20, 3967)])
def test_a_thousand_trips_online(slots, most):
    g = gradients(counted_while(Online(slots)))
    assert sum(in_two_phases(g, 1000)) == online.Online(1000, slots).evaluations <= most


@pytest.mark.parametrize(("backend", "slots"), [("numpy", 1), ("numpy", 6), ("numba", 6)])
def test_online_loops_of_any_number_of_trips_have_the_gradient(backend, slots):
    g, without = (adjoint(f, backend=backend) for f in (counted_while(Online(slots)), plain))
    for n in (0, 1, slots, slots + 1, 50, *([10**5] if backend == "numba" else [])):
        (value, gradient), (its, expected) = g.value_and_grad(X, n), without.value_and_grad(X, n)
        np.testing.assert_allclose((value, gradient), (its, expected), rtol=1e-14)
        value, pull = g.vjp(X, n)
        np.testing.assert_allclose((value, *pull(1.0)[:1]), (its, expected), rtol=1e-14)


# ---- both backends ----


@pytest.mark.parametrize(
    "f",
    [counted_loop(Snapshots(9)), counted_loop(Sqrt()), counted_while(Online(9))],
    ids=["9", "√n", "online"],
)
def test_backends_run_the_same_program_by_the_same_schedule(f):
    """What is counted with NumPy holds for what Numba compiles."""
    programs = [adjoint(f, backend=b).programs(X, 100).compiled("gradient") for b in ("numpy", "numba")]
    (one, plans), (other, its) = (p.chosen((X, 100, 100)) for p in programs)
    assert difference(one.function, other.function) is None
    assert len(plans) == len(its)
    for a, b in zip(plans, its, strict=True):
        np.testing.assert_array_equal(a, b)
