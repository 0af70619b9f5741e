"""The size from which on a device pays: where its times fall below those of the processor."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from .measure import Row

DEVICE, HOST = "cuda", ("numba", "numpy")
"""Our backends, there and here."""


@dataclass(frozen=True)
class Crossover:
    """The least size at which the device is faster; None where there is none among the sizes measured.

    `smallest` and `largest` are the least and the greatest of these.
    """

    size: float | None
    smallest: int
    largest: int


def crossover(host: Mapping[int, float], device: Mapping[int, float]) -> Crossover | None:
    """Where the device's seconds fall below the host's, both by size; None where no size has both.

    Between two sizes both times are taken for powers of the size.
    """
    sizes = sorted(host.keys() & device.keys())
    if not sizes:
        return None
    slower = [math.log(device[n] / host[n]) for n in sizes]
    found = next((k for k, gap in enumerate(slower) if gap < 0), None)
    if found is None:
        return Crossover(None, sizes[0], sizes[-1])
    if found == 0:
        return Crossover(sizes[0], sizes[0], sizes[-1])
    before, behind = slower[found - 1 : found + 1]
    share = before / (before - behind)
    size = sizes[found - 1] * (sizes[found] / sizes[found - 1]) ** share
    return Crossover(size, sizes[0], sizes[-1])


def of(rows: Sequence[Row], program: str, transfers: bool) -> Crossover | None:
    """The crossover of a program, against the fastest of our backends on the host.

    With `transfers`, arguments are copied to the device and results back.
    """
    host = fastest(rows, program, HOST)
    return crossover(host, fastest(rows, program, (DEVICE,), transfers))


def fastest(
    rows: Sequence[Row], program: str, runners: Collection[str], transfers: bool = False
) -> dict[int, float]:
    """Seconds by size, of the fastest of the runners."""
    found: dict[int, float] = {}
    for row in rows:
        if row.program == program and row.runner in runners and row.size and row.steady:
            copies = (row.to_device or 0.0) + (row.to_host or 0.0) if transfers else 0.0
            found[row.size] = min(row.steady.median + copies, found.get(row.size, math.inf))
    return found
