"""Programs that plan their memory at each call.

Sizes are arguments, so what is compiled is a few variants of a program, each when it is first chosen. Which
of them runs, and by which schedules its loops do, is found anew for each set of sizes, and kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from . import pipeline
from .backends import Compiled
from .backends.alive import Alive
from .checkpointing.choice import Choice, Variant, choose
from .checkpointing.plans import Budget, Plan, residuals
from .checkpointing.scheduled import Scheduled, ScheduledFunction
from .checkpointing.stores import Array, lent
from .frontend.captured import Inputs
from .ir.cost import static_cost
from .ir.errors import PlanError
from .ir.graph import Function
from .ir.types import Sizes
from .transforms.partition import Partition, partition

KEPT = 1024
"""Sets of sizes whose choices are kept."""


@dataclass(frozen=True)
class Sources:
    """What variants are made of, for a user's function.

    `adjoint(residuals)` is the program with these residuals (`transforms.residuals.PLANS`); the parameters of
    the function stand before number `first`, and behind it what a call adds to them, cotangents.
    """

    adjoint: Callable[[str], Function]
    primal: Callable[[], Function]
    first: int


class Predicted(Protocol):
    """A compiled variant whose memory is known before a call."""

    def peak(self, sizes: Sizes) -> int:
        """The most bytes at a time beyond the arguments."""

    def largest(self, sizes: Sizes) -> str:
        """What of that takes most: words that follow on a number of bytes."""


class Planner:
    """The variants of a program, and the choice among them."""

    def __init__(self, sources: Sources, plan: Plan, two_phase: bool) -> None:
        self.plan = plan
        self.two_phase = two_phase
        self._primal = sources.primal
        self._choices: dict[tuple[int, ...], Choice] = {}
        self.functions: list[ScheduledFunction] = []
        self.unscheduled: list[Function] = []
        for kind in residuals(plan):
            function = pipeline.reversible(sources.adjoint(kind))
            self._add(function, pipeline.scheduled(function, sources.first, every=False))
            if plan not in ("auto", "store_all"):
                folder = plan.disk if isinstance(plan, Budget) else None
                self._add(function, pipeline.scheduled(function, sources.first, every=True, folder=folder))
        if two_phase:
            self._demand_memory()

    def _add(self, unscheduled: Function, function: ScheduledFunction) -> None:
        """One more variant, unless it is what one before it is."""
        loops = [len(f.loops) for f in self.functions]
        if len(function.loops) > max(loops, default=-1):
            self.functions.append(function)
            self.unscheduled.append(unscheduled)

    def _demand_memory(self) -> None:
        """Refuse snapshots on disk, which are gone before the cotangent comes."""
        for loop in (loop for f in self.functions for loop in f.loops if loop.lent):
            raise PlanError(
                "a pullback cannot have snapshots on disk: they last for one call, and it is called later",
                loop.location,
                hint="use grad or value_and_grad, which are one call, or leave disk= out",
            )

    @property
    def plans(self) -> bool:
        """Whether there is anything to find out at a call: a loop that runs by a schedule, or a limit."""
        return any(f.loops for f in self.functions) or not isinstance(self.plan, str)

    def choice(self, sizes: tuple[int, ...], programs: Sequence[Predicted]) -> Choice:
        """What runs at these sizes, of these variants."""
        found = self._choices.get(sizes)
        if found is None:
            if len(self._choices) >= KEPT:
                self._choices.clear()
            named = self.named(sizes)
            found = choose(self.variants(programs), self.plan, named, self.forward(named))
            self._choices[sizes] = found
        return found

    def named(self, sizes: tuple[int, ...]) -> Sizes:
        """The sizes of a call by their names."""
        return dict(zip(self.unscheduled[0].sizes, sizes, strict=True))

    def forward(self, sizes: Sizes) -> float:
        """The work of the user's function itself."""
        return static_cost(self._primal(), sizes).flops

    def variants(self, programs: Sequence[Predicted]) -> list[Variant]:
        """What a plan chooses from."""
        every = zip(self.functions, self.unscheduled, programs, strict=True)
        return [self._variant(function.loops, source, program) for function, source, program in every]

    def _variant(self, loops: tuple[Scheduled, ...], source: Function, program: Predicted) -> Variant:
        return Variant(
            loops,
            program.peak,
            lambda sizes: static_cost(source, sizes).flops,
            program.largest,
            self.two_phase,
        )


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

    def __init__(self, planner: Planner, compile: Callable[[Function], Compiled]) -> None:
        self.planner = planner
        self.function = planner.unscheduled[0]
        self.variants = [WholeVariant(compile(f.function)) for f in planner.functions]
        self._params = len(self.function.body.params)
        self._end = self._params + len(self.function.sizes)

    def call(self, *args: Any) -> tuple[Any, ...]:
        """The results, as of `Compiled.call`."""
        choice = self.choice(args)
        with lent(choice.lent) as arrays:
            return self.variants[choice.variant].compiled.call(*self._inputs(choice, arrays, args))

    def compile(self, *call: Any) -> None:
        """Do beforehand what a call with these arguments would compile."""
        compiled, inputs = self.chosen(call)
        compiled.compile(*inputs)

    def chosen(self, inputs: Inputs) -> tuple[Compiled, Inputs]:
        """The variant that runs, and what it is called with, but for room on disk."""
        choice = self.choice(inputs)
        arrays = [np.empty(0, request.dtype.numpy) for request in choice.lent]
        return self.variants[choice.variant].compiled, self._inputs(choice, arrays, inputs)

    def _inputs(self, choice: Choice, arrays: Sequence[Array], inputs: Inputs) -> Inputs:
        first = self.planner.functions[choice.variant].first
        return (
            *inputs[:first],
            *choice.plans,
            *arrays,
            *inputs[first : self._end],
            *choice.sizes,
            *inputs[self._end :],
        )

    def choice(self, inputs: Inputs) -> Choice:
        """What the plan comes to for these inputs."""
        return self.planner.choice(self.sizes(inputs), self.variants)

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

    def __init__(
        self, planner: Planner, params: int, results: int, compile: Callable[[Function], Compiled]
    ) -> None:
        self.planner = planner
        self.params = params
        self.variants = [self._cut(f, results, compile) for f in planner.functions]

    def _cut(
        self, scheduled: ScheduledFunction, results: int, compile: Callable[[Function], Compiled]
    ) -> CutVariant:
        parts = partition(scheduled.function, self.params + len(scheduled.loops), results)
        return CutVariant(parts, compile(parts.forward), compile(parts.pullback))

    def chosen(self, inputs: Inputs) -> tuple[CutVariant, Inputs, Inputs]:
        """The variant that runs, what its forward part is called with, and the sizes of both parts."""
        sizes = inputs[self.params :]
        choice = self.planner.choice(sizes, self.variants)
        every = (*sizes, *choice.sizes)
        return self.variants[choice.variant], (*inputs[: self.params], *choice.plans, *every), every


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
