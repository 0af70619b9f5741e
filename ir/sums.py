"""Values that are only added to: what makes the order of a loop's sums free."""

from __future__ import annotations

from .graph import Block, Eqn, Value, captured
from .loops import carry_count, state_count

Use = tuple[Eqn | None, str, int]
"""The equation that uses a value (None: the block), as what ("operand", "block" or "result"), and which."""


def sum_positions(eqn: Eqn) -> range:
    """Which operands, and which results, of an equation are sums of a loop."""
    return range(carry_count(eqn.attrs), state_count(eqn.attrs)) if eqn.op.loop else range(0)


def end_of_sum(value: Value, block: Block) -> int | None:
    """The result of the block as which a sum ends; None if something else happens to it on the way."""
    uses = _uses(block)
    while True:
        match uses.get(value, []):
            case [(None, _, k)]:
                return k
            case [(Eqn() as eqn, "operand", 0)] if eqn.op.adds:
                value = eqn.output
            case [(Eqn() as eqn, "operand", k)] if k in sum_positions(eqn) or _added_by_while(eqn, k):
                value = eqn.outputs[k]
            case [(Eqn() as eqn, "operand", k)] if eqn.op.closed:
                (inner,) = eqn.blocks
                end = end_of_sum(inner.params[k], inner)
                if end is None:
                    return None
                value = eqn.outputs[end]
            case [(Eqn() as eqn, "block", 0), (Eqn(), "block", 1)] if eqn.op.name == "if":
                ends = {end_of_sum(value, branch) for branch in eqn.blocks}
                end = ends.pop()
                if ends or end is None:
                    return None
                value = eqn.outputs[end]
            case _:
                return None


def _added_by_while(eqn: Eqn, k: int) -> bool:
    """Whether a carry of a `while`, which has no sums, is only added to."""
    if eqn.op.name != "while":
        return False
    test, body = eqn.blocks
    return test.params[1 + k] not in _uses(test) and end_of_sum(body.params[1 + k], body) == k


def _uses(block: Block) -> dict[Value, list[Use]]:
    """All uses of values in a block; what an inner block captures counts once for it."""
    uses: dict[Value, list[Use]] = {}
    for eqn in block.eqns:
        for k, value in enumerate(eqn.inputs):
            uses.setdefault(value, []).append((eqn, "operand", k))
        for k, inner in enumerate(eqn.blocks):
            for value in captured(inner):
                uses.setdefault(value, []).append((eqn, "block", k))
    for k, value in enumerate(block.results):
        uses.setdefault(value, []).append((None, "result", k))
    return uses
