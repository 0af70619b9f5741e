"""What an adjoint would compute of primal values, and the primal has computed already: cos(x) beside sin(x).

In the draft of an adjoint every primal value counts as being in scope, so it reads the one that is there;
whether that is kept or replayed is then decided with all others.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace

from adcompiler.ir.graph import Block, Eqn, Value
from adcompiler.ir.loops import loop_body

from .cse import identity
from .legalise import REVERSES, Draft

Known = dict[Hashable, Value]
Substitution = dict[Value, Value]


def sharing(draft: Draft, primal: Block) -> Draft:
    """The same draft, reading what the primal has."""
    return replace(draft, block=_shared(draft.block, _computed(primal, {}), draft.reversed, {}))


def _computed(block: Block, around: Known) -> Known:
    found = dict(around)
    for eqn in block.eqns:
        key = _key(eqn, {})
        if key is not None:
            found.setdefault(key, eqn.output)
    return found


def _key(eqn: Eqn, taken: Substitution) -> Hashable | None:
    if eqn.blocks or len(eqn.outputs) != 1:
        return None
    found = identity(eqn, taken)
    return None if found is None else found[:-1]  # whether it is replayed does not matter here


def _shared(block: Block, known: Known, primals: Sequence[Eqn], around: Substitution) -> Block:
    taken = dict(around)
    eqns: list[Eqn] = []
    for eqn in block.eqns:
        key = _key(eqn, taken)
        if key is not None and key in known:
            taken[eqn.output] = known[key]
            continue
        inputs = tuple(taken.get(v, v) for v in eqn.inputs)
        if eqn.op.closed:  # it was shared when it was written
            eqns.append(replace(eqn, inputs=inputs))
            continue
        sources = _sources(eqn, primals)
        insides = [_computed(s, known) for s in sources] if sources else [known] * len(eqn.blocks)
        blocks = [_shared(b, k, primals, taken) for b, k in zip(eqn.blocks, insides, strict=True)]
        eqns.append(replace(eqn, inputs=inputs, blocks=tuple(blocks)))
    return Block(block.params, tuple(eqns), tuple(taken.get(v, v) for v in block.results))


def _sources(eqn: Eqn, primals: Sequence[Eqn]) -> Sequence[Block]:
    """The blocks of the primal that the blocks of an adjoint equation walk back through, if they do."""
    number = eqn.attrs.get(REVERSES)
    if not isinstance(number, int):
        return ()
    primal = primals[number]
    return (loop_body(primal),) if primal.op.loop else primal.blocks
