"""Programs that plan their memory at each call.

Sizes are arguments, so what is compiled is a few variants of a program, each when it is first chosen. Which
of them runs, and by which schedules its loops do, is found anew for each set of sizes, and kept: the one that
does least and fits.

The first variant is that of `plan="auto"`. In those after it loops run by schedules, and what loops inside
them keep is computed again. If a call has less memory than the first one takes, or shall have the least, the
equations around the loops are planned as well (`checkpointing.rematerialise`), at the sizes of that call: not
for its budget, so that all budgets choose from the same variants. These serve other sizes as far as they fit.
Where nothing fits, equations are planned anew, at the sizes at hand; the last `PLANS` of such plans are kept.
A pullback's are not planned: what it reads has been handed to the user.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any, TypeVar

from . import pipeline
from .backends import Compiled
from .checkpointing.choice import Choice, Variant, choose, fits, lowest
from .checkpointing.plans import Budget, residuals
from .checkpointing.scheduled import ScheduledFunction
from .frontend.captured import Inputs
from .ir.cost import static_cost
from .ir.errors import PlanError
from .ir.graph import Function
from .ir.types import Sizes
from .pipeline import Options
from .transforms.partition import Partition, partition

T = TypeVar("T")

KEPT = 1024
"""Sets of sizes whose choices are kept."""

PROGRAMS = 4
"""Variants that there are for one set of sizes, at most."""

PLANS = 4
"""Sets of sizes for which the plans of equations are kept."""


@dataclass(frozen=True)
class Sources:
    """What variants are made of, for a user's function.

    `adjoint(residuals)` is the program with these residuals (`transforms.residuals.PLANS`); the parameters of
    the function stand before number `first`, and behind it what a call adds to them, cotangents.
    """

    adjoint: Callable[[str], Function]
    primal: Callable[[], Function]
    first: int


@dataclass(frozen=True, eq=False)
class Candidate:
    """A program that may run.

    `work` says how many operations a call makes in which no trip of a scheduled loop is evaluated twice;
    whether its arrays are carved is an option of backends.
    """

    scheduled: ScheduledFunction
    work: Callable[[Sizes], float]
    carve: bool


Peaks = Callable[[Candidate], Callable[[Sizes], int]]
"""The most bytes at a time of a candidate beyond its arguments, as a function of its sizes."""


class Planner:
    """The variants of a program, and the choice among them."""

    def __init__(self, sources: Sources, options: Options, two_phase: bool) -> None:
        self.options, self.plan, self.two_phase = options, options.plan, two_phase
        self._primal = sources.primal
        self._scarce = self.plan not in ("auto", "store_all", "sqrt")
        self._choices: dict[tuple[int, ...], tuple[Candidate, Choice]] = {}
        self._lock = threading.Lock()
        self._planned: deque[tuple[Sizes, list[Candidate]]] = deque(maxlen=PLANS)
        self.candidates: list[Candidate] = []
        """Those that do not depend on sizes."""
        functions = [sources.adjoint(kind) for kind in residuals(self.plan)]
        self.function = functions[0]
        for function in functions:
            for every in (False,) if self.plan in ("auto", "store_all") else (False, True):
                self._add(function, pipeline.scheduled(function, sources.first, every))
        if self._scarce and len(self.candidates) == 1:
            self.candidates.append(replace(self.candidates[0], carve=False))

    def _add(self, function: Function, scheduled: ScheduledFunction) -> None:
        """One more variant, unless it is what one before it is."""
        loops = [len(c.scheduled.loops) for c in self.candidates]
        if len(scheduled.loops) > max(loops, default=-1):
            carve = not (self._scarce and self.candidates)
            self.candidates.append(Candidate(scheduled, lambda s: static_cost(function, s).flops, carve))

    @property
    def plans(self) -> bool:
        """Whether there is anything to find out at a call: a loop that runs by a schedule, or a limit."""
        return self._scarce or any(c.scheduled.loops for c in self.candidates)

    def choice(self, sizes: tuple[int, ...], peaks: Peaks) -> tuple[Candidate, Choice]:
        """What runs at these sizes.

        Raises
        ------
        PlanError
            Nothing fits into the budget.
        """
        found = self._choices.get(sizes)
        if found is None:
            with self._lock:
                if len(self._choices) >= KEPT:
                    self._choices.clear()
                named = dict(zip(self.function.sizes, sizes, strict=True))
                found = self._choices[sizes] = self._chosen(named, peaks)
        return found

    def _chosen(self, sizes: Sizes, peaks: Peaks) -> tuple[Candidate, Choice]:
        first = self.candidates[:1]
        lavish = self._variant(first[0], peaks)
        enough = isinstance(self.plan, Budget) and fits(lavish, sizes, self.plan.bytes)
        if enough or not self._scarce or self.two_phase:
            return self._best(first if enough else self.candidates, sizes, peaks)
        if not self._planned:
            self._plan(sizes, peaks)
        try:
            return self._best(self._all, sizes, peaks)
        except PlanError:
            if any(planned == sizes for planned, _ in self._planned):
                raise
        self._plan(sizes, peaks)
        return self._best(self._all, sizes, peaks)

    def _best(self, candidates: Sequence[Candidate], sizes: Sizes, peaks: Peaks) -> tuple[Candidate, Choice]:
        variants = [self._variant(c, peaks) for c in candidates]
        found = choose(variants, self.plan, sizes, static_cost(self._primal(), sizes).flops)
        return candidates[found.variant], found

    def _variant(self, candidate: Candidate, peaks: Peaks) -> Variant:
        return Variant(candidate.scheduled.loops, peaks(candidate), candidate.work, self.two_phase)

    # ---- equations ----

    @property
    def _all(self) -> list[Candidate]:
        return [*self.candidates, *(c for _, planned in self._planned for c in planned)]

    @cached_property
    def _whole(self) -> Function:
        """The program whose equations are planned."""
        return pipeline.finished(self.candidates[-1].scheduled.function)

    def _plan(self, sizes: Sizes, peaks: Peaks) -> None:
        """Variants of the last candidate, planned where its loops run in the least memory."""
        base = self.candidates[-1]
        of_loops = lowest(self._variant(base, peaks), sizes).sizes
        every = dict(zip(self._whole.sizes, (*sizes.values(), *of_loops), strict=True))
        most = PROGRAMS - len(self.candidates)
        functions = pipeline.rematerialised(self._whole, every, most, self.options)
        self._planned.append((sizes, [self._again(base, f) for f in functions]))
        self._choices.clear()

    def _again(self, base: Candidate, function: Function) -> Candidate:
        """A candidate in which equations are executed again; the loops that run by schedules are not."""

        def work(sizes: Sizes) -> float:
            every = {**dict.fromkeys(function.sizes, 0), **sizes}
            again = static_cost(function, every).flops - static_cost(self._whole, every).flops
            return base.work(sizes) + again

        return Candidate(replace(base.scheduled, function=function), work, carve=False)


class PlannedProgram:
    """A program that is called as one without schedules is: `call(*arguments, *sizes, *outs)`."""

    def __init__(self, planner: Planner) -> None:
        self.planner = planner
        self.function = planner.function
        self._compiled = _kept(lambda c: pipeline.compiled(c.scheduled.function, planner.options, c.carve))
        self._params = len(self.function.body.params)
        self._end = self._params + len(self.function.sizes)

    def call(self, *args: Any) -> tuple[Any, ...]:
        """The results, as of `Compiled.call`."""
        compiled, inputs = self.chosen(args)
        return compiled.call(*inputs)

    def compile(self, *call: Any) -> None:
        """Do beforehand what a call with these arguments would compile."""
        compiled, inputs = self.chosen(call)
        compiled.compile(*inputs)

    def chosen(self, inputs: Inputs) -> tuple[Compiled, Inputs]:
        """The variant that runs, and what it is called with."""
        sizes = inputs[self._params : self._end]
        candidate, choice = self.planner.choice(sizes, self._peak)
        first = candidate.scheduled.first
        return self._compiled(candidate), (
            *inputs[:first],
            *choice.plans,
            *inputs[first : self._params],
            *sizes,
            *choice.sizes,
            *inputs[self._end :],
        )

    def _peak(self, candidate: Candidate) -> Callable[[Sizes], int]:
        compiled = self._compiled(candidate)
        return lambda sizes: compiled.needs_at(sizes).peak_bytes(sizes)


def _kept(make: Callable[[Candidate], T]) -> Callable[[Candidate], T]:
    """What is made of a candidate, as long as it is one."""
    return lru_cache(PROGRAMS * (1 + PLANS))(make)


@dataclass(frozen=True)
class CutVariant:
    """A variant cut in two, and both parts compiled."""

    parts: Partition
    forward: Compiled
    pullback: Compiled

    def peak(self, sizes: Sizes) -> int:
        """The most bytes at a time of a call of each part: the pullback's residuals are what forward gives."""
        forward, pullback = self.forward.needs_at(sizes), self.pullback.needs_at(sizes)
        held = forward.result_bytes(sizes)
        return max(forward.peak_bytes(sizes), held + pullback.peak_bytes(sizes))


def cut(candidate: Candidate, params: int, results: int, options: Options) -> CutVariant:
    """A candidate cut behind the results of the user's function, which has so many parameters and results."""
    scheduled = candidate.scheduled
    parts = partition(scheduled.function, params + len(scheduled.loops), results)
    forward, pullback = (
        pipeline.compiled(part, options, candidate.carve) for part in (parts.forward, parts.pullback)
    )
    return CutVariant(parts, forward, pullback)


class PlannedPullback:
    """A program cut in two, both parts of one choice."""

    def __init__(self, planner: Planner, params: int, results: int) -> None:
        self.planner = planner
        self.params = params
        self._cut = _kept(lambda c: cut(c, params, results, planner.options))

    def chosen(self, inputs: Inputs) -> tuple[CutVariant, Inputs, Inputs]:
        """The variant that runs, what its forward part is called with, and the sizes of both parts."""
        sizes = inputs[self.params :]
        candidate, choice = self.planner.choice(sizes, lambda c: self._cut(c).peak)
        every = (*sizes, *choice.sizes)
        return self._cut(candidate), (*inputs[: self.params], *choice.plans, *every), every


Program = Compiled | PlannedProgram


def running(program: Program, inputs: Inputs) -> tuple[Compiled, Inputs]:
    """What a call with these inputs runs, and what that is called with."""
    return program.chosen(inputs) if isinstance(program, PlannedProgram) else (program, inputs)
