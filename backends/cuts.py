"""What a loop is cut into, and from which size on that is worth it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ..ir.types import ArrayType, Dim, Sizes

CHUNK = 2**17
"""Operations of a chunk: some ten microseconds, several times what handing chunks to threads costs."""

WORTH = 2**20
"""Operations of a call from which on it uses threads."""


@dataclass(frozen=True)
class Partial:
    """A result that each chunk reduces by itself: a variable, where it starts, and one step of it."""

    name: str
    type: ArrayType
    start: str
    step: Callable[[str, str], str]


@dataclass(frozen=True, eq=False)
class Cut:
    """A loop outside all others, which runs from `start` to `stop` in a chunk.

    A trip costs `trip` operations. `partials` are results that the trips of a chunk reduce, between the lines
    (text, comment) `before` and `after`; `private` are arrays that each trip fills anew: every thread has its
    own.
    """

    start: str
    stop: str
    extent: Dim
    trip: Dim
    partials: list[Partial] = field(default_factory=list)
    before: list[tuple[str, str]] = field(default_factory=list)
    after: list[tuple[str, str]] = field(default_factory=list)
    private: list[tuple[str, ArrayType]] = field(default_factory=list)

    @property
    def work(self) -> Dim:
        """Operations of the whole loop."""
        return self.extent.positive() * self.trip.positive()

    @property
    def rows(self) -> str:
        """Source of the number of trips of a chunk."""
        if self.trip.constant is None:
            return f"max({CHUNK} // max({self.trip}, 1), 1)"
        trips = max(CHUNK // max(self.trip.constant, 1), 1)
        return str(1 << (trips.bit_length() - 1))

    def chunks(self, sizes: Sizes) -> int:
        """How many chunks there are at these sizes."""
        rows = int(self.rows) if self.rows.isdigit() else max(CHUNK // max(self.trip.value(sizes), 1), 1)
        return -(-max(self.extent.value(sizes), 0) // rows)
