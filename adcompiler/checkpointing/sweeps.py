"""One loop and its adjoint, written so that they run by a schedule.

The loop stores its state before some of its trips, and tapes others. The adjoint loop becomes a loop over
*moves*: a move takes up a state, advances it, stores it, evaluates some trips that it tapes, and walks back
through trips that are taped. How often it does each stands in the *plan* (`schedules.moves`).
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping, Sequence
from functools import partial
from itertools import accumulate, pairwise
from typing import Protocol

from adcompiler.ir.build import emit, lookup, origin, replay, replay_origin
from adcompiler.ir.graph import Block, Eqn, Value
from adcompiler.ir.loops import Parts, loop_body, split, trip_count
from adcompiler.ir.ops import OPS
from adcompiler.ir.ops.arrays import size_value
from adcompiler.ir.ops.control import branch
from adcompiler.ir.ops.loops import loop, loop_while
from adcompiler.ir.types import ArrayType, Dim
from adcompiler.schedules import moves
from adcompiler.transforms.legalise import REPLAYED

from .pairs import trip
from .pools import Pools, Shelf, empty_pool
from .scheduled import PlannedPair

Environment = MutableMapping[Value, Value]


class Program(Protocol):
    """The program that is being written; `held` are the plan and the pools that a loop leaves behind."""

    held: dict[PlannedPair, tuple[Value, Pools]]

    def size(self, name: str) -> str:
        """A name that no size has yet."""

    def block(self, source: Block, env: Environment) -> Sequence[Value]:
        """Write the equations of a block; its results."""


class Sweep:
    """One loop and its adjoint, in the environment that they stand in."""

    def __init__(self, writer: Program, loop: PlannedPair, env: Environment) -> None:
        self.writer, self.loop, self.env = writer, loop, env
        self.pair, scheduled = loop.pair, loop.scheduled
        self.body = loop_body(self.pair.forward)
        self.states = Shelf(_types(self.pair.before), scheduled.state, scheduled.pools, from_end=False)
        self.lent = Shelf(_types(self.pair.before), scheduled.state, scheduled.lent, from_end=False)
        self.tapes = Shelf(_types(self.pair.row), scheduled.tape, scheduled.pools, from_end=True)
        self.trips = scheduled.trips
        self.pools = [*scheduled.pools.values(), *scheduled.lent.values()]

    def turned(self, number: Value, loop: Eqn) -> Value:
        """The index of a trip of the primal, or the trip of an index."""
        return size_value(self.trips - 1) - number if loop.attrs.get("reverse") else number

    # ---- on the way forward ----

    def forward(self) -> None:
        """The loop, which also stores its state now and then, and tapes its last trips."""
        eqn, pair, body = self.pair.forward, self.pair, self.body
        given = split(eqn.attrs, [lookup(self.env, v) for v in eqn.inputs])
        pools = [
            *(empty_pool(d, name) for d, name in self.loop.scheduled.pools.items()),
            *(OPS["undefined"](x, shape=x.type.shape, dtype=x.type.dtype) for x in self.loop.lent.values()),
        ]
        carries, width = len(given.carries), len(pools)
        early = [k for k, v in enumerate(pair.row) if not _made(body, v)]
        late = [k for k in range(len(pair.row)) if k not in early]
        tape = set(pair.tape)

        def write(i: Value, *args: Value) -> Sequence[Value]:
            own, held, (plan, *_), rest = _cut(args, carries, width, 1)
            inner = {**self.env, **dict(zip(body.params, (i, *own, *rest), strict=True))}
            number = self.turned(i, eqn)
            now = dict(zip(self.pools, held, strict=True))
            now, plan = self._event(now, plan, number, [inner[v] for v in pair.before])
            now = self._taped(now, plan, number, early, inner)
            for e in body.eqns:
                replay_origin(e, inner)
            now = self._taped(now, plan, number, late, inner)
            results = split(eqn.attrs, [lookup(inner, r) for r in body.results])
            items = [r for k, r in enumerate(results.slices, len(own) + len(results.sums)) if k not in tape]
            return [*results.carries, *now.values(), plan, *results.sums, *items]

        names = split(eqn.attrs, [o.name for o in eqn.outputs])
        hints = [*names.carries, *self.pools, "plan", *names.sums]
        starts = [*given.carries, *pools, self.loop.plan]
        outs = self._as_long(write, starts, given, hints)
        own, held, (plan, *_), rest = _cut(outs, carries, width, 1)
        plan = OPS["put"](plan, 1, moves.ENDED)
        left = [o for k, o in enumerate(eqn.outputs) if k not in tape]
        self.env.update(zip(left, (*own, *rest), strict=True))
        self.writer.held[self.loop] = plan, dict(zip(self.pools, held, strict=True))

    def _as_long(
        self,
        write: Callable[..., Sequence[Value]],
        starts: Sequence[Value],
        given: Parts[Value],
        names: Sequence[str | None],
    ) -> tuple[Value, ...]:
        """A loop of as many trips as the primal's."""
        eqn, index = self.pair.forward, index_name(self.pair.forward)
        if eqn.op.name == "for":
            backwards = bool(eqn.attrs.get("reverse"))
            return loop(
                trip_count(eqn.attrs),
                write,
                starts,
                given.sums,
                given.slices,
                reverse=backwards,
                index=index,
                names=names,
            )
        test, limit = eqn.blocks[0], eqn.attrs.get("limit")
        assert isinstance(limit, Dim | int | None)

        def asked(*args: Value) -> Value:
            inner = {**self.env, **dict(zip(test.params, args, strict=False))}
            for e in test.eqns:
                replay_origin(e, inner)
            return lookup(inner, test.results[0])

        trips = str(eqn.attrs["trips"])
        return loop_while(asked, write, starts, trips, limit=limit, index=index, names=names)

    def _event(self, pools: Pools, plan: Value, number: Value, state: Sequence[Value]) -> tuple[Pools, Value]:
        """The pools and the plan after the event before this trip, if there is one."""

        def then() -> Sequence[Value]:
            after = OPS["next_move"](plan)
            return [*self._stored(partial(_column, after), pools, state).values(), after]

        turn = OPS["equal"](number, _column(plan, moves.FROM))
        *found, after = branch(turn, then, lambda: [*pools.values(), plan])
        return dict(zip(pools, found, strict=True)), after

    def _taped(
        self, pools: Pools, plan: Value, number: Value, which: Sequence[int], env: Environment
    ) -> Pools:
        """The pools, with a part of the row of this trip if it is one of those that are taped."""
        if not which:
            return pools

        def then() -> Sequence[Value]:
            values = {k: lookup(env, self.pair.row[k]) for k in which}
            place = _column(plan, moves.BEFORE) + (number - _column(plan, moves.TRIP))
            return list(self.tapes.put(pools, values, place).values())

        found = branch(OPS["equal"](_column(plan, moves.TAPED), 1), then, lambda: list(pools.values()))
        return dict(zip(pools, found, strict=True))

    # ---- on the way back ----

    def reverse(self) -> None:
        """The moves."""
        eqn, pair, scheduled = self.pair.reverse, self.pair, self.loop.scheduled
        body = loop_body(eqn)
        given = split(eqn.attrs, [lookup(self.env, v) for v in eqn.inputs])
        yielded = split(eqn.attrs, [r.type for r in body.results])
        start = [lookup(self.env, pair.forward.inputs[k]) for k in pair.state]
        plan, pools = self.writer.held[self.loop]
        stacks = [OPS["undefined"](shape=(self.trips, *t.shape), dtype=t.dtype) for t in yielded.slices]
        widths = len(start), len(pools), len(given.carries), len(stacks), len(given.sums)

        def write(_: Value, *args: Value) -> Sequence[Value]:
            state, held, cotangents, items, sums, (plan,) = _cut(args, *widths)
            move = [_column(plan, m) for m in range(moves.WIDTH)]
            now = dict(zip(self.pools, held, strict=True))
            state = self._again(move[moves.RESTART], state, lambda *_: start)
            slot = move[moves.SLOT]
            state = self._again(move[moves.LOAD_STORED], state, lambda *_: self.states.get(now, slot))
            if scheduled.lent:
                state = self._again(move[moves.LOAD_DISK], state, lambda *_: self.lent.get(now, slot))
            state = self._again(
                move[moves.ADVANCED], state, lambda k, *s: self._advanced(move[moves.TRIP] + k, s, pair.after)
            )
            now = self._stored(move.__getitem__, now, state)
            state, now = self._taping(move, state, now)
            after = self._walked(move, now, cotangents, sums, items)
            cotangents, sums, items = _cut(after, len(cotangents), len(sums))
            return [*state, *now.values(), *cotangents, *items, *sums, OPS["next_move"](plan)]

        outs = loop_while(
            lambda _, *args: OPS["equal"](_column(args[-1], moves.MORE), 1),
            write,
            [*start, *pools.values(), *given.carries, *stacks, *given.sums, OPS["next_move"](plan)],
            self.writer.size("moves"),
        )
        _, _, cotangents, items, sums, _ = _cut(outs, *widths)
        self.env.update(zip(eqn.outputs, (*cotangents, *sums, *items), strict=True))

    def _bound(self, count: Value) -> Dim:
        """A count as the length of a loop."""
        name = self.writer.size("trips")
        emit(OPS["bind"], [count], {"size": name})
        return Dim.of(name)

    def _again(
        self, count: Value, state: Sequence[Value], write: Callable[..., Sequence[Value]]
    ) -> Sequence[Value]:
        """A state after so many times `write(k, *state)`."""
        return loop(self._bound(count), write, state) if state else state

    def _stored(self, column: Callable[[int], Value], pools: Pools, state: Sequence[Value]) -> Pools:
        """The pools, with this state where a move of these columns stores it."""
        values, into = dict(enumerate(state)), column(moves.INTO)
        pools = self._on_pools(column(moves.STORED), pools, lambda _, p: self.states.put(p, values, into))
        if not self.loop.scheduled.lent:
            return pools
        return self._on_pools(column(moves.STORED_DISK), pools, lambda _, p: self.lent.put(p, values, into))

    def _on_pools(self, count: Value, pools: Pools, write: Callable[[Value, Pools], Pools]) -> Pools:
        def body(k: Value, *args: Value) -> Sequence[Value]:
            return list(write(k, dict(zip(self.pools, args, strict=True))).values())

        return dict(zip(self.pools, self._again(count, list(pools.values()), body), strict=True))

    def _taping(
        self, move: Sequence[Value], state: Sequence[Value], pools: Pools
    ) -> tuple[Sequence[Value], Pools]:
        """Evaluate trips, and tape them."""
        first, row = move[moves.TRIP] + move[moves.ADVANCED], self.pair.row
        late = [k for k, v in enumerate(row) if v not in self.pair.before]

        def body(k: Value, *args: Value) -> Sequence[Value]:
            before, held = _cut(args, len(state))
            now, place = dict(zip(self.pools, held, strict=True)), move[moves.BEFORE] + k
            there = dict(zip(self.pair.before, before, strict=True))
            # before the trip, which may then overwrite it
            now = self.tapes.put(now, {k: there[v] for k, v in enumerate(row) if k not in late}, place)
            found = self._advanced(first + k, before, [*self.pair.after, *(row[k] for k in late)])
            after, made = _cut(found, len(state))
            return [*after, *self.tapes.put(now, dict(zip(late, made, strict=True)), place).values()]

        found = self._again(move[moves.TAPED], [*state, *pools.values()], body)
        after, held = _cut(found, len(state))
        return after, dict(zip(self.pools, held, strict=True))

    def _advanced(self, number: Value, state: Sequence[Value], wanted: Sequence[Value]) -> list[Value]:
        """These values of the body in the trip of this number, from the state before it."""
        eqn, source = self.pair.forward, trip(self.body, wanted)
        index = self.turned(number, eqn)
        inner: Environment = {**self.env, source.params[0]: index}
        inner.update(zip(self.pair.before, state, strict=True))
        self._sliced(eqn, index, inner)
        self._name_index(eqn, index)
        for e in source.eqns:
            with origin(e.location, REPLAYED):
                replay(e, inner)
        return [lookup(inner, r) for r in source.results]

    def _sliced(self, eqn: Eqn, index: Value, inner: Environment) -> None:
        """The slices of a loop as elements of its operands."""
        params = split(eqn.attrs, loop_body(eqn).params[1:]).slices
        for param, array in zip(params, split(eqn.attrs, eqn.inputs).slices, strict=True):
            if array not in self.tape_stacks:
                inner[param] = emit(OPS["index"], [lookup(self.env, array), index], names=[param.name])[0]

    @property
    def tape_stacks(self) -> set[Value]:
        return {self.pair.forward.outputs[k] for k in self.pair.tape}

    def _name_index(self, eqn: Eqn, index: Value) -> None:
        name = index_name(eqn)
        if name is not None:
            emit(OPS["bind"], [index], {"size": name})

    def _walked(
        self,
        move: Sequence[Value],
        pools: Pools,
        cotangents: Sequence[Value],
        sums: Sequence[Value],
        items: Sequence[Value],
    ) -> Sequence[Value]:
        """Walk back through trips that are taped."""
        eqn, pair = self.pair.reverse, self.pair
        source = loop_body(eqn)

        def body(k: Value, *args: Value) -> Sequence[Value]:
            cts, stacks, added = _cut(args, len(cotangents), len(items))
            index = self.turned(move[moves.FROM] - 1 - k, pair.forward)
            row = self.tapes.get(pools, move[moves.HELD] - 1 - k)
            inner: Environment = {**self.env, source.params[0]: index}
            inner.update(zip(source.params[1:], (*cts, *added), strict=False))
            inner.update((param, row[n]) for param, n in pair.taken)
            self._sliced(eqn, index, inner)
            self._name_index(eqn, index)
            results = split(eqn.attrs, self.writer.block(source, inner))
            found = [OPS["put"](x, r, index) for x, r in zip(stacks, results.slices, strict=True)]
            return [*results.carries, *found, *results.sums]

        outs = loop(self._bound(move[moves.REVERSED]), body, [*cotangents, *items], sums)
        cts, stacks, added = _cut(outs, len(cotangents), len(items))
        return [*cts, *added, *stacks]


def _column(plan: Value, column: int) -> Value:
    return OPS["index"](plan, column)


def _types(values: Sequence[Value]) -> tuple[ArrayType, ...]:
    return tuple(v.type for v in values)


def _made(body: Block, value: Value) -> bool:
    return any(value in eqn.outputs for eqn in body.eqns)


def index_name(eqn: Eqn) -> str | None:
    """The size that the index of a loop is in its body."""
    name = eqn.attrs.get("index")
    assert isinstance(name, str | None)
    return name


def _cut(values: Sequence[Value], *widths: int) -> list[Sequence[Value]]:
    """The values in pieces of these widths, and what is left."""
    ends = [0, *accumulate(widths)]
    return [*(values[a:b] for a, b in pairwise(ends)), values[ends[-1] :]]
