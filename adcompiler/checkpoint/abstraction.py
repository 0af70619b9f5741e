"""The top-level block of a Function as a program for the planner: what takes memory, and what work costs.

Values that the backend does not store are no values of that program: whoever reads one reads what it is
computed from, and pays for computing it. Arguments are there anyway, and results from the beginning.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from adcompiler.ir.cost import Counter
from adcompiler.ir.graph import Block, Constant, Eqn, Function, Value, reads, walk
from adcompiler.ir.loops import state_count
from adcompiler.ir.types import Sizes

from .executions import Node, Program, Way

Unstored = Callable[[Block], Collection[Value]]
"""The values of a block that a backend does not store."""

Ways = Mapping[Eqn, Sequence[Way]]
"""Equations that can be executed in several ways: loops, with more snapshots or fewer."""


@dataclass(frozen=True)
class Abstraction:
    """A program, the equation of each of its nodes, and those of what an equation reads and is not stored."""

    program: Program
    eqns: Sequence[Eqn]
    cones: Mapping[Eqn, Sequence[Eqn]]


def abstraction(function: Function, sizes: Sizes, unstored: Unstored, ways: Ways) -> Abstraction:
    """The program of a Function at these sizes."""
    body = function.body
    absent = frozenset(unstored(body)) - set(body.results)
    folded = {o: eqn for eqn in body.eqns for o in eqn.outputs if o in absent}
    stored = [eqn for eqn in body.eqns if not eqn.outputs or not absent.issuperset(eqn.outputs)]
    number = {o: k for k, o in enumerate(o for eqn in stored for o in eqn.outputs)}
    counter = Counter(dict(sizes))
    costs = {eqn: _cost(counter, eqn) for eqn in body.eqns}
    nodes, cones = [], _cones(body.eqns, folded)
    for eqn in stored:
        cone = cones[eqn]
        read = (v for part in (eqn, *cone) for v in reads(part) if v in number)
        work = costs[eqn] + sum(costs[part] for part in cone)
        inside = max((counter.alive(inner) for inner in eqn.blocks), default=0)
        nodes.append(
            Node(
                tuple(dict.fromkeys(number[v] for v in read)),
                tuple(number[o] for o in eqn.outputs),
                tuple(ways.get(eqn, [Way(inside, work)])),
                eqn not in ways and _repeatable(eqn),
                tuple((number[new], number[old]) for new, old in _updated(eqn) if old in number),
            )
        )
    given = _in_results(body)
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
    """Whether an equation may be computed again: it has no effect, and binds no size."""
    parts = (eqn, *(inner for block in eqn.blocks for inner in walk(block)))
    return bool(eqn.outputs) and not any(part.op.effect or part.op.binds for part in parts)


def _updated(eqn: Eqn) -> Sequence[tuple[Value, Value]]:
    """What is made in the memory of an operand, where that is read for the last time."""
    if eqn.op.updates:
        return [(eqn.output, eqn.inputs[0])]
    count = state_count(eqn.attrs) if eqn.op.loop else 0
    states = zip(eqn.outputs[:count], eqn.inputs[:count], strict=True)
    return [(new, old) for new, old in states if not isinstance(old, Constant)]


def _in_results(body: Block) -> set[Value]:
    """The results, and what is made in their memory before it is updated for the last time."""
    found = set(body.results)
    last = {v: eqn for eqn in body.eqns for v in reads(eqn)}
    for eqn in reversed(body.eqns):
        found.update(old for new, old in _updated(eqn) if new in found and last[old] is eqn)
    return found
