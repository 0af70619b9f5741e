"""Programs that plan their memory at each call.

Sizes are arguments, so what is compiled is a few variants of a program, each when it is first chosen. Which
of them runs, and by which schedules its loops do, is found anew for each set of sizes, and kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from . import pipeline
from .backends import Compiled
from .checkpointing.choice import Choice, Variant, choose
from .checkpointing.plans import Plan, residuals
from .checkpointing.scheduled import ScheduledFunction
from .frontend.captured import Inputs
from .ir.cost import static_cost
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
            function = sources.adjoint(kind)
            self._add(function, pipeline.scheduled(function, sources.first, every=False))
            if plan not in ("auto", "store_all"):
                self._add(function, pipeline.scheduled(function, sources.first, every=True))

    def _add(self, unscheduled: Function, function: ScheduledFunction) -> None:
        """One more variant, unless it is what one before it is."""
        loops = [len(f.loops) for f in self.functions]
        if len(function.loops) > max(loops, default=-1):
            self.functions.append(function)
            self.unscheduled.append(unscheduled)

    @property
    def plans(self) -> bool:
        """Whether there is anything to find out at a call: a loop that runs by a schedule, or a limit."""
        return any(f.loops for f in self.functions) or not isinstance(self.plan, str)

    def choice(self, sizes: tuple[int, ...], peaks: Sequence[Callable[[Sizes], int]]) -> Choice:
        """What runs at these sizes; `peaks` are those of the variants."""
        found = self._choices.get(sizes)
        if found is None:
            if len(self._choices) >= KEPT:
                self._choices.clear()
            found = self._choices[sizes] = self._chosen(sizes, peaks)
        return found

    def _chosen(self, sizes: tuple[int, ...], peaks: Sequence[Callable[[Sizes], int]]) -> Choice:
        named = dict(zip(self.unscheduled[0].sizes, sizes, strict=True))
        variants = [
            Variant(function.loops, peak, lambda s, u=source: static_cost(u, s).flops, self.two_phase)  # type: ignore[misc]
            for function, source, peak in zip(self.functions, self.unscheduled, peaks, strict=True)
        ]
        return choose(variants, self.plan, named, static_cost(self._primal(), named).flops)


class PlannedProgram:
    """A program that is called as one without schedules is: `call(*arguments, *sizes, *outs)`."""

    def __init__(self, planner: Planner, compile: Callable[[Function], Compiled]) -> None:
        self.planner = planner
        self.function = planner.unscheduled[0]
        self.compiled = [compile(f.function) for f in planner.functions]
        self._peaks = [_peak(c) for c in self.compiled]
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
        choice = self.planner.choice(sizes, self._peaks)
        first = self.planner.functions[choice.variant].first
        return self.compiled[choice.variant], (
            *inputs[:first],
            *choice.plans,
            *inputs[first : self._params],
            *sizes,
            *choice.sizes,
            *inputs[self._end :],
        )


@dataclass(frozen=True)
class CutVariant:
    """A variant cut in two, and both parts compiled."""

    parts: Partition
    forward: Compiled
    pullback: Compiled

    def peak(self, sizes: Sizes) -> int:
        """The most bytes at a time of one call of each part: the pullback's residuals are what forward gives."""
        forward, pullback = self.forward.needs_at(sizes), self.pullback.needs_at(sizes)
        held = forward.result_bytes(sizes)
        return max(forward.peak_bytes(sizes), held + pullback.peak_bytes(sizes))


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
        choice = self.planner.choice(sizes, [v.peak for v in self.variants])
        every = (*sizes, *choice.sizes)
        return self.variants[choice.variant], (*inputs[: self.params], *choice.plans, *every), every


def _peak(compiled: Compiled) -> Callable[[Sizes], int]:
    return lambda sizes: compiled.needs_at(sizes).peak_bytes(sizes)


Program = Compiled | PlannedProgram


def running(program: Program, inputs: Inputs) -> tuple[Compiled, Inputs]:
    """What a call with these inputs runs, and what that is called with."""
    return program.chosen(inputs) if isinstance(program, PlannedProgram) else (program, inputs)
