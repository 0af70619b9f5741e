"""The part of a region that decides how many trips some of its loops make.

Backwards from these loops to what they read: equations, carries of the loops around them, results of
branches. In place of what they keep, the loops around hand on the numbers of trips.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from ....ir.graph import Attr, Block, Eqn, Value, reads, walk
from ....ir.loops import carry_count, loop_body, state_count, trip_count
from ....ir.ops import OPS
from ....ir.types import I64, ArrayType, Dim
from .thread_tapes import keeping


class NoPartError(Exception):
    """What decides the trips may fail, or has no number for each trip around it."""


@dataclass(frozen=True)
class Part:
    """`loops` have the names of the sizes that are the numbers of their trips here."""

    loops: Mapping[Eqn, str]

    def of(self, region: Eqn) -> tuple[Sequence[Eqn], Sequence[Value]]:
        """Equations that stand for the region, and the trips that each of the loops makes, in order."""
        return self._block(Block((), (region,), ()), ())

    def _block(self, block: Block, results: Collection[Value]) -> tuple[list[Eqn], list[Value]]:
        """The equations of a block on which these results and the trips depend, and the trips."""
        live, kept, counts = set(results), list[Eqn](), list[Value]()
        for eqn in reversed(block.eqns):
            around = any(loop in self.loops for loop in keeping(eqn))
            before = kept and (eqn.op.effect or eqn.op.binds is not None)
            if not (around or before) and live.isdisjoint(eqn.outputs):
                continue
            eqns, found = self._equation(eqn, live) if around else ([eqn], [])
            if any(inner.op.name == "check" for inner in walk(Block((), tuple(eqns), ()))):
                raise NoPartError
            kept += reversed(eqns)
            counts = [*found, *counts]
            live.update(*map(reads, eqns))
        return kept[::-1], counts

    def _equation(self, eqn: Eqn, live: set[Value]) -> tuple[list[Eqn], list[Value]]:
        if eqn in self.loops:
            return self._counted(eqn, live)
        return self._loop(eqn, live) if eqn.op.loop else self._branches(eqn, live)

    def _counted(self, loop: Eqn, live: set[Value]) -> tuple[list[Eqn], list[Value]]:
        """One of the loops, without what it keeps."""
        states, name, (test, body) = state_count(loop.attrs), self.loops[loop], loop.blocks
        if not live.isdisjoint(loop.outputs[states:]):
            raise NoPartError
        eqns, _ = self._block(body, body.results[:states])
        short = replace(
            loop,
            outputs=loop.outputs[:states],
            attrs={**loop.attrs, "trips": name},
            blocks=(test, Block(body.params, tuple(eqns), body.results[:states])),
        )
        made = Value(ArrayType(I64), name)
        size = Eqn(OPS["dim"], (), (made,), {"size": Dim.of(name)}, (), loop.location, loop.note)
        return [short, size], [made]

    def _loop(self, loop: Eqn, live: set[Value]) -> tuple[list[Eqn], list[Value]]:
        """A loop around, with the states that are needed and the items that are read; it stacks the trips."""
        body, states = loop_body(loop), state_count(loop.attrs)
        wanted = {k for k, o in enumerate(loop.outputs) if o in live}
        while True:
            eqns, counts = self._block(body, [body.results[k] for k in sorted(wanted)])
            read = {*(body.results[k] for k in wanted), *(v for e in eqns for v in reads(e))}
            more = wanted | {k for k in range(states) if body.params[1 + k] in read}
            if more == wanted:
                break
            wanted = more
        taken = [k for k, p in enumerate(body.params[1:]) if (k in wanted if k < states else p in read)]
        length = trip_count(loop.attrs).positive()
        stacks = [Value(ArrayType(I64, (length, *n.type.shape)), n.name) for n in counts]
        kept = sorted(wanted)
        whole = replace(
            loop,
            inputs=tuple(loop.inputs[k] for k in taken),
            outputs=(*(loop.outputs[k] for k in kept), *stacks),
            attrs=_with_states(loop, wanted),
            blocks=(
                Block(
                    (body.params[0], *(body.params[1 + k] for k in taken)),
                    tuple(eqns),
                    (*(body.results[k] for k in kept), *counts),
                ),
            ),
        )
        return [whole], list(stacks)

    def _branches(self, branch: Eqn, live: set[Value]) -> tuple[list[Eqn], list[Value]]:
        """A branch around; where it is not taken its loops make no trips."""
        kept = [k for k, o in enumerate(branch.outputs) if o in live]
        sides = [self._block(inner, [inner.results[k] for k in kept]) for inner in branch.blocks]
        counts = [n for _, found in sides for n in found]
        blocks = []
        for inner, (eqns, found) in zip(branch.blocks, sides, strict=True):
            zeros = [_zeros(n.type) for n in counts if n not in found]
            others = iter(zeros)
            every = tuple(n if n in found else next(others).output for n in counts)
            blocks.append(Block((), (*eqns, *zeros), (*(inner.results[k] for k in kept), *every)))
        made = [Value(n.type, n.name) for n in counts]
        outputs = (*(branch.outputs[k] for k in kept), *made)
        return [replace(branch, outputs=outputs, blocks=tuple(blocks))], made


def _zeros(type_: ArrayType) -> Eqn:
    return Eqn(OPS["zeros"], (), (Value(type_),), {"shape": type_.shape, "dtype": type_.dtype})


def _with_states(loop: Eqn, wanted: Collection[int]) -> dict[str, Attr]:
    """The attributes of a loop of which only some states are left."""
    carries, states = carry_count(loop.attrs), state_count(loop.attrs)
    attrs = {name: attr for name, attr in loop.attrs.items() if name not in ("carry", "sums")}
    kept = {"carry": sum(k < carries for k in wanted), "sums": sum(carries <= k < states for k in wanted)}
    return attrs | {role: n for role, n in kept.items() if n}
