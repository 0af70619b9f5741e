"""Whether the trips of a `for` may run at the same time: a property found, not a separate op."""

from __future__ import annotations

from .graph import Eqn
from .loops import state_count


def parallel(eqn: Eqn) -> bool | None:
    """What is known of a parallel loop; None where trips may depend on each other."""
    return True if eqn.op.name == "for" and not state_count(eqn.attrs) else None
