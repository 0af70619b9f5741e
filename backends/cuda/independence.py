"""A stand-in for `ir.parallel`, which is on its way."""

from __future__ import annotations

from ...ir.graph import Eqn
from ...ir.integers import Integers
from ...ir.loops import state_count


def parallel(eqn: Eqn, known: Integers) -> bool | None:
    """What is known of a parallel loop; None where trips may depend on each other."""
    return True if eqn.op.name == "for" and not state_count(eqn.attrs) else None
