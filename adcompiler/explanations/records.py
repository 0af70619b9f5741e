"""What is said of a plan: the records of which an explanation is made, as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from adcompiler.checkpointing.sized import Schedule
from adcompiler.memory import Memory
from adcompiler.schedules.summary import Run


@dataclass(frozen=True)
class Array:
    """An array that is alive at the peak: its name in the generated source, and the line that made it."""

    name: str
    bytes: int
    line: str


@dataclass(frozen=True)
class Kept:
    """A value of a loop that its adjoint reads: bytes a trip, why it is kept, and who reads it.

    What is `scheduled` is kept of the trips that are taped at the time, the rest of every trip.
    """

    name: str
    type: str
    line: str
    bytes: int
    scheduled: bool
    why: str
    readers: tuple[str, ...]


@dataclass(frozen=True)
class Recomputed:
    """Operations of a line of the user's that the way back does again, `times` in a call."""

    line: str
    operations: tuple[str, ...]
    times: int
    work: float


@dataclass(frozen=True)
class LoopSchedule:
    """How a loop runs by a schedule.

    Attributes
    ----------
    asked
        What was asked for at the loop, "" where the plan of the program decides.
    state, tape
        Bytes of a snapshot, and of the tape of a trip.
    memory
        The most bytes that both take at a time.
    slots, tapes
        The most snapshots beyond the state that the loop begins with, and the most tapes, at a time each.
    run
        What is done each time the loop runs; None where its trips are not known before.
    work
        Operations of the evaluations beyond the first of each trip, in a call. Trips that are not known
        count as 1000.
    place
        Where snapshots go that the memory has no room for, in words.
    """

    asked: str
    state: int
    tape: int
    memory: int
    slots: int
    tapes: int
    run: Run | None
    work: float
    schedule: Schedule
    place: str

    @property
    def snapshots(self) -> int:
        """The slots as textbooks count them, the first state with them."""
        return self.slots + 1


@dataclass(frozen=True)
class Loop:
    """A loop of the user's whose adjoint runs.

    `trips` is None where only the call finds out, or where they are not always the same; the loop runs
    `times` in a call. It has a schedule, or a reason why not.
    """

    line: str
    trips: int | None
    times: int
    kept: tuple[Kept, ...]
    schedule: LoopSchedule | None
    unscheduled: str


@dataclass(frozen=True)
class Offer:
    """A budget that is feasible, and the extra work that it takes, of the function's own work."""

    peak: int
    extra: float


@dataclass(frozen=True)
class Explanation:
    """What a call does under its plan, and what it could do under others.

    Attributes
    ----------
    function, stage, plan
        What is explained.
    memory
        The bytes that the call takes, by kind.
    line
        Where they are most, "" where the line that runs then is none of the user's.
    alive
        What is alive there, the largest first; together these are the peak.
    loops
        Loops whose adjoints run, in their order.
    recomputed
        What the way back computes again once for each trip, beside the evaluations of schedules.
    forward, work
        Floating-point operations of the function itself, and of the call.
    extra
        What the plan adds to those of `plan="auto"`, as a fraction of `forward`.
    front
        Budgets from the least that is feasible to the largest that changes anything, and their extra work;
        copies of arguments come on top.
    """

    function: str
    stage: str
    plan: str
    memory: Memory
    line: str
    alive: tuple[Array, ...]
    loops: tuple[Loop, ...]
    recomputed: tuple[Recomputed, ...]
    forward: float
    work: float
    extra: float
    front: tuple[Offer, ...]

    @property
    def peak(self) -> int:
        """The most bytes at a time beyond the arguments."""
        return self.memory.peak

    @property
    def least(self) -> int:
        """The least budget that is feasible, copies of arguments left out."""
        return self.front[0].peak

    def picture(self, path: str) -> None:
        """Draw memory over time, and what is evaluated, stored and reversed, as PNG, SVG or PDF.

        Raises
        ------
        ArgumentError
            There is no loop whose trips are known.
        """
        from .picture import draw

        draw(path, self)

    # ---- JSON ----

    def to_json(self) -> str:
        """One object: `fields` as text."""
        return json.dumps(self.fields(), indent=2, allow_nan=False)

    def fields(self) -> dict[str, Any]:
        """The attributes under their names, records as dicts.

        Beside these `peak` and `least`; `memory` has its parts and `unknown`; a loop's `schedule` is null or
        has asked, state, tape, memory, slots, snapshots, tapes, work and run, which is null or has plain,
        taped, writes, to_disk and evaluations; the disk may be the host of a GPU.
        """
        memory = dict(vars(self.memory))
        return {
            **{name: getattr(self, name) for name in ("function", "stage", "plan", "peak", "line")},
            "memory": memory | {"unknown": list(self.memory.unknown)},
            "alive": [dict(vars(array)) for array in self.alive],
            "loops": [_loop_fields(loop) for loop in self.loops],
            "recomputed": [_plain(vars(row)) for row in self.recomputed],
            **{name: getattr(self, name) for name in ("forward", "work", "extra", "least")},
            "front": [dict(vars(offer)) for offer in self.front],
        }

    def __str__(self) -> str:
        from .text import lines

        return "\n".join(lines(self))


# ---- fields ----


def _loop_fields(loop: Loop) -> dict[str, Any]:
    return {
        **vars(loop),
        "kept": [_plain(vars(kept)) for kept in loop.kept],
        "schedule": None if loop.schedule is None else _schedule_fields(loop.schedule),
    }


def _schedule_fields(found: LoopSchedule) -> dict[str, Any]:
    names = ("asked", "state", "tape", "memory", "slots", "snapshots", "tapes", "work")
    own = {name: getattr(found, name) for name in names}
    run = found.run
    return own | {"run": None if run is None else vars(run) | {"evaluations": run.evaluations}}


def _plain(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: list(x) if isinstance(x, tuple) else x for name, x in fields.items()}
