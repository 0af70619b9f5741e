"""Binomial schedules, with a bundle of tapes at the end of each range.

With s snapshots, the start of the loop included, and tapes for b steps at once, r evaluations of each step
and those of their tapes reverse b * C(s + r, s) steps. The fewest plain evaluations that reverse n steps in a
merged run are

    t(n, s) = min over k of k + t(k, s) + t(n - k, s - 1),   t(n, s) = 0 for n <= b
            = r * n - b * C(s + r, r - 1),   r the least with n <= b * C(s + r, s).

Griewank, Achieving logarithmic growth of temporal and spatial complexity in reverse automatic
differentiation, 1992; Griewank and Walther, Algorithm 799: revolve, ACM TOMS 26, 2000, have b = 1 and the
k of the fewest snapshot writes; b scales all of it. A two-phase run reverses n + 1 steps, of which
the last does nothing. The family has Chen et al., Training deep nets with sublinear memory cost, 2016, with
b and s near the square root of n; all tapes at once, b = n; and no snapshots at all, s = b = 1, which
evaluates n * (n - 1) / 2 steps again.
"""

from dataclasses import dataclass
from math import comb, isqrt

from .actions import ADVANCE, MEMORY, NOWHERE, STORE, TAPE, Integers
from .reversal import AMOUNT, BUNDLE, CHOICE, FIRST, LAST, LEVEL, SLOTS, USED, start, written


def repetitions(steps: int, snapshots: int, bundle: int = 1) -> int:
    """The least r with n <= b * C(s + r, s): how often a step is evaluated plainly, at most."""
    _demand_reversible(steps, snapshots, bundle)
    if snapshots == 1:
        return max(-(-steps // bundle) - 1, 0)
    r = 0
    while bundle * comb(snapshots + r, r) < steps:
        r += 1
    return r


def advances(steps: int, snapshots: int, bundle: int = 1) -> int:
    """
    t(n, s): the plain evaluations of a merged run; `snapshots` counts the start of the loop.

    Raises
    ------
    ValueError
        `steps` is negative, `snapshots` or `bundle` less than 1.
    """
    r = repetitions(steps, snapshots, bundle)
    return r * steps - bundle * comb(snapshots + r, r - 1) if r else 0


def split(steps: int, snapshots: int, bundle: int) -> int:
    """
    The k of the recurrence, of several the one with the fewest snapshot writes, for more steps than `bundle`.

    One loop of r turns, in integers that stay below ``steps * (steps + snapshots)``; Numba compiles it.
    """
    if snapshots == 1:
        return steps - bundle
    s = snapshots if snapshots < steps else steps
    # C(s + q, s) for q = r - 3, r - 2, r - 1, and r, the first that holds all steps
    r, before3, before2, before, whole = 0, 0, 0, 0, 1
    while bundle * whole < steps:
        r += 1
        before3, before2, before, whole = before2, before, whole, whole * (s + r) // r
    left = before - before2  # C(s - 1 + r - 1, s - 1)
    right = left - (before2 - before3)  # C(s - 2 + r - 1, s - 2)
    if steps <= bundle * (before + right):
        return bundle * before2 if before2 > 0 else 1
    if steps >= bundle * (before + left + right):
        return bundle * before
    return steps - bundle * (left + right)


def decide(run: Integers) -> None:
    """The `reversal.Decision` of a run that knows its SLOTS and its BUNDLE."""
    steps = run[LAST] - run[FIRST]
    if steps <= run[BUNDLE]:
        run[CHOICE] = TAPE
        run[AMOUNT] = steps
    elif run[LEVEL] == NOWHERE:
        run[CHOICE] = STORE
        run[AMOUNT] = MEMORY
    else:
        run[CHOICE] = ADVANCE
        run[AMOUNT] = split(steps, run[SLOTS] - run[USED + MEMORY] + 1, run[BUNDLE])


@dataclass(frozen=True)
class Binomial:
    """
    A binomial schedule.

    Attributes
    ----------
    steps : int
        The trip count n.
    slots : int
        Snapshots beyond the loop's inputs: one less than the textbooks' s.
    bundle : int
        How many steps are taped at once.
    two_phase : bool
        Whether x[n] is returned before anything is taped for the last `bundle` steps; the step that stands
        for this counts as one of a bundle.
    """

    steps: int
    slots: int
    bundle: int = 1
    two_phase: bool = False

    def __post_init__(self) -> None:
        _demand_reversible(self.steps, self.slots + 1, self.bundle)

    @property
    def evaluations(self) -> int:
        """Plain and taped evaluations of the body."""
        return self.steps + advances(self.steps + self.two_phase, self.slots + 1, self.bundle)

    @property
    def tapes(self) -> int:
        """The most tapes held at once."""
        return min(self.bundle, self.steps)

    def start(self) -> Integers:
        """A run that has not begun."""
        run = start(self.steps, min(self.slots, self.steps), 0, 1, self.two_phase)
        run[SLOTS], run[BUNDLE] = self.slots, self.bundle
        return run

    def actions(self) -> Integers:
        """The whole schedule, int64 [count, 5]; about three rows for each snapshot written."""
        return written(self.start(), decide)


def store_all(steps: int, two_phase: bool = False) -> Binomial:
    """Every step is taped on the way forward; nothing is evaluated twice."""
    return Binomial(steps, 0, max(steps + two_phase, 1), two_phase)


def recompute_all(steps: int, two_phase: bool = False) -> Binomial:
    """Nothing but one tape is held: each step is evaluated again for every later one."""
    return Binomial(steps, 0, 1, two_phase)


def sqrt(steps: int, two_phase: bool = False) -> Binomial:
    """About as many segments as each has steps: a snapshot before each, tapes for one (Chen et al., 2016)."""
    reversed_steps = max(steps + two_phase, 1)
    segment = isqrt(reversed_steps - 1) + 1
    return Binomial(steps, -(-reversed_steps // segment) - 1, segment, two_phase)


def _demand_reversible(steps: int, snapshots: int, bundle: int) -> None:
    if steps < 0:
        raise ValueError(f"a loop of {steps} steps: the number of steps is at least 0")
    if snapshots < 1:
        raise ValueError(f"{snapshots - 1} slots beyond the loop's inputs: at least 0")
    if bundle < 1:
        raise ValueError(f"a bundle of {bundle} tapes: at least 1")
