"""All workloads: adcompiler beside gradients by hand, JAX, PyTorch and HIPS autograd, and the bars.

Each workload at each size has a process of its own, with an empty cache folder; peers that are not installed
are left out. `--docs` writes docs/benchmarks.md, its picture and its figures. For Linux.
"""

import datetime
import json
import os
import sys
from pathlib import Path

import click
import workloads
from measuring import fresh
from reporting import bars, chart, page
from reporting.rows import Row

from adcompiler.benchmarking import machine

DOCS = Path(__file__).parent.parent / "docs"
SIZES = ("small", "medium", "large")
THREADS = ("one", "all")
PACKAGES = ("adcompiler", "numba", "llvmlite", "numpy", "scipy", "jax", "torch", "autograd")
PEERS = ("jax", "torch", "autograd")
POOLS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
ONE_IN_XLA = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"


def pin(threads, cores):
    """Let processes that start from now on use one core, or all `cores`."""
    chosen = {min(cores)} if threads == "one" else cores
    os.sched_setaffinity(0, chosen)
    os.environ.update(dict.fromkeys(POOLS, str(len(chosen))))
    os.environ["XLA_FLAGS"] = ONE_IN_XLA if threads == "one" else ""


def measured(names, sizes, threads, peers, seconds):
    """What rows are made of, one after the other, and which processes failed."""
    rows, failed = [], {}
    for name in names:
        for size in workloads.load(name).sizes:
            if size not in sizes:
                continue
            try:
                found = fresh.run("measuring.contest.held", name, size, peers, threads, seconds)
            except fresh.Failed as error:
                failed[f"{name} {size}, {threads}"] = str(error)
                print(f"{name} {size}: failed: {error}", flush=True)
                continue
            rows.append({"threads": threads, **found})
            print(line(Row(**rows[-1])), flush=True)
    return rows, failed


def line(r: Row) -> str:
    """A row for the terminal."""
    times = {"ours": r.median("ours"), "hand": r.median("hand"), "JAX": r.jax, "PyTorch": r.median("PyTorch")}
    cells = "".join(f"{who:>9}{page.microseconds(t):>12}" for who, t in times.items() if t is not None)
    failed = "".join(f"\n    {who}: {why}" for who, why in r.failed.items())
    return f"{r.label:30}{r.group:8}us:{cells}{failed}"


def beside(quick):
    """Figures that are not of a workload."""
    return {
        "bandwidth": fresh.run("measuring.bandwidth.measured", "one", 2.0 if quick else 20.0),
        "second_process": fresh.run("measuring.second_process.measured", "softmax_cross_entropy"),
        "shapes": fresh.run("measuring.shapes.compiled"),
    }


def a_run(names, sizes, threads, quick):
    """All that is written to a file: where, the rows, figures beside them, and which processes failed."""
    cores = os.sched_getaffinity(0)
    here = PEERS[: 1 if quick else None]
    run = {"machine": surroundings(), "rows": [], "figures": {}, "failed": {}}
    for number in threads:
        pin(number, cores)
        chosen = sizes or (("small",) if quick else SIZES)
        rows, failed = measured(names or workloads.NAMES, chosen, number, here, 0.5 if quick else 3.0)
        run["rows"] += rows
        run["failed"] |= failed
        if number == "one" and not names:
            run["figures"] = beside(quick)
    return run


def surroundings(packages=PACKAGES):
    """Machine, versions, and the day."""
    found = machine.describe(packages)
    about = {"processor": found.cpu, "cores": str(found.cores), "system": found.system, **found.versions}
    return {**about, "date": datetime.date.today().isoformat()}


def report(rows, figures):
    """Print the bars."""
    found = bars.of(rows, figures)
    print()
    for b in found:
        print(f"{b.figure:62}{b.bar:>10}{b.value:>12}  {b.verdict:18}{b.beside}")
    return found


@click.command(help=__doc__)
@click.option("--workload", "names", multiple=True, type=click.Choice(workloads.NAMES), help="Only this one.")
@click.option("--size", "sizes", multiple=True, type=click.Choice(SIZES), help="Only this one.")
@click.option("--threads", multiple=True, type=click.Choice(THREADS), help="Only this.")
@click.option("--quick", is_flag=True, help="Small sizes, one thread, no peers but JAX.")
@click.option("--json", "file", type=click.Path(dir_okay=False, path_type=Path), help="Write figures here.")
@click.option("--png", type=click.Path(dir_okay=False, path_type=Path), help="Draw the picture here.")
@click.option(
    "--read", type=click.Path(exists=True, path_type=Path), help="Figures of an earlier run: measure none."
)
@click.option("--docs", is_flag=True, help="Write docs/benchmarks.md, its picture and its figures.")
def main(names, sizes, threads, quick, file, png, read, docs):
    if read:
        run = json.loads(read.read_text())
    else:
        run = a_run(names, sizes, threads or THREADS[: 1 if quick else None], quick)
    rows = [Row(**found) for found in run["rows"]]
    found = report(rows, run["figures"])
    if docs:
        (DOCS / "benchmarks.md").write_text(page.text(rows, found, run["machine"]))
    for path in filter(None, (file, docs and DOCS / "benchmarks.json")):
        path.write_text(json.dumps(run, indent=1) + "\n")
    for path in filter(None, (png, docs and DOCS / "benchmarks.png")):
        chart.draw(rows, path)
    sys.exit(bool(run["failed"]))


if __name__ == "__main__":
    main()
