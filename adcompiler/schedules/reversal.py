"""The machine that writes a schedule, one action at a time.

Reversing steps first..last-1 from their start is one of three things, and only this choice differs between
schedules: record tapes at once, store the start, or advance by k steps, reverse the steps behind, come back
to the start and reverse the k steps. The machine keeps the ranges to come back to, and the tapes to reverse,
on a stack; a *decision* is a function of the range at hand. The stack is no deeper than slots and tapes
together, so a schedule of any length can be run without being held.

A *run* is one array of integers, which holds all that the machine knows. What is written here, and every
decision that programs take on their own, Numba compiles as it stands, in little time: single integers, read
and written at offsets, without recursion, parts of arrays or tuples.
"""

from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

import numpy as np

from .actions import (
    ADVANCE,
    COLUMNS,
    DISK,
    INPUT,
    LOAD,
    MEMORY,
    NOWHERE,
    RETURN,
    REVERSE,
    STORE,
    TAKE,
    Integers,
)

# Where things stand in a run, behind what those who follow it (`moves`) keep there:
ACTION: Final = 18  # the current action, in its columns;
KIND: Final = ACTION
FROM_STEP: Final = ACTION + 1
TO_STEP: Final = ACTION + 2
AT_PLACE: Final = ACTION + 3
OF_LEVEL: Final = ACTION + 4
FIRST: Final = ACTION + COLUMNS  # the range at hand,
LAST: Final = FIRST + 1
LEVEL: Final = FIRST + 2  # where its start is held,
PLACE: Final = FIRST + 3
PLACED: Final = FIRST + 4  # and whether the working state is x[first];
RETURNED: Final = FIRST + 5  # whether x[n] has been handed over;
STEPS: Final = FIRST + 6  # n;
PENDING: Final = FIRST + 7  # how many rows of the stack are in use,
TAPES: Final = FIRST + 8  # how many tapes are,
USED: Final = FIRST + 9  # at USED + level how many slots of a level are,
ORDER: Final = USED + 4  # and at ORDER + level where the order stands in which they are taken;
CHOICE: Final = ORDER + 4  # what was decided: TAPE, ADVANCE or STORE,
AMOUNT: Final = CHOICE + 1  # how many steps, or on which level;
SLOTS: Final = CHOICE + 2  # what a binomial decision knows: slots beyond the loop's inputs,
BUNDLE: Final = CHOICE + 3  # and how many tapes there are at once;
STACK: Final = CHOICE + 4  # the stack, and behind it the slots of memory, those of disk, and what follows.

# What was stored last on a level is given up first, so its slots are always taken in one order.

# The columns of a row of the stack are first, last, level, place: a range and where its start is held, or,
# where the level is NOWHERE, tapes.
ROW: Final = 4

Decision: TypeAlias = Callable[[Integers], None]
"""Writes what is done with the range at hand into a run, at CHOICE and AMOUNT."""
Choice: TypeAlias = Callable[[Integers], tuple[int, int]]
"""Gives it: (TAPE, steps), (ADVANCE, steps) or (STORE, level)."""


def start(steps: int, slots: int, disk: int, tapes: int, two_phase: bool) -> Integers:
    """A run that has not begun.

    A two-phase run reverses one step more, n, which does nothing: x[n] is returned where that step begins.
    """
    slots_at = STACK + ROW * (slots + disk + tapes + 2)
    run = np.zeros(slots_at + slots + disk, np.int64)
    run[LAST], run[STEPS] = steps + two_phase, steps
    run[LEVEL], run[PLACED] = INPUT, 1
    run[ORDER + MEMORY], run[ORDER + DISK] = slots_at, slots_at + slots
    run[slots_at : slots_at + slots] = np.arange(slots)
    run[slots_at + slots :] = np.arange(disk)
    return run


def next_action(run: Integers, decide: Decision) -> bool:
    """Make the next action of a run the current one; False when there is none."""
    if run[PLACED] == 0:
        if run[PENDING] == 0:
            return False
        come_back(run, decide)
        return True
    first = run[FIRST]
    if first >= run[STEPS] and run[RETURNED] == 0:
        act(run, RETURN, first, 0, NOWHERE)
        run[RETURNED] = 1
        run[PLACED] = 0
        return True
    decide(run)
    if run[CHOICE] == STORE:
        level = run[AMOUNT]
        run[LEVEL] = level
        run[PLACE] = run[run[ORDER + level] + run[USED + level]]
        run[USED + level] += 1
        act(run, STORE, first, run[PLACE], level)
    else:
        evaluate(run)
    return True


def come_back(run: Integers, decide: Decision) -> None:
    """Do what the last row of the stack says."""
    run[PENDING] -= 1
    row = STACK + ROW * run[PENDING]
    first = run[row]
    level = run[row + 2]
    place = run[row + 3]
    if level == NOWHERE:
        act(run, REVERSE, run[row + 1], place, MEMORY)
        run[FROM_STEP] = first
        run[TAPES] -= run[TO_STEP] - first
        return
    run[FIRST] = first
    run[LAST] = run[row + 1]
    run[LEVEL] = level
    run[PLACE] = place
    run[PLACED] = 1
    decide(run)
    if run[CHOICE] == ADVANCE or level == INPUT:
        act(run, LOAD, first, place, level)
    else:
        act(run, TAKE, first, place, level)
        run[USED + level] -= 1
        run[LEVEL] = NOWHERE


def evaluate(run: Integers) -> None:
    """Advance, or tape, as was decided; the stack then knows how to come back."""
    first = run[FIRST]
    reached = first + run[AMOUNT]
    if reached > run[STEPS]:
        reached = run[STEPS]
    row = STACK + ROW * run[PENDING]
    run[PENDING] += 1
    run[row] = first
    run[row + 1] = reached
    if run[CHOICE] == ADVANCE:
        act(run, ADVANCE, reached, 0, NOWHERE)
        run[row + 2] = run[LEVEL]
        run[row + 3] = run[PLACE]
    else:
        act(run, run[CHOICE], reached, run[TAPES], MEMORY)
        run[row + 2] = NOWHERE
        run[row + 3] = run[TAPES]
        run[TAPES] += reached - first
        run[PLACED] = run[RETURNED] == 0 or reached < run[LAST]
    run[FROM_STEP] = first
    run[FIRST] = reached
    run[LEVEL] = NOWHERE


def act(run: Integers, kind: int, step: int, place: int, level: int) -> None:
    """Make this the current action, from this step to it."""
    run[KIND] = kind
    run[FROM_STEP] = step
    run[TO_STEP] = step
    run[AT_PLACE] = place
    run[OF_LEVEL] = level


def deciding(choose: Choice) -> Decision:
    """The decision that is a choice."""

    def decide(run: Integers) -> None:
        run[CHOICE], run[AMOUNT] = choose(run)

    return decide


def iterate(run: Integers, decide: Decision) -> Iterator[Integers]:
    """The actions of a run, one by one, int64 [5] each."""
    while next_action(run, decide):
        yield run[ACTION : ACTION + COLUMNS].copy()


def written(run: Integers, decide: Decision) -> Integers:
    """The actions of a run in one array, int64 [count, 5]."""
    return np.array(list(iterate(run, decide)), np.int64).reshape(-1, COLUMNS)
