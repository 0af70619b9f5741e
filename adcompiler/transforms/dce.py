"""Dead code elimination, inside blocks as well.

Removed are equations whose outputs nobody reads, carries, sums, slices and items of loops, results of
branches and calls, operands of calls, and carries that a loop does not change. Effects (checks, bound sizes)
stay, and so do the loops around them, and a `while` whose trip count is mentioned.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from adcompiler.ir.build import block, emit, lookup, origin, renewed, replay_origin, using
from adcompiler.ir.graph import Attr, Block, Eqn, Function, Value, count, mentioned, reads, walk
from adcompiler.ir.loops import loop_body, split, state_count
from adcompiler.ir.ops import OPS


def dce(function: Function) -> Function:
    """The same Function without what its results do not need."""
    return replace(function, body=dce_block(function.body))


def dce_block(body: Block) -> Block:
    """The same block without dead equations; its parameters and results stay."""
    while True:
        smaller = _without_constant_carries(_pruned(body, body.results))
        if count(smaller) == count(body) and _width(smaller) == _width(body):
            return smaller
        body = smaller


def _width(body: Block) -> int:
    return sum(len(eqn.inputs) + len(eqn.outputs) for eqn in walk(body))


# ---- what nobody reads ----


def _pruned(body: Block, results: Sequence[Value]) -> Block:
    """The block with these results and only the equations that they need."""
    live: Live = set(results)
    live.update(name for r in results for d in r.type.shape for name in d.names())
    kept: list[Eqn] = []
    for eqn in reversed(body.eqns):
        needed = _needed_part(eqn, live)
        if needed is not None:
            live.update(reads(needed))
            live.update(*map(mentioned, (needed, *(e for b in needed.blocks for e in walk(b)))))
            kept.append(needed)
    return Block(body.params, tuple(reversed(kept)), tuple(results))


Live = set[Value | str]
"""Values that are read, and sizes that are mentioned."""


def _needed_part(eqn: Eqn, live: Live) -> Eqn | None:
    if eqn.op.effect:
        return eqn
    counted = eqn.op.binds is not None and eqn.attrs[eqn.op.binds] in live
    if live.isdisjoint(eqn.outputs) and not counted and not _has_effect(eqn):
        return None
    if eqn.op.loop:
        return _needed_loop(eqn, live)
    if eqn.op.closed:
        return _needed_call(eqn, live)
    return _needed_branches(eqn, live) if eqn.op.name == "if" else eqn


def _has_effect(eqn: Eqn) -> bool:
    return any(inner.op.effect for b in eqn.blocks for inner in walk(b))


def _needed_branches(eqn: Eqn, live: Live) -> Eqn:
    kept = [k for k, o in enumerate(eqn.outputs) if o in live]
    blocks = tuple(_pruned(b, [b.results[k] for k in kept]) for b in eqn.blocks)
    return replace(eqn, outputs=tuple(eqn.outputs[k] for k in kept), blocks=blocks)


def _needed_call(eqn: Eqn, live: Live) -> Eqn:
    """Results that are read, and the operands that these and effects need."""
    kept = [k for k, o in enumerate(eqn.outputs) if o in live]
    (body,) = eqn.blocks
    pruned = _pruned(body, [body.results[k] for k in kept])
    read = _read(pruned)
    operands = [k for k, p in enumerate(body.params) if p in read]
    return replace(
        eqn,
        inputs=tuple(eqn.inputs[k] for k in operands),
        outputs=tuple(eqn.outputs[k] for k in kept),
        blocks=(replace(pruned, params=tuple(body.params[k] for k in operands)),),
    )


def _needed_loop(eqn: Eqn, live: Live) -> Eqn:
    """Results that are read, and the carries and sums that these and a test need: a fixed point."""
    *tests, body = eqn.blocks
    tests = [_pruned(test, test.results) for test in tests]
    states = state_count(eqn.attrs)
    wanted = {k for k, o in enumerate(eqn.outputs) if o in live}
    wanted |= {k for test in tests for k in range(states) if test.params[1 + k] in _read(test)}
    while True:
        pruned = _pruned(body, [body.results[k] for k in sorted(wanted)])
        read = _read(pruned)
        more = wanted | {k for k in range(states) if body.params[1 + k] in read}
        if more == wanted:
            break
        wanted = more
    operands = [k for k, p in enumerate(body.params[1:]) if (k in wanted if k < states else p in read)]
    blocks = (
        Block((b.params[0], *(b.params[1 + k] for k in operands)), b.eqns, b.results)
        for b in (*tests, Block(body.params, pruned.eqns, pruned.results))
    )
    return replace(
        eqn,
        inputs=tuple(eqn.inputs[k] for k in operands),
        outputs=tuple(eqn.outputs[k] for k in sorted(wanted)),
        attrs=_with_counts(eqn, wanted),
        blocks=tuple(blocks),
    )


def _read(block: Block) -> set[Value]:
    return {*block.results, *(v for eqn in block.eqns for v in reads(eqn))}


def _with_counts(eqn: Eqn, wanted: Iterable[int]) -> dict[str, Attr]:
    """The attributes of a loop of which only some carries and sums are left; without carries it has no
    direction.
    """
    places = split(eqn.attrs, range(len(eqn.outputs)))
    attrs = {k: a for k, a in eqn.attrs.items() if k not in ("carry", "sums")}
    chosen = set(wanted)
    counts = {
        "carry": len(chosen.intersection(places.carries)),
        "sums": len(chosen.intersection(places.sums)),
    }
    if not counts["carry"]:
        attrs.pop("reverse", None)
    return attrs | {role: n for role, n in counts.items() if n}


# ---- carries that a loop does not change ----


def _without_constant_carries(body: Block) -> Block:
    """A carry or sum that each trip yields as it came is the value before the loop."""
    if not any(_constant_states(eqn) for eqn in walk(body)):
        return body
    with using(OPS):
        return block(body.params, lambda *params: _rewritten(body, {}))


def _rewritten(body: Block, env: dict[Value, Value]) -> list[Value]:
    for eqn in body.eqns:
        if not eqn.blocks:
            replay_origin(eqn, env)
            continue
        fixed = _constant_states(eqn)
        for k in fixed:
            env[eqn.outputs[k]] = lookup(env, eqn.inputs[k])
            env.update((inner.params[1 + k], env[eqn.outputs[k]]) for inner in eqn.blocks)
        _replay_without(eqn, env, fixed)
    return [lookup(env, r) for r in body.results]


def _constant_states(eqn: Eqn) -> list[int]:
    if not eqn.op.loop:
        return []
    body = loop_body(eqn)
    return [k for k in range(state_count(eqn.attrs)) if body.results[k] is body.params[1 + k]]


def _replay_without(eqn: Eqn, env: dict[Value, Value], fixed: Sequence[int]) -> None:
    """A copy of a loop or branch without the states in `fixed`; its blocks are rewritten as well."""
    loops = eqn.op.loop

    def copied(source: Block) -> Block:
        shift = 1 if loops else 0
        olds = [p for k, p in enumerate(source.params) if k - shift not in fixed]
        tests = loops and source is not loop_body(eqn)
        results = [r for k, r in enumerate(source.results) if tests or k not in fixed]
        trimmed = Block(source.params, source.eqns, tuple(results))
        news = [renewed(p) for p in olds]
        return block(
            news, lambda *params: _rewritten(trimmed, {**env, **dict(zip(olds, params, strict=True))})
        )

    outputs = [o for k, o in enumerate(eqn.outputs) if k not in fixed]
    attrs = _with_counts(eqn, [k for k in range(len(eqn.outputs)) if k not in fixed]) if loops else eqn.attrs
    with origin(eqn.location, eqn.note):
        operands = [lookup(env, v) for k, v in enumerate(eqn.inputs) if k not in fixed]
        news = emit(eqn.op, operands, attrs, [copied(b) for b in eqn.blocks], [o.name for o in outputs])
    env.update(zip(outputs, news, strict=True))
