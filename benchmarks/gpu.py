"""Figures of a device, beside JAX and PyTorch on it, and their bars, in less than eight minutes.

Each step has a process of its own and a limit, and docs/benchmarks-gpu.md is written after each: what was not
reached says "not measured". Without a device that is all but the differences between the backends, which the
simulator can tell.
"""

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import workloads
from measuring import device_contest, fresh
from reporting import on_device
from suite import DOCS, PACKAGES, surroundings

from adcompiler.benchmarking import device

ON_DEVICE = ("numba-cuda", "nvmath-python", "cupy")
"""Packages whose versions the page has beside those of the suite."""

BUDGET = 450.0
"""Seconds for all steps on a device."""

ENVIRONMENT = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"}  # JAX would take three quarters of the memory
SIMULATED = {"NUMBA_ENABLE_CUDASIM": "1"}
PATIENCE = 400.0
"""Seconds for the simulator."""


@dataclass(frozen=True)
class Step:
    """A function below measuring/, with what it is called, and the most seconds that it may take."""

    name: str
    function: str
    args: tuple[Any, ...]
    limit: float


def steps() -> Iterator[Step]:
    """All of them, the one with most rows last."""
    yield Step("bandwidth", "measuring.on_device.bandwidth", (4.0,), 60)
    yield Step("overhead", "measuring.on_device.overhead", (3.0,), 40)
    yield Step("products", "measuring.on_device.products", (3.0,), 40)
    yield Step("ensembles", "measuring.ensembles.measured", (5.0,), 80)
    yield Step("ulps", "measuring.ulps.measured", (20.0,), 50)
    for name, size in device_contest.LARGE.items():
        yield Step("contest", "measuring.device_contest.held", (name, size, 2.0), 45)


def simulated() -> Iterator[Step]:
    """What the simulator can tell."""
    yield Step("ulps", "measuring.ulps.measured", (0.8 * PATIENCE,), PATIENCE)


def measure(run: dict[str, Any], write: Any, budget: float = BUDGET) -> None:
    """Take the steps one after the other until the budget is spent, and write after each."""
    end = time.monotonic() + budget
    there = run["device"] is not None
    for step in steps() if there else simulated():
        left = end - time.monotonic()
        if left <= 0:
            run["failed"][f"{step.name} {step.args[0]}"] = "there was no time left"
            continue
        try:
            limit, environment = min(step.limit, left), ENVIRONMENT if there else SIMULATED
            found = fresh.run(step.function, *step.args, limit=limit, environment=environment)
        except fresh.Failed as error:
            run["failed"][f"{step.name} {step.args[0]}"] = str(error).splitlines()[-1]
        else:
            enter(run["figures"], step, found)
        write(run)


def enter(figures: dict[str, Any], step: Step, found: Any) -> None:
    """Figures by steps; the contest has one for each workload."""
    if step.name == "contest":
        figures.setdefault("contest", []).append(found)
    else:
        figures[step.name] = found


def begun() -> dict[str, Any]:
    """A run of which nothing is measured."""
    from adcompiler.backends.cuda.device import toolkit

    missing = device.absent()
    return {
        "machine": surroundings((*PACKAGES, *ON_DEVICE)),
        "device": ", ".join(toolkit.devices()) if missing is None else None,
        "no_device": missing,
        "figures": {},
        "failed": {},
        "names": {"contest": list(device_contest.LARGE), "ulps": workloads.gradients()},
    }


@click.command(help=__doc__)
@click.option("--page", type=click.Path(dir_okay=False, path_type=Path), default=DOCS / "benchmarks-gpu.md")
@click.option("--json", "file", type=click.Path(dir_okay=False, path_type=Path), help="Write figures here.")
def main(page: Path, file: Path | None) -> None:
    def write(run: dict[str, Any]) -> None:
        page.write_text(on_device.text(run))
        if file is not None:
            file.write_text(json.dumps(run, indent=1) + "\n")

    run = begun()
    write(run)
    print(f"device: {run['device'] or run['no_device']}", flush=True)
    try:
        measure(run, write)
    except KeyboardInterrupt:
        sys.exit(f"stopped: {page} has what was measured until then")
    for bar in on_device.of(run["figures"]):
        print(f"{bar.figure:85}{bar.bar:>10}{bar.value:>12}  {bar.verdict:18}{bar.beside}")
    for where, who, why in on_device.failures(run):
        print(f"{where}, {who}: {why}")
    sys.exit(bool(run["failed"]))


if __name__ == "__main__":
    main()
