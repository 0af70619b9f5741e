"""Which accesses of an array inside loops can never meet.

A write at `w` and a read at `r`, some trips of a loop apart, never meet when along one axis `w - r` has no
zero: because it is `a * (trips apart) + c` and `a` does not divide `c`, or because the ranges of the integers
in it keep it above zero, or below. The one test serves the choice of residuals, and the question whether the
trips of a loop are independent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from .accesses import Access
from .affine import nonnegative
from .graph import Value
from .integers import Integers, Range
from .types import Dim

_APART, _COPY = "#apart", "'"


def never_meet(
    write: Access,
    read: Access,
    index: Value | None,
    varies: Callable[[Value], bool],
    apart: Iterable[int],
    known: Integers,
) -> bool:
    """Whether no write hits the read element, at these distances in trips of the loop with this index.

    `apart` holds 0 for the same trip, 1 for all later values of the index, -1 for all earlier ones; `varies`
    says of an integer whether it changes within the loop, or, of a branch (`index` is None), within the
    blocks inside it.
    """
    pairs = [(w, r) for w, r in zip(write, read, strict=False) if w is not None and r is not None]
    distances = list(apart)
    return all(any(_never_zero(w, r, index, varies, sign, known) for w, r in pairs) for sign in distances)


def _never_zero(
    write: Value,
    read: Value,
    index: Value | None,
    varies: Callable[[Value], bool],
    sign: int,
    known: Integers,
) -> bool:
    """The test along one axis; most indices differ from one another by a constant."""
    (w, more), (r, less) = known.parts(write), known.parts(read)
    if w == r:
        name = None if index is None else known.of(index).name
        slope, others = known.slope(w, name)
        if not any(n == name or varies(known.stands_for[n]) for n in others):
            return _no_root(slope * sign, more - less)
    return _Gap.of(known.of(write), known.of(read), index, varies, known).never_zero(sign)


def _no_root(slope: int, rest: int) -> bool:
    """Whether `slope * distance + rest` has no zero at a distance of 1 or more."""
    return rest != 0 if slope == 0 else rest % slope != 0 or -rest // slope < 1


@dataclass(frozen=True)
class _Gap:
    """Two indices whose difference is asked for, in a loop with this index.

    `changing` are the names that may have another value at the write than at the read.
    """

    write: Dim
    read: Dim
    index: str | None
    changing: frozenset[str]
    known: Integers

    @staticmethod
    def of(
        write: Dim, read: Dim, index: Value | None, varies: Callable[[Value], bool], known: Integers
    ) -> _Gap:
        name = None if index is None else known.of(index).name
        names = known.reached(write.names() | read.names())
        changing = frozenset(n for n in names if n != name and varies(known.stands_for[n]))
        return _Gap(write, read, name, changing, known)

    def never_zero(self, sign: int) -> bool:
        """Whether `write - read` has no zero, the write so many trips apart from the read."""
        moved = {name: Dim.of(name + _COPY) for name in self.changing}
        if self.index is not None:
            moved[self.index] = Dim.of(self.index) + Dim.of(_APART) * sign
        gap = self.write.substitute(moved) - self.read
        slope, rest = dict(gap.terms).get((_APART,), 0), dict(gap.terms).get((), 0)
        if gap == Dim.of(_APART) * slope + rest:
            return _no_root(slope, rest)
        bounds, facts = self._bounds(gap, moved, sign), self._facts(moved)
        return nonnegative(gap - 1, bounds, facts) or nonnegative(-gap - 1, bounds, facts)

    def _bounds(self, gap: Dim, moved: Mapping[str, Dim], sign: int) -> dict[str, Range]:
        """The ranges of the names in a difference, outer ones first: at the read, and at the write."""
        at_write = self.known.bounds({n.removesuffix(_COPY) for n in gap.names() if n.endswith(_COPY)})
        copies: dict[str, Range] = {}
        for name in self.changing & at_write.keys():
            low, high = (None if end is None else end.substitute(moved) for end in at_write[name])
            copies[name + _COPY] = low, high
        ends = (end for pair in copies.values() for end in pair if end is not None)
        own = {n for dim in (gap, *ends) for n in dim.names() if not n.endswith(_COPY)} - {_APART}
        bounds: dict[str, Range] = {}
        for name, ends_ in self.known.bounds(own | ({self.index} if self.index else set())).items():
            bounds[name] = ends_
            if name == self.index:
                bounds[_APART] = Dim.of(abs(sign)), None if sign else Dim()
        return bounds | {name + _COPY: copies[name + _COPY] for name in at_write if name in self.changing}

    def _facts(self, moved: Mapping[str, Dim]) -> list[Dim]:
        """The write is in a trip that is made."""
        low, high = self.known.ranges.get(self.index or "", (None, None))
        at_write = moved.get(self.index or "", Dim())
        return [
            *([] if low is None else [at_write - low]),
            *([] if high is None else [high - at_write]),
        ]
