"""What a program does next under a schedule, as integers in one array, the *plan*, which the program carries.

At the beginning of a plan stands the current move, in the columns of `Move`; behind it what `next_move` makes
the next one of. On the way forward a move is an *event*: before trip FROM of the last one, the state is stored
if STORE says so, and from there on trips are taped, or not, as TAPE says, until before trip FROM. On the way
back a move takes up a state, advances it, stores it, evaluates trips that it tapes, and walks back through
trips that are taped; what its counts count happens in this order.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]


class Move(IntEnum):
    """The columns of a move."""

    MORE = 0
    """1 where there is a move, 0 behind the last."""
    RESTART = 1
    """1 where the initial state is taken up, else 0."""
    LOAD = 2
    """1 where a stored state is taken up, else 0."""
    SLOT = 3
    """Where it is stored."""
    TRIP = 4
    """How many trips precede the state that is at hand then."""
    ADVANCE = 5
    """Trips that are evaluated."""
    STORE = 6
    """1 where the state is stored then, else 0."""
    INTO = 7
    """Where it is stored."""
    TAPE = 8
    """Trips that are evaluated and taped then; of an event, 1 where trips are taped from here on."""
    TAPED = 9
    """The number of trips taped before them."""
    REVERSE = 10
    """Trips that the adjoint walks back through then."""
    FROM = 11
    """The trip after the last of these; of an event, the trip before which the next one comes."""
    HELD = 12
    """The number of trips taped before the last of these, itself counted."""


WIDTH: Final = len(Move)
LISTED: Final = WIDTH  # how many moves are listed,
CURSOR: Final = WIDTH + 1  # and how many of them have been made;
HEADER: Final = WIDTH + 2  # behind these the list


def next_move(plan: Integers) -> None:
    """Make the next move the current one. Numba compiles it as it stands."""
    made = plan[CURSOR]
    if made == plan[LISTED]:
        plan[0] = 0
    else:
        first = HEADER + made * WIDTH
        for column in range(WIDTH):
            plan[column] = plan[first + column]
        plan[CURSOR] = made + 1


def listed(moves: Integers) -> Integers:
    """The plan of these moves, i64[count, WIDTH], none made yet."""
    header = np.zeros(HEADER, np.int64)
    header[LISTED] = len(moves)
    return np.concatenate([header, moves.reshape(-1)])
