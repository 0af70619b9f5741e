"""Loops whose trips threads may take: independent of one another, and without sums that they share."""

from __future__ import annotations

from ....ir.graph import Eqn
from ....ir.integers import Integers
from ....ir.parallel import parallel


def independent(eqn: Eqn, known: Integers) -> bool:
    """Whether an equation is such a loop."""
    found = parallel(eqn, known)
    return found is not None and not found.shared
