"""What a `while` keeps of its trips, in arrays of so many rows as there may be trips.

Stacks are as long as there are trips, which a thread knows afterwards. Here a loop carries an array instead,
puts the item of each trip in its place, and others read it there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from ....ir.graph import Block, Eqn, Value
from ....ir.loops import loop_body, state_count
from ....ir.ops import OPS
from ....ir.types import ArrayType, Dim


class NoTapeError(Exception):
    """A stack is read as a whole."""


def keeping(eqn: Eqn) -> Iterator[Eqn]:
    """The `while`s of a region that keep something of each trip, but for those in others."""
    if eqn.op.name == "while":
        if len(eqn.outputs) > state_count(eqn.attrs):
            yield eqn
    else:
        for inner in eqn.blocks:
            for each in inner.eqns:
                yield from keeping(each)


class Tapes:
    """Equations written anew, in which these loops make so many trips at most, and carry what they keep."""

    def __init__(self, rows: Mapping[Eqn, Dim]) -> None:
        self.rows = rows
        self.tapes: dict[Value, Value] = {}

    def equation(self, eqn: Eqn) -> list[Eqn]:
        """What stands for an equation; NoTapeError where it reads a stack as a whole."""
        if eqn in self.rows:
            return self._carrying(eqn)
        if eqn.op.name == "for":
            eqn = self._without_slices(eqn)
        elif eqn.op.name == "index" and eqn.inputs[0] in self.tapes and _takes_rows(eqn):
            eqn = replace(eqn, inputs=(self.tapes[eqn.inputs[0]], *eqn.inputs[1:]))
        if not self.tapes.keys().isdisjoint(eqn.inputs):
            raise NoTapeError
        return [replace(eqn, blocks=tuple(map(self.block, eqn.blocks)))]

    def block(self, block: Block) -> Block:
        eqns = tuple(made for eqn in block.eqns for made in self.equation(eqn))
        if not self.tapes.keys().isdisjoint(block.results):
            raise NoTapeError
        return replace(block, eqns=eqns)

    def _without_slices(self, loop: Eqn) -> Eqn:
        """A loop that reads rows of tapes by its index."""
        body, first = loop_body(loop), state_count(loop.attrs)
        taken = [k for k in range(first, len(loop.inputs)) if loop.inputs[k] in self.tapes]
        if not taken:
            return loop
        rows = [
            Eqn(OPS["index"], (self.tapes[loop.inputs[k]], body.params[0]), (body.params[1 + k],))
            for k in taken
        ]
        located = [replace(row, location=loop.location, note=loop.note) for row in rows]
        params = tuple(p for k, p in enumerate(body.params, -1) if k not in taken)
        return replace(
            loop,
            inputs=tuple(v for k, v in enumerate(loop.inputs) if k not in taken),
            blocks=(replace(body, params=params, eqns=(*located, *body.eqns)),),
        )

    def _carrying(self, loop: Eqn) -> list[Eqn]:
        """A `while` that carries what it keeps."""
        states, (test, body) = state_count(loop.attrs), loop.blocks
        stacks, items = loop.outputs[states:], body.results[states:]
        types = [ArrayType(s.type.dtype, (self.rows[loop], *s.type.shape[1:])) for s in stacks]
        starts, asked, before, after, ends = (
            tuple(Value(t, s.name) for t, s in zip(types, stacks, strict=True)) for _ in range(5)
        )
        body = self.block(replace(body, results=body.results[:states]))
        made = [_undefined(v) for v in starts]
        puts = [
            Eqn(OPS["put"], (tape, item, body.params[0]), (full,))
            for tape, item, full in zip(before, items, after, strict=True)
        ]
        carrying = replace(
            loop,
            inputs=(*loop.inputs, *starts),
            outputs=(*loop.outputs[:states], *ends),
            attrs={**loop.attrs, "carry": states + len(stacks), "limit": self.rows[loop]},
            blocks=(
                replace(test, params=(*test.params, *asked)),
                Block((*body.params, *before), (*body.eqns, *puts), (*body.results, *after)),
            ),
        )
        self.tapes.update(zip(stacks, ends, strict=True))
        return [*(replace(e, location=loop.location, note=loop.note) for e in made), carrying]


def _undefined(array: Value) -> Eqn:
    return Eqn(OPS["undefined"], (), (array,), {"shape": array.type.shape, "dtype": array.type.dtype})


def _takes_rows(index: Eqn) -> bool:
    """Whether indices say which rows are read."""
    at = index.attrs.get("at", ("point",))
    assert isinstance(at, tuple)
    return len(index.inputs) > 1 and at[0] != "all"
