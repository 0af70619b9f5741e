"""The explanation of a call: what runs at its sizes, and what its plan could choose from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import numpy as np

from adcompiler.checkpointing.choice import Choice
from adcompiler.checkpointing.front import front
from adcompiler.checkpointing.plans import Plan, Policy
from adcompiler.checkpointing.sized import Loop as Sized
from adcompiler.checkpointing.sized import Schedule
from adcompiler.checkpointing.stores import Disk
from adcompiler.frontend.captured import Inputs
from adcompiler.ir.graph import Eqn
from adcompiler.memory import Memory, memory
from adcompiler.planned import PlannedProgram
from adcompiler.schedules.online import Online
from adcompiler.schedules.summary import counted, held

from .program import Program, line
from .records import Array, Explanation, Kept, Loop, LoopSchedule, Offer


def explain(
    stage: str, planned: PlannedProgram, every: PlannedProgram, inputs: Inputs, read: Sequence[Any]
) -> Explanation:
    """What a call with these inputs does, which reads these arrays; `every` has all variants.

    Raises
    ------
    PlanError
        The plan cannot be carried out.
    """
    choice = planned.choice(inputs)
    compiled, given = planned.chosen(inputs)
    sizes = dict(zip(compiled.function.sizes, given[len(compiled.function.body.params) :], strict=True))
    at_peak = compiled.needs_at(sizes).at_peak(sizes)
    taken = memory(compiled, given, inputs, read)
    named, plan = planned.planner.named(planned.sizes(inputs)), planned.planner.plan
    source = planned.planner.candidates[choice.variant].unscheduled
    scheduled = tuple(loop.scheduled.pair for loop in choice.loops)
    program = Program(source, named, plan == "store_all", scheduled)
    every.choice(inputs)  # plans equations, too
    variants = every.planner.variants(every.variants)
    forward, base = planned.planner.forward(named), variants[0].work(named)

    def extra(work: float) -> float:
        return (work - base) / forward if forward else 0.0

    return Explanation(
        source.name,
        stage,
        said(plan),
        taken,
        at_peak.said,
        tuple(alive([Array(a.name, a.bytes, a.said) for a in at_peak.alive], taken)),
        tuple(loops(program, choice)),
        program.recomputed(),
        forward,
        choice.work,
        extra(choice.work),
        tuple(Offer(point.peak, extra(point.cost)) for point in front(variants, named)),
    )


def alive(arrays: Sequence[Array], taken: Memory) -> list[Array]:
    """All that is alive at the peak, the largest first; `arrays` are those of the program itself."""
    outside = taken.copies + taken.plans
    beside = {
        "copies of arguments": taken.copies,
        "plans of loops": taken.plans,
        "results": taken.peak - outside - sum(array.bytes for array in arrays),
    }
    every = [*arrays, *(Array(name, count, "") for name, count in beside.items() if count)]
    return sorted(every, key=lambda array: -array.bytes)


def loops(program: Program, choice: Choice) -> list[Loop]:
    """The loops of a program, and what those do that run by schedules."""
    pairs = zip(choice.loops, choice.schedules, strict=True)
    schedules = {sized.scheduled.pair.forward: _schedule(sized, schedule) for sized, schedule in pairs}
    return [
        _loop(program, eqn, round(times), trips, kept, schedules)
        for eqn, times, trips, kept in program.loops()
    ]


def _loop(
    program: Program,
    eqn: Eqn,
    times: int,
    trips: int | None,
    kept: tuple[Kept, ...],
    schedules: Mapping[Eqn, LoopSchedule],
) -> Loop:
    found = schedules.get(eqn)
    reason = program.unscheduled(eqn) if found is None else ""
    return Loop(line(eqn.location), trips, times, kept, found, reason)


def _schedule(loop: Sized, schedule: Schedule) -> LoopSchedule:
    policy, again, place = loop.scheduled.policy, loop.again(schedule), _place(loop)
    asked = said(policy) if policy is not None else ""
    if isinstance(schedule, Online):
        most = schedule.slots * loop.state + schedule.bundle * loop.tape
        parts = loop.state, loop.tape, most, schedule.slots, schedule.bundle
        return LoopSchedule(asked, *parts, None, again, schedule, place)
    actions = schedule.actions()
    most = int((held(actions) @ np.array([loop.state, loop.tape])).max(initial=0))
    slots, tapes = (int(n) for n in held(actions).max(axis=0, initial=0))
    parts = loop.state, loop.tape, most, slots, tapes
    return LoopSchedule(asked, *parts, counted(actions), again, schedule, place)


def _place(loop: Sized) -> str:
    return "disk" if isinstance(loop.scheduled.store, Disk) else "the host"


def said(plan: Plan | Policy) -> str:
    """A plan or policy as it is written: `Budget("8 MB")`."""
    if isinstance(plan, str):
        return json.dumps(plan)
    given = [(field, getattr(plan, field.name)) for field in fields(plan)]
    named = [(f"{f.name}=" * (f.default is not MISSING), x) for f, x in given if x != f.default]
    shown = [name + _shown(x) for name, x in named]
    return f"{type(plan).__name__}({', '.join(shown)})"


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value)
    return json.dumps(str(value) if isinstance(value, Path) else value)
