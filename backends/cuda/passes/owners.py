"""Sums that are added up by the owner of each element.

Where each place that a nest of loops adds to is an index of it and a shift, a nest over the elements can do
what the trips would: it computes again, for each element, what is added to it. Loops whose index says nothing
of the place stand inside.

    for i < n: { x[i] -= f(i); x[i + 2] += g(i) }
    for k < n + 2: x[k] += (-f(k) where k < n) + (g(k - 2) where k >= 2)

    for i < n: for j < n - i - 1: x[i + j + 1] += f(i, j)
    for k < n: x[k] += sum of f(i, k - i - 1) over i < n where 0 <= k - i - 1 < n - i - 1

So nothing is stored for each trip. That is for what is computed of indices, of arrays that the nest only
reads, and of elements that a trip owns, as they were before the nest: then the owners come first. Where the
nest has checks they come last, and read nothing of what it changes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ....ir.build import Environment, lookup, replay_origin
from ....ir.graph import Eqn, Value, constant
from ....ir.loops import loop_body, split, trip_count
from ....ir.ops import OPS
from ....ir.ops.control import branch
from ....ir.ops.loops import loop
from ....ir.types import Dim
from .contributions import integer

Axes = Mapping[int, tuple[Eqn, Dim]]
"""The axes along which a place moves: it is the index of this loop, and a shift."""


@dataclass(frozen=True)
class Addition:
    """An `add_at` to a state of the first of these nested loops.

    `needed` are the equations of their bodies that its value is computed by, `starts` the arrays before the
    nest, of which these read in place of its states.
    """

    eqn: Eqn
    state: int
    loops: tuple[Eqn, ...]
    axes: Axes
    needed: frozenset[Eqn]
    starts: Mapping[Value, Value]

    @property
    def key(self) -> tuple[object, ...]:
        """What additions that are made in one nest have in common."""
        return self.state, self.loops, tuple((axis, of) for axis, (of, _) in self.axes.items())

    @property
    def shifts(self) -> tuple[Dim, ...]:
        return tuple(shift for _, shift in self.axes.values())

    @property
    def still(self) -> tuple[Value | None, ...]:
        """The places along the other axes."""
        places = self.eqn.inputs[2:]
        return tuple(None if axis in self.axes else place for axis, place in enumerate(places))


@dataclass(frozen=True)
class Owners:
    """Additions that the owners of elements make, in one nest over these elements."""

    additions: Sequence[Addition]

    @property
    def state(self) -> int:
        return self.additions[0].state

    def added(self, total: Value, env: Mapping[Value, Value]) -> Value:
        """A sum with what the owners of its elements add up."""
        return self._over(sorted(self.additions[0].axes), {}, total, env)

    def _over(
        self, axes: Sequence[int], at: Mapping[int, Value], total: Value, env: Mapping[Value, Value]
    ) -> Value:
        """The loops over these axes of the sum, inside those over the axes in `at`."""
        if not axes:
            return self._updated(at, total, env)
        axis, *rest = axes

        def trip(k: Value, inside: Value) -> Sequence[Value]:
            return [self._over(rest, {**at, axis: k}, inside, env)]

        of, _ = self.additions[0].axes[axis]
        return loop(total.type.shape[axis], trip, (), [total], index=_name(of))[0]

    def _updated(self, at: Mapping[int, Value], total: Value, env: Mapping[Value, Value]) -> Value:
        """A sum after its element, or elements at places that do not move, got what is added to them."""
        moving = [of for of, _ in self.additions[0].axes.values()]
        others = [of for of in self.additions[0].loops if of not in moving]

        def made(inner: Environment) -> Sequence[Value]:
            groups: dict[object, list[Addition]] = {}
            for addition in self.additions:
                groups.setdefault(addition.shifts, []).append(addition)
            terms: dict[Eqn, Value] = {}
            for group in groups.values():
                values = self._terms(group, at, total, inner)
                terms.update(zip((a.eqn for a in group), values, strict=True))
            return [terms[a.eqn] for a in self.additions]

        found: dict[tuple[Value | None, ...], Value] = {}
        for addition, term in zip(self.additions, self._summed(others, made, dict(env)), strict=True):
            place = addition.still
            found[place] = found[place] + term if place in found else term
        for place, term in found.items():
            operands = [at[axis] if v is None else lookup(env, v) for axis, v in enumerate(place)]
            total = OPS["add_at"](total, term, *operands)
        return total

    def _summed(
        self, others: Sequence[Eqn], made: Callable[[Environment], Sequence[Value]], env: Environment
    ) -> Sequence[Value]:
        """What is made, summed over the trips of loops whose index says nothing of the place."""
        if not others:
            return made(env)
        of, *rest = others

        def trip(i: Value, *totals: Value) -> Sequence[Value]:
            inner = {**env, **dict(self._elements(of, i, env))}
            return [t + term for t, term in zip(totals, self._summed(rest, made, inner), strict=True)]

        return loop(trip_count(of.attrs), trip, (), _zeros(self.additions), index=_name(of))

    def _terms(
        self, group: Sequence[Addition], at: Mapping[int, Value], total: Value, env: Environment
    ) -> Sequence[Value]:
        """What is added to an element, zeros where no trip of the nest adds to it: all of one shift."""
        axes = group[0].axes
        back = {name: Dim.of(name) - shift for of, shift in axes.values() if (name := _name(of)) is not None}
        indices: dict[Eqn, Value] = {}
        tests: list[Value] = []
        for axis, (of, shift) in axes.items():
            index = indices[of] = at[axis] - integer(shift) if shift.terms else at[axis]
            trips = trip_count(of.attrs).substitute(back)
            if shift.terms or trips != total.type.shape[axis]:
                tests += [OPS["greater_equal"](index, 0)] if shift.terms else []
                tests += [OPS["less"](index, integer(trips))]

        def made() -> Sequence[Value]:
            inner = dict(env)
            for of in group[0].loops:
                if of in indices:
                    inner.update(self._elements(of, indices[of], inner))
                for eqn in loop_body(of).eqns:
                    if any(eqn in addition.needed for addition in group):
                        replay_origin(eqn, inner, back)
            return [lookup(inner, addition.eqn.inputs[1]) for addition in group]

        if not tests:
            return made()
        there = tests[0]
        for test in tests[1:]:
            there = OPS["logical_and"](there, test)
        return branch(there, made, lambda: _zeros(group))

    def _elements(
        self, of: Eqn, at: Value, env: Mapping[Value, Value]
    ) -> Iterator[tuple[Value, Value]]:
        """The parameters of a loop in one trip: its index, elements of slices and states that are read."""
        read = {v for a in self.additions for eqn in (a.eqn, *a.needed) for v in eqn.inputs}
        body = loop_body(of)
        yield body.params[0], at
        params = split(of.attrs, body.params[1:]).slices
        for param, operand in zip(params, split(of.attrs, of.inputs).slices, strict=True):
            if param in read:
                yield param, OPS["index"](lookup(env, operand), at)
        starts = {v: start for a in self.additions for v, start in a.starts.items()}
        for param in body.params[1:]:
            if param in starts:
                yield param, lookup(env, starts[param])


def _zeros(group: Collection[Addition]) -> list[Value]:
    return [constant(0, addition.eqn.inputs[1].type.dtype) for addition in group]


def _name(eqn: Eqn) -> str | None:
    """The size that the index of a loop is."""
    name = eqn.attrs.get("index")
    return None if name is None else str(name)
