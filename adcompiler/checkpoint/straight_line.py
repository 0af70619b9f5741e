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

BUDGETS = 10
"""How many budgets are tried between the least that is possible and what the unchanged program takes."""

BIASES = (Bias(1.0, 1.0), Bias(0.5, 1.0), Bias(2.0, 1.0))


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
    """Plans for budgets between the largest node and the unchanged program."""
    whole = unchanged(program)
    yield whole
    least = least_peak(program)
    for k in range(BUDGETS):
        budget = int(least * (whole.peak / max(least, 1)) ** (k / BUDGETS))
        tried = (evicting(program, budget, bias) for bias in BIASES)
        found = [Plan.of(program, executions) for executions in tried if executions is not None]
        if found:
            best = min(found, key=lambda plan: plan.cost)
            yield Plan.of(program, trimmed(program, best.executions, budget))


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
    seen: set[int] = set()
    repeated = [e for e in found if e.node in seen or seen.add(e.node)]  # type: ignore[func-returns-value]
    for execution in sorted(repeated, key=lambda e: -e.way.cost):
        place = next(k for k, e in enumerate(found) if e is execution)
        shorter = [*found[:place], *found[place + 1 :]]
        if peak(program, shorter) <= budget:
            found = shorter
    return found
