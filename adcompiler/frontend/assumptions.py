"""What one start of a trace learns of sizes, and hands to the next.

Where two sizes turn out to be one, or a size must be static, the trace begins anew with that size replaced.
So the type of a value never changes while it is in use.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from adcompiler.ir.types import Dim


class Restart(BaseException):
    """Tracing begins anew knowing more of the sizes; not an Exception, so that no library swallows it.

    `sizes` are replaced; `lengths` are not negative.
    """

    def __init__(self, sizes: Mapping[str, Dim] | None = None, lengths: frozenset[Dim] = frozenset()) -> None:
        super().__init__(sizes, lengths)
        self.sizes = sizes or {}
        self.lengths = lengths


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

    def learn(self, found: Restart) -> None:
        """Replace sizes by polynomials in others; take more lengths as not negative."""
        sizes = found.sizes
        self.same = {name: dim.substitute(sizes) for name, dim in self.same.items()} | dict(sizes)
        self.lengths = frozenset(d.substitute(sizes) for d in self.lengths | found.lengths)
