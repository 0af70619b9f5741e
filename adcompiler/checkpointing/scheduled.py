"""Run loops and their adjoints by a schedule: a few states are kept, and the tapes of a few trips at a time.

The loop stores its state before some of its trips, and tapes others. The adjoint loop becomes a loop over
*moves*: a move takes up a state, advances it, stores it, evaluates some trips that it tapes, and walks back
through trips that are taped. How often it does each stands in the *plan* (`schedules.moves`), an argument of
the program: so its code depends on neither the trip count nor the memory.

What is stored lives in one *pool* for each dtype: states from its beginning, tapes from its end, each in the
order of the trips, so that the one grows into what the other has left. An initial state needs no place in it.
Where states may lie on disk, the caller lends a pool for those of each dtype (`stores`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate, count, pairwise
from pathlib import Path

from adcompiler.ir.build import emit, function, lookup, origin, renewed, replay, replay_origin, rewrite_inside
from adcompiler.ir.errors import Location, PlanError
from adcompiler.ir.graph import Attr, Block, Eqn, Function, Value, walk
from adcompiler.ir.loops import Parts, loop_body, split, trip_count
from adcompiler.ir.ops import OPS
from adcompiler.ir.ops.arrays import size_value
from adcompiler.ir.ops.control import branch
from adcompiler.ir.ops.loops import loop, loop_while
from adcompiler.ir.types import I64, ArrayType, Dim, DType
from adcompiler.schedules import moves
from adcompiler.transforms.dce import dce
from adcompiler.transforms.legalise import REPLAYED

from .pairs import Pair, pairs, trip
from .plans import POLICY, Budget, Policy, decoded

Environment = MutableMapping[Value, Value]
Around = Mapping[str, Dim | None]


@dataclass(frozen=True)
class Scheduled:
    """A loop that runs by a schedule: what its arguments must be made for.

    Attributes
    ----------
    pair
        The loop in the program without schedules, and its adjoint.
    trips
        The trip count.
    state, tape
        The elements of a state, and of what is taped of a trip, by dtype.
    plan, pools
        The sizes that are the lengths of the plan and of the pools.
    online
        Whether its trip count is found out by running it.
    times
        How often the loop runs.
    trip
        What is evaluated again of a trip.
    around
        The other sizes that a trip may mention: how many values a loop gives to it, None where data decide.
    policy
        What was asked for at the loop.
    folder, lent
        Where states may be kept that the memory has no room for, and the sizes that are the lengths of the
        pools there.
    location
        Where the loop stands.
    """

    pair: Pair
    trips: Dim
    times: Dim
    trip: Block
    around: Around
    policy: Policy | None
    state: Mapping[DType, Dim]
    tape: Mapping[DType, Dim]
    plan: str
    pools: Mapping[DType, str]
    folder: str | Path | None
    lent: Mapping[DType, str]
    online: bool
    location: Location | None

    @property
    def sizes(self) -> tuple[str, ...]:
        """The sizes that the program has for this loop, in their order."""
        return (self.plan, *self.pools.values(), *self.lent.values())


@dataclass(frozen=True)
class ScheduledFunction:
    """A program with scheduled loops.

    For each loop it has one more parameter, from number `first` on: its plan, i64. Behind these stand, for
    each loop, the pools that are lent to it. Behind its other sizes it has, for each loop, the length of the
    plan and those of the pools.
    """

    function: Function
    loops: tuple[Scheduled, ...]
    first: int


def schedule(
    source: Function, first: int, every: bool, folder: str | Path | None = None
) -> ScheduledFunction:
    """The Function in which loops run by schedules: those at which a policy stands, or every one that can.

    New parameters stand before number `first`. The states of loops without a policy may be kept in a folder.

    Raises
    ------
    PlanError
        A policy stands at a loop whose trips are not known before the call.
    """
    body = source.body
    writer = _Writer(source.sizes, every, folder)
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
    name = _index_name(eqn)
    return {} if name is None else {name: trip_count(eqn.attrs) if eqn.op.name == "for" else None}


@dataclass(frozen=True, eq=False)
class _Loop:
    """A pair, the parameters of its schedule, and where states and tapes lie in the pools."""

    pair: Pair
    scheduled: Scheduled
    plan: Value
    lent: Mapping[str, Value]
    """Pools of the caller, by the names of their lengths."""


class _Writer:
    def __init__(self, sizes: Sequence[str], every: bool, folder: str | Path | None) -> None:
        self.sizes = set(sizes)
        self.taken = set(sizes)
        self.every = every
        self.folder = folder
        self.found: dict[Eqn, _Loop] = {}
        self.reversed: dict[Eqn, _Loop] = {}
        self.held: dict[_Loop, tuple[Value, Pools]] = {}
        """The plan and the pools that a loop leaves behind."""

    # ---- the parameters ----

    def add(self, pair: Pair, times: Dim, around: Around) -> None:
        """Schedule a pair, unless one of its loops belongs to another, or data decide how much it stores."""
        policy = pair.forward.attrs.get(POLICY)
        unasked = policy is None and not self.every
        taken = {*self.found, *self.reversed}
        state, tape = _elements(pair.before), _elements(pair.row)
        known = all(d.names() <= self.sizes for d in (*state.values(), *tape.values()))
        if unasked or not known or pair.forward in taken or pair.reverse in taken:
            return
        plan = self.size("plan")
        pools = {d: self.size(f"pool_{d}_") for d in dict.fromkeys((*state, *tape))}
        trips = trip_count(pair.forward.attrs).positive()
        online = not trips.names() <= self.sizes
        asked = decoded(policy) if policy is not None else None
        folder = None if online else self._folder(asked)
        lent = {d: self.size(f"lent_{d}_") for d in state} if folder is not None else {}
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
            folder,
            lent,
            online,
            pair.forward.location,
        )
        lengths = {name: _array(d, name) for d, name in lent.items()}
        found = _Loop(pair, scheduled, _array(I64, plan), lengths)
        self.found[pair.forward] = self.reversed[pair.reverse] = found

    def _folder(self, asked: Policy | None) -> str | Path | None:
        """Where states may be kept that the memory has no room for."""
        if asked is None:
            return self.folder
        return asked.disk if isinstance(asked, Budget) else None

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
                    _Sweep(self, self.found[eqn], env).forward()
            elif eqn in self.reversed:
                with origin(eqn.location, eqn.note):
                    _Sweep(self, self.reversed[eqn], env).reverse()
            elif eqn.blocks:
                rewrite_inside(eqn, env, self.block)
            else:
                replay_origin(eqn, env)
        return [lookup(env, r) for r in source.results]


def _array(dtype: DType, length: str) -> Value:
    """A parameter of this length, under the same name."""
    return Value(ArrayType(dtype, (Dim.of(length),)), length)


def _elements(values: Sequence[Value]) -> dict[DType, Dim]:
    """The elements of some arrays and numbers, by dtype."""
    found: dict[DType, Dim] = {}
    for v in values:
        found[v.type.dtype] = found.get(v.type.dtype, Dim.of(0)) + _size(v.type)
    return found


def _size(type: ArrayType) -> Dim:
    return type.with_shape([d.positive() for d in type.shape]).size


Pools = dict[str, Value]
"""By the names of their lengths."""


@dataclass(frozen=True)
class _Shelf:
    """Where in the pools some values of one trip lie, all states or all tapes."""

    types: tuple[ArrayType, ...]
    elements: Mapping[DType, Dim]
    pools: Mapping[DType, str]
    from_end: bool

    def _places(self, number: Value) -> list[Value]:
        """Where each value of number `number` begins."""
        places, used = [], dict[DType, Dim]()
        for type in self.types:
            d = type.dtype
            size, inside = self.elements[d], used.get(d, Dim.of(0))
            if self.from_end:
                first = size_value(Dim.of(self.pools[d]) - size + inside) - number * size_value(size)
            else:
                first = number * size_value(size) + size_value(inside)
            places.append(first)
            used[d] = inside + _size(type)
        return places

    def put(self, pools: Pools, values: Mapping[int, Value], number: Value) -> Pools:
        """The pools with these of the values, by their place among them, under this number."""
        found, places = dict(pools), self._places(number)
        for k, value in values.items():
            name = self.pools[value.type.dtype]
            found[name] = OPS["put"](found[name], value, places[k], **_block(value.type))
        return found

    def get(self, pools: Pools, number: Value) -> list[Value]:
        """The values under this number."""
        places = zip(self.types, self._places(number), strict=True)
        return [OPS["index"](pools[self.pools[t.dtype]], place, **_block(t)) for t, place in places]


def _block(type: ArrayType) -> dict[str, Attr]:
    """Which elements of a pool are an array, or number, of this type."""
    return {"at": (("block", *type.shape),)} if type.rank else {}


class _Sweep:
    """One loop and its adjoint, in the environment that they stand in."""

    def __init__(self, writer: _Writer, loop: _Loop, env: Environment) -> None:
        self.writer, self.loop, self.env = writer, loop, env
        self.pair, scheduled = loop.pair, loop.scheduled
        self.body = loop_body(self.pair.forward)
        self.states = _Shelf(_types(self.pair.before), scheduled.state, scheduled.pools, from_end=False)
        self.lent = _Shelf(_types(self.pair.before), scheduled.state, scheduled.lent, from_end=False)
        self.tapes = _Shelf(_types(self.pair.row), scheduled.tape, scheduled.pools, from_end=True)
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
            *(_empty_pool(d, name) for d, name in self.loop.scheduled.pools.items()),
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
        eqn, index = self.pair.forward, _index_name(self.pair.forward)
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
        name = _index_name(eqn)
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


def _empty_pool(dtype: DType, length: str) -> Value:
    attrs: dict[str, Attr] = {"shape": (Dim.of(length),), "dtype": dtype}
    return emit(OPS["undefined"], [], attrs, names=[f"pool_{dtype}"])[0]


def _column(plan: Value, column: int) -> Value:
    return OPS["index"](plan, column)


def _types(values: Sequence[Value]) -> tuple[ArrayType, ...]:
    return tuple(v.type for v in values)


def _made(body: Block, value: Value) -> bool:
    return any(value in eqn.outputs for eqn in body.eqns)


def _index_name(eqn: Eqn) -> str | None:
    name = eqn.attrs.get("index")
    assert isinstance(name, str | None)
    return name


def _cut(values: Sequence[Value], *widths: int) -> list[Sequence[Value]]:
    """The values in pieces of these widths, and what is left."""
    ends = [0, *accumulate(widths)]
    return [*(values[a:b] for a, b in pairwise(ends)), values[ends[-1] :]]
