"""Common subexpression elimination: equal equations on equal operands are one.

A block sees what the blocks around it have computed, unless it is closed. What is replayed in an adjoint
stays apart from what was kept (merging them would undo the choice of residuals), what is computed behind a
`barrier` from what was computed before it, and values whose identity matters, such as zeros that are filled
afterwards, are left alone.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, MutableMapping, Sequence
from dataclasses import replace
from functools import partial

from adcompiler.ir.build import block, lookup, replay_origin, rewrite_inside, using
from adcompiler.ir.graph import Block, Constant, Eqn, Function, Value
from adcompiler.ir.op import Structural
from adcompiler.ir.ops import OPS

from .legalise import REPLAYED

Known = MutableMapping[Hashable, tuple[Value, ...]]


def cse(function: Function) -> Function:
    """The same Function with each value computed once."""
    body = function.body
    with using(OPS):
        copied = block(body.params, lambda *params: _merged(body, {}, {}))
    return replace(function, body=copied)


def _merged(source: Block, env: dict[Value, Value], known: Known) -> Sequence[Value]:
    for eqn in source.eqns:
        if eqn.blocks:
            around: Known = {} if eqn.op.closed else known
            rewrite_inside(eqn, env, partial(_merged_inside, around))
            continue
        if eqn.op.name == "barrier":
            known.clear()
        key = identity(eqn, env)
        if key is None or key not in known:
            outputs = replay_origin(eqn, env)
            if key is not None:
                known[key] = outputs
        else:
            env.update(zip(eqn.outputs, known[key], strict=True))
    return [lookup(env, r) for r in source.results]


def _merged_inside(around: Known, source: Block, env: dict[Value, Value]) -> Sequence[Value]:
    return _merged(source, env, dict(around))


def identity(eqn: Eqn, env: Mapping[Value, Value]) -> tuple[Hashable, ...] | None:
    """What makes two equations equal; None where they must stay apart.

    A check of what was checked before is the same one: it cannot fail any more.
    """
    operands = tuple(_operand(lookup(env, v)) for v in eqn.inputs)
    if eqn.op.name == "check":
        return eqn.op.name, operands
    if eqn.op.effect or _is_buffer(eqn):
        return None
    attrs = tuple(sorted((name, type(a).__name__, repr(a)) for name, a in eqn.attrs.items()))
    return eqn.op.name, operands, attrs, eqn.note == REPLAYED


def _is_buffer(eqn: Eqn) -> bool:
    """Whether its result is memory to be written, such as `zeros`: one for two would have to be copied."""
    return eqn.op.updates or (isinstance(eqn.op.lowering, Structural) and not eqn.inputs)


def _operand(value: Value) -> Hashable:
    if isinstance(value, Constant) and not value.type.shape:
        return value.type, value.data.tobytes()
    return value
