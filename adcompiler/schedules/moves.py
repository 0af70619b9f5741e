"""What a program does next under a schedule, as integers in one array, the *plan*, which the program carries.

At the beginning of a plan stands the current move, in the columns of `Move`; behind it what `next_move` makes
the next one of: a list of moves, the machine that writes a binomial schedule, or snapshots that are placed
while the loop goes on.

On the way forward a move is an *event*: before trip FROM of the last one, the state is stored if STORE says
so, and from there on trips are taped, or not, as TAPE says, until before trip FROM. On the way back a move
takes up a state, advances it, stores it, evaluates trips that it tapes, and walks back through trips that are
taped; what its counts count happens in this order.

`next_move` and what it calls are integers and arrays of integers: Numba compiles them as they stand.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from .actions import ADVANCE, COLUMNS, DISK, INPUT, LOAD, RETURN, REVERSE, STORE, TAKE, TAPE
from .binomial import Binomial, decide
from .online import place, resume
from .reversal import next_action, start

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

RETURNED: Final = WIDTH  # The program writes 1 here when the way forward has ended.
KIND: Final = WIDTH + 1
HEADER: Final = WIDTH + 2

LIST, MACHINE, ONLINE = 0, 1, 2

# Behind the header of a list: how many moves there are, how many have been made, and the moves.
COUNT: Final = HEADER
MADE: Final = HEADER + 1
FIRST_MOVE: Final = HEADER + 2

# Behind the header of a machine, or of snapshots that are placed: the widths of its
# arrays, how many trips have begun, whether an action waits that was too much for the last move, and that; then the arrays of a run.
PLACES: Final = HEADER
ROWS: Final = HEADER + 1
BEGUN: Final = HEADER + 2
WAITING: Final = HEADER + 3
ACTION: Final = HEADER + 4
TABLE: Final = ACTION + COLUMNS
RUN: Final = TABLE + 2
RUN_WIDTH: Final = 13


def next_move(plan: Integers) -> None:
    """Make the next move the current one."""
    if plan[KIND] == LIST:
        listed_move(plan)
    elif plan[KIND] == ONLINE and plan[RETURNED] == 0:
        placed_move(plan)
    else:
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
    trip, slots = plan[BEGUN], plan[TABLE]
    last = len(plan)
    snapshots = plan[last - 3 * slots : last].reshape((slots, 3))
    into = place(trip, snapshots)
    plan[MORE], plan[TAPED], plan[BEFORE] = 1, 0, 0
    plan[TRIP], plan[FROM] = trip, trip + 1
    plan[STORED], plan[INTO] = into >= 0, max(into, 0)
    plan[BEGUN] = trip + 1


def written_move(plan: Integers) -> None:
    """What the machine does next: on the way forward an event, on the way back as many actions as make a move."""
    rows, width, slots = plan[ROWS], plan[PLACES], plan[TABLE]
    first = RUN + RUN_WIDTH
    run = plan[RUN:first]
    pending = plan[first : first + 4 * rows].reshape((rows, 4))
    first += 4 * rows
    places = plan[first : first + 2 * width].reshape((2, width))
    table, action = plan[TABLE:RUN], plan[ACTION:TABLE]
    if plan[KIND] == ONLINE and plan[RETURNED] == 1:
        last = len(plan)
        resume(plan[BEGUN], plan[last - 3 * slots : last].reshape((slots, 3)), run, pending, places)
        plan[RETURNED] = 2
    for column in range(WIDTH):
        plan[column] = 0
    done = 0
    while True:
        if plan[WAITING] == 0:
            if not next_action(run, pending, places, decide, table, action):
                return
            plan[WAITING] = 1
        if plan[RETURNED] == 0:
            done = begun(plan, action)
        else:
            done = taken(plan, action, done)
        if done < 0:
            return
        plan[WAITING] = 0
        if done == ENDS:
            return


ENDS: Final = 5


def begun(event: Integers, action: Integers) -> int:
    """Add an action to an event; ENDS where that completes it."""
    kind, first, last, where, level = action[0], action[1], action[2], action[3], action[4]
    event[MORE] = 1
    if kind == STORE:
        event[STORED_DISK if level == DISK else STORED], event[INTO] = 1, where
        return 0
    event[TRIP], event[FROM] = first, last
    event[TAPED], event[BEFORE] = kind == TAPE, where
    return ENDS


def taken(move: Integers, action: Integers, done: int) -> int:
    """Add an action to a move that has come so far; how far it has come then, -1 if there is no room for it."""
    kind, first, last, where, level = action[0], action[1], action[2], action[3], action[4]
    turn = order(kind)
    if turn == 0:
        return done
    if turn <= done:
        return -1
    if move[MORE] == 0:
        move[MORE], move[TRIP] = 1, first
    if turn == 1:
        stored = LOAD_DISK if level == DISK else LOAD_STORED
        move[RESTART if level == INPUT else stored], move[SLOT] = 1, where
    elif turn == 2:
        move[ADVANCED] = last - first
    elif turn == 3:
        move[STORED_DISK if level == DISK else STORED], move[INTO] = 1, where
    elif turn == 4:
        move[TAPED], move[BEFORE] = last - first, where
    else:
        move[REVERSED], move[FROM], move[HELD] = last - first, last, where + last - first
    return turn if turn < ENDS else ENDS


def order(kind: int) -> int:
    """When a move does an action of this kind, 1 to 5; 0 for what is nothing to do."""
    if kind in (LOAD, TAKE):
        return 1
    if kind == ADVANCE:
        return 2
    if kind == STORE:
        return 3
    if kind == TAPE:
        return 4
    return ENDS if kind == REVERSE else 0


# ---- plans ----


def listed(moves: Integers) -> Integers:
    """The plan of these moves, int64 [count, WIDTH], none made yet."""
    header = np.zeros(FIRST_MOVE, np.int64)
    header[KIND], header[COUNT] = LIST, len(moves)
    return np.concatenate([header, moves.reshape(-1)])


def of_actions(actions: Integers) -> Integers:
    """The plan of a list that does what these actions do, a whole schedule of a loop, int64 [count, 5]."""
    rows: list[Integers] = []
    forward, done = True, ENDS
    for action in actions:
        if action[0] == RETURN:
            forward, done = False, ENDS
            continue
        if done == ENDS:
            rows.append(np.zeros(WIDTH, np.int64))
            done = 0
        if forward:
            done = begun(rows[-1], action)
            continue
        done = taken(rows[-1], action, done)
        if done < 0:
            rows.append(np.zeros(WIDTH, np.int64))
            done = taken(rows[-1], action, 0)
    filled = [row for row in rows if row[MORE]]
    return listed(np.array(filled, np.int64).reshape(-1, WIDTH))


def of_binomial(schedule: Binomial) -> Integers:
    """The plan of the machine that writes a binomial schedule as it is followed."""
    return _machine(MACHINE, schedule.start(), schedule.table)


def of_online(slots: int, bundle: int = 1) -> Integers:
    """The plan of snapshots that are placed while the loop goes on, and then of the machine."""
    plan = _machine(ONLINE, start(0, slots, 0, bundle, True), np.array([slots, bundle], np.int64))
    return np.concatenate([plan, np.zeros(3 * slots, np.int64)])


def _machine(kind: int, run: tuple[Integers, Integers, Integers], table: Integers) -> Integers:
    state, pending, places = run
    header = np.zeros(RUN, np.int64)
    header[KIND], header[PLACES], header[ROWS] = kind, places.shape[1], len(pending)
    header[TABLE:RUN] = table
    assert len(state) == RUN_WIDTH
    return np.concatenate([header, state, pending.reshape(-1), places.reshape(-1)])
