"""
Snapshots in a loop whose trip count is known only when it ends.

On the way forward `place` says before each step whether the state is stored, and where. On the way back the
number of steps is known: each gap between two snapshots is reversed by the binomial schedule with the slots
that are free by then (`resume`, then `reversal.next_action`).

With s snapshots, the start included, the first (s + 1) * (s + 2) / 2 - 1 steps are placed so that whenever
the loop ends, as few steps are evaluated as if n had been known. That is so when gap j, from the last one,
has at most j + 2 steps: each step of a gap is then evaluated plainly once more at most. The states that bound
the longest such gaps, of s + 1, s, s - 1, ... steps from the start, are stored for good when they are
reached; in between, every second state replaces the earliest snapshot that is not one of these. This is the
range, and the number of evaluations, of the first algorithm of Stumm and Walther, New algorithms for optimal
online checkpointing, SIAM J. Sci. Comput. 32, 2010.

From there on snapshots have levels (Wang, Moin and Iaccarino, Minimal repetition dynamic checkpointing
algorithm for unsteady adjoint calculation, SIAM J. Sci. Comput. 31, 2009): a new state replaces, at level 0,
the earliest snapshot that is *dispensable*, one with a later one of higher level, or if there is none the
newest, one level above it. All snapshots begin this phase at level 1: each has outlived one sweep. It goes on
for any number of steps.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from .actions import ADVANCE, COLUMNS, DROP, INPUT, MEMORY, NOWHERE, RETURN, STORE, Integers
from .binomial import advances, decide
from .reversal import PENDING, PLACED, RETURNED, STEPS, USED, Run, start, written

# Columns of the snapshots, int64 [slots, 3], oldest first; POSITION is 0 where nothing is stored yet.
SLOT: Final = 0
POSITION: Final = 1
AGE: Final = 2


def place(step: int, snapshots: Integers) -> int:
    """
    The slot into which x[step] is stored before step `step` is evaluated; -1 if it is not.

    Called once for each step, in order, with zeros in `snapshots` before the first. The slot may be in use:
    what it holds is given up. Numba compiles it, beside `surplus` and `dispensable`.
    """
    slots = len(snapshots)
    if step < 1 or slots == 0:
        return -1
    if step <= slots:
        snapshots[step - 1, SLOT] = step - 1
        snapshots[step - 1, POSITION] = step
        return step - 1
    optimal = (slots + 2) * (slots + 3) // 2 - 1
    newest = slots - 1
    if step < optimal:
        given_up = surplus(step, snapshots)
        if given_up < 0:
            return -1
    else:
        if step == optimal:
            snapshots[:, AGE] = 1
        given_up = dispensable(snapshots)
    age = snapshots[newest, AGE] + 1 if given_up == newest else 0
    slot = snapshots[given_up, SLOT]
    for row in range(given_up, newest):
        snapshots[row] = snapshots[row + 1]
    snapshots[newest] = slot, step, age
    return int(slot)


def surplus(step: int, snapshots: Integers) -> int:
    """The row that x[step] replaces in the first phase; -1 if x[step] is not stored."""
    gap = len(snapshots) + 2
    bound = gap
    while bound < step:
        gap -= 1
        bound += gap
    if (bound - step) % 2 == 1:
        return -1
    gap = len(snapshots) + 2
    bound = gap
    row = 0
    while snapshots[row, POSITION] == bound:
        gap -= 1
        bound += gap
        row += 1
    return row


def dispensable(snapshots: Integers) -> int:
    """The row of the earliest snapshot with a later one of higher level; the newest if there is none."""
    found = len(snapshots) - 1
    highest = snapshots[found, AGE]
    for row in range(found - 1, -1, -1):
        if snapshots[row, AGE] < highest:
            found = row
        else:
            highest = snapshots[row, AGE]
    return found


def resume(steps: int, snapshots: Integers, run: Integers, pending: Integers, places: Integers) -> None:
    """
    Turn a run that has not begun (`reversal.start`) into one in which x[steps] has just been returned.

    Numba compiles it.
    """
    run[STEPS], run[PLACED], run[RETURNED] = steps, 0, 1
    first, level, slot = 0, INPUT, 0
    stored = 0
    taken = np.zeros(len(snapshots), np.int64)
    while stored < len(snapshots) and snapshots[stored, POSITION] > 0:
        pending[stored] = first, snapshots[stored, POSITION], level, slot
        first, level, slot = snapshots[stored, POSITION], MEMORY, snapshots[stored, SLOT]
        places[0, stored] = slot
        taken[slot] = 1
        stored += 1
    run[USED + MEMORY] = stored
    free = stored
    for slot_left in range(len(snapshots)):
        if taken[slot_left] == 0:
            places[0, free] = slot_left
            free += 1
    pending[stored] = first, steps, level, slot
    run[PENDING] = stored + 1 if steps > 0 else 0


@dataclass(frozen=True)
class Online:
    """
    The schedule of a loop that has turned out to make `steps` steps; always two-phase.

    Attributes
    ----------
    steps : int
        The trip count n, which the way forward does not know.
    slots : int
        Snapshots beyond the loop's inputs.
    bundle : int
        How many steps are taped at once on the way back.
    """

    steps: int
    slots: int
    bundle: int = 1

    def __post_init__(self) -> None:
        advances(self.steps, self.slots + 1, self.bundle)  # refuses what is out of range

    def snapshots(self) -> Integers:
        """What is stored when the loop ends, int64 [slots, 3]."""
        stored = np.zeros((self.slots, 3), np.int64)
        for step in range(self.steps):
            place(step, stored)
        return stored

    @property
    def evaluations(self) -> int:
        """Plain and taped evaluations of the body, by the closed form of each gap."""
        held = [int(position) for position in self.snapshots()[:, POSITION] if position]
        starts, ends = [0, *held], [*held, self.steps]
        gaps = enumerate(zip(starts, ends, strict=True))
        # by the time that gap j is reversed, the snapshots after its start are free
        again = [advances(end - first, self.slots - j + 1, self.bundle) for j, (first, end) in gaps]
        return 2 * self.steps + sum(again)

    def start(self, snapshots: Integers) -> Run:
        """A run that begins where x[n] has been returned."""
        run = start(self.steps, self.slots, 0, 1, two_phase=True)
        resume(self.steps, snapshots, *run)
        return run

    def actions(self) -> Integers:
        """The whole schedule, int64 [count, 5]; the way forward is written as `place` decides it."""
        snapshots, reached = np.zeros((self.slots, 3), np.int64), 0
        forward: list[tuple[int, ...]] = []
        held: dict[int, int] = {}
        for step in range(self.steps):
            slot = place(step, snapshots)
            if slot >= 0:
                forward.append((ADVANCE, reached, step, 0, NOWHERE))
                if slot in held:
                    forward.append((DROP, held[slot], held[slot], slot, MEMORY))
                forward.append((STORE, step, step, slot, MEMORY))
                held[slot] = reached = step
        if reached < self.steps:
            forward.append((ADVANCE, reached, self.steps, 0, NOWHERE))
        forward.append((RETURN, self.steps, self.steps, 0, NOWHERE))
        table = np.array([self.slots, self.bundle], np.int64)
        back = written(self.start(snapshots), decide, table)
        return np.concatenate([np.array(forward, np.int64).reshape(-1, COLUMNS), back])
