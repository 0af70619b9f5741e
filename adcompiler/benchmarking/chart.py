"""Seconds a call against size, both axes logarithmic: primal and gradient beside each other.

The machine's pace is the time that its copy needs for the compulsory traffic, or its product of matrices for
the operations, whichever is longer. Where there is a device, it has a pace of its own; its times with copies
to it and back are a line of dashes, and vertical lines stand where it becomes the faster one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from . import crossover
from .device import Device
from .machine import Ceilings
from .measure import Row
from .workload import PROGRAMS


def draw(
    path: str, title: str, rows: Sequence[Row], ceilings: Ceilings, device: Device | None = None
) -> None:
    """Write a PNG; a line a runner, its quartiles as a band, and the machine's pace."""
    from matplotlib.figure import Figure

    timed = [row for row in rows if row.steady is not None and row.size is not None]
    names = list(dict.fromkeys(row.runner for row in timed))
    figure = Figure(figsize=(12, 4.8), layout="constrained")
    axes = figure.subplots(1, len(PROGRAMS), sharex=True, sharey=True)
    for panel, program in zip(axes, PROGRAMS, strict=True):
        of_program = [row for row in timed if row.program == program]
        for k, name in enumerate(names):
            _line(panel, name, f"C{k}", [row for row in of_program if row.runner == name])
        _pace(panel, of_program, ceilings, "0.4", "copy or matmul")
        if device is not None:
            _pace(panel, of_program, device, "0.7", "copy or matmul, device")
        if crossover.DEVICE in names:
            _crossovers(panel, timed, program, f"C{names.index(crossover.DEVICE)}")
        panel.set(xscale="log", yscale="log", title=program, xlabel="size")
        panel.grid(which="major", alpha=0.3)
    axes[0].set_ylabel("seconds a call")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside right upper", frameon=False)
    figure.suptitle(title)
    figure.savefig(path, format="png", dpi=150)


def _line(panel: Any, name: str, color: str, rows: Sequence[Row]) -> None:
    points = [(row.size, row.steady) for row in rows if row.steady is not None]
    sizes, times = _columns(points)
    panel.plot(sizes, [t.median for t in times], "o-", color=color, label=name, markersize=4, linewidth=1.5)
    panel.fill_between(sizes, [t.lower for t in times], [t.upper for t in times], color=color, alpha=0.2)


def _pace(panel: Any, rows: Sequence[Row], ceilings: Ceilings | Device, color: str, label: str) -> None:
    limits = dict(_limits(rows, ceilings))
    panel.plot(*_columns(limits.items()), ":", color=color, label=label)


def _limits(rows: Sequence[Row], ceilings: Ceilings | Device) -> Iterator[tuple[Any, float]]:
    """Size and the seconds that the machine needs for traffic or arithmetic, whichever takes longer."""
    for row in rows:
        if row.steady is not None and row.bandwidth is not None and row.arithmetic is not None:
            arithmetic = row.arithmetic / ceilings.matmul if ceilings.matmul else 0.0
            yield row.size, max(row.bandwidth / ceilings.bandwidth, arithmetic) * row.steady.median


def _crossovers(panel: Any, rows: Sequence[Row], program: str, color: str) -> None:
    """The device's times with copies, and the sizes from which on it is the faster one."""
    copied = crossover.fastest(rows, program, (crossover.DEVICE,), transfers=True)
    panel.plot(*_columns(copied.items()), "--", color=color, label="cuda, copies too")
    for transfers, style in ((False, "-"), (True, "--")):
        found = crossover.of(rows, program, transfers)
        if found is not None and found.size is not None:
            panel.axvline(found.size, linestyle=style, color=color, alpha=0.4)


def _columns(pairs: Any) -> tuple[list[Any], list[Any]]:
    found = list(pairs)
    return [x for x, _ in found], [y for _, y in found]
