"""What `adcompiler bench` prints and writes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from adcompiler.benchmarking import crossover
from adcompiler.benchmarking.crossover import Crossover
from adcompiler.benchmarking.device import Device
from adcompiler.benchmarking.machine import Ceilings, Machine
from adcompiler.benchmarking.measure import Row
from adcompiler.benchmarking.workload import PROGRAMS

from .output import plain, table
from .sizes import size_text

TIMES = ["size", "program", "by", "trace", "compile", "first", "median", "IQR"]
COPIES = ["to device", "to host"]
RATES = ["GB/s", "copy", "GFLOP/s", "matmul", ""]
WITH_COPIES = {"on the device": False, "with copies": True}
"""Whether copies count, by what the columns of crossovers are called."""

NOT_MEASURED = "not measured"
DEFINITIONS = {
    "median, IQR": "of later calls, and the distance of its quartiles",
    "GB/s": "arguments that are used, once, and results, once; beside the copy, above 100% out of caches",
    "GFLOP/s": "operations of our own program, also for peers; a sine counts 15; beside the matmul",
}
ON_DEVICE = {
    "cuda": "arguments are on the device, results stay there; beside the device's copy and matmul",
    "first": "of cuda, with compiling its kernels",
    "to device": "copying the arguments, NumPy arrays; to host, the results",
    "crossover": "the least size at which cuda is faster than the faster one of numba and numpy",
}


@dataclass
class Report:
    """What was measured, so far; where a device was asked for, on which one, or why on none."""

    target: str
    arguments: tuple[str, ...]
    machine: Machine
    ceilings: Ceilings
    device: Device | None = None
    no_device: str | None = None
    rows: list[Row] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    """Sizes that were not measured, and why, a line each."""
    exact: bool = True
    interrupted: bool = False

    # ---- text ----

    def lines(self) -> list[str]:
        timed = [self._cells(row) for row in self.rows if row.steady is not None]
        missing = [*self._problems(), *self.skipped]
        definitions = [[name, text] for name, text in self.definitions.items()]
        crossovers = self._crossovers()
        guess = (
            [] if self.exact else ["the operations are a guess: data decide how many trips or branches run"]
        )
        return [
            " ".join([self.target, *self.arguments]),
            *self._machine(),
            "",
            *(table([self._header(), *timed]) if timed else ["nothing was measured"]),
            *(["", *crossovers] if crossovers else []),
            *(["", *missing] if missing else []),
            "",
            *table(definitions),
            *guess,
        ]

    @property
    def on_device(self) -> bool:
        """Whether a device was asked for."""
        return self.device is not None or self.no_device is not None

    @property
    def definitions(self) -> dict[str, str]:
        """What names of columns mean."""
        return DEFINITIONS | (ON_DEVICE if self.on_device else {})

    def _machine(self) -> Iterator[str]:
        found, best = self.machine, self.ceilings
        versions = ", ".join(f"{name} {version}" for name, version in found.versions.items())
        yield f"{found.cpu}, {counted(best.threads, 'thread')}, {found.system}"
        yield versions
        yield (
            f"copy {best.copy:.3g} GB/s, np.copyto {best.copyto:.3g} GB/s (the better one counts), "
            f"matmul {best.matmul:.3g} GFLOP/s"
        )
        if self.device is not None:
            matmul = NOT_MEASURED if self.device.matmul is None else f"{self.device.matmul:,.0f} GFLOP/s"
            yield f"{self.device.name}, copy {self.device.copy:,.0f} GB/s, matmul {matmul}"
        elif self.no_device is not None:
            yield f"device {NOT_MEASURED}: {self.no_device}"

    def _header(self) -> list[str]:
        return [*TIMES, *(COPIES if self.on_device else []), *RATES]

    def _cells(self, row: Row) -> list[str]:
        assert row.steady is not None and row.bandwidth is not None and row.arithmetic is not None
        there = self.device if row.runner == crossover.DEVICE else None
        ceilings = there or self.ceilings
        return [
            *(size_text(row.size), row.program, f"{row.runner} {row.variant}".rstrip()),
            *map(duration, (row.trace, row.compile, row.first)),
            duration(row.steady.median),
            duration(row.steady.upper - row.steady.lower),
            *(map(duration, (row.to_device, row.to_host)) if self.on_device else ()),
            *(rate(row.bandwidth), f"{row.bandwidth / ceilings.bandwidth:.0%}"),
            *(rate(row.arithmetic), share(row.arithmetic, ceilings.matmul)),
            row.note,
        ]

    def _crossovers(self) -> list[str]:
        """From which size on the device is faster, with copies and without, a line a program."""
        if not self.on_device or all(row.size is None for row in self.rows):
            return []
        found = [[program, *map(crossing, self._found(program).values())] for program in PROGRAMS]
        return table([["crossover", *WITH_COPIES], *found])

    def _found(self, program: str) -> dict[str, Crossover | None]:
        return {name: crossover.of(self.rows, program, copies) for name, copies in WITH_COPIES.items()}

    def _problems(self) -> list[str]:
        """What kept a runner from running, a line each, with the programs and sizes that it holds for."""
        found: dict[tuple[str, str, str], list[str]] = {}
        for row in self.rows:
            if row.problem:
                found.setdefault((row.runner, row.program, row.problem), []).append(size_text(row.size))
        rows = [[name, program, ", ".join(sizes), why] for (name, program, why), sizes in found.items()]
        return table(rows) if rows else []

    # ---- files ----

    def write_json(self, path: str) -> None:
        fields: dict[str, Any] = {
            "function": self.target,
            "arguments": self.arguments,
            "machine": asdict(self.machine),
            "ceilings": asdict(self.ceilings),
            "device": self.device and asdict(self.device),
            "no_device": self.no_device,
            "rows": [asdict(row) for row in self.rows],
            "crossovers": self._crossover_fields() if self.on_device else None,
            "skipped": self.skipped,
            "operations_exact": self.exact,
            "interrupted": self.interrupted,
            "definitions": self.definitions,
        }
        Path(path).write_text(json.dumps(plain(fields), indent=2, allow_nan=False) + "\n")

    def _crossover_fields(self) -> dict[str, Any]:
        """By program; None where none was measured."""
        return {
            program: {name: c and asdict(c) for name, c in self._found(program).items()}
            for program in PROGRAMS
        }

    def write_png(self, path: str) -> None:
        from adcompiler.benchmarking.chart import draw

        threads = counted(self.ceilings.threads, "thread")
        draw(path, f"{self.target}, {self.machine.cpu}, {threads}", self.rows, self.ceilings, self.device)


def duration(seconds: float | None) -> str:
    """Three digits and a unit; "-" for nothing."""
    if seconds is None:
        return "-"
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= 0.9995 * scale:
            return f"{seconds / scale:#.3g} {unit}".replace(". ", " ")
    return f"{seconds / 1e-9:.0f} ns"


def rate(giga: float) -> str:
    """Three digits, and no exponent."""
    return f"{giga:.3g}" if giga >= 0.001 else "<0.001"


def share(rate: float, ceiling: float | None) -> str:
    """Of what the machine does at best."""
    return NOT_MEASURED if ceiling is None else f"{rate / ceiling:.0%}"


def crossing(found: Crossover | None) -> str:
    """A crossover in words, to two digits."""
    if found is None:
        return NOT_MEASURED
    if found.size is None:
        return f"none up to {size_text(found.largest)}"
    if found.size == found.smallest:
        return f"at most {size_text(found.smallest)}"
    return f"about {size_text(round(float(f'{found.size:.1e}')))}"


def gibibytes(count: int) -> str:
    return f"{count / 2**30:.3g} GiB"


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
