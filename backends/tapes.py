"""Tapes of loops whose number of trips is not known before: arrays that double when they are full.

Generated code calls these functions; Numba compiles them there.
"""

from __future__ import annotations

from typing import Any

import numpy as np

FIRST_ROWS = 64
"""Trips that a tape has room for at first, where nothing better is known."""

AT_ONCE = 2**20
"""Bytes that the tapes of a loop may take before its first trip."""


def first_rows(row: int, limit: int) -> int:
    """How many trips tapes have room for at first: all that there can be where that costs at most AT_ONCE.

    `row` is the number of bytes a trip, `limit` the most trips (negative: none is known).
    """
    most = max(AT_ONCE // max(row, 1), 1)
    return limit if 0 <= limit <= most else min(FIRST_ROWS, most)


def grown(tape: Any) -> Any:
    """A tape of twice the length that begins with this one's rows."""
    new = np.empty((2 * tape.shape[0],) + tape.shape[1:], tape.dtype)
    for at in np.ndindex(tape.shape):  # `new[:rows] = tape` would take two seconds to compile
        new[at] = tape[at]
    return new
