"""Which equations of loops wait for the trip before.

What does not depend on what its loop carries can be computed for several trips at once, by arithmetic that
LLVM vectorises. What does is computed alone, and its result is waited for: there the C library, whose
functions look into tables and branch, answers two to four times sooner.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..ir.graph import Block, Eqn, Value, reads
from ..ir.loops import split


def independent(block: Block) -> set[Eqn]:
    """The equations in loops inside a block that do not depend on what the loop around them carries."""
    return set(_independent(block, None))


def _independent(block: Block, carried: set[Value] | None) -> Iterable[Eqn]:
    """The same; `carried` grows by what depends on it, and is None outside of loops."""
    for eqn in block.eqns:
        if carried is not None:
            if carried.isdisjoint(reads(eqn)):
                yield eqn
            else:
                carried.update(eqn.outputs)
        for inner in eqn.blocks:
            if eqn.op.loop:
                state = split(eqn.attrs, inner.params[1:]).carries
                yield from _independent(inner, set(state))
            else:
                yield from _independent(inner, carried)
