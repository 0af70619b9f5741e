"""One workload at one size on so many threads, and its ratios."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

CALL_BOUND = 50e-6  # seconds of the gradient by hand, below which a call is mostly a call
BLAS_BOUND = 0.5  # of the fastest primal
PRIMALS = ("primal, ours", "primal, hand", "primal, NumPy")


@dataclass(frozen=True)
class Row:
    """`times` are medians and quartiles in seconds by contestant; `stages` those of compilers."""

    workload: str
    size: str
    threads: str
    times: dict[str, dict[str, float]]
    stages: dict[str, dict[str, float]]
    failed: dict[str, str]
    left_out: dict[str, str]

    @property
    def label(self) -> str:
        return f"{self.workload} {self.size}"

    def median(self, who: str) -> float | None:
        return self.times[who]["median"] if who in self.times else None

    @property
    def jax(self) -> float | None:
        """JAX's best: of its form and the user's, of NumPy's arrays and its own."""
        found = [timing["median"] for who, timing in self.times.items() if who.startswith("JAX")]
        return min(found, default=None)

    def over(self, other: float | None) -> float | None:
        """How many times as fast we are."""
        ours = self.median("ours")
        return None if other is None or ours is None else other / ours

    @property
    def blas_share(self) -> float:
        """Of the fastest primal, whoever's."""
        fastest = min(self.times[who]["median"] for who in PRIMALS if who in self.times)
        return (self.median("BLAS") or 0.0) / fastest

    @property
    def group(self) -> str:
        """Measured, not chosen."""
        if self.times["hand"]["median"] < CALL_BOUND:
            return "call"
        return "BLAS" if self.blas_share > BLAS_BOUND else "kernel"

    @property
    def counts(self) -> bool:
        """Whether it counts in its group: kernels at medium and large size."""
        return self.group != "kernel" or self.size != "small"

    def compile_seconds(self, who: str) -> float | None:
        """From the function to its first gradient, without what a later call takes."""
        found = self.stages.get(who)
        return found["first"] - self.times[who]["median"] if found else None

    @property
    def compile_jax(self) -> float | None:
        """Of that form of JAX's that is compiled first."""
        found = [self.compile_seconds(who) for who in self.stages if who.startswith("JAX")]
        return min((seconds for seconds in found if seconds is not None), default=None)


def geometric_mean(values: Iterable[float]) -> float:
    found = list(values)
    return math.exp(sum(map(math.log, found)) / len(found)) if found else math.nan
