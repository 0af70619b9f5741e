"""`adcompiler bench`: how long primal and gradient take, on several backends and beside peers."""

from __future__ import annotations

import importlib.util
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import click
import numpy as np

from adcompiler.backends import BACKENDS
from adcompiler.benchmarking import crossover, device, machine
from adcompiler.benchmarking.backends import Backend, Costs, Python
from adcompiler.benchmarking.measure import Patience, measured
from adcompiler.benchmarking.on_device import Cuda
from adcompiler.benchmarking.peers import PEERS
from adcompiler.benchmarking.workload import Missing, Runner, Workload
from adcompiler.ir.cost import Cost

from .measurements import NOT_MEASURED, Report, gibibytes
from .options import on_function, with_respect_to
from .sizes import read_named, read_sizes, size_text
from .target import load, requested
from .threads import Remembering, pinned, run_pinned
from .values import Examples

SIZES = "1e3:1e6"
INTERRUPTED = 130
ROOM = 2  # times what the gradient has alive at once

File = click.Path(dir_okay=False, writable=True)


@dataclass(frozen=True)
class Plan:
    """What is to be measured: a function, and its arguments as text."""

    target: str
    function: Callable[..., Any]
    args: tuple[str, ...]
    wrt: tuple[str, ...]
    sizes: Sequence[int | None]
    fixed: Mapping[str, int]
    seconds: float

    def workload(self, size: int | None, random: np.random.Generator | None) -> Workload:
        """Arguments of a size; without `random` they are zeros."""
        examples = Examples(dict(self.fixed), random, size)
        request = requested(self.target, self.function, self.args, examples)
        wrt = self.wrt or request.floats
        return Workload(self.function, request.parameters, request.values, wrt, size)


@click.command(cls=Remembering)
@on_function
@with_respect_to
@click.option(
    "--sizes",
    metavar="FROM:TO",
    help=f"Values of the sizes that have a name: 1e3:1e8, 1e3:1e8:x2, or 100,1e4.  [default: {SIZES}]",
)
@click.option("--size-of", "fixed", multiple=True, metavar="NAME=N", help="One size that stays what it is.")
@click.option("--backends", default="numba", show_default=True, help="Of numpy, numba, cuda.")
@click.option("--peers", default="", help="Of jax, torch, autograd.")
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    default=4.0,
    show_default=True,
    help="How long the calls at one size are timed.",
)
@click.option("--threads", type=click.IntRange(min=1), help="Run on so many cores.  [default: all]")
@click.option("--json", type=File, metavar="PATH", help="Where to write all figures, as JSON.")
@click.option("--png", type=File, metavar="PATH", help="Where to draw the times, as a log-log PNG.")
@click.pass_context
def bench(
    context: click.Context,
    target: str,
    args: tuple[str, ...],
    wrt: tuple[str, ...],
    sizes: str | None,
    fixed: tuple[str, ...],
    backends: str,
    peers: str,
    seconds: float,
    threads: int | None,
    json: str | None,
    png: str | None,
) -> None:
    """Measure primal and gradient of a function at several sizes.

    An argument may be a type, f64, f32[n, 3] or i64: then its values are random, between 0.25 and 0.75, and
    each named size takes the values of --sizes. Tracing, compiling (with an empty cache), the first call and
    later ones are timed apart; of these the table has the median and the distance of the quartiles. Results
    are compared before. A peer runs the function as it stands, its NumPy in place of NumPy. With cuda among
    the backends, copies to the device and back are timed apart, and the table has the size from which on the
    device is faster.

    Ctrl-C ends it with a table of what there is; the exit code is then 130.

    \b
    adcompiler bench examples/logistic_regression.py:loss --arg 'weights=[0.1, 0.2]' \\
        --arg temperature=f64[n] --arg damaged=f64[n] --sizes 1e3:1e6 --peers jax,autograd
    """
    if png is not None and importlib.util.find_spec("matplotlib") is None:
        raise click.UsageError("--png needs matplotlib: pip install 'adcompiler[plot]'")
    if threads is not None and not pinned(threads):
        raise SystemExit(run_pinned(context, threads))
    backends_chosen = _chosen("--backends", backends, tuple(BACKENDS))
    peers_chosen = _chosen("--peers", peers, tuple(PEERS))
    plan = _plan(target, args, wrt, sizes, read_named(fixed), seconds)
    if png is not None and plan.sizes == [None]:
        raise click.UsageError("--png draws times against a size, and no --arg has one with a name")
    with _empty_cache():
        report = _measured(plan, backends_chosen, peers_chosen)
    click.echo("\n".join(report.lines()))
    if json is not None:
        report.write_json(json)
    if png is not None:
        report.write_png(png)
    if report.interrupted:
        click.echo("interrupted: this is what was measured until then", err=True)
        raise SystemExit(INTERRUPTED)


# ---- what is asked for ----


def _chosen(option: str, text: str, known: Sequence[str]) -> list[str]:
    """The names in a list, each once."""
    names = list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    unknown = [name for name in names if name not in known]
    if unknown:
        raise click.UsageError(f"{option}: there is no {unknown[0]!r}; there are {', '.join(known)}")
    return names


def _plan(
    target: str,
    args: tuple[str, ...],
    wrt: tuple[str, ...],
    sizes: str | None,
    fixed: Mapping[str, int],
    seconds: float,
) -> Plan:
    """What is to be measured; without a size that has a name and is not fixed, at one size, None."""
    function = load(target)
    named = Examples(random=None)
    requested(target, function, args, named)
    unknown = [name for name in fixed if name not in named.sizes]
    if unknown:
        there = ", ".join(named.sizes) or "none"
        raise click.UsageError(f"--size-of: no --arg has a size `{unknown[0]}`; the named ones are {there}")
    free = named.sizes.keys() - fixed.keys()
    if sizes is not None and not free:
        raise click.UsageError("--sizes: no --arg has a size with a name, as x=f64[n] has")
    chosen: list[int | None] = [*read_sizes(sizes or SIZES)] if free else [None]
    return Plan(target, function, args, wrt, chosen, fixed, seconds)


# ---- measuring ----


@contextmanager
def _empty_cache() -> Iterator[None]:
    """A cache folder of this run alone, so that all that is compiled is compiled now."""
    name, before = "ADCOMPILER_CACHE_DIR", os.environ.get("ADCOMPILER_CACHE_DIR")
    with tempfile.TemporaryDirectory() as folder:
        os.environ[name] = folder
        try:
            yield
        finally:
            os.environ.pop(name)
            if before is not None:
                os.environ[name] = before


def _measured(plan: Plan, backends: Sequence[str], peers: Sequence[str]) -> Report:
    """Everything, or what there is of it when Ctrl-C is pressed."""
    known = machine.describe((*machine.PACKAGES, *peers))
    report = Report(plan.target, plan.args, known, machine.measured(machine.cores()))
    if crossover.DEVICE in backends:
        report.no_device = device.absent()
        report.device = device.measured() if report.no_device is None else None
    wrt, patience = plan.workload(plan.sizes[0], None).wrt, Patience()
    ours = (_backend(n, plan.function, wrt, report.no_device) for n in backends)
    runners = [Python(), *ours, *map(_peer, peers)]
    try:
        for workload, costs in _workloads(plan, wrt, report):
            for row in measured(workload, runners, costs, plan.seconds, patience):
                report.rows.append(row)
    except KeyboardInterrupt:
        report.interrupted = True
    return report


def _workloads(
    plan: Plan, wrt: Sequence[str], report: Report
) -> Iterator[tuple[Workload, Mapping[str, Cost]]]:
    """The sizes that fit into memory, with what they cost; the report is told of the others."""
    random, costs = np.random.default_rng(0), Costs(plan.function, wrt)
    for size in plan.sizes:
        try:
            blank = plan.workload(size, None)
            found = costs.of(blank)
            _check_memory(ROOM * found["gradient"].alive, machine.available())
        except MemoryError as error:
            report.skipped.append(f"size {size_text(size)} is skipped: {error}")
            continue
        report.exact &= all(cost.exact for cost in found.values())
        yield replace(plan.workload(size, random), writes=costs.writes(blank)), found


def _check_memory(needed: int, free: int) -> None:
    if needed > free:
        raise MemoryError(f"it needs about {gibibytes(needed)}, and {gibibytes(free)} are available")


def _backend(
    name: str, function: Callable[..., Any], wrt: Sequence[str], no_device: str | None
) -> Runner:
    if name != crossover.DEVICE:
        return Backend(name, function, wrt)
    return Cuda(name, function, wrt) if no_device is None else Missing(name, f"{NOT_MEASURED}: {no_device}")


def _peer(name: str) -> Runner:
    try:
        return PEERS[name]()
    except ImportError as error:
        return Missing(name, f"not there: {error}; pip install 'adcompiler[bench]'")
