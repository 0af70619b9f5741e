"""Sums that are added up by the owner of each element, in a nest of two loops.

Where the place that a nest adds to moves with the inner loop alone, or the inner loop changes its length,
every trip of the nest would leave an item, and each element is the sum of many. Then a loop over the elements
takes the place of the inner loop, with the outer one inside: what a trip adds is computed once more.

    for i < n: for j < n - i - 1: x[i + j + 1] += f(i, j)
    for k < n: x[k] += sum of f(i, k - i - 1) over i < n where 0 <= k - i - 1 < n - i - 1

That is for what is computed of indices and of arrays that the nest only reads.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ...ir.build import Environment, lookup, replay_origin
from ...ir.graph import Attr, Constant, Eqn, Value, constant, values
from ...ir.integers import Integers
from ...ir.loops import loop_body, split, state_count, trip_count
from ...ir.ops import OPS
from ...ir.ops.control import branch
from ...ir.ops.loops import loop
from ...ir.types import Dim


@dataclass(frozen=True)
class Addition:
    """An `add_at` in a nest of two loops, to a state of the outer one.

    Along `axis` it goes to the index of the inner loop and `shift`; `needed` are the equations of both bodies
    that its value is computed by.
    """

    eqn: Eqn
    inner: Eqn
    state: int
    axis: int
    shift: Dim
    needed: frozenset[Eqn]


@dataclass(frozen=True)
class Owners:
    """What of the sums of a loop owners add up: in one nest all that goes to the same elements."""

    outer: Eqn
    groups: Sequence[Sequence[Addition]]

    @staticmethod
    def of(outer: Eqn, shared: Sequence[int], known: Integers) -> Owners:
        """What owners can add up of the shared sums of a loop."""
        groups: dict[object, list[Addition]] = {}
        for a in _additions(outer, shared, known):
            groups.setdefault((a.state, a.inner, a.axis, a.shift), []).append(a)
        return Owners(outer, list(groups.values()))

    @property
    def taken(self) -> frozenset[Eqn]:
        return frozenset(addition.eqn for group in self.groups for addition in group)

    def added(self, state: int, total: Value, env: Mapping[Value, Value]) -> Value:
        """A sum with what the owners of its elements add up."""
        for group in self.groups:
            if group[0].state == state:
                total = self._by_owner(group, total, env)
        return total

    def _by_owner(self, group: Sequence[Addition], total: Value, env: Mapping[Value, Value]) -> Value:
        axis = group[0].axis
        length = total.type.shape[axis]
        items = loop(length, lambda k: self._summed(group, k, length, env), index=_name(group[0].inner))
        for addition, item in zip(group, items, strict=True):
            operands = [lookup(env, v) for v in addition.eqn.inputs[2:]]
            operands[axis] = constant(0)
            at: list[Attr] = ["point"] * len(operands)
            at[axis] = ("span", length, 1)
            total = OPS["add_at"](total, item, *operands, at=tuple(at))
        return total

    def _summed(
        self, group: Sequence[Addition], k: Value, length: Dim, env: Mapping[Value, Value]
    ) -> Sequence[Value]:
        """What the owner of element k adds up."""

        def trip(i: Value, *totals: Value) -> Sequence[Value]:
            terms = self._terms(group, i, k, length, env)
            return [total + term for total, term in zip(totals, terms, strict=True)]

        return loop(trip_count(self.outer.attrs), trip, (), _zeros(group), index=_name(self.outer))

    def _terms(
        self, group: Sequence[Addition], i: Value, k: Value, length: Dim, env: Mapping[Value, Value]
    ) -> Sequence[Value]:
        """What a trip of the outer loop adds to element k: zeros where no trip of the inner one does."""
        loop_inside, shift = group[0].inner, group[0].shift
        trips = trip_count(loop_inside.attrs)
        needed = frozenset[Eqn]().union(*(addition.needed for addition in group))
        read = {v for eqn in (*needed, *(addition.eqn for addition in group)) for v in eqn.inputs}
        inner: Environment = {**env, **dict(_elements(self.outer, i, env, read))}
        for eqn in loop_body(self.outer).eqns:
            if eqn in needed:
                replay_origin(eqn, inner)
        j = k - OPS["dim"](size=shift) if shift.terms else k

        def made() -> Sequence[Value]:
            inner.update(_elements(loop_inside, j, inner, read))
            name = _name(loop_inside)
            sizes = {name: Dim.of(name) - shift} if name and shift.terms else None
            for eqn in loop_body(loop_inside).eqns:
                if eqn in needed:
                    replay_origin(eqn, inner, sizes)
            return [lookup(inner, addition.eqn.inputs[1]) for addition in group]

        if not shift.terms and trips == length:
            return made()
        there = OPS["logical_and"](OPS["greater_equal"](j, 0), OPS["less"](j, OPS["dim"](size=trips)))
        return branch(there, made, lambda: _zeros(group))


def _zeros(group: Sequence[Addition]) -> list[Value]:
    return [constant(0, addition.eqn.inputs[1].type.dtype) for addition in group]


def _name(eqn: Eqn) -> str | None:
    """The size that the index of a loop is."""
    name = eqn.attrs.get("index")
    return None if name is None else str(name)


def _elements(
    eqn: Eqn, at: Value, env: Mapping[Value, Value], read: Collection[Value]
) -> Iterator[tuple[Value, Value]]:
    """The parameters of a loop in one trip: its index, and those elements of slices that are read."""
    body = loop_body(eqn)
    yield body.params[0], at
    params = split(eqn.attrs, body.params[1:]).slices
    for param, operand in zip(params, split(eqn.attrs, eqn.inputs).slices, strict=True):
        if param in read:
            yield param, OPS["index"](lookup(env, operand), at)


# ---- what owners can add up ----


def _additions(outer: Eqn, shared: Collection[int], known: Integers) -> Iterator[Addition]:
    """The additions to these sums, in loops inside, that owners can make."""
    body = loop_body(outer)
    sums = {body.params[1 + k]: k for k in shared}
    for eqn in body.eqns:
        if eqn.op.adds and eqn.inputs[0] in sums:
            sums[eqn.output] = sums[eqn.inputs[0]]
        elif eqn.op.name == "for":
            states = zip(loop_body(eqn).params[1:], eqn.inputs, eqn.outputs, strict=False)
            found = [(param, sums[v], o) for param, v, o in states if v in sums]
            sums.update((o, k) for _, k, o in found)
            yield from _Nest.of(outer, eqn, known).additions({param: k for param, k, _ in found})


@dataclass(frozen=True)
class _Nest:
    """A loop in the body of another one."""

    outer: Eqn
    inner: Eqn
    known: Integers
    made: Mapping[Value, Eqn]
    states: frozenset[Value]
    inside: frozenset[Value]

    @staticmethod
    def of(outer: Eqn, inner: Eqn, known: Integers) -> _Nest:
        states = [p for e in (outer, inner) for p in loop_body(e).params[1 : 1 + state_count(e.attrs)]]
        made = {o: eqn for e in (outer, inner) for eqn in loop_body(e).eqns for o in eqn.outputs}
        return _Nest(outer, inner, known, made, frozenset(states), frozenset(values(loop_body(outer))))

    def additions(self, sums: dict[Value, int]) -> Iterator[Addition]:
        """The additions to sums that owners can make."""
        if any(e.op.binds for nest in (self.outer, self.inner) for e in loop_body(nest).eqns):
            return
        for eqn in loop_body(self.inner).eqns:
            if eqn.op.adds and eqn.inputs[0] in sums:
                sums[eqn.output] = sums[eqn.inputs[0]]
                found = self._addition(eqn, sums[eqn.output])
                if found is not None:
                    yield found

    def _addition(self, eqn: Eqn, state: int) -> Addition | None:
        if eqn.op.name != "add_at" or "at" in eqn.attrs or eqn.inputs[1].type.rank:
            return None
        places = eqn.inputs[2:]
        moving = [axis for axis, place in enumerate(places) if self._varies(place)]
        still = [(axis, place) for axis, place in enumerate(places) if axis not in moving]
        needed = self._needed(eqn.inputs[1])
        if len(moving) != 1 or needed is None or not all(self._inside(eqn, *at) for at in still):
            return None
        index = loop_body(self.inner).params[0]
        shift = self._as_size(self.known.of(places[moving[0]]) - self.known.of(index))
        changes = not trip_count(self.inner.attrs).names().isdisjoint(self._own)
        if shift is None or not (changes or shift.names().isdisjoint(self._own)):
            return None
        return Addition(eqn, self.inner, state, moving[0], shift, needed)

    def _inside(self, eqn: Eqn, axis: int, place: Value) -> bool:
        """Whether a place is shown to be in range, also where the nest makes no trip."""
        dim, known = self.known.of(place), self.known
        last = eqn.inputs[0].type.shape[axis] - 1
        return known.never_negative(dim) and known.never_negative(last - dim)

    @property
    def _own(self) -> frozenset[str]:
        """The name of the outer index, if it has one."""
        name = _name(self.outer)
        return frozenset() if name is None else frozenset([name])

    def _varies(self, operand: Value) -> bool:
        """Whether an index is not the same in the whole nest, and there before it."""
        return not isinstance(operand, Constant) and operand in self.inside

    def _as_size(self, dim: Dim) -> Dim | None:
        """A polynomial in sizes and the outer index as a size of the program."""
        index = self.known.of(loop_body(self.outer).params[0])
        found = dim.substitute({str(index): Dim.of(name) for name in self._own})
        return found if found.names().isdisjoint(self.known.stands_for) else None

    def _needed(self, value: Value) -> frozenset[Eqn] | None:
        """The equations that compute a value of indices and what the nest only reads; None if others do."""
        needed: set[Eqn] = set()
        pending = [value]
        while pending:
            value = pending.pop()
            eqn = self.made.get(value)
            if value in self.states or (eqn is not None and (eqn.blocks or eqn.op.effect or eqn.op.updates)):
                return None
            if eqn is not None and eqn not in needed:
                if any(o.type.rank for o in eqn.outputs):
                    return None
                needed.add(eqn)
                pending += eqn.inputs
        return frozenset(needed)
