"""
The machine that writes a schedule, one action at a time.

Reversing steps first..last-1 from their start is one of three things, and only this choice differs between
schedules: record tapes at once, store the start, or advance by k steps, reverse the steps behind, come back
to the start and reverse the k steps. The machine keeps the ranges to come back to, and the tapes to reverse,
on a stack in int64 arrays; a *decision* is a function of the range at hand. Both are written so that Numba
compiles them as they stand: integers and arrays of integers, no recursion. The stack is no deeper than slots
and tapes together, so a schedule of any length can be run without being held.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final, TypeAlias

import numpy as np

from .actions import (
    ADVANCE,
    COLUMNS,
    INPUT,
    LOAD,
    MEMORY,
    NOWHERE,
    RETURN,
    REVERSE,
    STORE,
    TAKE,
    TAPE,
    Integers,
)

# What a run is, in int64 [USED + 4]: the range at hand and where its start is held, ...
FIRST: Final = 0
LAST: Final = 1
LEVEL: Final = 2
SLOT: Final = 3
PLACED: Final = 4  # ... whether the working state is x[first],
RETURNED: Final = 5  # whether x[n] has been handed over,
STEPS: Final = 6  # n,
PENDING: Final = 7  # how many rows of the stack are in use,
TAPES: Final = 8  # how many tapes are,
USED: Final = 9  # and at USED + level how many slots of a level.

# (TAPE, count), (ADVANCE, count) or (STORE, level)
Decision: TypeAlias = Callable[[Integers, Any], tuple[int, int]]
Run: TypeAlias = tuple[Integers, Integers, Integers]


def start(steps: int, slots: int, disk: int, tapes: int, two_phase: bool) -> Run:
    """
    The arrays of a run that has not begun: what is at hand, the stack, the free slots.

    A two-phase run reverses one step more, n, which does nothing: x[n] is returned where that step begins.
    """
    run = np.zeros(USED + 4, np.int64)
    run[FIRST], run[LAST], run[STEPS] = 0, steps + two_phase, steps
    run[LEVEL], run[PLACED] = INPUT, 1
    pending = np.zeros((slots + disk + tapes + 2, 4), np.int64)
    places = np.zeros((2, max(slots, disk, 1)), np.int64)
    places[:] = np.arange(places.shape[1])
    return run, pending, places


def next_action(
    run: Integers, pending: Integers, places: Integers, decide: Decision, table: Any, action: Integers
) -> bool:
    """
    Write the next action of a run into `action`, int64 [5]; False when there is none.

    Rows of the stack are first, last, level, place: a range and where its start is held, or tapes (NOWHERE).
    """
    if run[PLACED] == 0:
        if run[PENDING] == 0:
            return False
        run[PENDING] -= 1
        first, last, level, place = pending[run[PENDING]]
        if level == NOWHERE:
            run[TAPES] -= last - first
            action[:] = REVERSE, first, last, place, MEMORY
            return True
        run[: PLACED + 1] = first, last, level, place, 1
        kind, amount = decide(run, table)
        if kind == ADVANCE or level == INPUT:
            action[:] = LOAD, first, first, place, level
        else:
            action[:] = TAKE, first, first, place, level
            run[USED + level] -= 1
            places[level - MEMORY, run[USED + level]] = place
            run[LEVEL] = NOWHERE
        return True
    first = run[FIRST]
    if first >= run[STEPS] and run[RETURNED] == 0:
        action[:] = RETURN, first, first, 0, NOWHERE
        run[RETURNED], run[PLACED] = 1, 0
        return True
    kind, amount = decide(run, table)
    if kind == STORE:
        place = places[amount - MEMORY, run[USED + amount]]
        action[:] = STORE, first, first, place, amount
        run[USED + amount] += 1
        run[LEVEL], run[SLOT] = amount, place
        return True
    reached = min(first + amount, run[STEPS])
    if kind == ADVANCE:
        action[:] = ADVANCE, first, reached, 0, NOWHERE
        pending[run[PENDING]] = first, reached, run[LEVEL], run[SLOT]
    else:
        action[:] = TAPE, first, reached, run[TAPES], MEMORY
        pending[run[PENDING]] = first, reached, NOWHERE, run[TAPES]
        run[TAPES] += reached - first
        run[PLACED] = run[RETURNED] == 0 or reached < run[LAST]
    run[PENDING] += 1
    run[FIRST], run[LEVEL] = reached, NOWHERE
    return True


def iterate(run: Run, decide: Decision, table: Any) -> Iterator[Integers]:
    """The actions of a run, one by one, int64 [5] each."""
    action = np.zeros(COLUMNS, np.int64)
    while next_action(*run, decide, table, action):
        yield action.copy()


def written(run: Run, decide: Decision, table: Any) -> Integers:
    """The actions of a run in one array, int64 [count, 5]."""
    actions = list(iterate(run, decide, table))
    return np.array(actions, np.int64).reshape(-1, COLUMNS)
