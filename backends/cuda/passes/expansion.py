"""Ops that have no kernel, written in ops that have one: concatenations, positions, determinants.

What an op becomes stands in its record (`Whole.expanded`); here it is written where the op stood, under the
op's place and name. Equations of several expansions of one block that compute the same are one: log and sign
of a determinant share its factors.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from ....ir.build import (
    Environment,
    emit,
    function,
    lookup,
    origin,
    renewed,
    replay_origin,
    rewrite_inside,
    using,
)
from ....ir.graph import Block, Constant, Eqn, Function, Value, walk
from ....ir.op import Whole
from ....ir.ops import OPS

Known = dict[Hashable, Value]
"""What expansions have computed, by op, operands and attributes."""


def expand(source: Function) -> Function:
    """The same Function in ops that become kernels or calls of libraries; those that run on the host stay."""
    if not any(map(_expands, walk(source.body))):
        return source

    def body(*params: Value) -> Sequence[Value]:
        return _written(source.body, dict(zip(source.body.params, params, strict=True)))

    params = [renewed(p) for p in source.body.params]
    return function(
        source.name, params, body, ops=OPS, sizes=source.sizes, guards=source.guards, written=source.written
    )


def _expands(eqn: Eqn) -> bool:
    return isinstance(eqn.op.lowering, Whole) and eqn.op.lowering.expanded is not None


def _written(source: Block, env: Environment) -> Sequence[Value]:
    """The equations of a block written anew; the results."""
    known: Known = {}
    for eqn in source.eqns:
        if _expands(eqn):
            with origin(eqn.location, eqn.note):
                env[eqn.output] = _expanded(eqn, [lookup(env, v) for v in eqn.inputs], known)
        elif eqn.blocks:
            rewrite_inside(eqn, env, _written)
        else:
            replay_origin(eqn, env)
    return [lookup(env, r) for r in source.results]


def _expanded(eqn: Eqn, operands: Sequence[Value], known: Known) -> Value:
    """The result of an equation, in other equations."""
    lowering = eqn.op.lowering
    assert isinstance(lowering, Whole) and lowering.expanded is not None
    with using(OPS) as parts:
        result = lowering.expanded(*operands, **eqn.attrs)
    env: dict[Value, Value] = {}
    for part in parts.eqns:
        name = eqn.output.name if part.output is result else part.output.name
        env[part.output] = _part(part, [lookup(env, v) for v in part.inputs], name, known)
    return lookup(env, result)


def _part(part: Eqn, operands: Sequence[Value], name: str | None, known: Known) -> Value:
    """The result of one equation of an expansion; what is updated in place is made for that alone."""
    key = (part.op, tuple(map(_identity, operands)), tuple(sorted(part.attrs.items())))
    if key in known:
        return known[key]
    if _expands(part):
        found = _expanded(part, operands, known)
    else:
        (found,) = emit(part.op, operands, part.attrs, (), [name])
    if operands and not part.op.updates:
        known[key] = found
    return found


def _identity(operand: Value) -> Hashable:
    """Constants of the same bits are the same."""
    return (operand.type, operand.data.tobytes()) if isinstance(operand, Constant) else operand
