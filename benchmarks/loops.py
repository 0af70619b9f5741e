"""Ten loops as users write them: their compiled gradients beside gradients written by hand.

For each kernel and size the user's function under a plain `@njit`, the gradient by hand, and ours take turns.
`net` is ours without what a call costs in Python: looking the program up, and taking its arguments apart.
Each kernel has a process of its own, and so has each compilation, with an empty cache folder.
"""

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import kernels
from measuring import fresh

OVER_HAND = 1.3
OVER_PRIMAL = 3.0
"""Or as much as 1.15 times what the gradient by hand costs, where that is more."""
COLD = 3.0  # seconds to compile


@dataclass(frozen=True)
class Row:
    """Medians of one kernel at one size, in seconds a call."""

    kernel: str
    n: int
    primal: float
    hand: float
    ours: float
    net: float

    @property
    def over_hand(self) -> float:
        return self.ours / self.hand

    @property
    def over_primal(self) -> float:
        return self.ours / self.primal

    @property
    def bar_over_primal(self) -> float:
        return max(OVER_PRIMAL, 1.15 * self.hand / self.primal)

    @property
    def met(self) -> bool:
        return self.over_hand <= OVER_HAND and self.over_primal <= self.bar_over_primal

    def __str__(self) -> str:
        times = (f"{seconds * 1e6:>12.1f}" for seconds in (self.primal, self.hand, self.ours, self.net))
        return (
            f"{self.kernel:14}{self.n:>10,}{''.join(times)}"
            f"{self.over_hand:>11.2f}{self.net / self.hand:>10.2f}"
            f"{self.over_primal:>14.2f} (bar {self.bar_over_primal:5.2f}){self.ours / self.n * 1e9:>9.2f}"
            f"{'' if self.met else '  missed'}"
        )


HEADING = (
    f"{'kernel':14}{'n':>10}{'primal us':>12}{'hand us':>12}{'ours us':>12}{'net us':>12}"
    f"{'ours/hand':>11}{'net/hand':>10}{'ours/primal':>14}{'':12}{'ns/n':>9}"
)


def measured(kernel, quick):
    """The rows of a kernel, from a process of its own."""
    sizes, seconds = (kernel.sizes[1::2], 0.3) if quick else (kernel.sizes, 1.5)
    found = fresh.run("measuring.gradients.timed", kernel.name, sizes, seconds)
    return [Row(kernel=kernel.name, **row) for row in found]


def linearity(rows):
    """How much an element costs at 100 n, where it costs 1 at n: ours, and by hand."""
    found = []
    for small, large in zip(rows, rows[2:], strict=False):
        per = [(getattr(large, who) / large.n) / (getattr(small, who) / small.n) for who in ("ours", "hand")]
        found.append(f"{small.n:,} to {large.n:,}: {per[0]:.2f} (by hand {per[1]:.2f})")
    return "; ".join(found)


def compile_times(kernel):
    """Seconds of the process to compile, at a small and at a large size."""
    return {n: fresh.run("measuring.gradients.compiled_in", kernel.name, n)["own"] for n in kernel.sizes[::2]}


def report(rows, compiling):
    """What the figures say beside the bars, kernel by kernel."""
    print(f"\n{'kernel':14}{'worst ours/hand':>16}{'net/hand':>10}{'cold, s (n)':>36}   an element at 100 n")
    for name in dict.fromkeys(row.kernel for row in rows):
        mine = [row for row in rows if row.kernel == name]
        cold = ", ".join(f"{seconds:.2f} ({n:,})" for n, seconds in compiling.get(name, {}).items())
        worst, net = max(r.over_hand for r in mine), max(r.net / r.hand for r in mine)
        print(f"{name:14}{worst:>16.2f}{net:>10.2f}{cold:>36}   {linearity(mine)}")
    seconds = {name: max(found.values()) for name, found in compiling.items()}
    over_primal = f"ours/primal <= max({OVER_PRIMAL:.0f}, 1.15 hand/primal)"
    missed = {
        f"ours/hand <= {OVER_HAND}": {row.kernel: None for row in rows if row.over_hand > OVER_HAND},
        over_primal: {row.kernel: None for row in rows if row.over_primal > row.bar_over_primal},
        f"compiled in {COLD:.0f} s": [name for name, longest in seconds.items() if longest > COLD],
    }
    for bar, by in missed.items():
        print(f"the bar of {bar} is {'missed by ' + ', '.join(by) if by else 'met'}")


@click.command(help=__doc__)
@click.option("--kernel", "names", multiple=True, type=click.Choice(kernels.NAMES), help="Only this one.")
@click.option("--quick", is_flag=True, help="Two sizes, few samples, no compile times.")
@click.option("--json", "file", type=click.Path(dir_okay=False, path_type=Path), help="Write figures here.")
def main(names, quick, file):
    rows, compiling, failed = [], {}, {}
    print(HEADING)
    for kernel in map(kernels.load, names or kernels.NAMES):
        try:
            rows += measured(kernel, quick)
            if not quick:
                compiling[kernel.name] = compile_times(kernel)
        except fresh.Failed as error:
            failed[kernel.name] = str(error)
            print(f"{kernel.name:14}failed: {error}", flush=True)
        for row in rows:
            if row.kernel == kernel.name:
                print(row, flush=True)
    report(rows, compiling)
    if file is not None:
        figures = {"rows": [asdict(row) for row in rows], "compile_seconds": compiling, "failed": failed}
        file.write_text(json.dumps(figures, indent=1) + "\n")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
