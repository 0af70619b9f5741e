"""Plans of straight-line programs: against an oracle, closed forms, and one another."""

import random
from itertools import pairwise
from statistics import mean

import pytest
from abstract_programs import binomial, chain, held_at, least_cost, random_program

from adcompiler.checkpointing.executions import Execution, Node, Plan, Program, Way, peak, unchanged
from adcompiler.checkpointing.straight_line import approximate, exact, front, pareto, within

SEEDS = range(24)


def runs(program, plan):
    """Whether a plan executes what it may not repeat once, in order, and all on operands that are there."""
    once, made = [], set()
    for execution in plan.executions:
        node = program.nodes[execution.node]
        assert execution.way in node.ways
        assert {v for v in node.reads if v in program.maker} <= made
        if not node.again:
            once.append(execution.node)
        made |= set(node.makes)
    assert once == [k for k, node in enumerate(program.nodes) if not node.again]
    assert program.results & program.maker.keys() <= made
    assert plan.cost == sum(e.way.cost for e in plan.executions)


@pytest.mark.parametrize("seed", range(20))
def test_the_peak_is_what_is_held_at_a_time(seed):
    choose = random.Random(seed)
    program = random_program(seed)
    executions = []
    for k, node in enumerate(program.nodes):
        executions.append(Execution(k, node.ways[-1]))
        again = [j for j in range(k + 1) if program.nodes[j].again]
        executions += [Execution(j, program.nodes[j].ways[0]) for j in again if choose.random() < 0.2]
    assert peak(program, executions) == max(held_at(program, executions))


@pytest.mark.parametrize("seed", SEEDS)
def test_small_programs_are_planned_exactly(seed):
    program = random_program(seed, nodes=5 + seed % 5)
    plans = pareto(exact(program))
    for plan in plans:
        runs(program, plan)
        assert plan.cost == least_cost(program, plan.peak)
        assert plan.peak == max(held_at(program, list(plan.executions)))
    assert all(least_cost(program, b.peak - 1) == a.cost for a, b in pairwise(plans))
    assert least_cost(program, plans[0].peak - 1) == float("inf")


def test_large_programs_are_planned_within_a_twentieth_of_the_optimum():
    costs, peaks = [], []
    for seed in SEEDS:
        program = random_program(seed)
        best, found = pareto(exact(program)), pareto(approximate(program))
        for plan in found:
            runs(program, plan)
        served = [(plan, within(found, plan.peak)) for plan in best]
        costs += [mine.cost / plan.cost for plan, mine in served if mine is not None]
        peaks.append(found[0].peak / best[0].peak)
    assert len(costs) > 30
    assert min(costs) == min(peaks) == 1.0
    assert mean(costs) < 1.05
    assert mean(peaks) < 1.05


def test_chains_are_planned_nearly_as_a_binomial_schedule_does():
    n = 50
    plans = front(chain(n))
    assert len(plans) > 10
    for plan in plans:
        forward = plan.cost - n
        slots = plan.peak - 2  # beside them a state that is advanced, and two cotangents
        assert binomial(n, slots) + 1 <= forward <= (1.05 if slots > 3 else 1.12) * (binomial(n, slots) + 1)
    assert plans[-1].cost == 2 * n
    assert within(plans, 14).cost <= 2.8 * n  # once more for all but a few: Chen's segments


def test_large_programs_are_planned_in_few_walks(monkeypatch):
    from adcompiler.checkpointing import straight_line

    walks = []
    evicting = straight_line.evicting
    monkeypatch.setattr(straight_line, "evicting", lambda *args: walks.append(1) or evicting(*args))
    plans = front(chain(100))
    assert len(walks) <= 30
    assert plans[0].peak < 10 < 101 == plans[-1].peak


@pytest.mark.parametrize(
    "program", [chain(30), random_program(3), random_program(8)], ids=["chain", "a", "b"]
)
def test_a_larger_budget_costs_no_more_and_a_smaller_one_peaks_no_higher(program):
    plans = front(program)
    least, most = plans[0].peak, unchanged(program).peak
    found = [within(plans, least + (most - least) * k // 30) for k in range(31)]
    assert all(a.peak <= b.peak and a.cost >= b.cost for a, b in pairwise(found))
    assert found[-1].cost == unchanged(program).cost
    assert within(plans, least - 1) is None
    assert within(plans, least) is plans[0]


# ---- several ways ----


def loops(*between):
    """Two loops that may have more snapshots or fewer, and a chain between them that is read backwards."""
    ways = (Way(12, 10.0), Way(6, 11.0), Way(3, 20.0))
    nodes, size = [Node((), (0,), ways, again=False)], [1]
    states = [0]
    for bytes_, cost in between:
        nodes.append(Node((states[-1],), (len(size),), (Way(0, cost),)))
        states.append(len(size))
        size.append(bytes_)
    nodes.append(Node((states[-1],), (len(size),), ways, again=False))
    bar = len(size)
    size.append(1)
    for state in reversed(states):
        nodes.append(Node((state, bar), (len(size),), (Way(0, 1.0),), again=False))
        bar = len(size)
        size.append(1)
    return Program(tuple(nodes), tuple(size), frozenset([bar]))


PROGRAMS = {
    "cheap arrays": loops((6, 1.0), (6, 1.0), (4, 1.0)),
    "dear arrays": loops((3, 9.0), (3, 9.0), (8, 2.0)),
    "one large array": loops((9, 4.0), (2, 1.0)),
}


def with_ways(program, chosen):
    """The program whose nodes can be executed in the ways chosen only."""
    nodes = (Node(n.reads, n.makes, chosen(n), n.again, n.taken) for n in program.nodes)
    return Program(tuple(nodes), program.bytes, program.results, program.always)


def once(program):
    nodes = (Node(n.reads, n.makes, n.ways, False, n.taken) for n in program.nodes)
    return Program(tuple(nodes), program.bytes, program.results, program.always)


@pytest.mark.parametrize("name", PROGRAMS)
def test_loops_and_straight_line_code_are_planned_together(name):
    """Against planning the loops alone, or the other code alone, around loops of most or of least memory."""
    program = PROGRAMS[name]
    together = front(program)
    apart = [
        front(once(program)),
        *(front(with_ways(program, lambda n, k=k: (n.ways[k],))) for k in (0, -1)),
    ]
    budgets = range(together[0].peak, together[-1].peak + 1)
    better = 0
    for budget in budgets:
        costs = [plan.cost for plans in apart if (plan := within(plans, budget)) is not None]
        mine = within(together, budget).cost
        assert mine <= min(costs, default=mine)
        better += not costs or mine < min(costs)
    assert better


def test_a_dearer_way_is_taken_where_that_is_cheaper_than_to_repeat():
    saved = Node((0,), (1,), (Way(8, 1.0), Way(2, 3.0)), again=False)
    program = Program(
        (Node((), (0,), (Way(0, 50.0),)), saved, Node((0, 1), (2,), (Way(0, 1.0),))),
        (4, 1, 1),
        frozenset([2]),
    )
    assert [(plan.peak, plan.cost) for plan in front(program)] == [(7, 54.0), (13, 52.0)]


def test_a_program_of_nothing():
    program = Program((), (), frozenset(), 7)
    assert front(program) == [Plan((), 7, 0)]
