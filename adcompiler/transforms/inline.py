"""Replace every `call` by the equations of its block."""

from __future__ import annotations

from collections.abc import Sequence

from adcompiler.ir.build import function, lookup, renewed, replay_origin, rewrite_inside
from adcompiler.ir.graph import Block, Function, Value, walk
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
            rewrite_inside(eqn, env, _inlined)
        else:
            replay_origin(eqn, env)
    return [lookup(env, r) for r in source.results]
