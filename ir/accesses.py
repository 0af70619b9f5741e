"""What is touched of an array, and the versions of an array that loops and branches update."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .graph import Eqn, Value
from .loops import loop_body, state_count

Access = tuple[Value | None, ...]
"""The index along each leading axis; None where a whole axis, a span or a gather is touched."""


def access(eqn: Eqn) -> Access:
    """What an `index`, `put` or `add_at` touches of its operand 0."""
    operands = list(eqn.inputs[1:] if eqn.op.name == "index" else eqn.inputs[2:])
    at = eqn.attrs.get("at")
    if at is None:
        return tuple(operands)
    assert isinstance(at, tuple)
    touched: list[Value | None] = []
    for item in at:
        operand = None if item == "all" else operands.pop(0)
        touched.append(operand if item == "point" else None)
    return tuple(touched)


@dataclass(frozen=True)
class Versions:
    """The versions of an array that a loop or branch updates, as one of them sees it.

    `begun` is the array before the loop or branch, `left` the one after it; `before` and `after` are the
    writes of one trip before this version and after it.
    """

    begun: Value
    left: Value
    before: Sequence[Access]
    after: Sequence[Access]


def chain(eqn: Eqn, k: int, value: Value) -> Versions | None:
    """The versions of an array through `value`, which block k of a loop or branch knows.

    None unless the array is only updated there, by `put`, `add_at`, and loops and branches inside.
    """
    block = eqn.blocks[k]
    later: dict[Value, tuple[Value, Sequence[Access]]] = {}
    earlier: dict[Value, tuple[Value, Sequence[Access]]] = {}
    for inner in block.eqns:
        for old, new, writes in _updates(inner):
            later[old], earlier[new] = (new, writes), (old, writes)
    first, before = _follow(value, earlier)
    last, after = _follow(value, later)
    if eqn.op.loop:
        starts = list(zip(block.params[1 : 1 + state_count(eqn.attrs)], eqn.inputs, strict=False))
    else:
        starts = [(first, first)] * len(eqn.outputs)
    for (start, begun), result, left in zip(starts, block.results, eqn.outputs, strict=False):
        if start is first and result is last:
            return Versions(begun, left, before, after)
    return None


def _updates(eqn: Eqn) -> list[tuple[Value, Value, Sequence[Access]]]:
    """(array before, array after, where it is written) for each array that an equation updates."""
    if eqn.op.updates:
        return [(eqn.inputs[0], eqn.output, [access(eqn)])]
    if eqn.op.loop:
        params = loop_body(eqn).params[1 : 1 + state_count(eqn.attrs)]
        found = ((chain(eqn, len(eqn.blocks) - 1, p), o) for p, o in zip(params, eqn.outputs, strict=False))
        return [(v.begun, v.left, v.after) for v, o in found if v is not None and v.left is o]
    return _branch_updates(eqn) if eqn.op.name == "if" else []


def _branch_updates(eqn: Eqn) -> list[tuple[Value, Value, Sequence[Access]]]:
    """Arrays that each branch hands on, updated or not."""
    found: list[tuple[Value, Value, Sequence[Access]]] = []
    for k, output in enumerate(eqn.outputs):
        ends = [chain(eqn, side, block.results[k]) for side, block in enumerate(eqn.blocks)]
        starts = {v.begun for v in ends if v is not None and v.left is output}
        if output.type.rank and len(starts) == 1 and all(v is not None and v.left is output for v in ends):
            writes = [access for v in ends if v is not None for access in v.before]
            found.append((starts.pop(), output, writes))
    return found


def _follow(
    value: Value, step: Mapping[Value, tuple[Value, Sequence[Access]]]
) -> tuple[Value, Sequence[Access]]:
    writes: list[Access] = []
    while value in step:
        value, more = step[value]
        writes += more
    return value, writes
