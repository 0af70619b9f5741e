"""Sizes one by one: every runner prepared, its first call, its results compared, then all timed in turn.

Times are those of the clock on the wall, since some of what is measured has threads of its own. All that is
called in less than its share of the budget takes turns; what is slower is called by itself, three times at
least. A runner that would need too long for its first call, by what its last sizes took, is left out.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from adcompiler.ir.cost import Cost
from adcompiler.ir.errors import AdcompilerError, DeviceError, DeviceMemoryError

from .backends import Backend, timed
from .clock import FEWEST, Timing, in_turn, seconds_a_call, timing
from .workload import PROGRAMS, Impossible, Ready, Runner, Workload

LONGEST = 20.0  # seconds that preparing and calling once may take
TOLERANCE = {4: 1e-3, 8: 1e-6}  # relative to the largest element, by bytes of a float
FEW = 3


@dataclass(frozen=True)
class Row:
    """One program of one runner at one size: seconds of the stages, rates, or the `problem` it had.

    `variant` says how it was called, where there were several ways; `note` how its results differ. Of a
    device `to_device` and `to_host` are the seconds in which arguments and results are copied; no other time
    has them.
    """

    size: int | None
    program: str
    runner: str
    variant: str = ""
    trace: float | None = None
    compile: float | None = None
    first: float | None = None
    steady: Timing | None = None
    bandwidth: float | None = None
    """GB/s of compulsory traffic."""
    arithmetic: float | None = None
    """GFLOP/s."""
    note: str = ""
    problem: str = ""
    to_device: float | None = None
    to_host: float | None = None


@dataclass
class Patience:
    """What preparing and the first call took, by runner and program: what a larger size will take."""

    longest: float = LONGEST
    _taken: dict[tuple[str, str], list[tuple[int, float, float]]] = field(default_factory=dict)

    def took(self, runner: str, program: str, size: int | None, preparing: float, calling: float) -> None:
        if size:
            self._taken.setdefault((runner, program), []).append((size, preparing, calling))

    def expected(self, runner: str, program: str, size: int | None) -> float:
        """Seconds at a size: they grow as between the last two, a call at least in proportion."""
        taken = self._taken.get((runner, program), [])
        if not taken or size is None:
            return 0.0
        earlier, last = taken[-2:][0], taken[-1]
        ratio = math.log(last[0] / earlier[0])
        growth = [math.log(max(b, 1e-9) / max(a, 1e-9)) for a, b in zip(earlier[1:], last[1:], strict=True)]
        powers = [max(0.0, g / ratio) if ratio > 0 else 0.0 for g in growth]
        steps = size / last[0]
        return float(last[1] * steps ** powers[0] + last[2] * steps ** max(1.0, powers[1]))


@dataclass(frozen=True)
class Prepared:
    """A runner that has been called once: in seconds, how its results differ, and what copies take."""

    runner: str
    ready: Ready
    first: float
    note: str
    transfers: tuple[float, float] | tuple[None, None]


def measured(
    workload: Workload,
    runners: Sequence[Runner],
    costs: Mapping[str, Cost],
    seconds: float,
    patience: Patience,
) -> Iterator[Row]:
    """The rows of one size, primal before gradient; each program has half of the seconds."""
    for program in PROGRAMS:
        comparison = Comparison()
        found: list[Prepared] = []
        for runner in runners:
            try:
                found += _prepared(runner, workload, program, comparison, patience)
            except Exception as error:
                if isinstance(runner, Backend) and _is_the_functions(error):
                    raise
                yield Row(workload.size, program, runner.name, problem=one_line(error))
        times = steady([(p.ready, p.first) for p in found], seconds / len(PROGRAMS))
        for k in _fastest(found, times):
            yield _row(workload.size, program, found[k], times[k], costs[program])


def _prepared(
    runner: Runner, workload: Workload, program: str, comparison: Comparison, patience: Patience
) -> list[Prepared]:
    """A runner after its first call, in all its ways; raises whatever keeps it from running."""
    expected = patience.expected(runner.name, program, workload.size)
    if expected > patience.longest:
        raise Impossible(f"left out: it would need about {expected:.0f} s before it can be timed")
    ways, preparing = timed(lambda: runner.prepare(workload.copied(), program))
    found = [_called(runner.name, ready, comparison) for ready in ways]
    patience.took(runner.name, program, workload.size, preparing, max((p.first for p in found), default=0.0))
    return found


def _is_the_functions(error: Exception) -> bool:
    """Whether a refusal is of the function, and not of what a device has no room for, or lacks."""
    return isinstance(error, AdcompilerError) and not isinstance(error, DeviceError | DeviceMemoryError)


def _called(runner: str, ready: Ready, comparison: Comparison) -> Prepared:
    begin = time.perf_counter()
    result = ready.call()
    ready.wait(result)
    first = time.perf_counter() - begin
    transfers = ready.transfers(result) if ready.transfers else (None, None)
    return Prepared(runner, ready, first, comparison.note(runner, ready.arrays(result)), transfers)


def _fastest(found: Sequence[Prepared], times: Sequence[Timing]) -> Iterator[int]:
    """Of the ways to call one runner, the fastest."""
    for name in dict.fromkeys(p.runner for p in found):
        ways = [k for k, p in enumerate(found) if p.runner == name]
        yield min(ways, key=lambda k: times[k].median)


def _row(size: int | None, program: str, prepared: Prepared, steady: Timing, cost: Cost) -> Row:
    ready, nano = prepared.ready, steady.median * 1e9
    return Row(
        size=size,
        program=program,
        runner=prepared.runner,
        variant=ready.variant,
        trace=ready.trace,
        compile=ready.compile,
        first=prepared.first,
        steady=steady,
        bandwidth=cost.bytes / nano,
        arithmetic=cost.flops / nano,
        to_device=prepared.transfers[0],
        to_host=prepared.transfers[1],
        note=prepared.note,
    )


# ---- times ----


def steady(calls: Sequence[tuple[Ready, float]], seconds: float) -> list[Timing]:
    """The time of calls, with that of their first: short calls take turns, long ones stand alone."""
    share = seconds / max(1, len(calls))
    fits = [first * FEWEST <= share or _once(ready) * FEWEST <= share for ready, first in calls]
    short = {str(k): ready for k, (ready, _) in enumerate(calls) if fits[k]}
    functions = {k: ready.call for k, ready in short.items()}
    waits = {k: ready.wait for k, ready in short.items()}
    times = in_turn(functions, share * len(short), time.perf_counter, waits) if short else {}
    return [times[str(k)] if fits[k] else _alone(ready, share) for k, (ready, _) in enumerate(calls)]


def _once(ready: Ready) -> float:
    """Seconds of a call; the first one may have been slower than those after it."""
    return seconds_a_call(ready.call, 1, time.perf_counter, ready.wait)


def _alone(ready: Ready, seconds: float) -> Timing:
    end, samples = time.perf_counter() + seconds, list[float]()
    while len(samples) < FEW or time.perf_counter() < end:
        samples.append(_once(ready))
    return timing(samples)


# ---- results ----


@dataclass
class Comparison:
    """The results of one program: whoever comes first is the reference."""

    of: str = ""
    expected: Sequence[Any] = ()

    def note(self, runner: str, found: Sequence[Any]) -> str:
        """How results differ from the first ones, relative to the largest element; "" where they agree."""
        if not self.of:
            self.of, self.expected = runner, [np.array(a) for a in found]
        shapes, others = ([np.shape(a) for a in arrays] for arrays in (found, self.expected))
        if shapes != others:
            return f"differs from {self.of}: shapes {shapes}, not {others}"
        pairs = list(zip(found, self.expected, strict=True))
        worst = max((_relative(np.asarray(a, float), np.asarray(b, float)) for a, b in pairs), default=0.0)
        bytes = min((x.dtype.itemsize for pair in pairs for x in pair if x.dtype.kind == "f"), default=8)
        return "" if worst <= TOLERANCE.get(bytes, 1.0) else f"differs from {self.of} by {worst:.1g}"


def _relative(a: Any, b: Any) -> float:
    """The largest difference over the largest element; NaN and infinities must be the same."""
    if not a.size or np.array_equal(a, b, equal_nan=True):
        return 0.0
    with np.errstate(all="ignore"):
        gap = np.abs(a - b)[~((a == b) | (np.isnan(a) & np.isnan(b)))]
        scale = np.max(np.abs(b[np.isfinite(b)]), initial=0.0)
    return float(np.max(gap) / scale) if scale and np.all(np.isfinite(gap)) else math.inf


def one_line(error: BaseException) -> str:
    """An exception in one line."""
    if isinstance(error, Impossible):
        return str(error)
    text = next(iter(str(error).strip().splitlines()), "")
    if len(text) > 100:
        text = text[:97] + "..."
    return f"cannot run it: {type(error).__name__}" + (f": {text}" if text else "")
