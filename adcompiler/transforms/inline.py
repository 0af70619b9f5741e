"""Replace every `call` by the equations of its block."""

from __future__ import annotations

from collections.abc import Sequence

from adcompiler.ir.build import block, emit, function, lookup, origin, renewed, replay_origin
from adcompiler.ir.graph import Block, Eqn, Function, Value, walk
from adcompiler.ir.ops import OPS


def inline(source: Function) -> Function:
    """The same Function without calls."""
    if not any(eqn.op.name == "call" for eqn in walk(source.body)):
        return source

    def body(*params: Value) -> Sequence[Value]:
        return _inlined(source.body, dict(zip(source.body.params, params, strict=True)))

    params = [renewed(p) for p in source.body.params]
    return function(
        source.name, params, body, ops=OPS, sizes=source.sizes, guards=source.guards, written=source.written
    )


def _inlined(source: Block, env: dict[Value, Value]) -> list[Value]:
    for eqn in source.eqns:
        if eqn.op.name == "call":
            operands = [lookup(env, v) for v in eqn.inputs]
            results = _inlined(eqn.blocks[0], dict(zip(eqn.blocks[0].params, operands, strict=True)))
            env.update(zip(eqn.outputs, results, strict=True))
        elif eqn.blocks:
            _inlined_inside(eqn, env)
        else:
            replay_origin(eqn, env)
    return [lookup(env, r) for r in source.results]


def _inlined_inside(eqn: Eqn, env: dict[Value, Value]) -> None:
    def copied(inner: Block) -> Block:
        return block(
            [renewed(p) for p in inner.params],
            lambda *params: _inlined(inner, {**env, **dict(zip(inner.params, params, strict=True))}),
        )

    with origin(eqn.location, eqn.note):
        operands = [lookup(env, v) for v in eqn.inputs]
        outputs = emit(
            eqn.op, operands, eqn.attrs, [copied(b) for b in eqn.blocks], [o.name for o in eqn.outputs]
        )
    env.update(zip(eqn.outputs, outputs, strict=True))
