"""Where the loops and branches of a program run: a thread for each trip, one thread, or the host.

Blocks of the top level, and of loops and branches that run on the host, are *host-level*. There the host
knows the scalars that follow from sizes, indices of its loops, scalar arguments and constants; scalars read
of arrays, or made by a kernel, lie on the device. Arrays do as well, but for plans: integers that are read
one by one and decide what the host does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from ....ir.graph import Block, Constant, Eqn, Function, Value, reads
from ....ir.integers import Integers, integers
from ....ir.loops import loop_body, state_count, trip_count
from ....ir.types import Dim
from ...memory import stays
from .independence import independent
from .thread_work import is_small, obstacle, parallel_work

DIMENSIONS = 3
"""Dimensions of a grid."""


class Runs(Enum):
    """Where a loop or a branch runs."""

    THREADS = auto()  # a thread for each trip
    THREAD = auto()  # one thread
    HOST = auto()  # the host, which launches what is inside


@dataclass(frozen=True, eq=False)
class Region:
    """A loop or a branch of a host-level block, and where it runs.

    `eqns` are the equation and, for a loop of threads, the loops nested in it that become dimensions of the
    `grid` with it, the outermost first. `why` says what keeps it from more threads.
    """

    runs: Runs
    eqns: tuple[Eqn, ...]
    grid: tuple[Dim, ...] = ()
    why: str = ""


@dataclass(frozen=True, eq=False)
class Placement:
    """The regions of a Function, by their equation, and the scalars and plans that the host knows."""

    regions: Mapping[Eqn, Region]
    known: frozenset[Value]

    def runs(self, eqn: Eqn) -> Runs:
        """Where an equation of a host-level block runs, as far as it is a region."""
        return self.regions[eqn].runs if eqn in self.regions else Runs.HOST

    def on_host(self, eqn: Eqn) -> bool:
        """Whether a loop or a branch runs on the host: then its blocks are host-level."""
        return self.regions[eqn].runs is Runs.HOST

    def knows(self, value: Value) -> bool:
        """Whether the host knows a value of a host-level block without reading the device."""
        return value in self.known or _is_number(value)


def placed(function: Function) -> Placement:
    """Where each loop and each branch of a Function without calls runs."""
    plans = frozenset(p for p in function.body.params if p.type.dtype.is_integer and p.type.rank == 1)
    known, regions = integers(function.body), dict[Eqn, Region]()
    while True:
        survey = _Survey(known, regions, {p: frozenset({p}) for p in plans})
        survey.function(function.body)
        kept = plans & (survey.deciding - survey.read)
        if kept == plans:
            return Placement(survey.regions, frozenset(survey.origins))
        plans = kept


# ---- regions ----


def _region(eqn: Eqn, known: Integers) -> Region:
    """Where a loop, or a branch that data on the device decide, runs."""
    hindrance = obstacle(eqn)
    if hindrance is None and _many_threads(eqn, known):
        nest = _nest(eqn, known)
        return Region(Runs.THREADS, nest, tuple(trip_count(loop.attrs).positive() for loop in nest))
    if any(parallel_work(inner, known) for inner in eqn.blocks):
        hindrance = hindrance or "there is work for many threads in it"
    runs = Runs.THREAD if hindrance is None else Runs.HOST
    return Region(runs, (eqn,), (), hindrance or "its trips follow one another" * eqn.op.loop)


def _many_threads(eqn: Eqn, known: Integers) -> bool:
    """Whether the trips of a loop that a thread can run are for a thread each.

    Few trips are if each of them takes long, unless there is work for more threads inside.
    """
    if eqn.op.name != "for" or (is_small(trip_count(eqn.attrs)) and not _few_and_long(eqn, known)):
        return False
    in_place = (stays(eqn, k) for k in range(state_count(eqn.attrs)) if eqn.outputs[k].type.rank)
    return all(in_place) and independent(eqn, known)


def _few_and_long(loop: Eqn, known: Integers) -> bool:
    body = loop_body(loop)
    loops = any(inner.op.loop for inner in body.eqns)
    return trip_count(loop.attrs).constant not in (0, 1) and loops and not parallel_work(body, known)


def _nest(eqn: Eqn, known: Integers) -> tuple[Eqn, ...]:
    """A parallel loop, and the parallel loops in it that are all that their bodies do."""
    loops = [eqn]
    while len(loops) < DIMENSIONS and (inner := _nested(loops[-1], known)) is not None:
        loops.append(inner)
    return tuple(loops)


def _nested(loop: Eqn, known: Integers) -> Eqn | None:
    """The parallel loop that is all that a body does, beside scalars that every thread may compute."""
    body = loop_body(loop)
    *before, inner = body.eqns or (loop,)
    if inner.op.name != "for" or inner is loop or not independent(inner, known):
        return None
    states = body.params[1 : 1 + state_count(loop.attrs)]
    ends = body.results[: len(states)]
    handed_on = inner.inputs[: state_count(inner.attrs)] == states and ends == inner.outputs[: len(states)]
    rectangle = loop.attrs.get("index") not in trip_count(inner.attrs).names()
    alone = set(body.results) <= set(inner.outputs) and len(set(body.results)) == len(inner.outputs)
    scalars = all(_is_repeatable(e) and not set(states) & set(e.inputs) for e in before)
    return inner if handed_on and rectangle and alone and scalars else None


def _is_repeatable(eqn: Eqn) -> bool:
    """Whether more threads may run an equation: it makes scalars, and has no effect."""
    return not (eqn.op.effect or eqn.blocks or any(o.type.rank for o in eqn.outputs))


# ---- what the host knows ----


@dataclass
class _Survey:
    """A walk over host-level blocks in program order.

    `origins` has what the host knows, with the plans that it was read of; `deciding` are plans that decide
    something, `read` those that the device reads, or that a kernel would write.
    """

    integers: Integers
    found: dict[Eqn, Region]
    origins: dict[Value, frozenset[Value]]
    regions: dict[Eqn, Region] = field(default_factory=dict)
    deciding: set[Value] = field(default_factory=set)
    read: set[Value] = field(default_factory=set)

    def function(self, body: Block) -> None:
        for param in body.params:
            if not param.type.rank:
                self.origins[param] = frozenset()
        self.block(body)
        self.to_device(body.results)

    def block(self, block: Block) -> None:
        for eqn in block.eqns:
            if not eqn.blocks:
                self.plain(eqn)
                continue
            region = self.regions[eqn] = self.region(eqn)
            if region.runs is not Runs.HOST:
                self.to_device(reads(eqn))
                self.forget(eqn.outputs)
            elif eqn.op.loop:
                self.loop(eqn)
            else:
                self.branch(eqn)

    def region(self, eqn: Eqn) -> Region:
        if eqn.op.name == "if" and self.knows(eqn.inputs[0]):
            return Region(Runs.HOST, (eqn,), (), "the host knows which branch is taken")
        if eqn not in self.found:
            self.found[eqn] = _region(eqn, self.integers)
        return self.found[eqn]

    # ---- values ----

    def knows(self, value: Value) -> bool:
        return value in self.origins or _is_number(value)

    def of(self, *values: Value) -> frozenset[Value]:
        """The plans that values were read of."""
        return frozenset[Value]().union(*(self.origins.get(v, ()) for v in values))

    def decide(self, value: Value) -> None:
        self.deciding |= self.of(value)

    def to_device(self, values: Sequence[Value]) -> None:
        """The device reads these: numbers are handed to it, plans are not."""
        self.read |= self.of(*(v for v in values if v.type.rank))

    def forget(self, values: Sequence[Value]) -> None:
        for value in values:
            self.origins.pop(value, None)

    def plain(self, eqn: Eqn) -> None:
        """An equation without blocks: the host knows what follows from what it knows."""
        if eqn.op.name in ("bind", "next_move"):
            self.decide(eqn.inputs[0])
        element = eqn.op.name == "index" and not eqn.output.type.rank
        on_plan = element or eqn.op.name in ("next_move", "put")
        plain = all(not v.type.rank for v in (*eqn.inputs[on_plan:], *eqn.outputs[: not on_plan]))
        if plain and all(map(self.knows, eqn.inputs)):
            self.origins.update(dict.fromkeys(eqn.outputs, self.of(*eqn.inputs)))
        else:
            self.to_device(eqn.inputs)
            self.forget(eqn.outputs)

    # ---- blocks ----

    def loop(self, eqn: Eqn) -> None:
        """The host knows a state that it knows before the loop and after each trip: a fixed point."""
        count, body = state_count(eqn.attrs), loop_body(eqn)
        states: list[frozenset[Value] | None] = [
            self.of(v) if self.knows(v) else None for v in eqn.inputs[:count]
        ]
        self.to_device(eqn.inputs[count:])
        while True:
            for inner in eqn.blocks:
                self.forget(inner.params)
                self.origins[inner.params[0]] = frozenset()
                known = zip(inner.params[1:], states, strict=False)
                self.origins.update({p: plans for p, plans in known if plans is not None})
                self.block(inner)
                if inner is not body:
                    self.decide(inner.results[0])
            ends = body.results[:count]
            after = [
                plans | self.of(r) if plans is not None and self.knows(r) else None
                for plans, r in zip(states, ends, strict=True)
            ]
            if after == states:
                break
            states = after
        self.to_device([v for v, plans in zip(eqn.inputs, states, strict=False) if plans is None])
        self.to_device([r for r, plans in zip(ends, states, strict=True) if plans is None])
        self.to_device(body.results[count:])
        self.result(eqn, states)

    def branch(self, eqn: Eqn) -> None:
        """The host knows a result that it knows of both branches: it knows which one is taken."""
        self.decide(eqn.inputs[0])
        for inner in eqn.blocks:
            self.block(inner)
        sides = list(zip(*(inner.results for inner in eqn.blocks), strict=True))
        found = [self.of(*side) if all(map(self.knows, side)) else None for side in sides]
        for side, plans in zip(sides, found, strict=True):
            if plans is None:
                self.to_device(side)
        self.result(eqn, found)

    def result(self, eqn: Eqn, found: Sequence[frozenset[Value] | None]) -> None:
        self.forget(eqn.outputs)
        known = zip(eqn.outputs, found, strict=False)
        self.origins.update({o: plans for o, plans in known if plans is not None})


def _is_number(value: Value) -> bool:
    return isinstance(value, Constant) and not value.type.rank
