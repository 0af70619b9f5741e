"""What of a block takes memory: in which order its equations are written, which arrays are never stored, and
which are made in the memory of others."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..ir.graph import Block, Eqn, Value
from . import roots
from .kernels import Nest, fused


@dataclass(frozen=True)
class Stored:
    """Equations in the order in which they are written, but for those of arrays that are `absent`: computed
    where they are read, made for a trip of the nest that reads them, or looked at where another one lies.

    `taken` has, for what is made element by element, the operands whose memory it takes if they are read for
    the last time.
    """

    order: Sequence[Eqn]
    absent: Collection[Value]
    taken: Mapping[Value, Sequence[Value]]


def stored(block: Block) -> Stored:
    """What the Numba target makes of a block."""
    schedule = fused(block)
    nests = [step for step in schedule.steps if isinstance(step, Nest)]
    rows = (eqn.output for eqn in block.eqns if roots.is_row(eqn))
    absent = frozenset((*schedule.inlined, *(v for nest in nests for v in nest.own), *rows))
    written = (eqn for step in schedule.steps for eqn in (step.roots if isinstance(step, Nest) else [step]))
    order = [eqn for eqn in written if absent.isdisjoint(eqn.outputs)]
    taken = {
        root.output: tuple(takeable(root, nest.roots, schedule.inlined))
        for nest in nests
        for root in nest.roots
        if roots.is_elementwise(root)
    }
    return Stored(order, absent, taken)


def takeable(root: Eqn, nest: Sequence[Eqn], inlined: Mapping[Value, Eqn]) -> Iterator[Value]:
    """The operands of an elementwise root whose memory it may take: of its type, from before the nest, and
    read by this root alone, at the element that it makes."""
    mine = tuple(roots.variables(root))
    read = roots.accesses(root, inlined)
    others = {v for r in nest if r is not root for v, _ in roots.accesses(r, inlined)}
    others |= {r.inputs[0] for r in nest if r.op.updates} | {o for r in nest for o in r.outputs}
    for operand in dict.fromkeys(v for v, _ in read if v not in inlined and v.type.rank):
        whole = operand.type == root.output.type and all(at == mine for v, at in read if v is operand)
        if whole and operand not in others:
            yield operand
