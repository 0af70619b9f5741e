"""Which values vary with an input: everything else has no tangent and no cotangent."""

from __future__ import annotations

from collections.abc import Iterable

from adcompiler.ir.graph import Block, Eqn, Value
from adcompiler.ir.loops import loop_body, state_count
from adcompiler.ir.op import NoDerivative


def varied(block: Block, seeds: Iterable[Value]) -> frozenset[Value]:
    """The values of a block, inner blocks included, whose derivative in `seeds` may not vanish.

    The seeds are included; a loop's carries are settled by a fixed point.
    """
    found = set(seeds)
    _spread(block, found)
    return frozenset(found)


def _spread(block: Block, found: set[Value]) -> None:
    for eqn in block.eqns:
        if eqn.blocks:
            _spread_inside(eqn, found)
        elif not isinstance(eqn.op.derivative, NoDerivative) and not found.isdisjoint(eqn.inputs):
            found.update(o for o in eqn.outputs if o.type.dtype.is_float)


def _spread_inside(eqn: Eqn, found: set[Value]) -> None:
    """Through the blocks of an equation: operands to parameters, results to outputs and to carries."""
    blocks = (loop_body(eqn),) if eqn.op.loop else eqn.blocks
    links = [] if eqn.op.name == "if" else list(zip(eqn.inputs, _operand_params(eqn), strict=True))
    _follow(links, found)
    while True:
        before = len(found)
        for inner in blocks:
            _spread(inner, found)
            _follow(zip(inner.results, eqn.outputs, strict=True), found)
        if eqn.op.loop:  # a carry varies in the next trip, and after the loop, if it does in any
            params, states = _operand_params(eqn), state_count(eqn.attrs)
            _follow(zip(eqn.outputs[:states], params[:states], strict=True), found)
            _follow(zip(params[:states], eqn.outputs[:states], strict=True), found)
        if len(found) == before:
            return


def _follow(links: Iterable[tuple[Value, Value]], found: set[Value]) -> None:
    found.update(to for source, to in links if source in found and to.type.dtype.is_float)


def _operand_params(eqn: Eqn) -> tuple[Value, ...]:
    """The parameters that stand for operands, in their order."""
    params = eqn.blocks[-1].params
    return params[1:] if eqn.op.loop else params
