"""What one start of a trace learns of sizes and loops, and hands to the next.

Where two sizes turn out to be one, or a size must be static, the trace begins anew with that size replaced.
So the type of a value never changes while it is in use. Likewise where a `while` that began as plain Python
has to be rolled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from adcompiler.ir.types import Dim

Place = tuple[Any, ...]
"""A loop of the program: its line, and the lines of the calls around it."""


class Restart(BaseException):
    """Tracing begins anew knowing more of the sizes; not an Exception, so that no library swallows it.

    `sizes` are replaced; `lengths` are not negative; the `while` loops at these `places` are rolled.
    """

    def __init__(
        self,
        sizes: Mapping[str, Dim] | None = None,
        lengths: frozenset[Dim] = frozenset(),
        places: frozenset[Place] = frozenset(),
    ) -> None:
        super().__init__(sizes, lengths, places)
        self.sizes = sizes or {}
        self.lengths = lengths
        self.places = places


@dataclass
class Assumptions:
    """What stays from one start of a trace to the next."""

    names: dict[tuple[str, int | None], str] = field(default_factory=dict)
    """The size of an axis of a parameter (None: of an integer), by the parameter's name."""
    hints: dict[str, int] = field(default_factory=dict)
    """The value of each size in the call that is traced."""
    same: dict[str, Dim] = field(default_factory=dict)
    """Sizes that are not free: what they are in terms of the others."""
    lengths: frozenset[Dim] = frozenset()
    """Dims that are not negative, so that `max(e, 0)` is `e`: guards from the start."""
    rolled: frozenset[Place] = frozenset()
    """The `while` loops whose test is not known in each trip, though it is in the first."""

    def learn(self, found: Restart) -> None:
        """Replace sizes by polynomials in others; take more lengths as not negative, roll more loops."""
        sizes = found.sizes
        self.rolled |= found.places
        self.same = {name: dim.substitute(sizes) for name, dim in self.same.items()} | dict(sizes)
        self.lengths = frozenset(d.substitute(sizes) for d in self.lengths | found.lengths)
