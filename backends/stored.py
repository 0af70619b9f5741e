"""What of a block takes memory: in which order its equations are written, which arrays are never stored, and
which are made in the memory of others."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..ir.graph import Block, Eqn, Value
from . import roots
from .fusion import Tree
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
        root.output: tuple(takeable(root, nest.tree, schedule.inlined))
        for nest in nests
        for root in nest.roots
        if roots.is_elementwise(root)
    }
    return Stored(order, absent, taken)


def takeable(root: Eqn, tree: Tree, inlined: Mapping[Value, Eqn]) -> Iterator[Value]:
    """The operands of an elementwise root of a nest whose memory it may take: of its type, from before the
    nest, and read only at the element that a trip makes, by this root and those before it in the trip."""
    mine = _in_loops(root, tree, roots.variables(root))
    nest = list(tree.path)
    touched = {r.inputs[0] for r in nest if r.op.updates} | tree.made().keys()
    reading = {r: roots.accesses(r, inlined) for r in nest}
    before = {r for r in nest[: nest.index(root) + 1] if tree.path[r] == tree.path[root]}
    for operand in dict.fromkeys(v for v, _ in reading[root] if v not in inlined and v.type.rank):
        places = [
            (r, _in_loops(r, tree, at)) for r, read in reading.items() for v, at in read if v is operand
        ]
        aligned = all(r in before and at == mine for r, at in places)
        if operand.type == root.output.type and operand not in touched and aligned:
            yield operand


def _in_loops(root: Eqn, tree: Tree, at: Sequence[str]) -> list[str]:
    """An element that a root reads, by the loops of its nest, the outermost of which is 0."""
    names = roots.variables(root)
    loops = {names[axis]: str(depth) for depth, axis in enumerate(tree.order[root])}
    return [loops.get(index, index) for index in at]
