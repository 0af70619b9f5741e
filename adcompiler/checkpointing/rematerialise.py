"""Compute values again instead of keeping them: a finished program in another order, with repetitions.

The top-level block is executed as a plan says. What is computed again is a copy of the equation, with the
note that replays have; what is computed late stands behind a `barrier`: so no later pass and no backend
computes it earlier, or takes what was computed before for it. Each number is computed by the same equations
of the same numbers: results are the same to the last bit.

Comes last, on a program without calls whose systems share their factors: derivatives are taken before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from adcompiler.ir.build import block, emit, lookup, origin, replay, using
from adcompiler.ir.graph import Eqn, Function, Value, reads
from adcompiler.ir.ops import OPS
from adcompiler.ir.types import Sizes
from adcompiler.transforms.legalise import REPLAYED

from .abstraction import Abstraction, EveryArray, Storage, Ways, abstraction
from .executions import Plan, Way
from .straight_line import W, front, pareto, within


@dataclass(frozen=True)
class Variant:
    """A program that computes what another one does, the bytes that it takes at a time, and its operations.

    `ways` says of the equations of the original that could be executed in several ways which one was chosen.
    """

    function: Function
    peak: int
    cost: float
    ways: Mapping[Eqn, Way] = field(default_factory=dict)


def rematerialise(
    function: Function,
    sizes: Sizes,
    budget: int,
    storage: Storage = EveryArray,
    ways: Ways | None = None,
) -> Variant | None:
    """The cheapest program for a budget, in bytes beside the arguments, at these sizes.

    The Function is the same where it fits as it is; None where no plan was found that takes so little.
    `storage` says what the backend stores.
    """
    found = abstraction(function, sizes, storage, ways or {})
    plan = within(front(found.program), budget)
    return None if plan is None else _variant(function, found, plan, ways or {})


def variants(
    function: Function,
    sizes: Sizes,
    storage: Storage = EveryArray,
    ways: Ways | None = None,
    most: int = 4,
    measured: Callable[[Function], int] | None = None,
) -> list[Variant]:
    """Programs of which each takes less memory and costs more than the next, `most` of them.

    The first is the lowest that was found, the last the cheapest: the Function as it is, unless its loops
    have several ways. Where `measured` is given, that says what a program takes, instead of the plan.
    """
    found = abstraction(function, sizes, storage, ways or {})
    plans = front(found.program)
    if measured is None:
        return [_variant(function, found, plan, ways or {}) for plan in _thinned(plans, most)]
    written = [_variant(function, found, plan, ways or {}) for plan in plans]
    return _thinned(pareto([replace(v, peak=measured(v.function)) for v in written]), most)


def _thinned(chosen: Sequence[W], most: int) -> list[W]:
    """The first, the last, and those between whose peaks lie evenly on a scale of ratios."""
    if len(chosen) <= most:
        return list(chosen)
    low, high = max(chosen[0].peak, 1), max(chosen[-1].peak, 1)
    kept = [chosen[0]]
    for k in range(1, most - 1):
        wanted = low * (high / low) ** (k / (most - 1))
        rest = [v for v in chosen[1:-1] if v.peak > kept[-1].peak]
        kept += [min(rest, key=lambda v: abs(v.peak / wanted - wanted / max(v.peak, 1)))] if rest else []
    return [*kept, chosen[-1]]


# ---- writing ----


def _variant(function: Function, found: Abstraction, plan: Plan, ways: Ways) -> Variant:
    chosen = {found.eqns[e.node]: e.way for e in plan.executions if found.eqns[e.node] in ways}
    order = [e.node for e in plan.executions]
    same = order == list(range(len(order)))
    return Variant(function if same else _written(function, found, order), plan.peak, plan.cost, chosen)


def _written(function: Function, found: Abstraction, order: Sequence[int]) -> Function:
    """The Function whose equations are executed in this order, some of them more than once."""

    def body(*params: Value) -> Sequence[Value]:
        writer = _Writer(dict(zip(function.body.params, params, strict=True)))
        last = -1
        for node in order:
            eqn = found.eqns[node]
            writer.execute(eqn, found.cones[eqn], late=node <= last)
            last = max(last, node)
        return [lookup(writer.env, r) for r in function.body.results]

    with using(OPS):
        return replace(function, body=block(function.body.params, body))


class _Writer:
    """A block while it is written; the environment has the latest copy of each value."""

    def __init__(self, env: dict[Value, Value]) -> None:
        self.env = env
        self.made: dict[Eqn, Sequence[Value]] = {}
        """Of what the latest copy of an equation is made."""
        self.since: set[Eqn] | None = None
        """What has been computed late since a barrier; None if that was not the last to be computed."""

    def execute(self, eqn: Eqn, cone: Sequence[Eqn], late: bool) -> None:
        """A copy of an equation, behind those of the values in its cone that are made of something new."""
        if not late:
            self.since = None
        else:
            if self.since is None or eqn in self.since:
                emit(OPS["barrier"], [])
                self.since = set()
            self.since.add(eqn)
        for part in cone:
            if self.made.get(part) != self._sources(part):
                self._copy(part)
        self._copy(eqn)

    def _copy(self, eqn: Eqn) -> None:
        with origin(eqn.location, REPLAYED if eqn in self.made else eqn.note):
            self.made[eqn] = self._sources(eqn)
            replay(eqn, self.env)

    def _sources(self, eqn: Eqn) -> Sequence[Value]:
        return [lookup(self.env, v) for v in reads(eqn)]
