"""Carries that loops only add to become sums, whose order is free.

`total += x[i] * y[i]` is written as one addition after the other, which would keep a loop on one thread. On a
device it is a sum like any other, as `np.sum` is: added up in another order. A carry that anything else is
done with, such as that of a compensated sum, stays a carry.
"""

from __future__ import annotations

from collections.abc import Sequence

from ....ir.build import (
    Environment,
    block,
    emit,
    function,
    lookup,
    origin,
    renewed,
    replay_origin,
    rewrite_inside,
)
from ....ir.graph import Block, Eqn, Function, Value
from ....ir.loops import carry_count, state_count
from ....ir.ops import OPS
from ....ir.sums import end_of_sum


def accumulated(source: Function) -> Function:
    """The same Function, in which no `for` carries what it only adds to."""
    params = [renewed(p) for p in source.body.params]
    env: Environment = dict(zip(source.body.params, params, strict=True))
    return function(
        source.name,
        params,
        lambda *_: _written(source.body, env),
        ops=OPS,
        sizes=source.sizes,
        guards=source.guards,
        written=source.written,
    )


def _written(source: Block, env: Environment) -> Sequence[Value]:
    """The equations of a block written anew; the results."""
    for eqn in source.eqns:
        if eqn.op.name == "for":
            with origin(eqn.location, eqn.note):
                _loop(eqn, env)
        elif eqn.blocks:
            rewrite_inside(eqn, env, _written)
        else:
            replay_origin(eqn, env)
    return [lookup(env, r) for r in source.results]


def _loop(eqn: Eqn, env: Environment) -> None:
    """A loop whose carries that are sums stand among them; those of loops inside first."""
    (source,) = eqn.blocks
    params = [renewed(p) for p in source.params]
    inner = {**env, **dict(zip(source.params, params, strict=True))}
    body = block(params, lambda *_: _written(source, inner))
    carries, states = carry_count(eqn.attrs), state_count(eqn.attrs)
    added = [k for k in range(carries) if end_of_sum(body.params[1 + k], body) == k]
    kept = [k for k in range(carries) if k not in added]

    def ordered(values: Sequence[Value]) -> list[Value]:
        return [*(values[k] for k in (*kept, *added)), *values[carries:]]

    results = ordered(body.results)
    inside = Block((body.params[0], *ordered(body.params[1:])), body.eqns, tuple(results))
    attrs = {**eqn.attrs, "carry": len(kept), "sums": states - len(kept)}
    operands = ordered([lookup(env, v) for v in eqn.inputs])
    outputs = ordered(eqn.outputs)
    copies = emit(eqn.op, operands, attrs, [inside], [o.name for o in outputs])
    env.update(zip(outputs, copies, strict=True))
