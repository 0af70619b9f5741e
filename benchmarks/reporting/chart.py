"""One picture: how long each contestant takes, in units of the gradient by adcompiler."""

from collections.abc import Sequence
from pathlib import Path

from .rows import Row

CONTESTANTS = {"by hand": "o", "JAX, best": "s", "PyTorch": "^", "HIPS autograd": "v"}


def ratios(row: Row) -> dict[str, float | None]:
    times = {
        "by hand": row.median("hand"),
        "JAX, best": row.jax,
        "PyTorch": row.median("PyTorch"),
        "HIPS autograd": row.median("HIPS autograd"),
    }
    return {who: row.over(time) for who, time in times.items()}


def draw(rows: Sequence[Row], path: Path) -> None:
    """Workloads by group, one line each; left of the line of 1 is faster than we are."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    rows = sorted((r for r in rows if r.threads == "one" and r.median("ours")), key=lambda r: r.group)
    figure, axes = plt.subplots(figsize=(9, 1.5 + 0.24 * len(rows)), layout="constrained")
    heights = range(len(rows), 0, -1)
    found = [ratios(row) for row in rows]
    for who, marker in CONTESTANTS.items():
        points = [(r[who], height) for r, height in zip(found, heights, strict=True) if r[who] is not None]
        if points:
            axes.scatter(*zip(*points, strict=True), marker=marker, s=28, label=who, zorder=3)
    axes.axvline(1.0, color="black", linewidth=1.2)
    axes.set_xscale("log")
    axes.set_yticks(list(heights), [f"{row.label}  ({row.group})" for row in rows], fontsize=8)
    axes.set_ylim(0.3, len(rows) + 0.7)
    axes.grid(alpha=0.3)
    axes.set_xlabel("time of a gradient / adcompiler's, one thread (right of 1: adcompiler is faster)")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(CONTESTANTS), frameon=False)
    figure.savefig(path, dpi=130)
    plt.close(figure)
