"""What the trips of a loop add to a sum, and the one update behind the loop that adds it.

Each addition is an array of values, with an axis for each loop around it, and a place for each index: a
polynomial in the indices of these loops, or, where data decide it, an array of integers beside the values. A
place that is linear in one index is a span of that axis; any other one is a gather.

A loop adds nothing where it makes no trip, and what stands in a branch may not be there. So a place that is
not shown to be in range is written to only if every loop makes a trip; in a branch it is moved into the
range, where a zero is added.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod

from ....ir.errors import Location
from ....ir.graph import Attr, Eqn, Value, constant
from ....ir.integers import Integers
from ....ir.loops import loop_body, trip_count
from ....ir.ops import OPS
from ....ir.ops.control import branch
from ....ir.ops.indexing import gather_place, items
from ....ir.types import Atom, Dim


@dataclass(frozen=True)
class Place:
    """An index of an addition, and, where data decide it, what it was in each trip."""

    dim: Dim
    data: Value | None = None


@dataclass(frozen=True)
class Contribution:
    """What the trips of `loops` add to a state of the outermost one, at `at` (None: to the whole).

    `trips` are those of all loops around it; `sure` says that it is made in each of them.
    """

    state: int
    value: Value
    at: tuple[Attr, ...] | None
    places: tuple[Place, ...]
    loops: tuple[Eqn, ...] = ()
    trips: tuple[Dim, ...] = ()
    sure: bool = True
    origin: tuple[Location | None, str | None] = (None, None)

    @property
    def key(self) -> tuple[object, ...]:
        """What two contributions have in common that are one."""
        dims = tuple(place.dim for place in self.places)
        return self.state, self.at, dims, self.loops, self.value.type, len(self.data)

    @property
    def data(self) -> list[Value]:
        """The values, and the places that data decide."""
        return [self.value, *(place.data for place in self.places if place.data is not None)]

    def with_data(self, data: Sequence[Value]) -> Contribution:
        """The same with other values and places."""
        value, *found = data
        given = iter(found)
        places = (p if p.data is None else replace(p, data=next(given)) for p in self.places)
        return replace(self, value=value, places=tuple(places))


# ---- the update behind the loops ----


@dataclass(frozen=True)
class Around:
    """The place behind a loop: what is known of integers there, and the copies of values."""

    known: Integers
    copies: Mapping[Value, Value]

    def added(self, total: Value, given: Contribution) -> Value:
        """The sum with a contribution added to it."""
        c = _summed(given, self._unused(given))
        if c.at is None:
            return OPS["add"](total, c.value)
        update = _Update(self, total, c)
        needed = update.needed()
        if needed is None:
            return update.written()
        made = OPS["greater_equal"](integer(needed), 1)
        return branch(made, lambda: [update.written()], lambda: [total])[0]

    def _unused(self, c: Contribution) -> list[int]:
        """The axes of loops that no place depends on."""
        if any(place.data is not None for place in c.places):
            return []
        names = frozenset[str]().union(*(place.dim.names() for place in c.places))
        return [k for k, loop in enumerate(c.loops) if self.index(loop) not in names]

    def index(self, loop: Eqn) -> str:
        """The name of the index of a loop."""
        name = self.known.of(loop_body(loop).params[0]).name
        assert name is not None
        return name

    def place(self, dim: Dim, also: Mapping[str, Value]) -> Value:
        """A polynomial as an integer, or, where names in it are arrays, as an array of such."""
        sizes, rest = Dim(), Dim()
        for monomial, coefficient in dim.terms:
            term = Dim(((monomial, coefficient),))
            if term.names().isdisjoint(self.known.stands_for):
                sizes = sizes + term
            else:
                rest = rest + term
        total = integer(sizes) if sizes.terms or not rest.terms else None
        for monomial, coefficient in rest.terms:
            product = prod((self._atom(a, also) for a in monomial[1:]), start=self._atom(monomial[0], also))
            product = product if coefficient == 1 else product * coefficient
            total = product if total is None else total + product
        assert total is not None
        return total

    def _atom(self, atom: Atom, also: Mapping[str, Value]) -> Value:
        if isinstance(atom, str) and atom in also:
            return also[atom]
        if isinstance(atom, str) and atom in self.known.stands_for:
            value = self.known.stands_for[atom]
            return self.copies.get(value, value)
        return OPS["dim"](size=Dim((((atom,), 1),)))


def _summed(c: Contribution, axes: Sequence[int]) -> Contribution:
    """A contribution without the axes of these loops, added up."""
    if not axes:
        return c
    value = OPS["sum"](c.value, axes=tuple(axes))
    loops = tuple(loop for k, loop in enumerate(c.loops) if k not in axes)
    return replace(c, value=value, loops=loops)


@dataclass(frozen=True)
class _Update:
    """An addition at places, behind the loops whose trips are axes of its values."""

    around: Around
    total: Value
    given: Contribution

    def written(self) -> Value:
        """The sum after the `add_at`."""
        at, operands, order = self._spans() if self._regular() else self._gathers()
        value = self.given.value
        if order != sorted(order):
            value = OPS["transpose"](value, axes=tuple(order))
        return OPS["add_at"](self.total, value, *operands, at=tuple(at))

    def _axes(self) -> list[tuple[int, Attr, Place | None]]:
        """The leading axes of the sum: what is taken of each, and where."""
        assert self.given.at is not None
        places = iter(self.given.places)
        return [(a, item, None if item == "all" else next(places)) for a, item in enumerate(self.given.at)]

    def _indices(self, place: Place) -> list[str]:
        """The names of indices of the loops that a place depends on."""
        return [name for name in map(self.around.index, self.given.loops) if name in place.dim.names()]

    def _slope(self, place: Place) -> int:
        """By how much a place moves from trip to trip of the one loop that it depends on; 0 if not known."""
        (name,) = self._indices(place)
        slope = dict(place.dim.terms).get((name,), 0)
        return 0 if name in (place.dim - Dim.of(name) * slope).names() else slope

    # ---- ranges ----

    def _inside(self, axis: int, place: Place) -> bool:
        """Whether a place is shown to be in range in each trip of the loops that it depends on."""
        last = self.total.type.shape[axis] - 1
        known = self.around.known
        return known.never_negative(place.dim) and known.never_negative(last - place.dim)

    def _outside(self) -> list[tuple[int, Place]]:
        """The axes, and the places there, that may be out of range where nothing is added."""
        found = [(a, place) for a, _, place in self._axes() if place is not None]
        if self.given.sure:
            found = [(a, place) for a, place in found if place.data is None]
        return [(a, place) for a, place in found if place.data is not None or not self._inside(a, place)]

    def needed(self) -> Dim | None:
        """What must be positive for the places to be in range; None if they are."""
        outside = self._outside()
        if not self.given.sure:
            sizes = [self.total.type.shape[a] for a, _ in outside]
            return prod(sizes, start=Dim.of(1)) if any(not _one(d) for d in sizes) else None
        trips = list(self.given.trips)
        if all(self._spanned(place) for _, place in outside) and len(trips) == 1:
            return None  # a span of no length touches nothing
        product = prod((d.positive() for d in trips), start=Dim.of(1))
        return product if outside and not _one(product) else None

    def _spanned(self, place: Place) -> bool:
        return len(self._indices(place)) == 1

    # ---- forms ----

    def _regular(self) -> bool:
        """Whether each place is linear in the index of one loop, and no other one in that."""
        if any(place.data is not None for place in self.given.places):
            return False
        indices = [(place, self._indices(place)) for place in self.given.places]
        moving = [name for _, names in indices for name in names]
        linear = all(not names or (len(names) == 1 and self._slope(place)) for place, names in indices)
        return linear and len(moving) == len(set(moving)) and (self.given.sure or not self._outside())

    def _spans(self) -> tuple[list[Attr], list[Value], list[int]]:
        """What is taken of the axes, the starts, and the order in which the axes of the values follow."""
        at: list[Attr] = []
        operands: list[Value] = []
        order: list[int] = []
        names = [self.around.index(loop) for loop in self.given.loops]
        own = iter(range(len(names), self.given.value.type.rank))
        for _, item, place in self._axes():
            moving = [] if place is None else self._indices(place)
            if place is not None:
                start = place.dim.substitute(dict.fromkeys(moving, Dim()))
                operands.append(self.around.place(start, {}))
            if moving and place is not None:
                k = names.index(moving[0])
                item = ("span", self.given.value.type.shape[k], self._slope(place))
                order.append(k)
            elif item != "point":
                order.append(next(own))
            at.append(item)
        return at, operands, [*order, *own]

    def _gathers(self) -> tuple[list[Attr], list[Value], list[int]]:
        at: list[Attr] = []
        operands: list[Value] = []
        for a, item, place in self._axes():
            moving = place is not None and (place.data is not None or bool(self._indices(place)))
            at.append("gather" if moving else item)
            if place is not None:
                operands.append(self._place(a, place))
        width, rank = len(self.given.loops), self.given.value.type.rank
        before = gather_place(items({"at": tuple(at)}, len(operands)))
        own = list(range(width, rank))
        return at, operands, [*own[:before], *range(width), *own[before:]]

    def _place(self, axis: int, place: Place) -> Value:
        """An integer, or an array of integers, one a trip."""
        found = place.data or self.around.place(place.dim, self._counted())
        if self.given.sure or (place.data is None and self._inside(axis, place)):
            return found
        last = integer(self.total.type.shape[axis] - 1)
        return OPS["minimum"](OPS["maximum"](found, 0), last)

    def _counted(self) -> dict[str, Value]:
        """The indices of the loops as arrays, each along its axis of the values."""
        width = len(self.given.loops)
        found: dict[str, Value] = {}
        for k, loop in enumerate(self.given.loops):
            length = trip_count(loop.attrs).positive()
            shape = [Dim.of(1)] * k + [length] + [Dim.of(1)] * (width - k - 1)
            count = OPS["iota"](length=length)
            found[self.around.index(loop)] = (
                OPS["reshape"](count, shape=tuple(shape)) if width > 1 else count
            )
        return found


def integer(dim: Dim) -> Value:
    """A size as an integer."""
    return OPS["dim"](size=dim) if dim.constant is None else constant(dim.constant)


def _one(dim: Dim) -> bool:
    """Whether a size is known to be at least one."""
    return (dim - 1).never_negative()
