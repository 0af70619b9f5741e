"""Binomial schedules: closed forms, counts by replay, and what the checker refuses."""

from itertools import takewhile

import numpy as np
import pytest
from checkpoint_schedules import EndReverse, Forward, MultistageCheckpointSchedule
from hypothesis import given, settings
from hypothesis import strategies as st
from schedule_oracle import Machine, cheapest

from adcompiler.schedules.actions import ADVANCE, MEMORY, RETURN, REVERSE, TAKE, TAPE, describe, replay
from adcompiler.schedules.binomial import Binomial, advances, recompute_all, split, sqrt, store_all

QUOTED = {
    (1000, 1): 499500,
    (1000, 2): 28820,
    (1000, 3): 12155,
    (1000, 5): 6284,
    (1000, 10): 3636,
    (1000, 20): 2747,
    (100, 10): 222,
    (365, 10): 1096,
}


@pytest.mark.parametrize(("steps", "snapshots"), QUOTED)
def test_quoted_advances(steps, snapshots):
    counts = replay(Binomial(steps, snapshots - 1).actions(), steps)
    assert counts.plain == advances(steps, snapshots) == QUOTED[steps, snapshots]
    assert counts.taped == steps


def test_two_phases_of_a_thousand_steps():
    counts = replay(Binomial(1000, 9, two_phase=True).actions(), 1000)
    assert (counts.evaluations, counts.writes[MEMORY]) == (4640, 714)


@pytest.mark.parametrize("bundle", [1, 2, 3, 5])
def test_closed_form_and_split_solve_the_recurrence(bundle):
    t, writes = {}, {}
    for s in range(1, 8):
        for n in range(1, 90):
            if n <= bundle:
                t[n, s], writes[n, s] = 0, 0
            elif s == 1:
                t[n, s], writes[n, s] = n - bundle + t[n - bundle, 1], 0
            else:
                stored = {k: k < n - bundle for k in range(1, n)}
                costs = {k: k + t[k, s] + t[n - k, s - 1] for k in stored}
                count = {k: stored[k] + writes[k, s] + writes[n - k, s - 1] for k in stored}
                t[n, s] = min(costs.values())
                writes[n, s] = min(count[k] for k in costs if costs[k] == t[n, s])
                assert costs[split(n, s, bundle)] == t[n, s]
                if bundle == 1:
                    assert count[split(n, s, 1)] == writes[n, s]
            assert advances(n, s, bundle) == t[n, s]


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 150), st.integers(0, 12), st.integers(1, 9), st.booleans())
def test_replayed_counts_are_those_of_the_closed_form(steps, slots, bundle, two_phase):
    plan = Binomial(steps, slots, bundle, two_phase)
    counts = replay(plan.actions(), steps)
    assert (counts.evaluations, counts.taped) == (plan.evaluations, steps)
    assert counts.profile[:, 0].max(initial=0) <= slots
    assert counts.profile[:, 2].max(initial=0) <= plan.tapes
    assert counts.peak(3, 2) <= 3 * slots + 2 * bundle


@pytest.mark.parametrize(("steps", "snapshots"), [(1, 1), (10, 3), (50, 4), (100, 10), (365, 10), (1000, 5)])
def test_a_published_implementation_agrees(steps, snapshots):
    published = MultistageCheckpointSchedule(steps, snapshots, 0)
    actions = takewhile(lambda action: not isinstance(action, EndReverse), published)
    evaluations = sum(action.n1 - action.n0 for action in actions if isinstance(action, Forward))
    assert evaluations == Binomial(steps, snapshots - 1).evaluations


def test_without_slots_everything_is_evaluated_again():
    for steps in range(6):
        least = cheapest(steps, Machine(state=9, tape=1, budget=1))
        assert recompute_all(steps).evaluations == least == steps + steps * (steps - 1) // 2


@pytest.mark.parametrize("two_phase", [False, True])
@pytest.mark.parametrize("steps", [0, 1, 2, 3, 10, 99, 100, 101, 1000])
def test_named_plans(steps, two_phase):
    counts = replay(store_all(steps, two_phase).actions(), steps)
    assert (counts.evaluations, len(counts.profile)) == (steps, 3 if steps else 1)
    counts = replay(sqrt(steps, two_phase).actions(), steps)
    assert counts.evaluations <= 2 * steps
    assert counts.peak() <= 2 * steps**0.5 + 2


def test_a_million_steps_with_tapes_for_a_thousand_are_few_actions():
    assert len(Binomial(10**6, 999, 1000).actions()) < 6000
    assert Binomial(10**6, 999, 1000).evaluations == 2 * 10**6 - 1000


def spoilt(row, column, value):
    actions = Binomial(10, 1).actions()
    actions[row, column] = value
    return actions


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        (spoilt(0, 1, 1), r"action 0 \(advance 1\.\.\d\): the working state is not x\[1\], where step 1"),
        (spoilt(0, 2, 11), r"action 0 \(advance 0..10\): steps 0..10 are not steps of the loop"),
        (spoilt(1, 0, TAKE), r"action 1 \(take \d memory\[0\]\): x\[\d\] is not in slot 0"),
        (spoilt(1, 0, 9), r"there is no action 9"),
        (spoilt(1, 1, 1), r"the working state is not x\[1\], which is to be stored"),
        (Binomial(10, 1).actions()[:-1], "steps 0..0 are not reversed"),
        (Binomial(10, 1).actions()[[0, 1, 1, 2]], "slot 0 is not free"),
        (
            np.array([[TAPE, 0, 2, 0, 2], [RETURN, 2, 2, 0, 0], [REVERSE, 0, 1, 0, 2]]),
            "step 0 is reversed, not step 1",
        ),
        (
            np.array([[TAPE, 0, 2, 0, 2], [REVERSE, 0, 2, 0, 2]]),
            r"a step is reversed before x\[n\] is returned",
        ),
        (np.array([[RETURN, 0, 0, 0, 0]]), r"x\[0\] is returned, which is not x\[n\] at hand"),
        (
            np.array([[ADVANCE, 0, 2, 0, 0], [RETURN, 2, 2, 0, 0], [REVERSE, 0, 2, 0, 2]]),
            "the tape of step 1 is not there",
        ),
        (np.array([[TAKE, 0, 0, 0, 1]]), "the loop's inputs are pinned"),
    ],
)
def test_illegal_actions_are_named(actions, message):
    steps = 10 if len(actions) > 3 or actions[0, 0] == ADVANCE and actions[0, 2] > 2 else 2
    with pytest.raises(ValueError, match=message):
        replay(actions, steps)


def test_actions_in_words():
    words = [describe(action) for action in Binomial(3, 1).actions()]
    assert words[:4] == ["advance 0..0", "store 1 memory[0]", "advance 1..1", "tape 2..2 tape[0]"]
    assert words[4:7] == ["return 3", "reverse 2..2 tape[0]", "take 1 memory[0]"]


def test_refusals():
    with pytest.raises(ValueError, match="a loop of -1 steps: the number of steps is at least 0"):
        Binomial(-1, 3)
    with pytest.raises(ValueError, match="-1 slots beyond the loop's inputs: at least 0"):
        Binomial(3, -1)
    with pytest.raises(ValueError, match="a bundle of 0 tapes: at least 1"):
        advances(3, 1, 0)
