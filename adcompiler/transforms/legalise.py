"""Turn the draft of an adjoint into a Function: stack what is kept, replay what is not.

The forward part is the primal with extra items: a kept value is stacked on the way out, and a stack inside a
loop is an item of the loop around it, so that a value of an inner loop becomes a stack of stacks. In each
adjoint loop the kept values come in as slices, and what is replayed is emitted at the head of its block, in
the primal's order. A value kept in a branch is an extra result of the `if`, undefined where the branch was
not taken. A ragged loop is run once more there, without its checks, and what is kept of it is stacked then.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping, Sequence
from dataclasses import dataclass, replace

from adcompiler.ir.build import (
    Builder,
    active,
    block,
    building,
    emit,
    function,
    lookup,
    origin,
    renewed,
    replay,
    replay_origin,
)
from adcompiler.ir.graph import Block, Eqn, Function, Value, constant
from adcompiler.ir.loops import element_type, loop_body, split, trip_count, undoes
from adcompiler.ir.ops import OPS
from adcompiler.ir.ops.arrays import size_value
from adcompiler.ir.types import I64, ArrayType, Dim

from .dce import dce
from .nest import Site, survey
from .ragged import sizes_of_rerun
from .residuals import Choice, choose

REVERSES = "reverses"
"""The attribute that says of an equation of a draft which primal equation it reverses."""

REPLAYED = "replayed"
"""The note of an equation of the primal that an adjoint computes again."""

Environment = MutableMapping[Value, Value]


@dataclass(frozen=True)
class Draft:
    """An adjoint that reads primal values of every depth; attribute `reverses` counts into `reversed`."""

    block: Block
    reversed: tuple[Eqn, ...]


def legalise(primal: Function, draft: Draft, plan: str) -> Function:
    """The Function that runs the primal, keeps what `plan` says, and walks back."""
    writer = _Writer(draft, choose(survey(primal.body), draft.block, plan))
    sources = (*primal.body.params, *draft.block.params)
    results = (*primal.body.results, *draft.block.results)

    def body(*params: Value) -> Sequence[Value]:
        env: Environment = dict(zip(sources, params, strict=True))
        stacks: Environment = {}
        writer.forward(primal.body, env, stacks)
        writer.backward(draft.block, env, stacks)
        return [lookup(env, r) for r in results]

    written = function(
        f"{primal.name}_vjp",
        [renewed(p) for p in sources],
        body,
        ops=OPS,
        sizes=primal.sizes,
        guards=primal.guards,
        written=primal.written,
    )
    return dce(written)


class _Writer:
    """The two halves of the program; `stacks` maps a kept value to what holds it in the current scope."""

    def __init__(self, draft: Draft, choice: Choice) -> None:
        self.nest = nest = choice.nest
        self.draft = draft
        self.choice = choice
        self.kept_at: dict[Site, list[Value]] = {}
        self.busy: set[Eqn] = set()
        for v in nest.home:  # in the primal's order
            if v in choice.kept:
                home = nest.home[v]
                self.kept_at.setdefault(home[-1], []).append(v)
                self.busy.update(eqn for eqn, _ in home[nest.anchor(home) :])

    # ---- the forward part ----

    def forward(self, source: Block, env: Environment, stacks: Environment) -> None:
        for eqn in source.eqns:
            if eqn in self.busy - self.choice.again:
                self._forward_inside(eqn, env, stacks)
            else:
                replay_origin(eqn, env)
            if eqn in self.nest.counts:
                env[self.nest.counts[eqn]] = size_value(trip_count(eqn.attrs))

    def _forward_inside(self, eqn: Eqn, env: Environment, stacks: Environment) -> None:
        """A copy of an equation with blocks, each of which also yields what is kept of it."""
        kept: list[list[Value]] = [[] for _ in eqn.blocks]

        def copied(k: int, source: Block) -> Block:
            def body(*params: Value) -> Sequence[Value]:
                inner: Environment = {**env, **dict(zip(source.params, params, strict=True))}
                below: Environment = {}
                self.forward(source, inner, below)
                mine = {v: lookup(inner, v) for v in self.kept_at.get((eqn, k), ())}
                mine.update(below)
                kept[k].extend(mine)
                return [*(lookup(inner, r) for r in source.results), *mine.values()]

            return block([renewed(p) for p in source.params], body)

        with origin(eqn.location, eqn.note):
            blocks = [copied(k, b) for k, b in enumerate(eqn.blocks)]
            if eqn.op.name == "if":
                blocks = _with_all_results(blocks, len(eqn.outputs))
            values = [v for per_block in kept for v in per_block]
            names = [*(o.name for o in eqn.outputs), *(_tape_name(v) for v in values)]
            outputs = emit(eqn.op, [lookup(env, v) for v in eqn.inputs], eqn.attrs, blocks, names)
            found = outputs[len(eqn.outputs) :]
            if eqn in self.nest.padded:
                found = tuple(_padded(stack, self.nest.padded[eqn]) for stack in found)
        env.update(zip(eqn.outputs, outputs, strict=False))
        stacks.update(zip(values, found, strict=True))

    # ---- the backward part ----

    def backward(self, source: Block, env: Environment, stacks: Environment) -> None:
        for eqn in source.eqns:
            if REVERSES in eqn.attrs:
                self._backward_inside(eqn, env, stacks)
            else:
                replay_origin(eqn, env)

    def _backward_inside(self, eqn: Eqn, env: Environment, stacks: Environment) -> None:
        number = eqn.attrs[REVERSES]
        assert isinstance(number, int)
        primal = self.draft.reversed[number]
        write = self._adjoint_loop if primal.op.loop else self._adjoint_branch
        attrs = {name: a for name, a in eqn.attrs.items() if name != REVERSES}
        with origin(eqn.location, eqn.note):
            extra, blocks = write(eqn, primal, env, stacks)
            operands = [*(lookup(env, v) for v in eqn.inputs), *extra]
            outputs = emit(eqn.op, operands, attrs, blocks, [o.name for o in eqn.outputs])
        env.update(zip(eqn.outputs, outputs, strict=True))

    def _adjoint_loop(
        self, eqn: Eqn, primal: Eqn, env: Environment, stacks: Environment
    ) -> tuple[list[Value], list[Block]]:
        """Extra operands and the block of an adjoint loop: what is kept of a trip comes in as a slice."""
        site, (source,), body = (primal, len(primal.blocks) - 1), eqn.blocks, loop_body(primal)
        slices = [p for p in split(primal.attrs, body.params[1:]).slices if p in self.choice.required]
        under = [v for v in stacks if site in self.nest.home[v]]
        padded = primal in self.nest.padded
        stacked = [lookup(env, self.nest.sliced[p]) for p in slices]
        extra = stacked if padded else [*stacked, *(stacks[v] for v in under)]
        taken = slices if padded else [*slices, *under]
        elements = [Value(element_type(x.type), v.name) for v, x in zip(taken, extra, strict=True)]

        def write(*params: Value) -> Sequence[Value]:
            given, residuals = params[: len(source.params)], params[len(source.params) :]
            inner: Environment = {
                **env,
                **dict(zip(source.params, given, strict=True)),
                body.params[0]: params[0],
            }
            inner.update(zip(slices, residuals, strict=False))
            rows = [_row(stacks[v], params[0], v) for v in under] if padded else residuals[len(slices) :]
            return self._adjoint_block(source, site, inner, dict(zip(under, rows, strict=True)))

        return extra, [block([*map(renewed, source.params), *elements], write)]

    def _adjoint_branch(
        self, eqn: Eqn, primal: Eqn, env: Environment, stacks: Environment
    ) -> tuple[list[Value], list[Block]]:
        def written(k: int, source: Block) -> Callable[[], Sequence[Value]]:
            held = {v: x for v, x in stacks.items() if (primal, k) in self.nest.home[v]}
            return lambda: self._adjoint_block(source, (primal, k), dict(env), held)

        return [], [block([], written(k, b)) for k, b in enumerate(eqn.blocks)]

    def _adjoint_block(
        self, source: Block, site: Site, env: Environment, held: Environment
    ) -> Sequence[Value]:
        """The equations of an adjoint block, after what its site needs of the primal."""
        here = {v: x for v, x in held.items() if self.nest.home[v][-1] == site}
        env.update(here)
        rerun = self._provide(site, env)
        self.backward(source, env, {v: x for v, x in (*held.items(), *rerun.items()) if v not in here})
        return [lookup(env, r) for r in source.results]

    def _provide(self, site: Site, env: Environment) -> Environment:
        """Replay what the adjoint needs of a block and what was not kept; the stacks of what runs again."""
        required, again = self.choice.required, self.choice.again
        inside = site[0].blocks[site[1]].eqns
        wanted = [e for e in inside if any(o in required and o not in env for o in e.outputs)]
        binds = {b for e in wanted for b in self.nest.binds(e, self.nest.home[e.outputs[0]])}
        homes = {e: self.nest.home[e.blocks[0].params[0]][:-1] for e in inside if e in again}
        binds.update(b for e, home in homes.items() for b in sizes_of_rerun(self.nest, e, home))
        chosen = set(wanted) | binds | self.choice.binds | homes.keys()
        stacks: Environment = {}
        for eqn in inside:
            if eqn in chosen:
                with origin(eqn.location, REPLAYED):
                    if eqn.op.binds and eqn.blocks and eqn not in again:
                        emit(OPS["bind"], [env[self.nest.counts[eqn]]], {"size": eqn.attrs[eqn.op.binds]})
                    elif eqn in again:
                        kept = {o: env[o] for o in eqn.outputs if o in env}
                        self._forward_inside(eqn, env, stacks)
                        active().eqns[-1] = rerun(active().eqns[-1])
                        env.update(kept)
                    else:
                        self._replay(eqn, env)
        return stacks

    def _replay(self, eqn: Eqn, env: Environment) -> None:
        element = self.nest.elsewhere.get(eqn.outputs[0]) if eqn.outputs else None
        if element is None:
            replay(eqn, env)
            return
        operands = [lookup(env, v) for v in (element.array, *element.indices)]
        env[eqn.output] = emit(OPS["index"], operands, element.attrs, names=[eqn.output.name])[0]


def _with_all_results(blocks: Sequence[Block], n: int) -> list[Block]:
    """Branches that each yield the extra results of all; those of the branch not taken are undefined."""
    extras = [[r.type for r in b.results[n:]] for b in blocks]

    def padded(k: int, source: Block) -> Block:
        with building(Builder(OPS)) as builder:
            builder.eqns.extend(source.eqns)
            results = list(source.results[:n])
            for j, types in enumerate(extras):
                results += source.results[n:] if j == k else map(_undefined, types)
        return Block(source.params, tuple(builder.eqns), tuple(results))

    return [padded(k, b) for k, b in enumerate(blocks)]


def _padded(stack: Value, length: Dim) -> Value:
    """A stack at the beginning of one that is longer."""
    trips, *row = stack.type.shape
    longer = _undefined(ArrayType(stack.type.dtype, (length, *row)))
    operands = [longer, stack, constant(0, I64)]
    return emit(OPS["put"], operands, {"at": (("span", trips, 1),)}, names=[stack.name])[0]


def _row(stack: Value, index: Value, value: Value) -> Value:
    return emit(OPS["index"], [stack, index], names=[value.name])[0]


def rerun(eqn: Eqn, whole: bool = False) -> Eqn:
    """An equation that runs again: marked, and without effects that are over: its checks have held.

    Not so (`whole`) in a loop with an inverse, which is evaluated from other states than it had.
    """

    def again(source: Block) -> Block:
        stays = whole or undoes(source)
        return replace(source, eqns=tuple(rerun(e, stays) for e in source.eqns if stays or not _once(e)))

    return replace(eqn, blocks=tuple(map(again, eqn.blocks)), note=REPLAYED)


def _once(eqn: Eqn) -> bool:
    return eqn.op.effect and eqn.op.binds is None


def _undefined(kind: ArrayType) -> Value:
    return emit(OPS["undefined"], [], {"shape": kind.shape, "dtype": kind.dtype})[0]


def _tape_name(value: Value) -> str:
    return f"{value.name or 'v'}_tape"
