"""Run loops and their adjoints by schedules: a few states are kept, and the tapes of a few trips at a time.

What a schedule says is an argument of the program (`sweeps`), and so is how much memory it has (`pools`): so
the code depends on neither the trip count nor the memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count

from adcompiler.ir.build import function, lookup, origin, renewed, replay_origin, rewrite_inside
from adcompiler.ir.errors import PlanError
from adcompiler.ir.graph import Block, Eqn, Function, Value, walk
from adcompiler.ir.loops import loop_body, split, trip_count
from adcompiler.ir.ops import OPS
from adcompiler.ir.types import I64, Dim
from adcompiler.transforms.dce import dce

from .pairs import Pair, pairs, trip
from .plans import POLICY, Budget, Policy, decoded
from .pools import Pools, elements_of, pool_of
from .scheduled import PlannedPair, Scheduled, ScheduledFunction
from .stores import Disk, Store
from .sweeps import Environment, Sweep, index_name

Around = Mapping[str, Dim | None]


def schedule(
    source: Function, first: int, every: bool, budget: Budget | None = None, host: Store | None = None
) -> ScheduledFunction:
    """The Function in which loops run by schedules: those at which a policy stands, or every one that can.

    New parameters stand before number `first`. States of loops without a policy may be kept where the budget
    says; `host` is the memory of the host, where the program runs elsewhere.

    Raises
    ------
    PlanError
        A policy stands at a loop whose trips are not known before the call.
    """
    body = source.body
    writer = _Writer(source.sizes, every, budget, host)
    old = [renewed(p) for p in body.params]
    _find(body, source.sizes, writer, Dim.of(1), {})
    _refuse_ragged(body, source.sizes)
    new = [*old[:first], *writer.params, *old[first:]]

    def write(*_: Value) -> Sequence[Value]:
        return writer.block(body, dict(zip(body.params, old, strict=True)))

    sizes = [*source.sizes, *(s for x in writer.found.values() for s in x.scheduled.sizes)]
    written = function(
        source.name, new, write, ops=OPS, sizes=sizes, guards=source.guards, written=source.written
    )
    return ScheduledFunction(dce(written), tuple(x.scheduled for x in writer.found.values()), first)


def asked_inside(body: Block) -> bool:
    """Whether a policy stands at a loop inside a loop."""
    loops = (eqn for eqn in walk(body) if eqn.op.loop)
    return any(POLICY in inner.attrs for loop in loops for inner in walk(loop_body(loop)))


def _refuse_ragged(body: Block, sizes: Sequence[str]) -> None:
    """Raise where a policy stands at a `for` that keeps something and whose trips change within the call."""
    for eqn in walk(body):
        ragged = eqn.op.name == "for" and not trip_count(eqn.attrs).names() <= set(sizes)
        if POLICY in eqn.attrs and ragged and split(eqn.attrs, eqn.outputs).slices:
            raise PlanError(
                "this loop cannot follow its policy: how many trips it makes is not known before the call",
                eqn.location,
                hint="mark the loop around it instead",
            )


def _find(body: Block, sizes: Sequence[str], writer: _Writer, times: Dim, around: Around) -> None:
    """Schedule the pairs of a block, which runs so often, and of those inside it.

    The trips of a scheduled loop are written several times: the loops inside them are left as they are.
    """
    bound = {str(e.attrs[e.op.binds]): None for e in body.eqns if e.op.binds and e.op.binds in e.attrs}
    around = {**around, **bound}
    for pair in pairs(body, sizes):
        writer.add(pair, times, {**around, **_indexed(pair.forward)})
    for eqn in body.eqns:
        inside = times * trip_count(eqn.attrs) if eqn.op.loop else times
        for inner in eqn.blocks:
            if eqn not in writer.found and inside.names() <= set(sizes):
                _find(inner, sizes, writer, inside, {**around, **_indexed(eqn)})


def _indexed(eqn: Eqn) -> Around:
    """The size that a loop's index is in its body."""
    name = index_name(eqn)
    return {} if name is None else {name: trip_count(eqn.attrs) if eqn.op.name == "for" else None}


class _Writer:
    def __init__(
        self, sizes: Sequence[str], every: bool, budget: Budget | None, host: Store | None
    ) -> None:
        self.sizes = set(sizes)
        self.taken = set(sizes)
        self.every = every
        self.budget, self.host = budget, host
        self.found: dict[Eqn, PlannedPair] = {}
        self.reversed: dict[Eqn, PlannedPair] = {}
        self.held: dict[PlannedPair, tuple[Value, Pools]] = {}
        """The plan and the pools that a loop leaves behind."""

    # ---- the parameters ----

    def add(self, pair: Pair, times: Dim, around: Around) -> None:
        """Schedule a pair, unless one of its loops belongs to another, or data decide how much it stores."""
        policy = pair.forward.attrs.get(POLICY)
        unasked = policy is None and not self.every
        taken = {*self.found, *self.reversed}
        state, tape = elements_of(pair.before), elements_of(pair.row)
        known = all(d.names() <= self.sizes for d in (*state.values(), *tape.values()))
        if unasked or not known or pair.forward in taken or pair.reverse in taken:
            return
        plan = self.size("plan")
        pools = {d: self.size(f"pool_{d}_") for d in dict.fromkeys((*state, *tape))}
        trips = trip_count(pair.forward.attrs).positive()
        online = not trips.names() <= self.sizes
        asked = decoded(policy) if policy is not None else None
        store = None if online else self._store(asked, pair)
        lent = {d: self.size(f"lent_{d}_") for d in state} if store is not None else {}
        scheduled = Scheduled(
            pair,
            trips,
            times,
            trip(loop_body(pair.forward), [*pair.after, *pair.row]),
            around,
            asked,
            state,
            tape,
            plan,
            pools,
            store,
            lent,
            online,
            pair.forward.location,
        )
        lengths = {name: pool_of(d, name) for d, name in lent.items()}
        found = PlannedPair(pair, scheduled, pool_of(I64, plan), lengths)
        self.found[pair.forward] = self.reversed[pair.reverse] = found

    def _store(self, asked: Policy | None, pair: Pair) -> Store | None:
        """Where states may be kept that the memory has no room for."""
        budget = self.budget if asked is None else asked
        if not isinstance(budget, Budget):
            return None
        location = pair.forward.location if asked is not None else None
        if budget.host and self.host is None:
            raise PlanError(
                "host=True is for programs on a GPU, and this one runs in the memory of the host",
                location,
                hint='choose backend="cuda", or name a folder by disk=',
            )
        if budget.disk is not None and self.host is not None:
            raise PlanError(
                "a program on a GPU keeps no snapshots on disk",
                location,
                hint="host=True in place of disk= keeps them in the memory of the host",
            )
        return self.host if budget.host else None if budget.disk is None else Disk(budget.disk)

    def size(self, name: str) -> str:
        """A name that no size has yet."""
        found = next(n for k in count() if (n := f"{name}{k or ''}") not in self.taken)
        self.taken.add(found)
        return found

    @property
    def params(self) -> list[Value]:
        loops = self.found.values()
        return [*(x.plan for x in loops), *(pool for x in loops for pool in x.lent.values())]

    # ---- the program ----

    def block(self, source: Block, env: Environment) -> Sequence[Value]:
        for eqn in source.eqns:
            if eqn in self.found:
                with origin(eqn.location, eqn.note):
                    Sweep(self, self.found[eqn], env).forward()
            elif eqn in self.reversed:
                with origin(eqn.location, eqn.note):
                    Sweep(self, self.reversed[eqn], env).reverse()
            elif eqn.blocks:
                rewrite_inside(eqn, env, self.block)
            else:
                replay_origin(eqn, env)
        return [lookup(env, r) for r in source.results]
