"""Sums of loops that are stacks: every trip adds to an element of its own, and all of them to zeros.

The cotangent of an array that a loop reads element by element is made so. As a stack it is written once, and
neither filled with zeros before nor read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from adcompiler.ir.graph import Block, Eqn, Value
from adcompiler.ir.loops import carry_count, element_type, loop_body, state_count, trip_count


def with_stacks(eqn: Eqn, is_zero: Callable[[Value], bool], is_derived: Callable[[Eqn], bool]) -> Eqn:
    """The same loop with stacks in the place of such sums; those that a user wrote stay: 0 + x may be
    another zero than x."""
    if "length" not in eqn.attrs:
        return eqn
    body = loop_body(eqn)
    writes = {k: _write(eqn, body, k, is_derived) for k in _sums(eqn) if is_zero(eqn.inputs[k])}
    found = {k: write for k, write in writes.items() if write is not None}
    if not found:
        return eqn

    def moved(values: Sequence[Value]) -> list[Value]:
        return [v for k, v in enumerate(values) if k not in found]

    removed = set(found.values())
    return replace(
        eqn,
        inputs=tuple(moved(eqn.inputs)),
        outputs=(*moved(eqn.outputs), *(eqn.outputs[k] for k in found)),
        attrs={**eqn.attrs, "sums": len(_sums(eqn)) - len(found)},
        blocks=(
            Block(
                (body.params[0], *moved(body.params[1:])),
                tuple(inner for inner in body.eqns if inner not in removed),
                (*moved(body.results), *(write.inputs[1] for write in found.values())),
            ),
        ),
    )


def _sums(eqn: Eqn) -> range:
    return range(carry_count(eqn.attrs), state_count(eqn.attrs))


def _write(eqn: Eqn, body: Block, k: int, is_derived: Callable[[Eqn], bool]) -> Eqn | None:
    """What adds to a sum at the index of the trip, and is all that a trip does with it."""
    type_ = eqn.outputs[k].type
    write = next((inner for inner in body.eqns if body.results[k] in inner.outputs), None)
    if write is None or write.op.name != "add_at" or "at" in write.attrs or not is_derived(write):
        return None
    target, added, *where = write.inputs
    alone = target is body.params[1 + k] and where == [body.params[0]]
    whole = type_.shape[0] == trip_count(eqn.attrs).positive() and added.type == element_type(type_)
    return write if alone and whole else None
