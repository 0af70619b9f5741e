"""Snapshots on two levels: optimal for short loops, good for long ones."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from schedule_oracle import Machine, cheapest

from adcompiler.schedules.actions import DISK, replay
from adcompiler.schedules.binomial import Binomial
from adcompiler.schedules.multilevel import Chunked, Price, TwoLevel, two_level

PRICES = [Price(1, 0, 0), Price(1, 1, 1), Price(1, 3, 0), Price(1, 0, 2), Price(1, 2, 1)]


def counted(plan, steps):
    """The cost of a schedule, replayed, after its slots have been counted."""
    counts = replay(plan.actions(), steps)
    assert counts.profile[:, 0].max(initial=0) <= plan.memory
    assert counts.profile[:, 1].max(initial=0) <= plan.disk
    price = plan.price
    moved = counts.writes[DISK] * price.write + counts.reads[DISK] * price.read
    return counts.evaluations * price.evaluation + moved


@pytest.mark.parametrize("two_phase", [False, True])
@pytest.mark.parametrize("price", PRICES)
@pytest.mark.parametrize(("memory", "disk"), [(0, 1), (0, 2), (1, 1), (1, 2), (2, 1)])
def test_no_schedule_is_cheaper(memory, disk, price, two_phase):
    for steps in (1, 4, 5):
        machine = Machine(1, 0, memory, disk, price.write, price.read, 1, not two_phase)
        plan = TwoLevel(steps, memory, disk, price, 1, two_phase)
        assert counted(plan, steps) == plan.cost == cheapest(steps, machine)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 50), st.integers(0, 3), st.integers(0, 4), st.integers(1, 3), st.booleans(), st.data())
def test_replayed_costs_are_those_planned(steps, memory, disk, bundle, two_phase, data):
    price = Price(data.draw(st.integers(1, 3)), data.draw(st.integers(0, 9)), data.draw(st.integers(0, 9)))
    best = TwoLevel(steps, memory, disk, price, bundle, two_phase)
    assert counted(best, steps) == best.cost
    assert best.cost <= Binomial(steps, memory, bundle, two_phase).evaluations * price.evaluation
    if memory:
        chunked = Chunked(steps, memory, disk, price, bundle, two_phase)
        assert counted(chunked, steps) == chunked.cost >= best.cost


@pytest.mark.parametrize(
    ("steps", "memory", "disk", "price"),
    [(1000, 4, 10, Price(1, 5, 5)), (1000, 5, 12, Price(1, 2, 2)), (300, 3, 30, Price(1, 5, 5))],
)
def test_chunks_are_near_the_optimum(steps, memory, disk, price):
    best = TwoLevel(steps, memory, disk, price).cost
    chunked = min(Chunked(steps, memory, on_disk, price).cost for on_disk in range(disk + 1))
    assert best <= chunked <= 1.15 * best


def test_a_million_steps():
    plan = two_level(10**6, 10, 1000, Price(1, 5, 5))
    assert plan.cost < 0.5 * Binomial(10**6, 10).evaluations


def test_refusals():
    price = Price(1, 1, 1)
    with pytest.raises(ValueError, match="-1 slots on disk: at least 0"):
        two_level(3, 1, -1, price)
    with pytest.raises(ValueError, match="a loop of 1000000 steps .* on disk needs a slot in memory"):
        two_level(10**6, 0, 5, price)
    with pytest.raises(ValueError, match="an evaluation costs at least 1, a write and a read at least 0"):
        two_level(3, 1, 1, Price(0, 1, 1))
