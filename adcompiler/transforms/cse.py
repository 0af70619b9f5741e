"""Common subexpression elimination: equal equations on equal operands are one.

A block sees what the blocks around it have computed. What is replayed in an adjoint stays apart from what was
kept (merging them would undo the choice of residuals), and values whose identity matters, such as zeros that
are filled afterwards, are left alone.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, MutableMapping, Sequence
from dataclasses import replace

from adcompiler.ir.build import block, emit, lookup, origin, renewed, replay_origin, using
from adcompiler.ir.graph import Block, Constant, Eqn, Function, Value
from adcompiler.ir.ops import OPS

from .legalise import REPLAYED

Known = MutableMapping[Hashable, tuple[Value, ...]]
DISTINCT = frozenset({"zeros", "undefined", "put", "add_at"})
"""Ops whose results are buffers to be written: one for two would have to be copied."""


def cse(function: Function) -> Function:
    """The same Function with each value computed once."""
    body = function.body
    with using(OPS):
        copied = block(body.params, lambda *params: _merged(body, {}, {}))
    return replace(function, body=copied)


def _merged(source: Block, env: dict[Value, Value], known: Known) -> Sequence[Value]:
    for eqn in source.eqns:
        if eqn.blocks:
            _merged_inside(eqn, env, known)
            continue
        key = _key(eqn, env)
        if key is None or key not in known:
            outputs = replay_origin(eqn, env)
            if key is not None:
                known[key] = outputs
        else:
            env.update(zip(eqn.outputs, known[key], strict=True))
    return [lookup(env, r) for r in source.results]


def _merged_inside(eqn: Eqn, env: dict[Value, Value], known: Known) -> None:
    def copied(inner: Block) -> Block:
        return block(
            [renewed(p) for p in inner.params],
            lambda *params: _merged(
                inner, {**env, **dict(zip(inner.params, params, strict=True))}, dict(known)
            ),
        )

    with origin(eqn.location, eqn.note):
        operands = [lookup(env, v) for v in eqn.inputs]
        names = [o.name for o in eqn.outputs]
        outputs = emit(eqn.op, operands, eqn.attrs, [copied(b) for b in eqn.blocks], names)
    env.update(zip(eqn.outputs, outputs, strict=True))


def _key(eqn: Eqn, env: Mapping[Value, Value]) -> Hashable | None:
    """What makes two equations equal; None where they must stay apart."""
    if eqn.op.effect or eqn.op.name in DISTINCT:
        return None
    operands = tuple(_identity(lookup(env, v)) for v in eqn.inputs)
    attrs = tuple(sorted((name, type(a).__name__, repr(a)) for name, a in eqn.attrs.items()))
    return eqn.op.name, operands, attrs, eqn.note == REPLAYED


def _identity(value: Value) -> Hashable:
    if isinstance(value, Constant) and not value.type.shape:
        return value.type, value.data.tobytes()
    return value
