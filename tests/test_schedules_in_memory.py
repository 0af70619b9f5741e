"""Schedules of the fewest evaluations in a given memory: optimal, within it, and monotone in it."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from schedule_oracle import Machine, cheapest

from adcompiler.schedules.actions import replay
from adcompiler.schedules.binomial import Binomial
from adcompiler.schedules.tapes import Planned, Units, bundled, plan

NEVER = 10**8


def recurrence(steps, columns, tape):
    """
    p(n, m) of a loop whose start costs a unit too: int64 [steps + 1, columns].

    p(1, m) = 1 if m >= tape;
    p(n, m) = min(1 + p(n - 1, m - tape), min over k of k + p(n - k, m - 1) + p(k, m)).
    """
    p = np.full((steps + 1, columns), NEVER)
    p[1, tape:] = 1
    k = np.arange(steps + 1)[:, None]
    for n in range(2, steps + 1):
        p[n, 1:] = (k[1:n] + p[n - 1 : 0 : -1, :-1] + p[1:n, 1:]).min(axis=0)
        p[n, tape:] = np.minimum(p[n, tape:], 1 + p[n - 1, : columns - tape])
    return np.minimum(p, NEVER)


def counted(planned, steps, state, tape, budget):
    """The evaluations of a schedule, replayed, after its peak has been held against the budget."""
    counts = replay(planned.actions(), steps)
    assert counts.taped == steps
    assert counts.peak(state, tape) <= budget
    return counts.evaluations


SMALL = [
    (state, tape, budget)
    for state, tape in [(1, 1), (1, 2), (2, 3), (2, 1), (3, 1)]
    for budget in range(tape, 8, 1 + (state + tape > 3))
]


@pytest.mark.parametrize(("state", "tape", "budget"), SMALL)
def test_no_reversal_is_cheaper(state, tape, budget):
    for steps in range(6):
        planned = Planned(steps, state, tape, budget)
        least = cheapest(steps, Machine(state, tape, budget))
        assert planned.evaluations == least
        assert counted(planned, steps, state, tape, budget) == least


@pytest.mark.parametrize(("state", "tape", "budget"), [(1, 1, 3), (1, 2, 5), (2, 1, 5)])
def test_no_reversal_of_seven_steps_is_cheaper(state, tape, budget):
    assert Planned(7, state, tape, budget).evaluations == cheapest(7, Machine(state, tape, budget))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_replayed_counts_are_those_planned(data):
    state, tape = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 5))
    steps, budget = data.draw(st.integers(0, 60)), data.draw(st.integers(tape, 40))
    planned = Planned(steps, state, tape, budget)
    assert counted(planned, steps, state, tape, budget) == planned.evaluations


QUOTED = {
    1: {16: 3182, 32: 2488, 64: 1954},
    4: {16: 4239, 64: 2503, 90: 2009, 91: 1997, 100: 1989},
    8: {16: 5284, 64: 2767, 128: 2023},
}


@pytest.mark.parametrize("tape", QUOTED)
def test_pinned_inputs_are_worth_at_most_one_state(tape):
    p = recurrence(1000, 130, tape)
    assert {m: int(p[1000, m]) for m in QUOTED[tape]} == QUOTED[tape]
    for m in QUOTED[tape]:
        assert p[1000, m + 1] <= Planned(1000, 1, tape, m).evaluations <= p[1000, m]
        assert p[1000, m] <= Planned(1000, 1, tape, m - 1).evaluations <= p[1000, m] + 1


def test_the_recurrence_bounds_every_small_loop():
    for tape in (1, 2, 3, 5):
        p = recurrence(40, 24, tape)
        for steps in range(1, 41):
            for m in range(tape, 23):
                assert p[steps, m + 1] <= Planned(steps, 1, tape, m).evaluations <= p[steps, m]


def test_forty_three_states_beside_the_inputs():
    assert Planned(1024, 1, 1, 43).evaluations == recurrence(1024, 45, 1)[1024, 44] == 2082
    assert plan(1024, 80_000, 80_000, 43 * 80_000).evaluations == 2082


def test_twice_the_steps_needs_ninety_units_where_chen_needs_126():
    assert min(m for m in range(80, 120) if Planned(1000, 1, 4, m).evaluations <= 2000) == 90


@pytest.mark.parametrize(
    ("state", "tape", "steps"),
    [(80, 80, 300), (1000, 3333, 100), (64, 8, 250), (7, 1000, 40), (5000, 3, 2000)],
)
def test_more_memory_never_costs_more(state, tape, steps):
    budgets = [tape + (steps * tape - tape) * i // 40 + i for i in range(41)]
    costs = [plan(steps, state, tape, budget).evaluations for budget in budgets]
    assert costs == sorted(costs, reverse=True)
    assert costs[-1] == steps


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 120), st.integers(1, 3000), st.integers(0, 3000), st.data())
def test_any_bytes_fit_the_budget(steps, state, tape, data):
    budget = data.draw(st.integers(tape, max(tape, steps * tape) + state))
    planned = plan(steps, state, tape, budget)
    assert counted(planned, steps, state, tape, budget) == planned.evaluations


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 10**4), st.integers(1, 10**4), st.data())
def test_never_worse_than_the_binomial_schedule(steps, state, tape, data):
    budget = data.draw(st.integers(tape, tape + 300 * state))
    binomial = Binomial(steps, (budget - tape) // state).evaluations
    assert bundled(steps, state, tape, budget).evaluations <= binomial
    assert plan(min(steps, 200), state, tape, budget).evaluations <= max(binomial, 200)


def test_bundles_are_near_the_optimum():
    for tape in (1, 4, 8):
        for budget in (16, 32, 44, 64, 91, 128, 200):
            best = Planned(1000, 1, tape, budget).evaluations
            assert best <= bundled(1000, 1, tape, budget).evaluations <= 1.24 * best


def test_units_are_exact_where_they_can_be():
    exact = {(80, 80): (1, 1), (80, 200): (2, 5), (300, 100): (3, 1), (100, 299): (1, 3)}
    for (state, tape), expected in exact.items():
        units = Units.of(state, tape)
        assert (units.state, units.tape) == expected


def test_planning_is_quick():
    began = time.process_time()
    assert plan(1000, 1, 1, 200).evaluations == 1804
    assert time.process_time() - began < 1
    for budget in (5, 200, 20_000):
        began = time.process_time()
        assert plan(10**6, 1, 1, budget).evaluations > 10**6
        assert time.process_time() - began < 0.05


def test_refusals():
    with pytest.raises(ValueError, match="a budget of 7 bytes: the tape of one step takes 8"):
        plan(3, 4, 8, 7)
    with pytest.raises(ValueError, match="a loop of -1 steps: the number of steps is at least 0"):
        plan(-1, 4, 8, 7)
    with pytest.raises(ValueError, match="a state of 0 bytes, a tape of 8: at least 1 and 0"):
        bundled(3, 0, 8, 9)
    with pytest.raises(ValueError, match="a budget of 7 bytes: the tape of one step takes 8"):
        bundled(3, 4, 8, 7)
    with pytest.raises(ValueError, match="a budget of 1 units: the tape of one step takes 2"):
        Planned(3, 1, 2, 1)
