"""The top-level block of a Function as a program for the planner: what takes memory, and what work costs.

Values that the backend does not store are no values of that program: whoever reads one reads what it is
computed from, and pays for computing it. Arguments are there anyway, and results from the beginning.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from adcompiler.ir.cost import Counter
from adcompiler.ir.graph import Block, Constant, Eqn, Function, Value, reads, walk
from adcompiler.ir.loops import state_count
from adcompiler.ir.types import Sizes

from .executions import Node, Program, Way


class Stored(Protocol):
    """What a backend makes of a block: the order of its equations, but for those of values that are `absent`,
    never stored; for a value that may be made in the memory of another one, these others."""

    @property
    def order(self) -> Sequence[Eqn]: ...
    @property
    def absent(self) -> Collection[Value]: ...
    @property
    def taken(self) -> Mapping[Value, Sequence[Value]]: ...


Storage = Callable[[Block], Stored]


@dataclass(frozen=True)
class EveryArray:
    """What a backend makes of a block that makes an array for each operation."""

    block: Block
    absent: Collection[Value] = frozenset()
    taken: Mapping[Value, Sequence[Value]] = field(default_factory=dict)

    @property
    def order(self) -> Sequence[Eqn]:
        return self.block.eqns


Ways = Mapping[Eqn, Sequence[Way]]
"""Equations that can be executed in several ways: loops, with more snapshots or fewer."""


@dataclass(frozen=True)
class Abstraction:
    """A program, the equation of each of its nodes, and those of what an equation reads and is not stored."""

    program: Program
    eqns: Sequence[Eqn]
    cones: Mapping[Eqn, Sequence[Eqn]]


def abstraction(function: Function, sizes: Sizes, storage: Storage, ways: Ways) -> Abstraction:
    """The program of a Function at these sizes."""
    body = function.body
    kept = storage(body)
    stored = kept.order
    folded = {o: eqn for eqn in body.eqns for o in eqn.outputs if o in kept.absent}
    number = {o: k for k, o in enumerate(o for eqn in stored for o in eqn.outputs)}
    counter = Counter(dict(sizes))
    costs = {eqn: _cost(counter, eqn) for eqn in body.eqns}
    cones = _cones(body.eqns, folded)
    operands = {eqn: [v for part in (eqn, *cones[eqn]) for v in reads(part)] for eqn in stored}
    read = {eqn: dict.fromkeys(v for v in values if v in number) for eqn, values in operands.items()}
    nodes = []
    for eqn in stored:
        work = costs[eqn] + sum(costs[part] for part in cones[eqn])
        inside = max((counter.alive(inner) for inner in eqn.blocks), default=0)
        updated = _updated(eqn, kept)
        nodes.append(
            Node(
                tuple(number[v] for v in read[eqn]),
                tuple(number[o] for o in eqn.outputs),
                tuple(ways.get(eqn, [Way(inside, work)])),
                eqn not in ways and _repeatable(eqn),
                tuple((number[new], number[old]) for new, old in updated if old in number),
            )
        )
    given = _in_results(read, body.results, kept)
    bytes_ = tuple(0 if v in given or not v.type.rank else counter.nbytes([v]) for v in number)
    results = frozenset(number[r] for r in body.results if r in number)
    always = counter.nbytes([r for r in body.results if r.type.rank])
    return Abstraction(Program(tuple(nodes), bytes_, results, always), stored, cones)


def _cost(counter: Counter, eqn: Eqn) -> float:
    """Operations, of which one an element goes to writing what is made."""
    return counter.flops(Block((), (eqn,), ())) + sum(counter.elements(o.type) for o in eqn.outputs)


def _cones(eqns: Sequence[Eqn], folded: Mapping[Value, Eqn]) -> Mapping[Eqn, Sequence[Eqn]]:
    """The equations of what is not stored that an equation reads, directly or through others, in order."""
    found: dict[Eqn, dict[Eqn, None]] = {}
    for eqn in eqns:
        own = dict.fromkeys(folded[v] for v in reads(eqn) if v in folded)
        found[eqn] = {part: None for maker in own for part in (*found[maker], maker)}
    return {eqn: tuple(cone) for eqn, cone in found.items()}


def _repeatable(eqn: Eqn) -> bool:
    """Whether an equation may be computed again: it has no effect, binds no size, and is no loop that runs by
    a schedule, whose work the program does not tell."""
    parts = (eqn, *(inner for block in eqn.blocks for inner in walk(block)))
    once = any(part.op.effect or part.op.binds or part.op.name == "next_move" for part in parts)
    return bool(eqn.outputs) and not once


def _updated(eqn: Eqn, kept: Stored) -> Sequence[tuple[Value, Value]]:
    """What is made in the memory of an operand, where that is read for the last time."""
    for new in eqn.outputs:
        if new in kept.taken:
            return [(new, old) for old in kept.taken[new]]
    if eqn.op.updates:
        return [(eqn.output, eqn.inputs[0])]
    count = state_count(eqn.attrs) if eqn.op.loop else 0
    states = zip(eqn.outputs[:count], eqn.inputs[:count], strict=True)
    return [(new, old) for new, old in states if not isinstance(old, Constant)]


def _in_results(read: dict[Eqn, dict[Value, None]], results: Sequence[Value], kept: Stored) -> set[Value]:
    """The results, and what is made in their memory before it is updated for the last time."""
    found = set(results)
    last = {v: eqn for eqn, values in read.items() for v in values}
    for eqn in reversed(read):
        ending = [old for new, old in _updated(eqn, kept) if new in found and last.get(old) is eqn]
        found.update(ending if eqn.op.loop else ending[:1])
    return found
