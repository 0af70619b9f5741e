"""Loops `while` in threads that keep something of each trip: how many trips there may be is known before.

A thread has memory of a size that the host knows. So where nothing but a stack of unknown length keeps a loop
from threads, the part of it that decides how many trips there are runs once before, and the host reads how
many it were at most: so many rows there are for the trips, and a few more.

    counts = for (i) { ... while {trips="t"} ...; n = dim {size=t}; yield n }
    bind (max counts) {size="most"}
    ... = for (i) { ... while {trips="t", limit=most + 8} ...; check t < most + 8 }

Compiled anew a test may be true for a trip more, where the last bit decides: for that there is the room, and
the check, so that no loop ends early. What runs before may not fail: with a `check` in it a region stays as
it is, as the first check that fails is the one that is reported. A limit that is there is as good as a count.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import count

from ....ir.build import Environment, block, emit, lookup, origin, replay_origin, rewrite_inside, using
from ....ir.graph import Block, Eqn, Function, Value, constant, walk
from ....ir.integers import integers
from ....ir.loops import most_trips, trip_count
from ....ir.ops import OPS
from ....ir.ops.arrays import size_value
from ....ir.ops.control import branch
from ....ir.parallel import parallel
from ....ir.types import BOOL, I64, ArrayType, Dim
from .placement import placed
from .thread_tapes import NoTapeError, Tapes, keeping
from .thread_work import named_sizes, obstacle, parallel_work
from .trips import NoPartError, Part

SPARE = 8
"""How many more trips there is room for."""

MORE = "a loop makes more trips when it is run again"


def counted(function: Function) -> Function:
    """The same Function, in which what threads keep of unknown trips has a limit."""
    writer = _Writer(function)
    with using(OPS):
        body = block(function.body.params, lambda *_: writer.block(function.body, {}))
    return replace(function, body=body)


class _Writer:
    """Writes host-level blocks anew, with a count before each region that needs one."""

    def __init__(self, function: Function) -> None:
        self.where = placed(function)
        self.known = integers(function.body)
        self.taken = {*function.sizes, *(name for eqn in walk(function.body) for name in named_sizes(eqn))}

    def block(self, source: Block, env: Environment) -> Sequence[Value]:
        for eqn in source.eqns:
            if not eqn.blocks or not self.where.on_host(eqn):
                replay_origin(eqn, env)
            elif not self.counted(eqn, env):
                rewrite_inside(eqn, env, self.block)
        return [lookup(env, r) for r in source.results]

    def counted(self, region: Eqn, env: Environment) -> bool:
        """Write a loop behind a count of trips; False where that is not possible, or does not help."""
        loops = list(keeping(region))
        if not loops or region.op.name != "for":
            return False
        inside = {size for eqn in walk(Block((), (region,), ())) for size in named_sizes(eqn)}
        rows = {loop: _limit(loop, inside) or Dim.of(self.name("most")) + SPARE for loop in loops}
        asked = {loop: self.name(str(loop.attrs["trips"])) for loop in loops if _limit(loop, inside) is None}
        try:
            (taping,) = Tapes(rows).equation(_checked(region, rows, asked))
            eqns, counts = Part(asked).of(region) if asked else ((), ())
        except (NoPartError, NoTapeError):
            return False
        if not self.is_for_threads(taping):
            return False
        inner = dict(env)
        for eqn in eqns:
            replay_origin(eqn, inner)
        with origin(region.location, region.note):
            for made, loop in zip(counts, asked, strict=True):
                emit(OPS["bind"], [_most(inner[made])], {"size": (rows[loop] - SPARE).name})
        replay_origin(taping, env)
        return True

    def is_for_threads(self, region: Eqn) -> bool:
        """Whether threads, or one, may run a region."""
        if obstacle(region) is not None:
            return False
        work = any(parallel_work(inner, self.known) for inner in region.blocks)
        return not work or parallel(region, self.known) is not None

    def name(self, like: str) -> str:
        """A name that no size has yet."""
        found = next(n for k in count() if (n := f"{like}{k or ''}") not in self.taken)
        self.taken.add(found)
        return found


def _limit(loop: Eqn, inside: Collection[str]) -> Dim | None:
    """The most trips that a `while` makes, if the host knows them; `inside` are sizes that it does not."""
    most = most_trips(loop.attrs)
    return None if most is None or not most.names().isdisjoint(inside) else most.positive()


def _checked(eqn: Eqn, rows: Mapping[Eqn, Dim], counted: Collection[Eqn]) -> Eqn:
    """An equation in which those of the loops that are counted are followed by a check: there are more rows
    than trips."""

    def followed(inner: Eqn) -> tuple[Eqn, ...]:
        if inner not in rows:
            return (_checked(inner, rows, counted),)
        left, ok = Value(ArrayType(I64)), Value(ArrayType(BOOL))
        checks = (
            Eqn(OPS["dim"], (), (left,), {"size": rows[inner] - trip_count(inner.attrs) - 1}),
            Eqn(OPS["greater_equal"], (left, constant(0)), (ok,)),
            Eqn(OPS["check"], (ok,), (), {"kind": "RuntimeError", "message": MORE}),
        )
        located = (replace(e, location=inner.location, note=inner.note) for e in checks)
        return (inner, *located) if inner in counted else (inner,)

    if not eqn.blocks:
        return eqn
    blocks = (replace(b, eqns=tuple(made for e in b.eqns for made in followed(e))) for b in eqn.blocks)
    return replace(eqn, blocks=tuple(blocks))


def _most(counts: Value) -> Value:
    """The greatest of some numbers, zero if there is none."""
    if not counts.type.rank:
        return counts
    axes = tuple(range(counts.type.rank))
    some = OPS["greater"](size_value(counts.type.size), 0)
    return branch(some, lambda: [OPS["max"](counts, axes=axes)], lambda: [0])[0]
