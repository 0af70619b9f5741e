"""What the truth of a test says of sizes and loop indices, and what a branch may therefore take for granted.

In the first branch of `if i > 0` it is known that `i - 1 >= 0`: then `x[i - 1]` needs no check.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from adcompiler.ir.types import Dim, Guard, Relation

from .extents import proved
from .frames import current


@dataclass(frozen=True)
class Facts:
    """What holds where a test is true, and where it is false; all of each."""

    when_true: tuple[Guard, ...] = ()
    when_false: tuple[Guard, ...] = ()

    def negated(self) -> Facts:
        """Those of `not test`."""
        return Facts(self.when_false, self.when_true)

    def and_(self, other: Facts) -> Facts:
        """Those of `test and other`: which of the two is false is not known."""
        return Facts((*self.when_true, *other.when_true), ())

    def or_(self, other: Facts) -> Facts:
        """Those of `test or other`."""
        return Facts((), (*self.when_false, *other.when_false))

    def visible(self) -> Facts:
        """Those that speak of what is known in the current block."""
        sides = (self.when_true, self.when_false)
        return Facts(*(tuple(guard for guard in side if in_scope(guard.dim)) for side in sides))


NOTHING = Facts()


def opposite(guard: Guard) -> Guard:
    """`not (dim relation 0)`; for integers `not d >= 0` is `-d - 1 >= 0`."""
    match guard.relation:
        case Relation.ZERO:
            return Guard(guard.dim, Relation.NONZERO)
        case Relation.NONZERO:
            return Guard(guard.dim, Relation.ZERO)
        case Relation.NONNEGATIVE:
            return Guard(-guard.dim - 1, Relation.NONNEGATIVE)


def in_scope(dim: Dim) -> bool:
    """Whether every size in a Dim is known in the current block."""
    trace = current()
    return all(name in trace.hints or trace.bound(name) is not None for name in dim.names())


def suppose(guards: Iterable[Guard]) -> None:
    """From here to the end of the current block these hold."""
    known = current().frame.facts
    for guard in guards:
        known.append(guard)
        for side in (guard.dim, -guard.dim):
            if guard.relation is Relation.ZERO:
                known.append(Guard(side, Relation.NONNEGATIVE))
            elif guard.relation is Relation.NONZERO and proved(side):
                known.append(Guard(side - 1, Relation.NONNEGATIVE))
