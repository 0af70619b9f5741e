"""Programs without the inverses of trips that users gave: for who runs the loops as they stand."""

from __future__ import annotations

from dataclasses import replace

from adcompiler.ir.graph import Block, Function, walk
from adcompiler.transforms.dce import dce


def without_inverse_steps(function: Function) -> Function:
    """The same Function without `inverse_step` equations and what only they need."""
    if not any(eqn.op.name == "inverse_step" for eqn in walk(function.body)):
        return function
    return dce(replace(function, body=_without(function.body)))


def _without(block: Block) -> Block:
    eqns = (e for e in block.eqns if e.op.name != "inverse_step")
    return replace(block, eqns=tuple(replace(e, blocks=tuple(map(_without, e.blocks))) for e in eqns))
