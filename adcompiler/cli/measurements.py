"""What `adcompiler bench` prints and writes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from adcompiler.benchmarking.machine import Ceilings, Machine
from adcompiler.benchmarking.measure import Row

from .output import plain, table
from .sizes import size_text

HEADER = [
    *("size", "program", "by", "trace", "compile", "first", "median", "IQR"),
    *("GB/s", "copy", "GFLOP/s", "matmul", ""),
]
DEFINITIONS = {
    "median, IQR": "of later calls, and the distance of its quartiles",
    "GB/s": "arguments that are used, once, and results, once; beside the copy, above 100% out of caches",
    "GFLOP/s": "operations of our own program, also for peers; a sine counts 15; beside the matmul",
}


@dataclass
class Report:
    """What was measured, so far."""

    target: str
    arguments: tuple[str, ...]
    machine: Machine
    ceilings: Ceilings
    rows: list[Row] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    """Sizes that were not measured, and why, a line each."""
    exact: bool = True
    interrupted: bool = False

    # ---- text ----

    def lines(self) -> list[str]:
        timed = [self._cells(row) for row in self.rows if row.steady is not None]
        missing = [*self._problems(), *self.skipped]
        definitions = [[name, text] for name, text in DEFINITIONS.items()]
        guess = (
            [] if self.exact else ["the operations are a guess: data decide how many trips or branches run"]
        )
        return [
            " ".join([self.target, *self.arguments]),
            *self._machine(),
            "",
            *(table([HEADER, *timed]) if timed else ["nothing was measured"]),
            *(["", *missing] if missing else []),
            "",
            *table(definitions),
            *guess,
        ]

    def _machine(self) -> Iterator[str]:
        found, best = self.machine, self.ceilings
        versions = ", ".join(f"{name} {version}" for name, version in found.versions.items())
        yield f"{found.cpu}, {counted(best.threads, 'thread')}, {found.system}"
        yield versions
        yield (
            f"copy {best.copy:.3g} GB/s, np.copyto {best.copyto:.3g} GB/s (the better one counts), "
            f"matmul {best.matmul:.3g} GFLOP/s"
        )

    def _cells(self, row: Row) -> list[str]:
        assert row.steady is not None and row.bandwidth is not None and row.arithmetic is not None
        return [
            *(size_text(row.size), row.program, f"{row.runner} {row.variant}".rstrip()),
            *map(duration, (row.trace, row.compile, row.first)),
            duration(row.steady.median),
            duration(row.steady.upper - row.steady.lower),
            *(rate(row.bandwidth), f"{row.bandwidth / self.ceilings.bandwidth:.0%}"),
            *(rate(row.arithmetic), f"{row.arithmetic / self.ceilings.matmul:.0%}"),
            row.note,
        ]

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
            "rows": [asdict(row) for row in self.rows],
            "skipped": self.skipped,
            "operations_exact": self.exact,
            "interrupted": self.interrupted,
            "definitions": DEFINITIONS,
        }
        Path(path).write_text(json.dumps(plain(fields), indent=2, allow_nan=False) + "\n")

    def write_png(self, path: str) -> None:
        from adcompiler.benchmarking.chart import draw

        threads = counted(self.ceilings.threads, "thread")
        draw(path, f"{self.target}, {self.machine.cpu}, {threads}", self.rows, self.ceilings)


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


def gibibytes(count: int) -> str:
    return f"{count / 2**30:.3g} GiB"


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
