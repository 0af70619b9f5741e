"""Loops as their schedules run them: the memory of snapshots and tapes over time, and which trip is where.

Time is the evaluations of a trip, on the way forward or back. Below, a line that rises is an evaluation,
drawn thick where it is taped; one that falls is the adjoint, which comes down from the last trip to the
first; a dot is a snapshot (the picture of Griewank, 1992).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from adcompiler.ir.errors import ArgumentError
from adcompiler.schedules.actions import ADVANCE, REVERSE, STORE, TAPE, Integers
from adcompiler.schedules.binomial import store_all
from adcompiler.schedules.summary import held

if TYPE_CHECKING:
    from .records import Explanation, Loop

STROKES = {
    "evaluated": (ADVANCE, "C0", 0.8),
    "evaluated and taped": (TAPE, "C1", 2.0),
    "reversed": (REVERSE, "C3", 2.0),
}


def draw(path: str, explanation: Explanation) -> None:
    """Write a picture of the loops whose trips are known, a column each."""
    from matplotlib.figure import Figure

    loops = [loop for loop in explanation.loops if loop.trips and (loop.kept or loop.schedule)]
    if not loops:
        problem = "has no loop of known trips that keeps anything"
        raise ArgumentError(f"there is nothing to draw: `{explanation.function}` {problem}")
    figure = Figure(figsize=(1 + 6 * len(loops), 6.5), layout="constrained")
    panels = figure.subplots(2, len(loops), squeeze=False, sharex="col")
    for (above, below), loop in zip(panels.T, loops, strict=True):
        actions, state, tape = _run(loop)
        after = _times(actions)
        _memory(above, after, held(actions) @ np.array([state, tape]))
        _trips(below, after, actions)
        above.set(title=loop.line.partition("  ")[0], ylabel="bytes of snapshots and tapes")
        below.set(xlabel="evaluations of a trip, forward or back", ylabel="trip")
    figure.legend(
        *panels[1][0].get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False
    )
    taken = f"{explanation.peak:,} bytes at the peak"
    figure.suptitle(f"{explanation.function}, plan={explanation.plan}: {taken}")
    figure.savefig(path, format=Path(path).suffix.removeprefix(".") or "png", dpi=150)


def _run(loop: Loop) -> tuple[Integers, int, int]:
    """The actions of a loop, and what a snapshot and the tape of a trip take."""
    if loop.schedule is not None:
        return loop.schedule.schedule.actions(), loop.schedule.state, loop.schedule.tape
    return store_all(loop.trips or 0).actions(), 0, sum(kept.bytes for kept in loop.kept)


def _times(actions: Integers) -> Integers:
    """The evaluations that have been made after each action."""
    evaluates = np.isin(actions[:, 0], (ADVANCE, TAPE, REVERSE))
    return np.cumsum((actions[:, 2] - actions[:, 1]) * evaluates)


def _memory(panel: Any, after: Integers, memory: Integers) -> None:
    panel.plot(np.concatenate([[0], after]), np.concatenate([[0], memory]), color="C0", linewidth=1)
    panel.fill_between(np.concatenate([[0], after]), np.concatenate([[0], memory]), color="C0", alpha=0.2)
    panel.set_ylim(bottom=0)


def _trips(panel: Any, after: Integers, actions: Integers) -> None:
    from matplotlib.collections import LineCollection

    kinds, first, last = actions[:, 0], actions[:, 1], actions[:, 2]
    before = np.concatenate([[0], after[:-1]])
    for label, (kind, color, width) in STROKES.items():
        down = kind == REVERSE
        begin, end = (last, first) if down else (first, last)
        lines = np.stack([np.stack([before, begin], 1), np.stack([after, end], 1)], 1)[kinds == kind]
        panel.add_collection(LineCollection(list(lines), colors=color, linewidths=width, label=label))
    stored = kinds == STORE
    panel.plot(after[stored], first[stored], "k.", markersize=4, label="snapshot")
    panel.autoscale()
