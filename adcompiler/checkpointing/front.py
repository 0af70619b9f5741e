"""What else could be had: how much less work a call does with more memory, over the variants of a program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from adcompiler.ir.types import Sizes

from .choice import Tried, Variant
from .straight_line import W, pareto

PLACES = 48
"""Places of a path that are looked at."""

POINTS = 10
"""Points of a front that are shown."""


@dataclass(frozen=True)
class Point:
    """A budget that is feasible, in bytes, and the operations of the call that it allows."""

    peak: int
    cost: float


@dataclass(frozen=True)
class _Place:
    """A place of the path of a variant, and what is known of it without its plans."""

    tried: Tried
    place: int
    peak: int
    cost: float


def front(variants: Sequence[Variant], sizes: Sizes) -> tuple[Point, ...]:
    """Some points of the Pareto front of memory and work, from the least memory to the least work.

    The first and the last are exactly these; those between them are spread over the bytes by even factors.
    """
    tried = [Tried(number, variant, sizes) for number, variant in enumerate(variants)]
    places = [_Place(t, place, t.bound(place), t.work(place)) for t in tried for place in _places(t)]
    between = [p.tried.at(p.place) for p in _spread(pareto(places))]
    ends = [choice for t in tried for choice in (t.least, t.at(t.length))]
    least = min(t.least.peak for t in tried)
    return tuple(_spread(pareto(Point(c.peak, c.work) for c in (*ends, *between) if c.peak >= least)))


def _places(tried: Tried) -> list[int]:
    """Places of a path, from its beginning to its end."""
    least = sum(loop.least for loop in tried.free) or 1
    most = tried.length + least
    inner = (int(least * (most / least) ** (k / PLACES)) - least for k in range(1, PLACES))
    return sorted({0, *(place for place in inner if place > 0), tried.length})


def _spread(points: Sequence[W]) -> list[W]:
    """No more than POINTS of them: both ends, and between them those nearest to even factors of memory."""
    if len(points) <= POINTS:
        return list(points)
    scale = np.log([max(point.peak, 1) for point in points])
    wanted = np.linspace(scale[0], scale[-1], POINTS)
    return [points[k] for k in sorted({int(np.abs(scale - at).argmin()) for at in wanted})]
