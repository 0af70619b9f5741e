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

from adcompiler.checkpoint.actions import ADVANCE, INPUT, LOAD, RETURN, REVERSE, STORE, TAKE, TAPE

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


def of_actions(actions: Integers) -> Integers:
    """The plan that does what these actions do, a whole schedule of a loop, int64 [count, 5]."""
    (returned,) = np.flatnonzero(actions[:, 0] == RETURN)
    rows = [*_events(actions[:returned]), *_moves(actions[returned + 1 :])]
    return listed(np.array(rows, np.int64).reshape(-1, WIDTH))


def _events(actions: Integers) -> list[list[int]]:
    """What happens before RETURN: an event for each stretch of trips that is taped, or is not."""
    events: list[list[int]] = []
    into = -1
    for kind, first, last, place, _ in actions.tolist():
        if kind == STORE:
            into = place
        elif kind in (ADVANCE, TAPE):
            event = _row()
            event[Move.STORE], event[Move.INTO] = int(into >= 0), max(into, 0)
            event[Move.TRIP], event[Move.FROM] = first, last
            event[Move.TAPE], event[Move.TAPED] = int(kind == TAPE), place
            events.append(event)
            into = -1
    return events


def _moves(actions: Integers) -> list[list[int]]:
    """What happens after RETURN, as many actions as can be in one move."""
    moves: list[list[int]] = []
    done = len(ORDER)  # how far the last move has come
    for kind, first, last, place, level in actions.tolist():
        if kind not in ORDER:
            continue
        if ORDER[kind] <= done:
            moves.append(_row())
            moves[-1][Move.TRIP] = first
        done, move = ORDER[kind], moves[-1]
        match kind:
            case k if k in (LOAD, TAKE):
                move[Move.RESTART if level == INPUT else Move.LOAD], move[Move.SLOT] = 1, place
            case k if k == ADVANCE:
                move[Move.ADVANCE] = last - first
            case k if k == STORE:
                move[Move.STORE], move[Move.INTO] = 1, place
            case k if k == TAPE:
                move[Move.TAPE], move[Move.TAPED] = last - first, place
            case k if k == REVERSE:
                move[Move.REVERSE], move[Move.FROM], move[Move.HELD] = (
                    last - first,
                    last,
                    place + last - first,
                )
    return moves


ORDER: Final = {LOAD: 0, TAKE: 0, ADVANCE: 1, STORE: 2, TAPE: 3, REVERSE: 4}
"""The actions of a move, in the order in which it does them."""


def _row() -> list[int]:
    row = [0] * WIDTH
    row[Move.MORE] = 1
    return row
