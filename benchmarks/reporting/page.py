"""The text of docs/benchmarks.md, of the figures of one run."""

from collections.abc import Iterable, Sequence

from .bars import Bar
from .rows import Row

INTRODUCTION = """\
# Benchmarks

Written by `benchmarks/suite.py --docs`, on one machine. Ratios mean something, absolute times
little. What is measured are the workloads of `benchmarks/workloads`, plain NumPy as people write it, in
float64. All contestants of a row run in one process and in turn, after their gradients were compared (to
1e-9); figures are medians of 21 samples or more (of 3 where a call takes more than 0.3 s and ten times that
by hand). On one thread the process is bound to one core, and the clock is its processor time; on all it is
the wall's.

By hand is a Numba adjoint as an expert writes it (`benchmarks/hand`), with the options that adcompiler
compiles with, committed before the compiler was tuned on it. JAX is `jit(grad)`, the best of its idiomatic
form and the user's own code, from NumPy's arrays and from its own. PyTorch is eager, in its idiomatic form;
HIPS autograd runs the user's code. A workload is call-bound where the gradient by hand takes less than 50
us, BLAS-bound where BLAS is more than half of the fastest primal; the others are kernels, and count at
medium and large size.
"""


def table(heading: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A table of Markdown, first column to the left, numbers to the right."""
    rule = [":--"] + ["--:"] * (len(heading) - 1)
    return "\n".join("| " + " | ".join(line) + " |" for line in [heading, rule, *lines])


def microseconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds * 1e6:,.1f}" if seconds < 1e-3 else f"{seconds * 1e6:,.0f}"


def bars_table(bars: Sequence[Bar]) -> str:
    lines = [[b.figure, b.bar, b.value, b.verdict, b.beside] for b in bars]
    return table(("figure", "bar", "found", "", "beside"), lines)


def rows_table(rows: Sequence[Row]) -> str:
    heading = ("us", "group", "primal", "ours", "IQR", "by hand", "JAX", "PyTorch", "autograd", "BLAS")
    lines = []
    for row in rows:
        ours = row.times.get("ours", {})
        spread = ours["upper"] - ours["lower"] if ours else None
        names = ("hand", "PyTorch", "HIPS autograd")
        hand, torch, hips = (microseconds(row.median(who)) for who in names)
        primal, gradient = (microseconds(row.median(who)) for who in ("primal, ours", "ours"))
        share = f"{100 * row.blas_share:.0f} %" if row.blas_share else ""
        middle = (primal, gradient, microseconds(spread), hand, microseconds(row.jax), torch, hips)
        lines.append((row.label, row.group, *middle, share))
    return table(heading, lines)


def compile_table(rows: Sequence[Row]) -> str:
    """Seconds to trace and compile, and of the whole first call; of JAX, the form that is first."""
    lines = []
    for row in rows:
        jax = [who for who in row.stages if who.startswith("JAX") and row.stages[who]]
        best = min(jax, key=lambda who: row.compile_seconds(who) or 0.0, default=None)
        parts = [row.stages.get(who or "", {}) for who in ("ours", best)]
        stages = [(part, stage) for part in parts for stage in ("trace", "compile", "first")]
        cells = [f"{part[stage]:.2f}" if part else "" for part, stage in stages]
        lines.append((row.label, *cells, best or ""))
    heading = ("s", "trace", "compile", "first call", "JAX: trace", "compile", "first call", "which form")
    return table(heading, lines)


def absences(rows: Sequence[Row]) -> str:
    """Who did not take part, or failed, and why."""
    gone = ((row.workload, {**row.left_out, **row.failed}) for row in rows)
    return absences_of((workload, who, why) for workload, whys in gone for who, why in whys.items())


def absences_of(found: Iterable[tuple[str, str, str]]) -> str:
    """Where, who and why, a line each, none twice."""
    return "\n".join(dict.fromkeys(f"- {where}, {who}: {why}" for where, who, why in found))


def text(rows: Sequence[Row], bars: Sequence[Bar], machine: dict[str, str]) -> str:
    described = ", ".join(f"{what} {value}" for what, value in machine.items() if what != "date")
    parts = [
        INTRODUCTION,
        f"{machine['date']}: {described}.\n",
        "![times of gradients](benchmarks.png)\n",
        "## The bars\n",
        bars_table(bars),
    ]
    for threads in ("one", "all"):
        mine = [row for row in rows if row.threads == threads]
        if mine:
            heading = {"one": "one thread", "all": "all threads"}[threads]
            parts += [f"\n## Microseconds a call, {heading}\n", rows_table(mine)]
    single = [row for row in rows if row.threads == "one"]
    parts += ["\n## Seconds to the first gradient, with an empty cache\n", compile_table(single)]
    gone = absences(rows)
    if gone:
        parts += ["\n## Who is missing, and why\n", gone]
    return "\n".join(parts) + "\n"
