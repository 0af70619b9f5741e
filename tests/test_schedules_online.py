"""Loops of unknown length: optimal at first, legal and near the optimum for any number of steps."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adcompiler.schedules.actions import replay
from adcompiler.schedules.binomial import Binomial, advances
from adcompiler.schedules.online import Online


@pytest.mark.parametrize(("slots", "most"), [(9, 5597), (10, 5597), (19, 3967), (20, 3967)])
def test_quoted_evaluations(slots, most):
    counts = replay(Online(1000, slots).actions(), 1000)
    assert counts.evaluations == Online(1000, slots).evaluations <= most


@pytest.mark.parametrize("slots", [*range(13), 20])
def test_optimal_as_long_as_two_repetitions_suffice(slots):
    for steps in range((slots + 2) * (slots + 3) // 2):
        assert Online(steps, slots).evaluations == Binomial(steps, slots, two_phase=True).evaluations


@pytest.mark.parametrize("slots", [1, 2, 3, 5, 10, 20])
def test_never_a_third_worse_than_had_the_length_been_known(slots):
    for steps in range(1, 2500, 41):
        assert Online(steps, slots).evaluations <= 1.33 * (steps + advances(steps + 1, slots + 1))


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 400), st.integers(0, 12), st.integers(1, 4))
def test_replayed_counts_are_those_of_the_closed_form(steps, slots, bundle):
    plan = Online(steps, slots, bundle)
    counts = replay(plan.actions(), steps)
    assert (counts.evaluations, counts.taped) == (plan.evaluations, steps)
    assert counts.profile[:, 0].max(initial=0) <= slots


def test_a_hundred_thousand_steps():
    assert Online(10**5, 10).evaluations <= 1.33 * (10**5 + advances(10**5 + 1, 11))


def test_refusals():
    with pytest.raises(ValueError, match="-1 slots beyond the loop's inputs: at least 0"):
        Online(3, -1)
