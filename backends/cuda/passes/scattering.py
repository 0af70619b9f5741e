"""Sums that the trips of a parallel loop share leave it as items.

Trips of a loop that run at once cannot add to one place without waiting for each other. So each hands on what
it adds, and what it adds to:

    x = for x0 {sums=1} (i, x) { ... x1 = add_at x, v, i + 1; yield x1 }
    vs = for (i) { ... yield v };  x = add_at x0, vs, 1 {at=(("span", n, 1),)}

Places that are linear in the index of a loop become spans, others gathers; a number that is added to becomes
a `sum` of items. A loop inside hands on stacks where it is part of the grid (each body holds nothing but the
next loop), or where its trips add to different places; else it adds up by itself.

An item is a number, or an array of a few numbers: a loop that adds larger arrays, or adds at changing places
in an inner loop whose trips differ or are not known, keeps its sums, and the same is tried inside of it.
After the pass a `for` that still has shared sums is not for threads. It is the same computation up to the
order of sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from ....ir.build import (
    Builder,
    Environment,
    active,
    building,
    function,
    lookup,
    origin,
    renewed,
    replay,
    rewrite_inside,
)
from ....ir.graph import Block, Eqn, Function, Value, walk
from ....ir.integers import Integers, integers
from ....ir.loops import loop_body, trip_count
from ....ir.ops import OPS
from ....ir.parallel import parallel
from .contributions import Around
from .extraction import Extraction, Impossible
from .ownership import owners
from .thread_work import is_small, obstacle, parallel_work


def scattered(source: Function) -> Function:
    """The same Function; where possible, no loop that threads may run has shared sums."""
    known = integers(source.body)
    params = [renewed(p) for p in source.body.params]
    env: Environment = dict(zip(source.body.params, params, strict=True))
    return function(
        source.name,
        params,
        lambda *_: _written(known, source.body, env),
        ops=OPS,
        sizes=source.sizes,
        guards=source.guards,
        written=source.written,
    )


def _written(known: Integers, source: Block, env: Environment) -> Sequence[Value]:
    """A host-level block with its loops written anew; its results."""
    for eqn in source.eqns:
        with origin(eqn.location, eqn.note):
            how = parallel(eqn, known)
            if how is not None and not how.shared:
                replay(eqn, env)
            elif how is not None and _worth_threads(eqn, known) and _scatter(eqn, how.shared, known, env):
                continue
            elif eqn.blocks:
                rewrite_inside(eqn, env, partial(_written, known))
            else:
                replay(eqn, env)
    return [lookup(env, r) for r in source.results]


def _worth_threads(eqn: Eqn, known: Integers) -> bool:
    """Whether there are enough trips for threads, or they are long, in a parallel loop."""
    long = any(inner.op.loop for inner in loop_body(eqn).eqns) and not parallel_work(loop_body(eqn), known)
    return long or not is_small(trip_count(eqn.attrs))


def _scatter(eqn: Eqn, shared: Sequence[int], known: Integers, env: Environment) -> bool:
    """Write a loop without its shared sums, and these beside it; False if threads cannot run that."""
    copies = dict(env)
    found = owners(eqn, shared, known)
    taken = frozenset(addition.eqn for group in found for addition in group.additions)
    totals = {k: lookup(env, eqn.inputs[k]) for k in shared}
    with building(Builder(OPS)) as before:
        for group in found:
            with origin(eqn.location, eqn.note):
                totals[group.state] = group.added(totals[group.state], env)
    with building(Builder(OPS)) as builder:
        try:
            contributions = Extraction.of(eqn, known, taken).loop(eqn, {k: k for k in shared}, copies)
        except Impossible:
            return False
        rest = builder.eqns[-1]
        if obstacle(rest) is not None:
            return False
        effects = any(e.op.effect for e in walk(loop_body(rest)))
        if not rest.outputs and not effects:
            builder.eqns.pop()
        if effects:
            builder.eqns += before.eqns
            before.eqns.clear()
        around = Around(known, copies)
        for contribution in contributions:
            with origin(*contribution.origin):
                totals[contribution.state] = around.added(totals[contribution.state], contribution)
    active().eqns.extend([*before.eqns, *builder.eqns])
    env.update((o, copies[o]) for k, o in enumerate(eqn.outputs) if k not in totals)
    env.update((eqn.outputs[k], total) for k, total in totals.items())
    return True
