"""Replace every `call` by the equations of its block.

Comes after all derivatives, and after all passes that merge equations: those of a call that runs again would
be merged with those of the first run, which would then have to be kept. Before each such call a `barrier`
says the same to backends, which move equations.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import replace
from itertools import count

from adcompiler.ir.build import emit, function, lookup, origin, renewed, replay_origin, rewrite_inside
from adcompiler.ir.graph import Block, Eqn, Function, Value, walk
from adcompiler.ir.ops import OPS
from adcompiler.ir.types import Dim


def inline(source: Function) -> Function:
    """The same Function without calls."""
    if not any(eqn.op.name == "call" for eqn in walk(source.body)):
        return source
    taken = set(source.sizes)

    def body(*params: Value) -> Sequence[Value]:
        return _inlined(source.body, dict(zip(source.body.params, params, strict=True)), {}, taken)

    params = [renewed(p) for p in source.body.params]
    return function(
        source.name, params, body, ops=OPS, sizes=source.sizes, guards=source.guards, written=source.written
    )


def _inlined(
    source: Block, env: MutableMapping[Value, Value], around: Mapping[str, Dim], taken: set[str]
) -> list[Value]:
    """The results; sizes that are bound get names of their own, since a block may run twice in one scope."""
    sizes = dict(around)
    for eqn in source.eqns:
        if eqn.op.name == "call":
            (inner,) = eqn.blocks
            operands = (lookup(env, v) for v in eqn.inputs)
            if eqn.attrs.get("again"):
                with origin(eqn.location, eqn.note):
                    emit(OPS["barrier"], [])
            results = _inlined(inner, dict(zip(inner.params, operands, strict=True)), sizes, taken)
            env.update(zip(eqn.outputs, results, strict=True))
            continue
        named = eqn if eqn.op.binds is None else with_own_name(eqn, eqn.op.binds, taken)
        if eqn.blocks:
            rewrite_inside(named, env, lambda b, inside: _inlined(b, inside, sizes, taken), sizes)
        else:
            replay_origin(named, env, sizes)
        if eqn.op.binds is not None:
            sizes[str(eqn.attrs[eqn.op.binds])] = Dim.of(str(named.attrs[eqn.op.binds]))
    return [lookup(env, r) for r in source.results]


def with_own_name(eqn: Eqn, binds: str, taken: set[str]) -> Eqn:
    """The equation with a name for its size that no other one has."""
    name = str(eqn.attrs[binds])
    free = next(n for k in count(1) if (n := name if k == 1 else f"{name}_{k}") not in taken)
    taken.add(free)
    return replace(eqn, attrs={**eqn.attrs, binds: free})
