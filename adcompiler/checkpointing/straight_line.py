"""Plans of straight-line programs: for every budget the cheapest schedule that was found, from one search.

Small programs are planned exactly; large ones by dropping what does not fit, under several budgets and with
several biases, after which every repetition is taken out without which the budget holds, too. A plan serves
every budget that is not below its peak, and of those that do the cheapest is taken: so a larger budget never
costs more, and a smaller one never peaks higher.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, TypeVar

from .eviction import Bias, evicting
from .executions import Execution, Plan, Program, peak, unchanged
from .optimum import cheapest

SMALL = 12
"""Nodes up to which plans are exact."""

BUDGETS, EFFORT = (10, 30), 2000
"""How many budgets are tried at least and at most, and how many nodes are walked for them in between."""

HALVINGS = 4
"""How often the gap between a budget that is kept to and one that is not is halved."""

TRIMMED = 64
"""How many repetitions of a plan are tried to be taken out."""

BIASES = (Bias(0.25, 1.0), Bias(1.0, 0.75))


class Weighed(Protocol):
    """What takes memory, and costs something."""

    @property
    def peak(self) -> int:
        """Bytes."""

    @property
    def cost(self) -> float:
        """Operations."""


W = TypeVar("W", bound=Weighed)


def front(program: Program) -> list[Plan]:
    """The plans of which none is both cheaper and lower than another, the one of the least peak first."""
    found = exact(program) if len(program.nodes) <= SMALL else approximate(program)
    return pareto(found)


def within(plans: Sequence[W], budget: int) -> W | None:
    """The cheapest of a front that takes no more than a budget; None where there is none."""
    return next((plan for plan in reversed(plans) if plan.peak <= budget), None)


def pareto(plans: Iterable[W]) -> list[W]:
    """By peak, and each cheaper than all of lower peaks."""
    found: list[W] = []
    for plan in sorted(plans, key=lambda p: (p.peak, p.cost)):
        if not found or plan.cost < found[-1].cost:
            found.append(plan)
    return found


def exact(program: Program) -> Iterator[Plan]:
    """The cheapest plan for each peak there is, the unchanged program first."""
    plan: Plan | None = unchanged(program)
    while plan is not None:
        yield plan
        executions = cheapest(program, plan.peak - 1)
        plan = None if executions is None else Plan.of(program, executions)


def approximate(program: Program) -> Iterator[Plan]:
    """Plans for budgets between the largest node and the unchanged program, the largest budget first."""
    whole = unchanged(program)
    yield whole
    least, met = least_peak(program), whole.peak
    count = min(max(EFFORT // max(len(program.nodes), 1), BUDGETS[0]), BUDGETS[1])
    for k in reversed(range(count)):
        budget = int(least * (whole.peak / max(least, 1)) ** (k / count))
        if budget >= met:
            continue
        plan = kept_to(program, budget)
        if plan is None:
            yield from _between(program, budget, met)
            return
        met = min(met, plan.peak)
        yield plan


def _between(program: Program, missed: int, met: int) -> Iterator[Plan]:
    """Plans for less than a budget that was met, and more than one that was missed."""
    for _ in range(HALVINGS):
        budget = (missed + met) // 2
        plan = kept_to(program, budget) if missed < budget else None
        if plan is None:
            missed = budget
        else:
            met = plan.peak
            yield plan


def kept_to(program: Program, budget: int) -> Plan | None:
    """The best plan that is found for one budget."""
    tried = (evicting(program, budget, bias) for bias in BIASES)
    found = [Plan.of(program, executions) for executions in tried if executions is not None]
    if not found:
        return None
    best = min(found, key=lambda plan: plan.cost)
    return Plan.of(program, trimmed(program, best.executions, budget))


def least_peak(program: Program) -> int:
    """What the node that needs most takes by itself: no plan takes less."""
    size = program.bytes
    alone = (
        sum(size[v] for v in {*node.reads, *node.makes} if v in program.maker)
        - node.taking(size, node.reads)
        + min(way.transient for way in node.ways)
        for node in program.nodes
    )
    return program.always + max(alone, default=0)


def trimmed(program: Program, executions: Sequence[Execution], budget: int) -> list[Execution]:
    """Executions without those repetitions that the budget does not ask for, the dearest taken out first."""
    found = list(executions)
    first = {id(e) for e in {e.node: e for e in reversed(found)}.values()}
    repeated = [e for e in found if id(e) not in first]
    for execution in sorted(repeated, key=lambda e: -e.way.cost)[:TRIMMED]:
        place = next(k for k, e in enumerate(found) if e is execution)
        shorter = [*found[:place], *found[place + 1 :]]
        if peak(program, shorter) <= budget:
            found = shorter
    return found
