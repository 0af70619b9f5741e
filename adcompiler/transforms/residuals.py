"""Which primal values an adjoint keeps, and which it replays: one minimum cut over the whole nest of loops.

Keeping a value costs its bytes times the trips around it; replaying an equation costs its work times the
trips, infinite for carries, results of loops and dear ops. What is free in the reverse (captured values, loop
indices, slices of free arrays, constants) is tied to nothing, and what the adjoint reads must be there:

    v_in  -> v_out   bytes * trips       keeping v
    S     -> v_in    work * trips        replaying the equation of v
    u_out -> v_in    infinite            for each source u of v
    v_out -> T       infinite            where the adjoint reads v

S is "not there in the reverse", T "must be there": kept are the values whose edge v_in -> v_out is cut,
replayed those on the side of T. Sizes are not known yet: each counts as 1000. A bad guess costs memory, never
correctness.

What is kept of a ragged loop (`nest.py`) is stacked when the adjoint runs that loop once more, which needs
more values, and gives others for nothing: so the cut is repeated until it asks for no more such runs. Where
that would keep more, whole arrays perhaps, the stacks of the ragged loop are padded.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from math import prod

from adcompiler.ir.errors import DerivativeError
from adcompiler.ir.graph import Block, Constant, Eqn, Value, mentioned, walk
from adcompiler.ir.types import Dim

from .mincut import INFINITE, Capacity, Edge, minimum_cut
from .nest import Home, Nest
from .ragged import read_by_rerun

GUESS = 1000
"""What a size whose value is not known counts for when bytes are compared."""

MOVED = 30
"""The work of writing a number to a stack and reading it again, in tenths of a flop."""

SOURCE, SINK = "S", "T"


Homes = Mapping[Eqn, Home]
"""Where equations with blocks stand."""


@dataclass(frozen=True)
class Choice:
    """The primal values inside blocks that are kept, all that the adjoint needs there (kept ones included),
    the equations that bind sizes which it mentions itself, and the loops that it runs once more; the survey
    says which stacks are padded.
    """

    nest: Nest
    kept: frozenset[Value]
    required: frozenset[Value]
    binds: frozenset[Eqn]
    again: frozenset[Eqn]


def choose(nest: Nest, adjoint: Block, plan: str) -> Choice:
    """The residuals of an adjoint that was written as if every primal value were in scope."""
    binds = _binds(nest, adjoint)
    read = [v for v in (*_reads(adjoint), *map(nest.bound, binds)) if nest.home.get(v)]
    homes = {eqn: home[:depth] for home in nest.home.values() for depth, (eqn, _) in enumerate(home)}
    choices = [_settled(replace(nest, again=plan == "rerun"), homes, read, binds, plan)]
    if plan == "rerun":
        return choices[0]
    with suppress(DerivativeError):  # a value of ragged size cannot be stacked
        while padded := _lengths(choices[-1], homes):
            nest = replace(nest, padded={**nest.padded, **padded})
            choices.append(_settled(nest, homes, read, binds, plan))
    return min(choices, key=_bytes)


def _lengths(choice: Choice, homes: Homes) -> dict[Eqn, Dim]:
    """The loops that would be run again and whose stacks could be padded, and to what length."""
    ragged = (eqn for eqn in choice.again if not choice.nest.runs_again(eqn))
    lengths = ((eqn, choice.nest.most_trips(eqn, homes[eqn])) for eqn in ragged)
    return {eqn: most for eqn, most in lengths if most is not None}


def _bytes(choice: Choice) -> int:
    """The memory of all that is kept."""
    nest = choice.nest
    anchored = ((v, nest.home[v][nest.anchor(nest.home[v]) :]) for v in choice.kept)
    return sum(nbytes(v) * _trips(nest, home) for v, home in anchored)


def _settled(
    nest: Nest,
    homes: Homes,
    read: Sequence[Value],
    binds: Sequence[Eqn],
    plan: str,
) -> Choice:
    """The cut, repeated until no more loops are run again for it, nor more values read by those."""
    needed, kept, again = dict.fromkeys(read), frozenset[Value](), frozenset[Eqn]()
    while True:
        needed.update(
            dict.fromkeys(v for e in homes if e in again for v in _read_again(nest, e, homes, kept))
        )
        costs = _costs(nest, again, homes)
        _refuse_lost(nest, costs, needed)
        kept = PLANS[plan](nest, costs, list(needed))
        more = again | {nest.home[v][nest.anchor(nest.home[v])][0] for v in kept if nest.anchor(nest.home[v])}
        if more == again and all(v in needed for e in again for v in _read_again(nest, e, homes, kept)):
            return Choice(nest, kept, _required(nest, costs, needed, kept), frozenset(binds), again)
        again = more


def _stacked_by(nest: Nest, loop: Eqn, home: Home, value: Value) -> bool:
    """Whether a kept value is stacked where this loop, at home here, is run again."""
    depth = len(home)
    return nest.anchor(nest.home[value]) == depth and nest.home[value][depth][0] is loop


def _read_again(nest: Nest, eqn: Eqn, homes: Homes, kept: frozenset[Value]) -> tuple[Value, ...]:
    """What is read of the blocks around a loop that is run again, for what is kept of it."""
    mine = [v for v in nest.home if v in kept and _stacked_by(nest, eqn, homes[eqn], v)]
    return read_by_rerun(nest, eqn, homes[eqn], mine)


def _fewest_bytes(nest: Nest, costs: Sequence[Cost], needed: Sequence[Value]) -> frozenset[Value]:
    return cheapest(costs, needed)


def _all_that_is_read(nest: Nest, costs: Sequence[Cost], needed: Sequence[Value]) -> frozenset[Value]:
    """Every value that the adjoint reads; what cannot be stacked, or is free, is replayed."""
    ragged = {c.value for c in costs if c.keeping is INFINITE}
    stacked = {v for v in needed if v not in ragged | nest.indices and v not in nest.sliced}
    return cheapest(costs, [v for v in needed if v not in stacked]) | stacked


PLANS = {"auto": _fewest_bytes, "store_all": _all_that_is_read, "rerun": _fewest_bytes}
"""How what is kept is chosen; with "rerun", loops in loops keep nothing beyond a trip of the loop around."""


def _binds(nest: Nest, adjoint: Block) -> list[Eqn]:
    """The equations inside loops or branches that bind sizes which an adjoint mentions, as lengths do."""
    names = frozenset[str]().union(*map(mentioned, walk(adjoint)))
    return list(dict.fromkeys(b for name in sorted(names) for b, home in nest.bindings.get(name, ()) if home))


def _reads(block: Block) -> Iterator[Value]:
    for eqn in block.eqns:
        yield from eqn.inputs
        for inner in eqn.blocks:
            yield from _reads(inner)
    yield from block.results


def _costs(nest: Nest, again: frozenset[Eqn], homes: Homes) -> list[Cost]:
    costs = []
    for v, home in nest.home.items():
        if not home:
            continue
        trips = _trips(nest, home[nest.anchor(home) :])
        keeping = _keeping(nest, v, home, trips)
        maker = nest.made.get(v)
        if maker in again and v not in nest.elsewhere:
            costs.append(Cost(v, keeping, (0, 0), read_by_rerun(nest, maker, homes[maker], [v])))
            continue
        sources = nest.sources(v)
        replayed = sources is not None and not (nest.dear(v) and keeping is not INFINITE)
        inner = tuple(u for u in sources or () if nest.home.get(u))
        costs.append(Cost(v, keeping, (0, _work(nest, v) * trips) if replayed else INFINITE, inner))
    return costs


def _refuse_lost(nest: Nest, costs: Sequence[Cost], needed: Iterable[Value]) -> None:
    """Raise for a value that can neither be kept nor be replayed."""
    there = {c.value for c in costs if c.keeping is not INFINITE}
    replayed = [c for c in costs if c.replaying is not INFINITE]
    while more := {c.value for c in replayed if there.issuperset(c.sources)} - there:
        there |= more
    for value in needed:
        if value not in there:
            (maker, _) = nest.home[value][-1]
            name = f"`{value.name}`" if value.name else "a value"
            raise DerivativeError(
                f"the derivative needs {name} of every trip of a loop, and its size changes in the loop",
                nest.made[value].location if value in nest.made else maker.location,
                hint="make it of one size, and fill or use a part of it",
            )


@dataclass(frozen=True)
class Cost:
    """What it costs to keep a value, and to replay it from its sources."""

    value: Value
    keeping: Capacity
    replaying: Capacity
    sources: tuple[Value, ...]


def cheapest(costs: Iterable[Cost], needed: Iterable[Value]) -> frozenset[Value]:
    """The values to keep so that all that are needed can be had, at the least total cost."""
    edges: list[Edge] = [((v, 1), SINK, INFINITE) for v in needed]
    values = []
    for cost in costs:
        values.append(cost.value)
        edges.append(((cost.value, 0), (cost.value, 1), cost.keeping))
        if cost.replaying != (0, 0):
            edges.append((SOURCE, (cost.value, 0), cost.replaying))
        edges += [((u, 1), (cost.value, 0), INFINITE) for u in cost.sources]
    side = minimum_cut(edges, SOURCE, SINK).source_side
    return frozenset(v for v in values if (v, 0) in side and (v, 1) not in side)


def _keeping(nest: Nest, value: Value, home: Home, trips: int) -> Capacity:
    """Bytes of the stack; a value whose size changes from trip to trip is never stacked.

    Numbers that are stacked for one run of a ragged loop cost the time to write and read them.
    """
    anchor = nest.anchor(home)
    if nest.changing(value.type.shape, home) > anchor:
        return INFINITE
    if anchor and not value.type.rank:
        return (0, MOVED * trips)
    return (nbytes(value) * trips, 0)


def _trips(nest: Nest, home: Home) -> int:
    return prod(max(guess(nest.stacked_trips(loop)), 1) for loop, _ in home if loop.op.loop)


def nbytes(value: Value) -> int:
    """The bytes of a value when every size counts for GUESS."""
    return prod(max(guess(d), 1) for d in value.type.shape) * value.type.dtype.itemsize


def guess(dim: Dim) -> int:
    """A size's value when every name counts for GUESS."""
    return dim.value(defaultdict(lambda: GUESS))


def _work(nest: Nest, value: Value) -> int:
    """The work of replaying a value once, in tenths of a flop: reading an element again counts as one."""
    if value in nest.sliced or value in nest.indices:
        return 0
    if value in nest.elsewhere:
        return 10
    return work(nest.made[value])


def work(eqn: Eqn) -> int:
    """The work of an equation, in tenths of a flop."""
    elements = max((prod(max(guess(d), 1) for d in o.type.shape) for o in eqn.outputs), default=1)
    return int(10 * eqn.op.cost * elements)


def _required(
    nest: Nest, costs: Iterable[Cost], needed: Iterable[Value], kept: frozenset[Value]
) -> frozenset[Value]:
    sources = {cost.value: cost.sources for cost in costs}
    found: set[Value] = set()
    waiting = list(needed)
    while waiting:
        v = waiting.pop()
        if v in found or isinstance(v, Constant) or not nest.home.get(v):
            continue
        found.add(v)
        if v not in kept:
            waiting += sources[v]
    return frozenset(found)
