"""The bars of a device, and the text of docs/benchmarks-gpu.md, of the figures of one run."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .bars import Bar, worst
from .page import absences_of, bars_table, microseconds, table
from .rows import geometric_mean

LAUNCH = 5e-6  # seconds that a launch may take
NOT_MEASURED = "not measured"

INTRODUCTION = """\
# Benchmarks on a GPU

Written by `make gpu-bench`, in eight minutes on a machine with a device; what was not measured on one says
so. Arguments are on the device and results stay there, and a sample is several calls and one wait for the
last; figures are medians. JAX is `jit(grad)` of its idiomatic form or of the user's code, PyTorch its
idiomatic form by `torch.compile` or eager, whichever is fastest; gradients are compared before (to 1e-9).
Bandwidth counts the bytes that any program has to move, beside a copy in the same run. Launches are those
of kernels of ours.
"""

PEERS = {"JAX jit(grad)": ("JAX",), "PyTorch, compiled or eager": ("PyTorch", "torch")}
"""How the names of a peer's forms begin."""


def of(figures: Mapping[str, Any]) -> list[Bar]:
    """All bars, of the figures that there are by the names of steps."""
    return [
        bandwidth(figures.get("bandwidth", {})),
        *(contest(peer, figures.get("contest", [])) for peer in PEERS),
        ensembles(figures.get("ensembles", {}).get("times", {})),
        products(figures.get("products", {})),
        *overhead(figures.get("overhead", {})),
    ]


def bandwidth(found: Mapping[str, float]) -> Bar:
    shares = {who: 100.0 * rate / found["copy"] for who, rate in found.items() if who != "copy"}
    copy = f"copy {found['copy'] / 1e9:,.0f} GB/s, " if found else ""
    beside = copy + ", ".join(f"{who} {share:.0f} %" for who, share in shares.items())
    figure = "elementwise and reduction gradients of 1e8 elements, of a copy's bandwidth, each"
    return Bar(figure, min(shares.values(), default=math.nan), least=80.0, unit=" %", beside=beside)


def fastest(times: Mapping[str, float], beginnings: tuple[str, ...]) -> float | None:
    """Seconds of the fastest form of a peer."""
    return min((s for who, s in times.items() if who.startswith(beginnings)), default=None)


def contest(peer: str, rows: Sequence[Mapping[str, Any]]) -> Bar:
    """How many times as fast we are; a workload that we cannot do misses the bar."""
    ratios = {}
    for row in rows:
        theirs = fastest(row["times"], PEERS[peer])
        if theirs is not None:
            ratios[row["workload"]] = theirs / row["times"]["ours"] if "ours" in row["times"] else 0.0
    mean = 0.0 if 0.0 in ratios.values() else geometric_mean(ratios.values())
    beside = f"of {len(ratios)}: {worst(ratios, -1)}" if ratios else ""
    return Bar(f"{peer} / ours, vectorised, geometric mean", mean, least=1.0, unit=" x", beside=beside)


def ensembles(times: Mapping[str, float]) -> Bar:
    theirs = fastest(times, PEERS["JAX jit(grad)"])
    found = math.nan if theirs is None else theirs / times["ours"]
    figure = "jax.vmap of lax.scan / ours, gradient of RK4, 1e6 trajectories of 1,000 steps"
    return Bar(figure, found, least=10.0, unit=" x", beside=listed(times))


def products(times: Mapping[str, float]) -> Bar:
    found = 100.0 * times["products"] / times["gradient"] if times else math.nan
    figure = "perceptron of width 4096, cuBLAS for its products / gradient"
    return Bar(figure, found, least=90.0, unit=" %", beside=listed(times))


def overhead(found: Mapping[str, Mapping[str, float]]) -> list[Bar]:
    over = {name: f["call"] / (f["launches"] * LAUNCH) for name, f in found.items()}
    graphs = {name: 1e6 * f["graph"] for name, f in found.items()}
    launched = ", ".join(
        f"{name} {f['launches']:.0f} launches, {1e6 * f['call']:.1f} us" for name, f in found.items()
    )
    slowest = max(over.values(), default=math.nan)
    replayed = max(graphs.values(), default=math.nan)
    return [
        Bar("a small gradient / its launches of 5 us, each", slowest, most=3.0, unit=" x", beside=launched),
        Bar("a small gradient as a graph, each", replayed, most=30.0, unit=" us", beside=worst(graphs, 1)),
    ]


def listed(times: Mapping[str, float]) -> str:
    return ", ".join(f"{who} {1e3 * seconds:.3g} ms" for who, seconds in times.items())


# ---- the page ----


def contest_table(rows: Sequence[Mapping[str, Any]], names: Iterable[str]) -> str:
    """Microseconds by workload; one that was not reached has none."""
    found = {row["workload"]: row["times"] for row in rows}
    lines = []
    for name in names:
        times = found.get(name, {})
        theirs = (fastest(times, beginnings) for beginnings in PEERS.values())
        seconds = (times.get("ours"), *theirs)
        lines.append((name, *(microseconds(s) or NOT_MEASURED for s in seconds)))
    return table(("us", "ours", *PEERS), lines)


def ulps_table(found: Mapping[str, Mapping[str, float]], names: Iterable[str]) -> str:
    heading = ("ulp", "Numba", "CUDA", "Numba, of the largest", "CUDA, of the largest")
    keys = ("numba", "cuda", "numba, of the largest", "cuda, of the largest")
    return table(
        heading,
        [(n, *(units(found[n][k]) if n in found else NOT_MEASURED for k in keys)) for n in names],
    )


def units(ulps: float) -> str:
    return f"{ulps:,.0f}" if ulps >= 1000 else f"{ulps:.2g}" if ulps < 10 else f"{ulps:.0f}"


def text(run: Mapping[str, Any]) -> str:
    """The page of a run: its machine, its device or why it has none, figures, and what failed."""
    figures, machine = run["figures"], run["machine"]
    described = ", ".join(f"{what} {value}" for what, value in machine.items() if what != "date")
    device = run["device"] or f"{NOT_MEASURED}: {run['no_device']}"
    simulated = "in the simulator, at small sizes and with the processor's functions"
    where = "on the device" if run["device"] else simulated
    gone = absences_of(failures(run))
    parts = [
        INTRODUCTION,
        f"{machine['date']}: {described}. Device: {device}.\n",
        "## The bars\n",
        bars_table(of(figures)),
        "\n## Vectorised workloads\n",
        contest_table(figures.get("contest", []), run["names"]["contest"]),
        "\n## NumPy, Numba, CUDA\n",
        f"The largest difference from NumPy's gradients, CUDA's {where}:",
        "of each element in its own units in the last place, and in those of the largest of its array. An",
        "element near zero that is a difference of large ones may be many of its own away.\n",
        ulps_table(figures.get("ulps", {}), run["names"]["ulps"]),
        *(["\n## Who is missing, and why\n", gone] if gone else []),
    ]
    return "\n".join(parts) + "\n"


def failures(run: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Steps that failed, and contestants of the others: where, who, why."""
    figures = run["figures"]
    rows = [*figures.get("contest", []), {"workload": "RK4", **figures.get("ensembles", {})}]
    inside = [(row["workload"], who, why) for row in rows for who, why in row.get("failed", {}).items()]
    return [*((step, "all", why) for step, why in run["failed"].items()), *inside]
