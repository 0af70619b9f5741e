"""Which additions of a nest of loops the owners of elements can make: see `owners`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ....ir.graph import Constant, Eqn, Value, values, walk
from ....ir.integers import Integers
from ....ir.loops import loop_body, state_count, trip_count
from ....ir.parallel import parallel
from ....ir.types import Dim
from .owners import Addition, Axes, Owners

DEEPEST = 3
"""Loops in a nest: as many as a grid has dimensions."""


def owners(outer: Eqn, shared: Sequence[int], known: Integers) -> list[Owners]:
    """What of the shared sums of a loop the owners of their elements can add up."""
    body = loop_body(outer)
    nest = _Nest((outer,), known, _starts(outer, {}, known), frozenset(values(body)), _pure(outer))
    groups: dict[object, list[Addition]] = {}
    for addition in nest.additions({body.params[1 + k]: k for k in shared}):
        groups.setdefault(addition.key, []).append(addition)
    return [Owners(group) for group in groups.values()]


def _pure(outer: Eqn) -> bool:
    """Whether nothing in a loop has an effect: then its order with what stands beside it is free."""
    return not any(eqn.op.effect for eqn in walk(loop_body(outer)))


def _starts(eqn: Eqn, around: Mapping[Value, Value], known: Integers) -> dict[Value, Value]:
    """The states of a loop that its trips own, and the arrays before the nest that they begin as."""
    how = parallel(eqn, known)
    if how is None:
        return {}
    params = loop_body(eqn).params
    found = {params[1 + k]: eqn.inputs[k] for k in how.owned}
    return {p: around.get(v, v) for p, v in found.items() if not around or v in around}


@dataclass(frozen=True)
class _Nest:
    """Nested loops, the outermost first: `inside` are all values in its body.

    `starts` has the states, as they are when a trip begins, of which each trip owns what it touches.
    """

    loops: tuple[Eqn, ...]
    known: Integers
    starts: Mapping[Value, Value]
    inside: frozenset[Value]
    pure: bool

    def additions(self, sums: dict[Value, int]) -> Iterator[Addition]:
        """The additions to sums in the innermost loop, and the loops in it, that owners can make."""
        body = loop_body(self.loops[-1])
        if any(eqn.op.binds for eqn in body.eqns):
            return
        for eqn in body.eqns:
            if eqn.op.adds and eqn.inputs[0] in sums:
                sums[eqn.output] = sums[eqn.inputs[0]]
                found = self._addition(eqn, sums[eqn.output])
                if found is not None:
                    yield found
            elif eqn.op.name == "for":
                states = range(state_count(eqn.attrs))
                passed = {k: sums[eqn.inputs[k]] for k in states if eqn.inputs[k] in sums}
                sums.update((eqn.outputs[k], state) for k, state in passed.items())
                if passed and len(self.loops) < DEEPEST:
                    params = loop_body(eqn).params
                    yield from self._within(eqn).additions({params[1 + k]: s for k, s in passed.items()})

    def _within(self, eqn: Eqn) -> _Nest:
        """The nest with one more loop."""
        starts = _starts(eqn, self.starts, self.known) if self.starts else {}
        return _Nest((*self.loops, eqn), self.known, {**self.starts, **starts}, self.inside, self.pure)

    def _addition(self, eqn: Eqn, state: int) -> Addition | None:
        if eqn.op.name != "add_at" or "at" in eqn.attrs or eqn.inputs[1].type.rank:
            return None
        axes, needed = self._axes(eqn), self._needed(eqn.inputs[1])
        if axes is None or needed is None:
            return None
        return Addition(eqn, state, self.loops, axes, needed, self.starts)

    # ---- places ----

    def _axes(self, eqn: Eqn) -> Axes | None:
        """How a place follows from indices: from the innermost one at least; None if it does not."""
        found: dict[int, tuple[Eqn, Dim]] = {}
        for axis, place in enumerate(eqn.inputs[2:]):
            if isinstance(place, Constant) or place not in self.inside:
                if not self._in_range(eqn, axis, place):
                    return None
                continue
            dim = self.known.of(place)
            taken = [of for of, _ in found.values()]
            free = (of for of in reversed(self.loops) if of not in taken and self._slope(dim, of) == 1)
            of = next(free, None)
            if of is None:
                return None
            found[axis] = of, dim - self._index(of)
        return self._with_sizes(found)

    def _with_sizes(self, axes: Axes) -> Axes | None:
        """The same with shifts as sizes of the program; None if they depend on what is not there yet."""
        moving = [of for of, _ in axes.values()]
        others = [of for of in self.loops if of not in moving]
        names = {str(self._index(of)): str(of.attrs["index"]) for of in others if "index" in of.attrs}
        gone = {str(of.attrs["index"]) for of in moving if "index" in of.attrs}
        found = {
            axis: (of, shift.substitute({index: Dim.of(name) for index, name in names.items()}))
            for axis, (of, shift) in axes.items()
        }
        plain = all(shift.names().isdisjoint(self.known.stands_for) for _, shift in found.values())
        counted = all(trip_count(of.attrs).names().isdisjoint(gone) for of in others)
        return found if plain and counted and self.loops[-1] in moving else None

    def _index(self, of: Eqn) -> Dim:
        return self.known.of(loop_body(of).params[0])

    def _slope(self, dim: Dim, of: Eqn) -> int:
        """By how much a place moves with an index; 0 where it is not linear in it."""
        name = self._index(of).name
        slope = dict(dim.terms).get((name,), 0) if name else 0
        return slope if name not in (dim - self._index(of) * slope).names() else 0

    def _in_range(self, eqn: Eqn, axis: int, place: Value) -> bool:
        """Whether a place is shown to be in range, also where the nest makes no trip."""
        dim, known = self.known.of(place), self.known
        last = eqn.inputs[0].type.shape[axis] - 1
        return known.never_negative(dim) and known.never_negative(last - dim)

    # ---- values ----

    def _needed(self, value: Value) -> frozenset[Eqn] | None:
        """The equations that compute a value of indices and what the nest begins with; None if others do."""
        made = {o: eqn for of in self.loops for eqn in loop_body(of).eqns for o in eqn.outputs}
        states = {p for of in self.loops for p in loop_body(of).params[1 : 1 + state_count(of.attrs)]}
        needed: set[Eqn] = set()
        pending = [value]
        while pending:
            eqn = made.get(pending.pop())
            if eqn is None or eqn in needed:
                continue
            if eqn.blocks or eqn.op.effect or eqn.op.updates or any(o.type.rank for o in eqn.outputs):
                return None
            element = eqn.op.name == "index" and self.pure and eqn.inputs[0] in self.starts
            operands = eqn.inputs[1:] if element else eqn.inputs
            if not states.isdisjoint(operands):
                return None
            needed.add(eqn)
            pending += operands
        return None if value in states else frozenset(needed)
