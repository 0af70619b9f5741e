"""The bars, and whether they are met: on one thread, as ratios of one run."""

import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from .rows import Row, geometric_mean

GROUPS = {"kernel": 2.0, "BLAS": 1.0, "call": 3.0}
SLOWER = 1.1
PUBLISHED = {
    "logsumexp large": 1.12,
    "gmm large": 3.9,
    "kmeans large": 1.1,
    "least_squares large": 1.44,
    "diagonal_lstm medium": 2.8,
    "ode medium": 3.3,
}
"""Gradient over primal in GradBench's evals, at these sizes: of C++ by hand (the first three), of Enzyme."""


@dataclass(frozen=True)
class Bar:
    """A figure and what it should be: `most` where less is better, `least` where more is."""

    figure: str
    found: float
    most: float = math.inf
    least: float = -math.inf
    unit: str = ""
    beside: str = ""

    @property
    def met(self) -> bool:
        return self.least <= self.found <= self.most

    @property
    def value(self) -> str:
        return "" if math.isnan(self.found) else f"{self.found:.2f}{self.unit}"

    @property
    def verdict(self) -> str:
        if math.isnan(self.found):
            return "not measured"
        bar = self.most if self.most < math.inf else self.least
        if self.met or not bar:
            return "met" if self.met else "missed"
        return f"missed, {max(self.found / bar, bar / self.found) if self.found > 0 else math.inf:.2f} x"

    @property
    def bar(self) -> str:
        sign, bar = ("<=", self.most) if self.most < math.inf else (">=", self.least)
        return f"{sign} {bar:g}{self.unit}"


def of(rows: Sequence[Row], figures: dict[str, Any]) -> list[Bar]:
    """All bars, of the rows on one thread."""
    single = [row for row in rows if row.threads == "one"]
    return [
        *against_jax(single),
        mean("PyTorch eager / ours", single, lambda r: r.over(r.median("PyTorch")), least=5.0),
        mean("ours / by hand", single, lambda r: inverse(r.over(r.median("hand"))), most=1.15),
        against_published(single),
        *gradient_and_primal(single),
        *bandwidth(figures.get("bandwidth")),
        *calls(single),
        *compiling(single),
        *second_process(figures.get("second_process")),
        *shapes(figures.get("shapes")),
    ]


def inverse(x: float | None) -> float | None:
    return None if x is None else 1.0 / x


Ratio = Callable[[Row], float | None]


def ratios(rows: Iterable[Row], ratio: Ratio) -> dict[str, float]:
    found = {row.label: ratio(row) for row in rows}
    return {label: value for label, value in found.items() if value is not None}


def worst(found: dict[str, float], sign: int, count: int = 3) -> str:
    """The farthest from their bar: the largest with sign 1, the smallest with -1."""
    order = sorted(found, key=lambda label: -sign * found[label])[:count]
    return ", ".join(f"{label} {found[label]:.2f}" for label in order)


def mean(
    figure: str, rows: Iterable[Row], ratio: Ratio, most: float = math.inf, least: float = -math.inf
) -> Bar:
    """A geometric mean; the rows where it is worst stand beside."""
    found = ratios(rows, ratio)
    beside = worst(found, 1 if most < math.inf else -1)
    return Bar(f"{figure}, geometric mean", geometric_mean(found.values()), most, least, " x", beside)


def extreme(figure: str, rows: Iterable[Row], ratio: Ratio, most: float = math.inf) -> Bar:
    """The largest; all rows above the bar stand beside."""
    found = ratios(rows, ratio)
    beside = worst({label: value for label, value in found.items() if value > most}, 1, len(found))
    return Bar(f"{figure}, each", max(found.values(), default=math.nan), most, unit=" x", beside=beside)


def against_jax(rows: Sequence[Row]) -> list[Bar]:
    bars = []
    for group, least in GROUPS.items():
        mine = [row for row in rows if row.group == group and row.counts]
        bars.append(mean(f"JAX jit(grad) / ours, {group}-bound", mine, lambda r: r.over(r.jax), least=least))
    return [*bars, extreme("ours / JAX jit(grad)", rows, lambda r: inverse(r.over(r.jax)), most=SLOWER)]


def against_published(rows: Sequence[Row]) -> Bar:
    """Whether what is written by hand is worth comparing with."""
    known = [row for row in rows if row.label in PUBLISHED]

    def ratio(row: Row) -> float:
        return row.times["hand"]["median"] / row.times["primal, hand"]["median"] / PUBLISHED[row.label]

    return extreme("by hand, gradient / primal over what is published", known, ratio, most=1.3)


def gradient_and_primal(rows: Sequence[Row]) -> list[Bar]:
    def gradient(row: Row) -> float | None:
        return inverse(row.over(row.median("primal, ours")))

    def primal(row: Row) -> float | None:
        ours, hand = row.median("primal, ours"), row.median("primal, hand")
        return None if ours is None or hand is None else ours / hand

    return [
        mean("gradient / own primal", rows, gradient, most=2.5),
        extreme("gradient / own primal", rows, gradient, most=4.0),
        mean("primal / primal by hand", rows, primal, most=1.1),
        extreme("primal / primal by hand", rows, primal, most=1.1),
    ]


def bandwidth(found: dict[str, float] | None) -> list[Bar]:
    if not found:
        return []
    shares = {who: 100.0 * rate / found["copy"] for who, rate in found.items() if who != "copy"}
    ours = {who: share for who, share in shares.items() if "," not in who}
    beside = ", ".join(f"{who} {share:.0f} %" for who, share in shares.items())
    figure = "bandwidth of elementwise gradients with out=, of a copy's"
    return [Bar(figure, min(ours.values()), least=80.0, unit=" %", beside=beside)]


def calls(rows: Sequence[Row]) -> list[Bar]:
    return [
        Bar(
            "a call, three floats",
            row.times["ours"]["median"] * 1e6,
            most=3.0,
            unit=" us",
            beside=f"JAX {row.jax * 1e6:.1f} us" if row.jax else "",
        )
        for row in rows
        if row.workload == "three_scalars" and "ours" in row.times
    ]


def compiling(rows: Sequence[Row]) -> list[Bar]:
    ours = ratios(rows, lambda r: r.compile_seconds("ours"))
    jax = ratios(rows, lambda r: r.compile_jax)
    shared = {label: ours[label] / jax[label] for label in ours if label in jax}
    above = worst({label: seconds for label, seconds in ours.items() if seconds > 5.0}, 1, len(ours))
    middle, longest = median(shared), max(ours.values(), default=math.nan)
    beside = f"ours {median(ours):.2f} s, JAX {median(jax):.2f} s"
    return [
        Bar("compiling, cold / JAX's, median", middle, most=2.0, unit=" x", beside=beside),
        Bar("compiling, cold, each", longest, most=5.0, unit=" s", beside=above),
    ]


def median(found: dict[str, float]) -> float:
    return statistics.median(found.values()) if found else math.nan


def second_process(found: dict[str, float] | None) -> list[Bar]:
    if not found:
        return []
    return [
        Bar(
            "second process, first gradient beyond a cached Numba kernel",
            found["ours"] - found["numba"],
            most=0.35,
            unit=" s",
            beside=f"{found['ours']:.2f} s and {found['numba']:.2f} s",
        ),
        Bar("second process, compilations", found["compilations"], most=0.0),
    ]


def shapes(found: dict[str, int] | None) -> list[Bar]:
    if not found:
        return []
    beside = ", ".join(f"{dtype} {count}" for dtype, count in found.items())
    return [Bar("compilations for 100 shapes, a dtype", max(found.values()), most=1.0, beside=beside)]
