"""Small programs on which differentiation goes wrong without a word, each with its known derivative.

A compiler of gradients may be right on them or refuse them; it may not be wrong. `tests/test_traps.py` holds
this one to that, and `benchmarks/traps.py` shows what others do.
"""

from __future__ import annotations

from . import aliasing, branches, calls, closures, indexing, jumps, loops, numbers, overwriting, views
from .trap import Trap

THEMES = (overwriting, aliasing, views, loops, jumps, branches, numbers, closures, calls, indexing)
TRAPS: tuple[Trap, ...] = tuple(trap for theme in THEMES for trap in theme.TRAPS)
__all__ = ["THEMES", "TRAPS", "Trap"]
