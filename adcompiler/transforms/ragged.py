"""What it takes to run a loop once more where the adjoint walks back through it.

So it is done with a ragged loop, whose trips cannot be stacked in the loops around it: what they must keep,
they keep then, for the trips of one run.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from adcompiler.ir.graph import Block, Eqn, Value, values, walk
from adcompiler.ir.loops import loop_body, state_count, undoes

from .nest import Home, Nest

Live = dict[Value, None]
"""Values in the order in which they turned out to be needed."""


def read_by_rerun(nest: Nest, loop: Eqn, home: Home, wanted: Iterable[Value]) -> tuple[Value, ...]:
    """Values of the blocks around a loop that it reads on the way to its trip count and to what is wanted."""
    live: Live = dict.fromkeys(wanted)
    _Demand(nest).of(loop, live)
    inside = {v for b in loop.blocks for v in values(b)} | {*loop.outputs, *nest.count(loop)}
    sizes = (nest.bound(b) for b in sizes_of_rerun(nest, loop, home))
    return tuple(v for v in dict.fromkeys((*live, *sizes)) if v not in inside and nest.home.get(v))


def sizes_of_rerun(nest: Nest, loop: Eqn, home: Home) -> list[Eqn]:
    """The equations around a loop that bind sizes which it mentions."""
    inside = (eqn for b in loop.blocks for eqn in walk(b))
    return list(dict.fromkeys(b for eqn in (loop, *inside) for b in nest.binds(eqn, home)))


@dataclass(frozen=True)
class _Demand:
    """Grows a set of live values by what they need."""

    nest: Nest

    def of(self, eqn: Eqn, live: Live, whole: bool = False) -> None:
        """All that an equation with blocks, and those inside, need for what is live of it.

        What runs again `whole` has its effects again, as in `legalise.rerun`.
        """
        while True:
            before = len(live)
            for k, output in enumerate(eqn.outputs):
                if output in live:
                    live.update((b.results[k], None) for b in _yielding(eqn))
            for block in eqn.blocks:
                self.inside(block, live, whole or undoes(block))
            if eqn.op.loop:
                _round(eqn, live)
            else:
                live.update(dict.fromkeys(eqn.inputs))
            if len(live) == before:
                return

    def inside(self, block: Block, live: Live, whole: bool) -> None:
        """The same for the equations of a block."""
        for eqn in reversed(block.eqns):
            if eqn.blocks:
                inner = (v for b in eqn.blocks for v in values(b))
                if whole or any(v in live for v in (*eqn.outputs, *self.nest.count(eqn), *inner)):
                    self.of(eqn, live, whole)
            elif eqn.op.binds or (whole and eqn.op.effect) or any(o in live for o in eqn.outputs):
                live.update(dict.fromkeys(eqn.inputs))


def _yielding(eqn: Eqn) -> tuple[Block, ...]:
    return (loop_body(eqn),) if eqn.op.loop else eqn.blocks


def _round(loop: Eqn, live: Live) -> None:
    """The test of a loop is always asked; a state that is read is needed before and after each trip, one that
    is left behind before the first.
    """
    *tests, body = loop.blocks
    for test in tests:
        live.update(dict.fromkeys(test.results))
    states = state_count(loop.attrs)
    for k, operand in enumerate(loop.inputs):
        inside = any(b.params[1 + k] in live for b in loop.blocks)
        if inside or (k < states and loop.outputs[k] in live):
            live[operand] = None
        if inside and k < states:
            live[body.results[k]] = None
