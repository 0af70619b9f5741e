"""What the reversal of a loop does, as integers.

A loop makes x[i+1] = F(x[i]) for i = 0..n-1; step i is the evaluation of x[i+1]. A schedule is a sequence of
actions, an int64 array [count, 5] whose columns are kind, first, last, place, level. There is one *working
state*; places are slots for states, and positions for tapes.

========= ======================================================================================
ADVANCE   evaluate steps first..last-1 plainly: the working state x[first] becomes x[last]
TAPE      the same, with the tape of step first + j recorded in position place + j
STORE     copy the working state x[first] into slot `place` of `level`
LOAD      the working state becomes x[first], copied from slot `place` of `level`
TAKE      LOAD for the last time: the state may be moved, and its slot is free
DROP      slot `place` of `level` is free
RETURN    x[n], the working state, is handed over; what follows needs its cotangent. Exactly once
REVERSE   the adjoints of steps last-1 down to first, from their tapes, which are then free
========= ======================================================================================

x[0] lies in slot 0 of level INPUT: pinned, it is only ever loaded. Slots of MEMORY and of DISK are numbered
from 0. What was recorded last is read first, so the tapes in use are always positions 0..t-1; the slots that
an offline schedule uses are 0..s-1 in the same way. An arena that has slots growing from one end and tapes
from the other therefore needs no more than the largest sum of both.

A run is *merged* when the tapes of the last steps may be recorded before RETURN (value and gradient in one
call), and *two-phase* when nothing but what the plan holds is there at RETURN and x[n] itself has cost a
plain evaluation of every step. Evaluations are plain or taped; every step is taped exactly once.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]

# In the order in which a move (`moves`) does those that it is made of
LOAD: Final = 0
TAKE: Final = 1
ADVANCE: Final = 2
STORE: Final = 3
TAPE: Final = 4
REVERSE: Final = 5
RETURN: Final = 6
DROP: Final = 7
NAMES: Final = ("load", "take", "advance", "store", "tape", "reverse", "return", "drop")

NOWHERE: Final = 0
INPUT: Final = 1
MEMORY: Final = 2
DISK: Final = 3
LEVELS: Final = ("nowhere", "input", "memory", "disk")

COLUMNS: Final = 5


@dataclass(frozen=True)
class Counts:
    """
    What a schedule does, counted.

    Attributes
    ----------
    plain, taped : int
        Evaluations of the body.
    writes, reads : dict[int, int]
        Snapshots stored in, and loaded from, each level (MEMORY, DISK; reads of INPUT too).
    profile : NDArray[np.int64]
        Slots of memory, slots of disk and tapes in use after each action: int64 [count, 3].
    """

    plain: int
    taped: int
    writes: dict[int, int]
    reads: dict[int, int]
    profile: Integers

    @property
    def evaluations(self) -> int:
        """Plain and taped evaluations together."""
        return self.plain + self.taped

    def peak(self, state: int = 1, tape: int = 1) -> int:
        """The most memory in use at once, beyond inputs and working state, by the size of each."""
        return int((self.profile @ np.array([state, 0, tape])).max(initial=0))


class Replay:
    """The places of a run, to which actions are done one by one; an illegal one raises ValueError."""

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.working: int | None = 0
        self.returned = False
        self.adjoint = steps
        self.slots: dict[tuple[int, int], int] = {(INPUT, 0): 0}
        self.tapes: dict[int, int] = {}
        self.evaluations = {ADVANCE: 0, TAPE: 0}
        self.writes = {MEMORY: 0, DISK: 0}
        self.reads = {INPUT: 0, MEMORY: 0, DISK: 0}

    def do(self, action: Integers) -> None:
        """One action, after it has been found legal."""
        kind, first, last, place, level = (int(column) for column in action)
        if kind in (ADVANCE, TAPE):
            self._evaluate(kind, first, last, place)
        elif kind == REVERSE:
            self._reverse(first, last, place)
        elif kind == RETURN:
            _demand(not self.returned, "x[n] is returned twice")
            _demand(first == self.steps == self.working, f"x[{first}] is returned, which is not x[n] at hand")
            self.returned, self.working = True, None
        elif kind == STORE:
            _demand(self.working == first, f"the working state is not x[{first}], which is to be stored")
            _demand(level in self.writes and (level, place) not in self.slots, f"slot {place} is not free")
            self.slots[level, place] = first
            self.writes[level] += 1
        else:
            _demand(kind in (LOAD, TAKE, DROP), f"there is no action {kind}")
            self._leave(kind, first, place, level)

    def _evaluate(self, kind: int, first: int, last: int, place: int) -> None:
        _demand(self.working == first, f"the working state is not x[{first}], where step {first} begins")
        _demand(first < last <= self.steps, f"steps {first}..{last - 1} are not steps of the loop")
        if kind == TAPE:
            for step in range(first, last):
                position = place + step - first
                _demand(position not in self.tapes, f"tape position {position} is not free")
                self.tapes[position] = step
        self.evaluations[kind] += last - first
        self.working = last

    def _reverse(self, first: int, last: int, place: int) -> None:
        _demand(self.returned, "a step is reversed before x[n] is returned")
        _demand(first < last == self.adjoint, f"step {last - 1} is reversed, not step {self.adjoint - 1}")
        for step in range(last - 1, first - 1, -1):
            taped = self.tapes.pop(place + step - first, None)
            _demand(taped == step, f"the tape of step {step} is not there")
        self.adjoint = first

    def _leave(self, kind: int, first: int, place: int, level: int) -> None:
        _demand(self.slots.get((level, place)) == first, f"x[{first}] is not in slot {place}")
        _demand(kind == LOAD or level != INPUT, "the loop's inputs are pinned")
        if kind != LOAD:
            del self.slots[level, place]
        if kind != DROP:
            self.reads[level] += 1
            self.working = first

    def in_use(self) -> tuple[int, int, int]:
        """Slots of memory, slots of disk, tapes."""
        levels = [level for level, _ in self.slots]
        return levels.count(MEMORY), levels.count(DISK), len(self.tapes)


def replay(actions: Integers, steps: int) -> Counts:
    """
    Do a schedule on paper, one action after the other.

    Parameters
    ----------
    actions : NDArray[np.int64]
        A whole schedule, [count, 5].
    steps : int
        The trip count n of the loop.

    Raises
    ------
    ValueError
        An action is illegal where it stands (a state or tape is not there, a place is not free, a step is
        reversed out of order), or at the end a step is not reversed or a place still in use. The message
        names the action.
    """
    run = Replay(steps)
    profile = np.zeros((len(actions), 3), np.int64)
    for number, action in enumerate(actions):
        try:
            run.do(action)
        except ValueError as error:
            raise ValueError(f"action {number} ({describe(action)}): {error}") from None
        profile[number] = run.in_use()
    _demand(run.returned and run.adjoint == 0, f"steps 0..{run.adjoint - 1} are not reversed")
    _demand(run.in_use() == (0, 0, 0), "slots or tapes are still in use at the end")
    plain, taped = run.evaluations[ADVANCE], run.evaluations[TAPE]
    return Counts(plain, taped, run.writes, run.reads, profile)


def describe(action: Integers) -> str:
    """One action in words, as in "store 5 memory[0]"."""
    kind, first, last, place, level = (int(column) for column in action)
    name = NAMES[kind] if 0 <= kind < len(NAMES) else f"kind {kind}"
    if kind in (ADVANCE, TAPE, REVERSE):
        return f"{name} {first}..{last - 1}" + (f" tape[{place}]" if kind != ADVANCE else "")
    return f"{name} {first}" + (f" {LEVELS[level]}[{place}]" if kind != RETURN else "")


def _demand(truth: bool, message: str) -> None:
    if not truth:
        raise ValueError(message)
