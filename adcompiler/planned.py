"""Programs that plan their memory at each call.

Sizes are arguments, so what is compiled is a few variants of a program, each when it is first chosen. Which
of them runs, and by which schedules its loops do, is found anew for each set of sizes, and kept: the one that
does least and fits.

The first variant is that of `plan="auto"`. In those after it loops run by schedules, and what loops inside
them keep is computed again. If a call has less memory than the first one takes, or shall have the least, the
equations around the loops are planned as well (`checkpointing.rematerialise`), at the sizes of that call: not
for its budget, so that all budgets choose from the same variants. These serve other sizes as far as they fit.
Where nothing fits, equations are planned anew, at the sizes at hand, for `PLANS` sets of sizes at most. Those
of a pullback are not planned: what it reads has been handed to the user.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Any, Protocol

import numpy as np

from . import pipeline
from .backends import Compiled
from .backends.alive import Alive
from .checkpointing.choice import Choice, Tried, Variant, choose
from .checkpointing.lowering import asked_inside
from .checkpointing.plans import Budget, Plan, residuals
from .checkpointing.scheduled import ScheduledFunction
from .checkpointing.stores import Array, lent
from .frontend.captured import Inputs
from .ir.cost import static_cost
from .ir.errors import PlanError
from .ir.graph import Function
from .ir.types import Sizes
from .pipeline import Options
from .transforms.partition import Partition, partition

KEPT = 1024
"""Sets of sizes whose choices are kept."""

PROGRAMS = 4
"""Variants that there are for one set of sizes, at most."""

PLANS = 4
"""Sets of sizes for which equations are planned, at most."""


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

    Attributes
    ----------
    scheduled, unscheduled
        The program, and what it was before loops ran by schedules.
    work
        How many operations a call makes in which no trip of a scheduled loop is evaluated twice.
    carve
        An option of backends.
    """

    scheduled: ScheduledFunction
    unscheduled: Function
    work: Callable[[Sizes], float]
    carve: bool


class Predicted(Protocol):
    """A compiled variant whose memory is known before a call."""

    def peak(self, sizes: Sizes) -> int:
        """The most bytes at a time beyond the arguments."""

    def largest(self, sizes: Sizes) -> str:
        """What of that takes most: words that follow on a number of bytes."""


Ready = Callable[[Candidate], Predicted]


def _kinds(adjoint: Callable[[str], Function], plan: Plan) -> tuple[str, ...]:
    """The residuals of each variant: a policy at a loop inside a loop is followed where that runs again."""
    kinds = residuals(plan)
    return ("rerun",) if asked_inside(adjoint(kinds[0]).body) else kinds


class Planner:
    """The variants of a program, and the choice among them."""

    def __init__(self, sources: Sources, options: Options, two_phase: bool) -> None:
        self.options, self.plan, self.two_phase = options, options.plan, two_phase
        self._primal = sources.primal
        self._scarce = self.plan not in ("auto", "store_all", "sqrt")
        self._choices: dict[tuple[int, ...], Choice | PlanError] = {}
        self._lock = threading.Lock()
        self._planned: list[Sizes] = []
        """For which sizes equations have been planned."""
        self.candidates: list[Candidate] = []
        adjoint = cache(sources.adjoint)
        for kind in _kinds(adjoint, self.plan):
            function = pipeline.reversible(adjoint(kind))
            self._add(function, pipeline.scheduled(function, sources.first, False, options))
            if self.plan not in ("auto", "store_all"):
                self._add(function, pipeline.scheduled(function, sources.first, True, options))
        if self._scarce and len(self.candidates) == 1:
            self.candidates.append(replace(self.candidates[0], carve=False))
        self._fixed = len(self.candidates)
        """How many candidates do not depend on sizes."""
        if two_phase:
            self._demand_memory()

    def _add(self, function: Function, scheduled: ScheduledFunction) -> None:
        """One more variant, unless it is what one before it is."""
        loops = [len(c.scheduled.loops) for c in self.candidates]
        if len(scheduled.loops) > max(loops, default=-1):
            work = lambda sizes: static_cost(function, sizes).flops  # noqa: E731
            self.candidates.append(Candidate(scheduled, function, work, carve=True))

    def _demand_memory(self) -> None:
        """Refuse snapshots in a store, which are gone before the cotangent comes."""
        for loop in (loop for c in self.candidates for loop in c.scheduled.loops if loop.lent):
            host = self.options.backend == "cuda"
            where, option = ("on the host", "host=True") if host else ("on disk", "disk=")
            raise PlanError(
                f"a pullback cannot have snapshots {where}: they last for one call, and it is called later",
                loop.location,
                hint=f"use grad or value_and_grad, which are one call, or leave {option} out",
            )

    @property
    def function(self) -> Function:
        """The program without schedules."""
        return self.candidates[0].unscheduled

    @property
    def plans(self) -> bool:
        """Whether there is anything to find out at a call: a loop that runs by a schedule, or a limit."""
        return self._scarce or any(c.scheduled.loops for c in self.candidates)

    def choice(self, sizes: tuple[int, ...], ready: Ready) -> Choice:
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
                try:
                    found = self._chosen(self.named(sizes), ready)
                except PlanError as error:
                    found = error
                self._choices[sizes] = found
        if isinstance(found, PlanError):
            raise found.with_traceback(None)
        return found

    def _chosen(self, sizes: Sizes, ready: Ready) -> Choice:
        if not self._scarce or self.two_phase:
            return self._best(self.candidates, sizes, ready)
        if isinstance(self.plan, Budget):
            first = self.candidates[0]
            if Tried(0, self._variant(first, ready(first)), sizes).within(self.plan.bytes) is not None:
                return self._best([first], sizes, ready)
        if not self._planned:
            self._plan(sizes, ready)
        try:
            return self._best(self.candidates, sizes, ready)
        except PlanError:
            if sizes in self._planned or len(self._planned) == PLANS:
                raise
        self._plan(sizes, ready)
        return self._best(self.candidates, sizes, ready)

    def _best(self, candidates: Sequence[Candidate], sizes: Sizes, ready: Ready) -> Choice:
        variants = [self._variant(c, ready(c)) for c in candidates]
        return choose(variants, self.plan, sizes, self.forward(sizes))

    def named(self, sizes: tuple[int, ...]) -> Sizes:
        """The sizes of a call by their names."""
        return dict(zip(self.function.sizes, sizes, strict=True))

    def forward(self, sizes: Sizes) -> float:
        """The work of the user's function itself."""
        return static_cost(self._primal(), sizes).flops

    def variants(self, programs: Sequence[Predicted]) -> list[Variant]:
        """What a plan chooses from; the programs are those of the candidates."""
        return [self._variant(c, program) for c, program in zip(self.candidates, programs, strict=True)]

    def _variant(self, candidate: Candidate, program: Predicted) -> Variant:
        loops = candidate.scheduled.loops
        return Variant(loops, program.peak, candidate.work, program.largest, self.two_phase)

    # ---- equations ----

    @cached_property
    def _whole(self) -> Function:
        """The program whose equations are planned."""
        return pipeline.finished(self.candidates[self._fixed - 1].scheduled.function)

    def _plan(self, sizes: Sizes, ready: Ready) -> None:
        """Variants of the last fixed candidate, planned where its loops run in the least memory."""
        base = self.candidates[self._fixed - 1]
        of_loops = Tried(0, self._variant(base, ready(base)), sizes).least.sizes
        every = dict(zip(self._whole.sizes, (*sizes.values(), *of_loops), strict=True))
        functions = pipeline.rematerialised(self._whole, every, PROGRAMS - self._fixed, self.options)
        self.candidates += [self._again(base, f) for f in functions]
        self._planned.append(sizes)

    def _again(self, base: Candidate, function: Function) -> Candidate:
        """A candidate in which equations are executed again; the loops that run by schedules are not."""

        def work(sizes: Sizes) -> float:
            every = {**dict.fromkeys(function.sizes, 0), **sizes}
            again = static_cost(function, every).flops - static_cost(self._whole, every).flops
            return base.work(sizes) + again

        source = base.unscheduled if base.scheduled.loops else function
        return Candidate(replace(base.scheduled, function=function), source, work, carve=False)


@dataclass(frozen=True)
class WholeVariant:
    """A variant that is called once, compiled."""

    compiled: Compiled

    def peak(self, sizes: Sizes) -> int:
        """The most bytes at a time of a call."""
        return self.compiled.needs_at(sizes).peak_bytes(sizes)

    def largest(self, sizes: Sizes) -> str:
        """The array that takes most of that."""
        return _largest(self.compiled.needs_at(sizes).at_peak(sizes).alive)


class PlannedProgram:
    """A program that is called as one without schedules is: `call(*arguments, *sizes, *outs)`."""

    def __init__(self, planner: Planner) -> None:
        self.planner = planner
        self.function = planner.function
        self.ready = cache(
            lambda c: WholeVariant(pipeline.compiled(c.scheduled.function, planner.options, c.carve))
        )
        self._params = len(self.function.body.params)
        self._end = self._params + len(self.function.sizes)

    def call(self, *args: Any) -> tuple[Any, ...]:
        """The results, as of `Compiled.call`."""
        choice = self.choice(args)
        with lent(choice.lent) as arrays:
            return self._compiled(choice).call(*self._inputs(choice, arrays, args))

    def compile(self, *call: Any) -> None:
        """Do beforehand what a call with these arguments would compile."""
        compiled, inputs = self.chosen(call)
        compiled.compile(*inputs)

    def chosen(self, inputs: Inputs) -> tuple[Compiled, Inputs]:
        """The variant that runs, and what it is called with, but for room on disk."""
        choice = self.choice(inputs)
        arrays = [np.empty(0, request.dtype.numpy) for request in choice.lent]
        return self._compiled(choice), self._inputs(choice, arrays, inputs)

    def _inputs(self, choice: Choice, arrays: Sequence[Array], inputs: Inputs) -> Inputs:
        first = self.planner.candidates[choice.variant].scheduled.first
        return (
            *inputs[:first],
            *choice.plans,
            *arrays,
            *inputs[first : self._end],
            *choice.sizes,
            *inputs[self._end :],
        )

    @property
    def variants(self) -> list[WholeVariant]:
        """The candidates, compiled."""
        return [self.ready(c) for c in self.planner.candidates]

    def _compiled(self, choice: Choice) -> Compiled:
        return self.ready(self.planner.candidates[choice.variant]).compiled

    def choice(self, inputs: Inputs) -> Choice:
        """What the plan comes to for these inputs."""
        return self.planner.choice(self.sizes(inputs), self.ready)

    def sizes(self, inputs: Inputs) -> tuple[int, ...]:
        """The sizes of the user's program among the inputs."""
        return inputs[self._params : self._end]


@dataclass(frozen=True)
class CutVariant:
    """A variant cut in two, and both parts compiled."""

    parts: Partition
    forward: Compiled
    pullback: Compiled

    def peak(self, sizes: Sizes) -> int:
        """The most bytes at a time of a call of each part: residuals are what the first gives."""
        forward, pullback = self.forward.needs_at(sizes), self.pullback.needs_at(sizes)
        held = forward.result_bytes(sizes)
        return max(forward.peak_bytes(sizes), held + pullback.peak_bytes(sizes))

    def largest(self, sizes: Sizes) -> str:
        """The array that takes most, in one of the parts."""
        parts = (self.forward.needs_at(sizes), self.pullback.needs_at(sizes))
        return _largest([array for needs in parts for array in needs.at_peak(sizes).alive])


class PlannedPullback:
    """A program cut in two, both parts of one choice."""

    def __init__(self, planner: Planner, params: int, results: int) -> None:
        self.planner = planner
        self.params = params
        self.ready = cache(lambda c: self._cut(c, results))

    def _cut(self, candidate: Candidate, results: int) -> CutVariant:
        scheduled = candidate.scheduled
        parts = partition(scheduled.function, self.params + len(scheduled.loops), results)
        forward, pullback = (
            pipeline.compiled(part, self.planner.options, candidate.carve)
            for part in (parts.forward, parts.pullback)
        )
        return CutVariant(parts, forward, pullback)

    def chosen(self, inputs: Inputs) -> tuple[CutVariant, Inputs, Inputs]:
        """The variant that runs, what its forward part is called with, and the sizes of both parts."""
        sizes = inputs[self.params :]
        choice = self.planner.choice(sizes, self.ready)
        variant = self.ready(self.planner.candidates[choice.variant])
        every = (*sizes, *choice.sizes)
        return variant, (*inputs[: self.params], *choice.plans, *every), every


def _largest(alive: Sequence[Alive]) -> str:
    """The largest of some arrays, in words that follow on the bytes of all."""
    if not alive:
        return "all of them for Python's objects"
    found = max(alive, key=lambda array: array.bytes)
    return f"of which {found.bytes:,} are for `{found.name}`" + (f", {found.said}" if found.said else "")


Program = Compiled | PlannedProgram


def running(program: Program, inputs: Inputs) -> tuple[Compiled, Inputs]:
    """What a call with these inputs runs, and what that is called with."""
    return program.chosen(inputs) if isinstance(program, PlannedProgram) else (program, inputs)
