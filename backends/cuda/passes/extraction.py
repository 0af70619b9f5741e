"""Writing a loop without some of its sums: what its trips add to them is yielded, and stacked.

Loops inside either stack what they add, or, where it all goes to one place, add it up; a branch yields zeros
for what only the other one adds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from ....ir.build import (
    Builder,
    Environment,
    active,
    building,
    emit,
    lookup,
    origin,
    renewed,
    replay,
    replay_block,
)
from ....ir.graph import Attr, Attrs, Block, Eqn, Value, constant, reads, values, walk
from ....ir.integers import Integers
from ....ir.loops import carry_count, loop_body, state_count, trip_count
from ....ir.ops import OPS
from ....ir.parallel import parallel
from ....ir.types import Dim
from .contributions import Around, Contribution, Place
from .thread_work import is_small

T = TypeVar("T")

Sums = dict[Value, int]
"""Versions of sums, and the state of the outermost loop that each is."""

Dropped = Mapping[int, int]
"""The states of a loop that are left out, and what they are of the outermost loop."""


Pair = tuple[Contribution | None, Contribution | None]
"""What one branch adds at a place, and the other one; one of them at least adds."""


class Impossible(Exception):
    """What a loop adds cannot leave it."""


@dataclass(frozen=True)
class Extraction:
    """A loop that is written without sums.

    `inside` are the values that its body defines, `names` the sizes; `indices` the indices of `for`s, its own
    among them; `grid` are the loops whose trips become threads. Additions that are `taken` are left out.
    """

    known: Integers
    inside: frozenset[Value]
    names: frozenset[str]
    indices: frozenset[Value]
    grid: Sequence[Eqn]
    taken: frozenset[Eqn]

    @staticmethod
    def of(loop: Eqn, known: Integers, taken: frozenset[Eqn]) -> Extraction:
        """The survey of a loop whose trips are independent."""
        every = [loop, *walk(loop_body(loop))]
        bound = [e.attrs[e.op.binds] for e in every if e.op.binds]
        named = [e.attrs["index"] for e in every if e.op.loop and "index" in e.attrs]
        names = frozenset(map(str, [*bound, *named]))
        indices = frozenset(loop_body(e).params[0] for e in every if e.op.name == "for")
        grid = _grid(loop, names, known)
        return Extraction(known, frozenset(values(loop_body(loop))), names, indices, grid, taken)

    # ---- blocks ----

    def _block(self, source: Block, env: Environment, sums: Sums) -> list[Contribution]:
        """Write the equations of a block; what it adds to sums, as values of the block."""
        found: list[Contribution] = []
        for eqn in source.eqns:
            with origin(eqn.location, eqn.note):
                if eqn.op.adds and eqn.inputs[0] in sums:
                    sums[eqn.output] = sums[eqn.inputs[0]]
                    if eqn not in self.taken:
                        found = _with(found, self._addition(eqn, env, sums))
                elif eqn.blocks and any(v in sums for v in reads(eqn)):
                    for contribution in self._inside(eqn, env, sums):
                        found = _with(found, contribution)
                else:
                    replay(eqn, env)
        return found

    def _inside(self, eqn: Eqn, env: Environment, sums: Sums) -> list[Contribution]:
        """Write an equation with blocks that add to sums."""
        if eqn.op.name == "if":
            return self._branches(eqn, env, sums)
        if not eqn.op.loop:
            raise Impossible
        dropped = {k: sums[v] for k, v in enumerate(eqn.inputs[: state_count(eqn.attrs)]) if v in sums}
        sums.update((eqn.outputs[k], state) for k, state in dropped.items())
        return self.loop(eqn, dropped, env)

    # ---- one addition ----

    def _addition(self, eqn: Eqn, env: Environment, sums: Sums) -> Contribution:
        state, value = sums[eqn.inputs[0]], lookup(env, eqn.inputs[1])
        if not is_small(*value.type.shape):
            raise Impossible
        where = active().origin()
        if eqn.op.name == "add_at":
            at, places = self._at(eqn, env)
            return Contribution(state, value, at, places, origin=where)
        if value.type != eqn.output.type:
            raise Impossible
        return Contribution(state, -value if eqn.op.name == "sub" else value, None, (), origin=where)

    def _at(self, eqn: Eqn, env: Environment) -> tuple[tuple[Attr, ...], tuple[Place, ...]]:
        """What is taken of the axes of a sum, and where: spans and whole axes are the same in all trips."""
        operands = eqn.inputs[2:]
        at = eqn.attrs.get("at", ("point",) * len(operands))
        assert isinstance(at, tuple)
        places: list[Place] = []
        given = iter(operands)
        for item in at:
            if item == "gather" or isinstance(item, tuple) and item[0] == "block":
                raise Impossible
            if item != "all":
                places.append(self._place(next(given), env))
            if isinstance(item, tuple) and (places[-1].data or self._depends(places[-1], self.inside)):
                raise Impossible
        return at, tuple(places)

    def _place(self, operand: Value, env: Environment) -> Place:
        """A polynomial in indices of `for`s and what is known outside, or else the integer as well."""
        dim, stands_for = self.known.of(operand), self.known.stands_for
        opaque = {n for a in dim.atoms() if not isinstance(a, str) for n in Dim((((a,), 1),)).names()}
        behind = all(
            v in self.indices or (v in env and v not in self.inside)
            for v in (stands_for[name] for name in dim.names() if name in stands_for)
        )
        return Place(dim) if behind and opaque.isdisjoint(stands_for) else Place(dim, lookup(env, operand))

    def _depends(self, place: Place, on: frozenset[Value]) -> bool:
        """Whether a place may be another one where these values are others."""
        stands_for = self.known.stands_for
        return any(stands_for[name] in on for name in place.dim.names() if name in stands_for)

    # ---- branches ----

    def _branches(self, eqn: Eqn, env: Environment, sums: Sums) -> list[Contribution]:
        """An `if` whose branches yield what they add, and zeros for what the other one adds."""
        sides = [self._side(source, env, sums) for source in eqn.blocks]
        states = [sides[0].sums.get(r) for r in eqn.blocks[0].results]
        kept = [k for k, state in enumerate(states) if state is None]
        sums.update((eqn.outputs[k], state) for k, state in enumerate(states) if state is not None)
        pairs = _pairs(*(side.found for side in sides))
        blocks = [
            side.block([source.results[k] for k in kept], [(pair[n], pair[1 - n]) for pair in pairs])
            for n, (side, source) in enumerate(zip(sides, eqn.blocks, strict=True))
        ]
        names = [eqn.outputs[k].name for k in kept]
        outputs = emit(eqn.op, [lookup(env, eqn.inputs[0])], eqn.attrs, blocks, names)
        env.update((eqn.outputs[k], o) for k, o in zip(kept, outputs, strict=False))
        given = iter(outputs[len(kept) :])
        chosen = [_chosen(*pair) for pair in pairs]
        return [c.with_data([next(given) for _ in c.data]) for c in chosen]

    def _side(self, source: Block, env: Environment, sums: Sums) -> _Side:
        inner, known = dict(env), dict(sums)
        with building(Builder(OPS)) as builder:
            found = self._block(source, inner, known)
        return _Side(builder, inner, known, found)

    # ---- loops ----

    def loop(self, eqn: Eqn, dropped: Dropped, env: Environment) -> list[Contribution]:
        """Write a loop without these states; what it adds to them, as values behind it."""
        body, kept = loop_body(eqn), state_count(eqn.attrs) - len(dropped)
        olds = _without(body.params, dropped, 1)
        params = [renewed(p) for p in olds]
        inner: Environment = {**env, **dict(zip(olds, params, strict=True))}
        with building(Builder(OPS)) as builder:
            found = self._block(body, inner, {body.params[1 + k]: state for k, state in dropped.items()})
            added = [c for c in found if self._adds_up(eqn, c)]
            handed = [c for c in found if c not in added]
            totals = [Value(c.value.type) for c in added]
            ends = [total + c.value for total, c in zip(totals, added, strict=True)]
        if handed and not (eqn.op.name == "for" and self._same_trips(eqn)):
            raise Impossible
        results = [lookup(inner, r) for r in _without(body.results, dropped)]
        results[kept:kept] = ends
        results += [v for c in handed for v in c.data]
        params[1 + kept : 1 + kept] = totals
        whole = Block(tuple(params), _live(builder.eqns, results), tuple(results))
        tests = [self._test(test, dropped, totals, env) for test in eqn.blocks[:-1]]
        operands = [lookup(env, v) for v in _without(eqn.inputs, dropped)]
        operands[kept:kept] = [_zeros(total) for total in totals]
        names = [o.name for o in _without(eqn.outputs, dropped)]
        names[kept:kept] = [None] * len(totals)
        outputs = emit(eqn.op, operands, _attrs(eqn, dropped, len(added)), [*tests, whole], names)
        return self._behind(eqn, dropped, env, outputs, added, handed)

    def _test(self, test: Block, dropped: Dropped, totals: Sequence[Value], env: Environment) -> Block:
        """The test of a `while`, which reads no sums."""
        source = replace(test, params=tuple(_without(test.params, dropped, 1)))
        copied = replay_block(source, env)
        return replace(copied, params=(*copied.params, *map(renewed, totals)))

    def _behind(
        self,
        eqn: Eqn,
        dropped: Dropped,
        env: Environment,
        outputs: Sequence[Value],
        added: Sequence[Contribution],
        handed: Sequence[Contribution],
    ) -> list[Contribution]:
        """What a loop leaves: its states and stacks, the totals, and stacks of what its trips add."""
        kept = state_count(eqn.attrs) - len(dropped)
        olds = _without(eqn.outputs, dropped)
        totals = outputs[kept : kept + len(added)]
        own = [*outputs[:kept], *outputs[kept + len(added) :]]
        env.update(zip(olds, own, strict=False))
        more = iter(own[len(olds) :])
        certain = eqn.op.name == "for" and self._same_trips(eqn)
        trips = (trip_count(eqn.attrs),) if certain else ()
        found = [
            replace(self._at_once(c, env), value=total, trips=(*trips, *c.trips), sure=c.sure and certain)
            for c, total in zip(added, totals, strict=True)
        ]
        stacked = [c.with_data([next(more) for _ in c.data]) for c in handed]
        return found + [replace(c, loops=(eqn, *c.loops), trips=(*trips, *c.trips)) for c in stacked]

    def _at_once(self, c: Contribution, env: Environment) -> Contribution:
        """A contribution whose places, the same in all trips of a loop, are known behind it."""
        if len(c.data) == 1:
            return c
        stands_for = self.known.stands_for
        names = [name for p in c.places if p.data is not None for name in p.dim.names()]
        if not all(stands_for[name] in env for name in names if name in stands_for):
            raise Impossible
        around = Around(self.known, env)
        known = (p if p.data is None else replace(p, data=around.place(p.dim, {})) for p in c.places)
        return replace(c, places=tuple(known))

    def _adds_up(self, eqn: Eqn, c: Contribution) -> bool:
        """Whether a loop adds up by itself what its trips add: all to one place, which is not that of all."""
        own = frozenset(v for block in eqn.blocks for v in values(block))
        if eqn is self.grid[0] or any(self._depends(place, own) for place in c.places):
            return False
        return eqn not in self.grid or any(self._depends(place, self.inside) for place in c.places)

    def _same_trips(self, eqn: Eqn) -> bool:
        """Whether the trips of a loop are as many in each trip of the outermost one."""
        return eqn is self.grid[0] or trip_count(eqn.attrs).names().isdisjoint(self.names)


def _grid(loop: Eqn, names: frozenset[str], known: Integers) -> list[Eqn]:
    """A parallel loop, and the parallel loops that are all that the one around them does.

    Of those inside the sums that are shared are shared by the trips of all.
    """
    loops = [loop]
    how = parallel(loop, known)
    while how is not None:
        body = loop_body(loops[-1])
        shared = {body.params[1 + k] for k in how.shared}
        *before, inner = body.eqns or (loops[-1],)
        alone = not any(e.op.effect or e.blocks or any(o.type.rank for o in e.outputs) for e in before)
        how = parallel(inner, known) if alone and inner not in loops else None
        if how is None or not trip_count(inner.attrs).names().isdisjoint(names):
            break
        if not {inner.inputs[k] for k in how.shared} <= shared:
            break
        loops.append(inner)
    return loops


# ---- parts of equations ----


def _without(items: Sequence[T], dropped: Dropped, before: int = 0) -> list[T]:
    """Operands, parameters, results or outputs of a loop without these states."""
    return [item for k, item in enumerate(items) if k - before not in dropped]


def _attrs(eqn: Eqn, dropped: Dropped, added: int) -> Attrs:
    """The attributes of a loop without these states, and with so many that it adds up."""
    carries = carry_count(eqn.attrs)
    gone = sum(1 for k in dropped if k < carries)
    sums = state_count(eqn.attrs) - carries - (len(dropped) - gone)
    more = (0, added) if eqn.op.name == "for" else (added, 0)
    counts = {"carry": carries - gone + more[0], "sums": sums + more[1]}
    rest = {name: attr for name, attr in eqn.attrs.items() if name not in counts}
    return rest | {name: number for name, number in counts.items() if number}


def _live(eqns: Sequence[Eqn], results: Sequence[Value]) -> tuple[Eqn, ...]:
    """The equations of a block that its results, or effects, need."""
    read, found = set(results), list[Eqn]()
    for eqn in reversed(eqns):
        effect = eqn.op.effect or any(e.op.effect for inner in eqn.blocks for e in walk(inner))
        if effect or eqn.op.binds is not None or not read.isdisjoint(eqn.outputs):
            found.append(eqn)
            read.update(reads(eqn))
    return tuple(reversed(found))


def _zeros(value: Value) -> Value:
    kind = value.type
    return OPS["zeros"](shape=kind.shape, dtype=kind.dtype) if kind.rank else constant(0, kind.dtype)


# ---- contributions that meet ----


@dataclass(frozen=True)
class _Side:
    """A branch while it is written, with what it adds."""

    builder: Builder
    env: Environment
    sums: Sums
    found: Sequence[Contribution]

    def block(self, results: Sequence[Value], pairs: Sequence[Pair]) -> Block:
        """The branch with its results, and its part of each pair, or zeros for that of the other branch."""
        with building(self.builder):
            added = [
                mine.data if mine is not None else list(map(_zeros, other.data if other is not None else ()))
                for mine, other in pairs
            ]
        own = [lookup(self.env, r) for r in results]
        return Block((), tuple(self.builder.eqns), (*own, *(v for data in added for v in data)))


def _pairs(left: Sequence[Contribution], right: Sequence[Contribution]) -> list[Pair]:
    """What two branches add, by place."""
    alone = list(right)
    found: list[Pair] = []
    for c in left:
        same = next((other for other in alone if other.key == c.key), None)
        found.append((c, same))
        alone = [other for other in alone if other is not same]
    return found + [(None, c) for c in alone]


def _chosen(first: Contribution | None, second: Contribution | None) -> Contribution:
    """What an `if` adds of what its branches add at one place, either of which may add nothing."""
    found = first or second
    assert found is not None
    sure = first is not None and second is not None and first.sure and second.sure
    return replace(found, sure=sure)


def _with(found: Sequence[Contribution], new: Contribution) -> list[Contribution]:
    """Contributions of a block and one more: to the same place they are one.

    Where data decide the place, it may be known of neither where it is not sure that there is one.
    """
    for k, c in enumerate(found):
        if c.key == new.key and (len(c.data) == 1 or (c.sure and new.sure)):
            surer = c if c.sure else new
            return [*found[:k], replace(surer, value=c.value + new.value), *found[k + 1 :]]
    return [*found, new]
