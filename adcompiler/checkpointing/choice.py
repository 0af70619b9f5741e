"""Which variant of a program runs at given sizes, and by which schedules: what a plan comes to in integers.

A *variant* is a program some of whose loops run by schedules, or none. The memory that these are given
together is a path along which no loop ever has less. How far along it a call goes is all that a budget
decides: so a larger budget never costs more, and a smaller one never peaks higher.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import chain

from adcompiler.ir.errors import PlanError
from adcompiler.ir.types import Sizes
from adcompiler.schedules.moves import Integers

from .plans import Budget, MaxExtra, Plan
from .scheduled import Scheduled
from .sized import Loop, Schedule, pools_within, requests, written
from .stores import Request

RUNGS = 1.1
"""How far apart the amounts of memory are that are compared when loops share it."""

NEAR = 1.01
"""How far apart they are that a budget is spent on, where they are more than a state or tape apart."""


@dataclass(frozen=True)
class Variant:
    """A program that may run, and what is known of it before.

    Attributes
    ----------
    loops
        Those that run by schedules.
    peak
        The most bytes at a time beyond the arguments, as a function of all its sizes.
    work
        Floating-point operations of a call in which no trip is evaluated twice.
    largest
        What of that takes most, as a function of the same: words that follow on a number of bytes.
    two_phase
        Whether it stops between the way forward and the way back.
    """

    loops: tuple[Scheduled, ...]
    peak: Callable[[Sizes], int]
    work: Callable[[Sizes], float]
    largest: Callable[[Sizes], str]
    two_phase: bool = False


@dataclass(frozen=True)
class Choice:
    """What runs at given sizes.

    Attributes
    ----------
    variant
        The number of the program.
    loops, schedules
        Its loops at these sizes, and what each does.
    plans, lent, sizes
        The plans of its loops, the arrays on disk that they are lent, and the sizes that the program has for
        them.
    peak, work
        Bytes at a time beyond the arguments, and floating-point operations.
    """

    variant: int
    loops: tuple[Loop, ...]
    schedules: tuple[Schedule, ...]
    plans: tuple[Integers, ...]
    lent: tuple[Request, ...]
    sizes: tuple[int, ...]
    peak: int
    work: float


def choose(variants: Sequence[Variant], plan: Plan, sizes: Sizes, forward: float) -> Choice:
    """What a plan comes to at these sizes.

    Parameters
    ----------
    variants
        The programs; the first is the one of `plan="auto"`. Of those that do as little the first is chosen.
    sizes
        The sizes of the user's program.
    forward
        The work of the user's function itself.

    Raises
    ------
    PlanError
        No variant fits into the budget.
    """
    tried = [Tried(number, variant, sizes) for number, variant in enumerate(variants)]
    match plan:
        case Budget():
            found = [choice for t in tried if (choice := t.within(plan.bytes)) is not None]
            if not found:
                raise _too_small(plan, tried)
            return min(found, key=lambda c: c.work)
        case MaxExtra(fraction):
            most = tried[0].lightest + fraction * forward
            return min((t.at_most(most) for t in tried if t.lightest <= most), key=lambda c: (c.peak, c.work))
        case "recompute_all":
            return min((t.least for t in tried), key=lambda c: (c.peak, c.work))
        case "sqrt":
            first = next((t for t in tried if t.free), tried[0])
            return first.choice([loop.sqrt() for loop in first.free])
    return tried[-1].choice([])


class Tried:
    """A variant at given sizes, and the path of memory along which its loops are given more."""

    def __init__(self, number: int, variant: Variant, sizes: Sizes) -> None:
        self.number, self.variant, self.base = number, variant, dict(sizes)
        self.loops = tuple(Loop.of(s, sizes, variant.two_phase) for s in variant.loops)
        self.fixed = {
            loop: loop.following(loop.scheduled.policy)
            for loop in self.loops
            if loop.scheduled.policy is not None
        }
        self.free = tuple(loop for loop in self.loops if loop not in self.fixed)

    # ---- what a point of the path is ----

    @cached_property
    def path(self) -> list[tuple[Loop, int]]:
        """To whom memory is given next, and how much: first where a byte saves most work."""
        if len(self.free) < 2:
            return [(loop, loop.most - loop.least) for loop in self.free]
        steps = [(gain, k, more) for k, loop in enumerate(self.free) for gain, more in _steps(loop)]
        return [(self.free[k], more) for _, k, more in sorted(steps, key=lambda s: (-s[0], s[1]))]

    @property
    def length(self) -> int:
        """The bytes given at the end of the path, where no trip is evaluated twice."""
        return sum(more for _, more in self.path)

    def given(self, place: int) -> dict[Loop, int]:
        """The memory of each free loop at a place of the path, so many bytes from its beginning."""
        memory = {loop: loop.least for loop in self.free}
        for loop, more in self.path:
            memory[loop] += min(more, place)
            place -= min(more, place)
        return memory

    def bound(self, place: int) -> int:
        """The most bytes at a time there, plans left out."""
        memory = self.given(place)
        free = {loop: pools_within(loop, most) for loop, most in memory.items()}
        pools = [free[loop] if loop in free else self._fixed_pools[loop] for loop in self.loops]
        return self._peak([0] * len(self.loops), pools)

    @cached_property
    def _fixed_pools(self) -> dict[Loop, list[int]]:
        return {loop: written(loop, schedule)[1] for loop, schedule in self.fixed.items()}

    def _peak(self, plans: Sequence[int], pools: Sequence[Sequence[int]]) -> int:
        sizes = dict(self.base)
        for loop, plan, elements in zip(self.loops, plans, pools, strict=True):
            sizes.update(zip(loop.scheduled.sizes, (plan, *elements), strict=True))
        return self.variant.peak(sizes)

    @cache  # noqa: B019
    def at(self, place: int) -> Choice:
        """What runs at a place of the path."""
        memory = self.given(place)
        return self.choice([loop.within(memory[loop]) for loop in self.free])

    def choice(self, free: Sequence[Schedule]) -> Choice:
        """What runs with these schedules of the free loops."""
        schedules = {**self.fixed, **dict(zip(self.free, free, strict=True))}
        chosen = [schedules[loop] for loop in self.loops]
        plans, pools = zip(*map(written, self.loops, chosen), strict=True) if chosen else ((), ())
        sizes = [n for plan, elements in zip(plans, pools, strict=True) for n in (len(plan), *elements)]
        again = sum(loop.again(schedule) for loop, schedule in zip(self.loops, chosen, strict=True))
        return Choice(
            self.number,
            self.loops,
            tuple(chosen),
            tuple(plans),
            tuple(chain.from_iterable(map(requests, self.loops, pools))),
            tuple(sizes),
            self._peak([len(plan) for plan in plans], pools) + sum(plan.nbytes for plan in plans),
            self.variant.work(self.base) + again,
        )

    def largest(self, choice: Choice) -> str:
        """What takes most of the memory of what runs."""
        names = [name for loop in self.loops for name in loop.scheduled.sizes]
        return self.variant.largest({**self.base, **dict(zip(names, choice.sizes, strict=True))})

    # ---- how far along it a plan goes ----

    @cached_property
    def rungs(self) -> list[int]:
        """The places that are gone to, whatever the memory: so more of it never costs more."""
        unit = min((min(loop.state, loop.tape) for loop in self.free), default=1)
        rungs = [0]
        while rungs[-1] < self.length:
            rungs.append(min(max(rungs[-1] + unit, int(rungs[-1] * NEAR)), self.length))
        return rungs

    @cached_property
    def least(self) -> Choice:
        """What takes the least memory; where states go elsewhere, plans take more."""
        found = [self._least_from(0)]
        if any(loop.scheduled.lent for loop in self.free):
            found.append(self.choice([loop.alone(loop.least) for loop in self.free]))
        return min(found, key=lambda c: c.peak)

    def _least_from(self, first: int) -> Choice:
        """What takes the least memory at this rung or above: with more memory plans are shorter."""
        least = self.at(self.rungs[first])
        for place in self.rungs[first + 1 :]:
            if self.bound(place) >= least.peak:
                break
            least = min(least, self.at(place), key=lambda c: c.peak)
        return least

    def within(self, memory: int) -> Choice | None:
        """The highest rung at which no more than this memory is taken; None if there is none."""
        if memory < self.least.peak:
            return None
        rung = _last(len(self.rungs) - 1, lambda k: self.bound(self.rungs[k]) <= memory)
        found = (self.at(place) for place in reversed(self.rungs[: rung + 1]))
        return next((choice for choice in found if choice.peak <= memory), self.least)

    @property
    def lightest(self) -> float:
        """The least work; where policies say so, some of it is done twice."""
        return self.work(self.length)

    def at_most(self, work: float) -> Choice:
        """What takes the least memory where no more work than this is done."""
        last = len(self.rungs) - 1
        more = _last(last, lambda k: self.work(self.rungs[last - k]) <= work)
        return self._least_from(last - more)

    def work(self, place: int) -> float:
        """The work at a place of the path."""
        memory = self.given(place)
        schedules = {**self.fixed, **{loop: loop.within(memory[loop]) for loop in self.free}}
        return self.variant.work(self.base) + sum(loop.again(s) for loop, s in schedules.items())


def _last(length: int, holds: Callable[[int], bool]) -> int:
    """The last of 0..length for which a condition holds that only stops to hold; -1 if it never does."""
    low, high = -1, length + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def _steps(loop: Loop) -> list[tuple[float, int]]:
    """Amounts of memory, each with the work that a byte of it saves, in falling order of that."""
    memories = [loop.least]
    while memories[-1] < loop.most:
        memories.append(min(max(int(memories[-1] * RUNGS), memories[-1] + loop.tape), loop.most))
    points = [(m, loop.again(loop.within(m))) for m in memories]
    hull: list[tuple[int, float]] = []
    for point in points:
        while len(hull) > 1 and _gain(hull[-2], hull[-1]) <= _gain(hull[-1], point):
            hull.pop()
        hull.append(point)
    return [(_gain(a, b), b[0] - a[0]) for a, b in zip(hull, hull[1:], strict=False)]


def _gain(a: tuple[int, float], b: tuple[int, float]) -> float:
    return (a[1] - b[1]) / (b[0] - a[0])


def _too_small(plan: Budget, tried: Sequence[Tried]) -> PlanError:
    least = min((t.least for t in tried), key=lambda c: c.peak)
    largest = tried[least.variant].largest(least)
    place = ", host=True" if plan.host else "" if plan.disk is None else f", disk={str(plan.disk)!r}"
    return PlanError(
        f"a budget of {plan.bytes:,} bytes is too small: the least that a call takes is {least.peak:,}, "
        f"{largest}",
        hint=f"Budget({least.peak}{place}) is feasible",
    )
