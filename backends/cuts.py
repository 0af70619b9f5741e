"""What a loop is cut into, and from which size on that is worth it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ..ir.types import ArrayType, Dim

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
    """The outermost loop of a nest, which runs from `start` to `stop` in a chunk.

    `inside` is how many trips the loops inside make in each of its trips, `weight` what one of those costs.
    """

    start: str
    stop: str
    extent: Dim
    inside: Dim
    weight: int
    partials: list[Partial] = field(default_factory=list)

    @property
    def work(self) -> Dim:
        """Operations of the whole loop."""
        return self.extent.positive() * self.inside.positive() * self.weight

    @property
    def rows(self) -> str:
        """Source of the number of trips of a chunk."""
        trips = max(CHUNK // self.weight, 1)
        trips = 1 << (trips.bit_length() - 1)
        if self.inside.constant is not None:
            return str(max(trips // max(self.inside.constant, 1), 1))
        return f"max({trips} // max({self.inside}, 1), 1)"
