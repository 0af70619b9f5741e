"""What a program does next under a schedule, as integers in one array, the *plan*, which the program carries.

At the beginning of a plan stands the current move, in the columns of `Move`; behind it what `next_move` makes
the next one of: a list of moves, the machine that writes a binomial schedule, or snapshots that are placed
while the loop goes on.

On the way forward a move is an *event*: before trip FROM of the last one, the state is stored if STORE says
so, and from there on trips are taped, or not, as TAPE says, until before trip FROM. On the way back a move
takes up a state, advances it, stores it, evaluates trips that it tapes, and walks back through trips that are
taped; what its counts count happens in this order.

`next_move` and what it calls are written as `reversal` says, for Numba.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from .actions import ADVANCE, COLUMNS, DISK, INPUT, RETURN, REVERSE, STORE, TAKE, TAPE
from .binomial import Binomial, decide
from .online import begin, place, resume
from .reversal import ACTION, AT_PLACE, FROM_STEP, KIND, OF_LEVEL, TO_STEP, next_action

Integers = NDArray[np.int64]

# The columns of a move: 1 where there is one, 0 behind the last;
MORE: Final = 0
RESTART: Final = 1  # 1 where the initial state is taken up,
LOAD_STORED: Final = 2  # 1 where one that is stored in memory is,
LOAD_DISK: Final = 3  # or one on disk,
SLOT: Final = 4  # and where that is stored;
TRIP: Final = 5  # how many trips precede the state that is at hand then;
ADVANCED: Final = 6  # trips that are evaluated;
STORED: Final = 7  # 1 where the state is stored in memory then,
STORED_DISK: Final = 8  # or on disk,
INTO: Final = 9  # and where;
TAPED: Final = 10  # trips that are evaluated and taped then; of an event, 1 where trips are, from here on;
BEFORE: Final = 11  # how many tapes there are before;
REVERSED: Final = 12  # trips that the adjoint walks back through then;
FROM: Final = 13  # the trip after the last of these; of an event, the trip before which the next one comes;
HELD: Final = 14  # how many tapes there are, up to that of the last of these.
WIDTH: Final = 15

ENDED: Final = WIDTH  # The program writes 1 here when the way forward has ended.
MAKER: Final = WIDTH + 1
LIST, MACHINE, ONLINE = 0, 1, 2
HEADER: Final = WIDTH + 2

# Behind the header of a list: how many moves there are, how many have been made, and the moves.
COUNT: Final = HEADER
MADE: Final = HEADER + 1
FIRST_MOVE: Final = HEADER + 2

# Behind the header of a machine, or of snapshots that are placed: 1 where the current action waits, which
# was too much for the last move, or how many trips have begun; and the rest of a run.
WAITING: Final = HEADER
BEGUN: Final = HEADER
assert HEADER + 1 == ACTION


def next_move(plan: Integers) -> None:
    """Make the next move the current one."""
    if plan[MAKER] == LIST:
        listed_move(plan)
        return
    if plan[MAKER] == ONLINE:
        if plan[ENDED] == 0:
            placed_move(plan)
            return
        resume(plan[BEGUN], plan)
        plan[MAKER] = MACHINE
        plan[WAITING] = 0
    written_move(plan)


def listed_move(plan: Integers) -> None:
    """The next move of a list."""
    made = plan[MADE]
    if made == plan[COUNT]:
        plan[MORE] = 0
    else:
        first = FIRST_MOVE + made * WIDTH
        for column in range(WIDTH):
            plan[column] = plan[first + column]
        plan[MADE] = made + 1


def placed_move(plan: Integers) -> None:
    """The event before the next trip of a loop whose trip count is not known."""
    trip = plan[BEGUN]
    into = place(trip, plan)
    plan[MORE] = 1
    plan[TRIP] = trip
    plan[FROM] = trip + 1
    plan[STORED] = into >= 0
    plan[INTO] = into
    plan[BEGUN] = trip + 1


def written_move(plan: Integers) -> None:
    """What the machine does next: on the way forward an event, on the way back actions that make a move."""
    for column in range(WIDTH):
        plan[column] = 0
    done = -1
    while done != WHOLE and (plan[WAITING] == 1 or next_action(plan, decide)):
        plan[WAITING] = 0
        if plan[ENDED] == 0:
            done = begun(plan)
        elif plan[KIND] != RETURN:
            if plan[KIND] <= done:
                plan[WAITING] = 1
                return
            done = taken(plan)


WHOLE: Final = REVERSE  # how far a move has come that is complete


def begun(event: Integers) -> int:
    """Add the current action to an event; WHOLE where that completes it."""
    event[MORE] = 1
    if event[KIND] == STORE:
        event[STORED_DISK if event[OF_LEVEL] == DISK else STORED] = 1
        event[INTO] = event[AT_PLACE]
        return STORE
    event[TRIP] = event[FROM_STEP]
    event[FROM] = event[TO_STEP]
    event[TAPED] = event[KIND] == TAPE
    event[BEFORE] = event[AT_PLACE]
    return WHOLE


def taken(move: Integers) -> int:
    """Add the current action to a move; how far that has come then, in the order of the kinds of actions."""
    kind = move[KIND]
    first = move[FROM_STEP]
    last = move[TO_STEP]
    where = move[AT_PLACE]
    if move[MORE] == 0:
        move[MORE] = 1
        move[TRIP] = first
    if kind <= TAKE:
        if move[OF_LEVEL] == INPUT:
            move[RESTART] = 1
        else:
            move[LOAD_DISK if move[OF_LEVEL] == DISK else LOAD_STORED] = 1
        move[SLOT] = where
    elif kind == ADVANCE:
        move[ADVANCED] = last - first
    elif kind == STORE:
        move[STORED_DISK if move[OF_LEVEL] == DISK else STORED] = 1
        move[INTO] = where
    elif kind == TAPE:
        move[TAPED] = last - first
        move[BEFORE] = where
    else:
        move[REVERSED] = last - first
        move[FROM] = last
        move[HELD] = where + last - first
    return int(kind)


# ---- plans ----


def listed(moves: Integers) -> Integers:
    """The plan of these moves, int64 [count, WIDTH], none made yet."""
    header = np.zeros(FIRST_MOVE, np.int64)
    header[MAKER], header[COUNT] = LIST, len(moves)
    return np.concatenate([header, moves.reshape(-1)])


def of_actions(actions: Integers) -> Integers:
    """The plan of a list that does what these actions do, a whole schedule of a loop, int64 [count, 5]."""
    rows: list[Integers] = []
    forward, done = True, WHOLE
    for action in actions:
        kind = action[0]
        if kind == RETURN:
            forward, done = False, WHOLE
            continue
        if done == WHOLE or not forward and kind <= done:
            rows.append(np.zeros(ACTION + COLUMNS, np.int64))
        move = rows[-1]
        move[ACTION:] = action
        done = begun(move) if forward else taken(move)
    return listed(np.array([row[:WIDTH] for row in rows], np.int64).reshape(-1, WIDTH))


def of_binomial(schedule: Binomial) -> Integers:
    """The plan of the machine that writes a binomial schedule as it is followed."""
    plan = schedule.start()
    plan[MAKER] = MACHINE
    return plan


def of_online(slots: int, bundle: int = 1) -> Integers:
    """The plan of snapshots that are placed while the loop goes on, and then of the machine."""
    plan = begin(slots, bundle)
    plan[MAKER] = ONLINE
    return plan
