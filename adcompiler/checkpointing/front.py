"""What else could be had: how much less work a call does with more memory, over the variants of a program."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from adcompiler.ir.types import Sizes

from .choice import Tried, Variant

Row = TypeVar("Row", bound=tuple[Any, ...])
"""A tuple that begins with bytes and operations."""

PLACES = 48
"""Places of a path that are looked at."""

POINTS = 10
"""Points of a front that are shown."""


@dataclass(frozen=True)
class Point:
    """A budget that is feasible, in bytes, and the operations of the call that it allows."""

    peak: int
    work: float


def front(variants: Sequence[Variant], sizes: Sizes) -> tuple[Point, ...]:
    """Some points of the Pareto front of memory and work, from the least memory to the least work.

    The first and the last are exactly these; those between them are spread over the bytes by even factors.
    """
    tried = [Tried(number, variant, sizes) for number, variant in enumerate(variants)]
    guessed = [(t.bound(place), t.work(place), t, place) for t in tried for place in _places(t)]
    between = [t.at(place) for _, _, t, place in _spread(_best(guessed))]
    ends = [choice for t in tried for choice in (t.least, t.at(t.length))]
    least = min(t.least.peak for t in tried)
    found = _best([(c.peak, c.work) for c in (*ends, *between) if c.peak >= least])
    return tuple(Point(peak, work) for peak, work in _spread(found))


def _places(tried: Tried) -> list[int]:
    """Places of a path, from its beginning to its end."""
    least = sum(loop.least for loop in tried.free) or 1
    most = tried.length + least
    inner = (int(least * (most / least) ** (k / PLACES)) - least for k in range(1, PLACES))
    return sorted({0, *(place for place in inner if place > 0), tried.length})


def _best(points: Iterable[Row]) -> list[Row]:
    """Those in the order of their memory that do less work than all with no more memory."""
    found: list[Row] = []
    for point in sorted(points, key=lambda p: p[:2]):
        if not found or point[1] < found[-1][1]:
            found.append(point)
    return found


def _spread(points: Sequence[Row]) -> list[Row]:
    """No more than POINTS of them: both ends, and between them those nearest to even factors of memory."""
    if len(points) <= POINTS:
        return list(points)
    scale = np.log([max(point[0], 1) for point in points])
    wanted = np.linspace(scale[0], scale[-1], POINTS)
    return [points[k] for k in sorted({int(np.abs(scale - at).argmin()) for at in wanted})]
