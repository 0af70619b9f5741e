"""Snapshots in a loop whose trip count is known only when it ends.

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
from .reversal import (
    BUNDLE,
    ORDER,
    PENDING,
    PLACED,
    RETURNED,
    ROW,
    SLOTS,
    STACK,
    STEPS,
    USED,
    start,
    written,
)

# Behind the slots of a run stand the snapshots, oldest first, in these columns:
SLOT: Final = 0
POSITION: Final = 1  # 0 where nothing is stored yet,
AGE: Final = 2
SNAPSHOT: Final = 3


def begin(slots: int, bundle: int) -> Integers:
    """A run of which no step has begun, and nobody knows how many there are."""
    run = np.concatenate([start(0, slots, 0, 1, two_phase=True), np.zeros(SNAPSHOT * slots, np.int64)])
    run[SLOTS], run[BUNDLE] = slots, bundle
    return run


def place(step: int, run: Integers) -> int:
    """The slot into which x[step] is stored before step `step` is evaluated; -1 if it is not.

    Called once for each step, in order. The slot may be in use: what it holds is given up.
    """
    slots = run[SLOTS]
    first = run[ORDER + MEMORY] + slots
    if step < 1 or slots == 0:
        return -1
    if step <= slots:
        row = first + SNAPSHOT * (step - 1)
        run[row + SLOT] = step - 1
        run[row + POSITION] = step
        return step - 1
    optimal = (slots + 2) * (slots + 3) // 2 - 1
    newest = first + SNAPSHOT * (slots - 1)
    if step < optimal:
        row = surplus(step, run, first)
        if row < 0:
            return -1
    else:
        if step == optimal:
            for later in range(slots):
                run[first + SNAPSHOT * later + AGE] = 1
        row = dispensable(run, first, newest)
    age = run[newest + AGE] + 1 if row == newest else 0
    slot = run[row + SLOT]
    for number in range(row, newest):
        run[number] = run[number + SNAPSHOT]
    run[newest + SLOT] = slot
    run[newest + POSITION] = step
    run[newest + AGE] = age
    return int(slot)


def surplus(step: int, run: Integers, row: int) -> int:
    """The row, from this one on, that x[step] replaces in the first phase; -1 if x[step] is not stored."""
    gap = run[SLOTS] + 2
    bound = gap
    while bound < step:
        gap -= 1
        bound += gap
    if (bound - step) % 2 == 1:
        return -1
    gap = run[SLOTS] + 2
    bound = gap
    while run[row + POSITION] == bound:
        gap -= 1
        bound += gap
        row += SNAPSHOT
    return row


def dispensable(run: Integers, first: int, newest: int) -> int:
    """The row of the earliest snapshot with a later one of higher level; the newest if there is none."""
    found = newest
    highest = run[newest + AGE]
    row = newest - SNAPSHOT
    while row >= first:
        if run[row + AGE] < highest:
            found = row
        else:
            highest = run[row + AGE]
        row -= SNAPSHOT
    return found


def resume(steps: int, run: Integers) -> None:
    """Turn a run that has not begun into one in which x[steps] has just been returned."""
    run[STEPS] = steps
    run[PLACED] = 0
    run[RETURNED] = 1
    if steps == 0:
        return
    order = run[ORDER + MEMORY]
    snapshot = order + run[SLOTS]
    row = STACK + ROW * run[PENDING]
    run[row] = 0
    run[row + 2] = INPUT
    for stored in range(run[SLOTS]):
        if run[snapshot + POSITION] == 0:
            break
        # as long as not all slots are in use, those that are come first
        run[order + stored] = run[snapshot + SLOT]
        run[USED + MEMORY] = stored + 1
        run[row + 1] = run[snapshot + POSITION]
        row += ROW
        run[row] = run[snapshot + POSITION]
        run[row + 2] = MEMORY
        run[row + 3] = run[snapshot + SLOT]
        snapshot += SNAPSHOT
    run[row + 1] = steps
    run[PENDING] = run[USED + MEMORY] + 1


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

    def placed(self) -> Integers:
        """The positions of the snapshots when the loop ends, int64 [slots]; 0 behind the last."""
        run = begin(self.slots, self.bundle)
        for step in range(self.steps):
            place(step, run)
        return run[run[ORDER + MEMORY] + self.slots :][POSITION::SNAPSHOT]

    @property
    def evaluations(self) -> int:
        """Plain and taped evaluations of the body, by the closed form of each gap."""
        held = [int(position) for position in self.placed() if position]
        starts, ends = [0, *held], [*held, self.steps]
        gaps = enumerate(zip(starts, ends, strict=True))
        # by the time that gap j is reversed, the snapshots after its start are free
        again = [advances(end - first, self.slots - j + 1, self.bundle) for j, (first, end) in gaps]
        return 2 * self.steps + sum(again)

    def actions(self) -> Integers:
        """The whole schedule, int64 [count, 5]; the way forward is written as `place` decides it."""
        run, reached = begin(self.slots, self.bundle), 0
        forward: list[tuple[int, ...]] = []
        held: dict[int, int] = {}
        for step in range(self.steps):
            slot = place(step, run)
            if slot >= 0:
                forward.append((ADVANCE, reached, step, 0, NOWHERE))
                if slot in held:
                    forward.append((DROP, held[slot], held[slot], slot, MEMORY))
                forward.append((STORE, step, step, slot, MEMORY))
                held[slot] = reached = step
        if reached < self.steps:
            forward.append((ADVANCE, reached, self.steps, 0, NOWHERE))
        forward.append((RETURN, self.steps, self.steps, 0, NOWHERE))
        resume(self.steps, run)
        back = written(run, decide)
        return np.concatenate([np.array(forward, np.int64).reshape(-1, COLUMNS), back])
