"""The schedule of the fewest evaluations in a given memory, where tapes weigh what they weigh.

With u units free, state units for a snapshot and tape units for the tape of a step, reversing n steps costs,
by where their start is held,

    nowhere    F(n, u) = n if n * tape <= u, else h(n, u - state): the start is stored
    in a slot  h(n, u) = n if n * tape <= u + state, else the least of
                         1 + h(n - 1, u - tape): step 0 is taped, and x[1] has the slot
                         k + F(n - k, u) + h(k, u) over 0 < k < n
    as inputs  g(n, u) = n if n * tape <= u, else the least of
                         1 + F(n - 1, u - tape)
                         k + F(n - k, u) + g(k, u) over 0 < k < n

Tapes that are recorded before x[n] is returned count as memory, whenever its cotangent comes: a run in two
phases, which could also advance over all of the last range and come back to it, would gain nothing. All of
store-all, binomial schedules, segments of the square root of n steps and mixed checkpointing (Maddison,
Step-based checkpointing with high-level algorithmic differentiation, 2024) are in these choices.
F is the recurrence p(n, m) of a loop whose start costs a unit too: pinned inputs are worth one state.

Bytes are arbitrary, so they are counted in units: the smaller of state and tape is 1 to 4 of them, whatever
makes the larger one exact or nearly so, and it is rounded up. What is planned never exceeds the budget, and a
unit does not depend on it, so more memory never costs more. Where the tables would take more than a second,
the best binomial schedule with bundles of tapes is taken (`bundled`), in exact bytes, by its closed form. It
is never worse than the binomial schedule with the same memory.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .actions import ADVANCE, INPUT, MEMORY, NOWHERE, STORE, TAPE, Integers
from .binomial import Binomial, advances, store_all
from .reversal import FIRST, LAST, LEVEL, TAPES, USED, deciding, start, written

NEVER: Final = 1 << 29  # more than any cost; the sum of three fits an int32
LONGEST: Final = 4096  # steps for which there is a table, ...
WORK: Final = 300_000_000  # ... if steps * steps * columns is at most this
LEAST: Final = 64  # rows come by so many, columns by powers of two from here on: plans share tables
WIDEST: Final = 4  # units to the smaller of state and tape


@dataclass(frozen=True)
class Units:
    """States and tapes of a loop in whole units."""

    state: int
    tape: int
    parts: int
    smaller: int

    @staticmethod
    def of(state: int, tape: int) -> "Units":
        """The units of a state and a tape in bytes, neither 0: the least waste, then the fewest units."""
        smaller = min(state, tape)
        waste = {parts: -max(state, tape) * parts % smaller / parts for parts in range(1, WIDEST + 1)}
        parts = min(waste, key=lambda parts: waste[parts])
        return Units(-(-state * parts // smaller), -(-tape * parts // smaller), parts, smaller)

    def within(self, budget: int) -> int:
        """How many units a number of bytes holds."""
        return budget * self.parts // self.smaller


@dataclass(frozen=True, eq=False)
class Costs:
    """F and h above, int32 [steps + 1, columns] each."""

    nowhere: NDArray[np.int32]
    slot: NDArray[np.int32]


@dataclass(frozen=True)
class Planned:
    """
    An optimal schedule: no other makes fewer evaluations in as much memory.

    Attributes
    ----------
    steps : int
        The trip count n.
    state, tape, budget : int
        What a snapshot and the tape of a step take, and what there is beyond the loop's inputs and the
        working state, in units.
    """

    steps: int
    state: int
    tape: int
    budget: int

    def __post_init__(self) -> None:
        _demand_sizes(self.steps, self.state, self.tape, self.budget, "units")
        if self.tape < 1:
            raise ValueError(f"a tape of {self.tape} units: at least 1")

    @property
    def evaluations(self) -> int:
        """Plain and taped evaluations of the body."""
        return int(pinned(self)[self.steps])

    def actions(self) -> Integers:
        """The whole schedule, int64 [count, 5]."""
        slots, tapes = self.budget // self.state, self.budget // self.tape
        run = start(self.steps, min(slots, self.steps), 0, min(tapes, self.steps), two_phase=False)
        return written(run, deciding(self._choose))

    def _choose(self, run: Integers) -> tuple[int, int]:
        """The `reversal.Choice`."""
        steps = int(run[LAST] - run[FIRST])
        free = self.budget - self.state * int(run[USED + MEMORY]) - self.tape * int(run[TAPES])
        if run[LEVEL] == NOWHERE:
            taped = self._taped(steps, free)
            return (TAPE, taped) if taped else (STORE, MEMORY)
        costs = self._costs()
        back: NDArray[np.integer] = costs.slot[:, free]
        if run[LEVEL] == INPUT:
            back = pinned(self)
            if taped := self._taped(steps, free, int(back[steps])):
                return TAPE, taped
        elif self._taped(steps, free + self.state, int(back[steps])):
            return TAPE, 1
        k = np.arange(1, steps)
        return ADVANCE, int((k + costs.nowhere[steps - k, free] + back[k]).argmin()) + 1

    def _taped(self, steps: int, free: int, least: int | None = None) -> int:
        """How many steps are taped at once, with nothing held, at no more than the least cost."""
        nowhere, taped = self._costs().nowhere, 0
        least = int(nowhere[steps, free]) if least is None else least
        while taped < steps and (free := free - self.tape) >= 0:
            least -= 1
            if nowhere[steps - taped - 1, free] != least:
                break
            taped += 1
        return taped

    def _costs(self) -> Costs:
        columns = max(LEAST, 1 << (self.budget + self.state).bit_length())
        rows = -(-self.steps // LEAST) * LEAST
        return costs(rows, columns, self.state, self.tape)


@lru_cache(maxsize=16)
def costs(steps: int, columns: int, state: int, tape: int) -> Costs:
    """F and h for up to `steps` steps and less than `columns` units."""
    nowhere, slot = (np.full((steps + 1, columns), NEVER, np.int32) for _ in range(2))
    nowhere[0] = slot[0] = 0
    free = np.arange(columns)
    counted = np.arange(steps + 1, dtype=np.int32)[:, None]
    for n in range(1, steps + 1):
        row = slot[n]
        if n > 1:
            ahead = slot[1:n] + counted[1:n]
            ahead += nowhere[n - 1 : 0 : -1]
            np.minimum(row, ahead.min(axis=0), out=row)
            np.minimum(row[tape:], 1 + slot[n - 1, : max(columns - tape, 0)], out=row[tape:])
        row[n * tape <= free + state] = n
        nowhere[n, state:] = row[: columns - state]
        nowhere[n, n * tape <= free] = n
    return Costs(nowhere, slot)


@lru_cache(maxsize=64)
def pinned(plan: Planned) -> Integers:
    """The column of g for the budget of a plan, int64 [steps + 1]."""
    nowhere = plan._costs().nowhere[:, plan.budget].astype(np.int64)
    after_tape = plan._costs().nowhere[:, max(plan.budget - plan.tape, 0)]
    cost = np.zeros(plan.steps + 1, np.int64)
    for n in range(1, plan.steps + 1):
        k = np.arange(1, n)
        least = int((k + cost[k] + nowhere[n - k]).min(initial=NEVER))
        if plan.tape <= plan.budget:
            least = min(least, 1 + int(after_tape[n - 1]))
        cost[n] = n if n * plan.tape <= plan.budget else least
    return cost


Plan: TypeAlias = Planned | Binomial


def plan(steps: int, state: int, tape: int, budget: int) -> Plan:
    """
    The schedule with the fewest evaluations that fits into a budget.

    Parameters
    ----------
    steps : int
        The trip count n.
    state, tape : int
        Bytes of a snapshot, and of the tape of one step.
    budget : int
        Bytes beyond the loop's inputs and the working state.

    Raises
    ------
    ValueError
        A number is out of range, or not even one tape fits.
    """
    _demand_sizes(steps, state, tape, budget, "bytes")
    if steps * tape <= budget:
        return store_all(steps)
    best = bundled(steps, state, tape, budget)
    units = Units.of(state, tape)
    widest = WORK // steps**2 - units.state - 1
    room = min(units.within(budget), widest)
    if steps > LONGEST or room < units.tape:
        return best
    planned = Planned(steps, units.state, units.tape, room)
    return planned if planned.evaluations <= best.evaluations else best


def bundled(steps: int, state: int, tape: int, budget: int) -> Binomial:
    """
    The best binomial schedule with bundles of tapes, by its closed form: for any number of steps.

    The slots tried do not depend on the budget, so more memory never costs more; and all slots that fit
    beside a single tape are tried with just that, which is the binomial schedule.
    """
    _demand_sizes(steps, state, tape, budget, "bytes")
    most = max(min((budget - tape) // state, steps), 0)
    bundles = {slots: max((budget - slots * state) // max(tape, 1), 1) for slots in _tried(most)}
    choices = [(most, 1), *bundles.items()]
    slots, bundle = min(choices, key=lambda choice: advances(steps, choice[0] + 1, choice[1]))
    return Binomial(steps, slots, bundle)


def _tried(most: int) -> Iterable[int]:
    """All numbers of slots up to 128, then some: two in a hundred apart."""
    slots = 0
    while slots <= most:
        yield slots
        slots += max(1, slots // 50 if slots >= 128 else 1)


def _demand_sizes(steps: int, state: int, tape: int, budget: int, unit: str) -> None:
    if steps < 0:
        raise ValueError(f"a loop of {steps} steps: the number of steps is at least 0")
    if state < 1 or tape < 0:
        raise ValueError(f"a state of {state} {unit}, a tape of {tape}: at least 1 and 0")
    if budget < (tape if steps else 0):
        raise ValueError(f"a budget of {budget} {unit}: the tape of one step takes {tape}")
