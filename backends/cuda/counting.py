"""Loops `while` that keep something of each trip: their trips are counted before.

A thread has memory of a size that the host knows. So where nothing but a stack of unknown length keeps a
region from threads, the part of it that decides how many trips there are runs once before, and the host
reads how many it were at most: so much room there is for the trips, and a little more.

    counts = for (i) { ... while {trips="t"} ...; n = dim {size=t}; yield n }
    bind (max counts) {size="most"}
    ... = for (i) { ... while {trips="t", limit=most + 8} ...; check t < most + 8 }

Compiled anew a test may be true for a trip more, where the last bit decides: for that there is the room, and
the check, so that no loop ends early. What runs before may not fail: with a `check` in it a region stays as
it is, as the first check that fails is the one that is reported.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import count

from ...ir.build import Environment, block, emit, lookup, origin, replay_origin, rewrite_inside, using
from ...ir.graph import Block, Eqn, Function, Value, constant, walk
from ...ir.integers import integers
from ...ir.loops import trip_count
from ...ir.ops import OPS
from ...ir.ops.arrays import size_value
from ...ir.ops.control import branch
from ...ir.parallel import parallel
from ...ir.types import BOOL, I64, ArrayType, Dim
from .placement import placed
from .thread_work import named_sizes, obstacle, parallel_work
from .trips import NoPartError, Part, unlimited

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
        """Write a region behind a count of its trips; False where that is not possible, or does not help."""
        loops = list(unlimited(region))
        limits = {loop: Dim.of(self.name("most")) for loop in loops}
        whole, *checks = _limited(region, limits)
        if not loops or region.op.name == "if" or not self.is_for_threads(whole):
            return False
        part = Part({loop: self.name(str(loop.attrs["trips"])) for loop in loops})
        try:
            eqns, counts = part.of(region)
        except NoPartError:
            return False
        inner = dict(env)
        for eqn in eqns:
            replay_origin(eqn, inner)
        with origin(region.location, region.note):
            for made, limit in zip(counts, limits.values(), strict=True):
                emit(OPS["bind"], [_most(inner[made])], {"size": limit.name})
        for eqn in (whole, *checks):
            replay_origin(eqn, env)
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


def _limited(eqn: Eqn, most: Mapping[Eqn, Dim]) -> tuple[Eqn, ...]:
    """An equation in which loops have limits, by so many trips at most, and check that they keep them."""
    blocks = tuple(
        replace(b, eqns=tuple(made for inner in b.eqns for made in _limited(inner, most))) for b in eqn.blocks
    )
    if eqn not in most:
        return (replace(eqn, blocks=blocks),)
    limit = most[eqn] + SPARE
    left, ok = Value(ArrayType(I64)), Value(ArrayType(BOOL))
    checks = (
        Eqn(OPS["dim"], (), (left,), {"size": limit - trip_count(eqn.attrs) - 1}),
        Eqn(OPS["greater_equal"], (left, constant(0)), (ok,)),
        Eqn(OPS["check"], (ok,), (), {"kind": "RuntimeError", "message": MORE}),
    )
    limited = replace(eqn, blocks=blocks, attrs={**eqn.attrs, "limit": limit})
    return (limited, *(replace(e, location=eqn.location, note=eqn.note) for e in checks))


def _most(counts: Value) -> Value:
    """The greatest of some numbers, zero if there is none."""
    if not counts.type.rank:
        return counts
    axes = tuple(range(counts.type.rank))
    some = OPS["greater"](size_value(counts.type.size), 0)
    return branch(some, lambda: [OPS["max"](counts, axes=axes)], lambda: [0])[0]
