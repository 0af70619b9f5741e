"""Loops whose trips threads may take: independent of one another, and without sums that they share."""

from __future__ import annotations

from ....ir import parallel as loops
from ....ir.graph import Eqn
from ....ir.integers import Integers


def parallel(eqn: Eqn, known: Integers) -> bool | None:
    """True for such a loop; None where trips may depend on each other, or add to the same places."""
    found = loops.parallel(eqn, known)
    return True if found is not None and not found.shared else None
