"""Adjoints under plans beside the same adjoints without: any Function, any plan, bit by bit.

What a plan may ask for is drawn at random: whole programs by a budget between the least and the most, by
Chen's rule, with everything run again or some of it, and loops by policies of their own.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from loop_oracle import arguments
from modes import floats

from adcompiler import pipeline
from adcompiler.backends import Compiled
from adcompiler.checkpointing.choice import Variant, choose
from adcompiler.checkpointing.plans import (
    POLICY,
    Budget,
    MaxExtra,
    Online,
    Snapshots,
    Sqrt,
    StoreAll,
    encoded,
)
from adcompiler.checkpointing.scheduled import ScheduledFunction
from adcompiler.ir.graph import Block, Eqn, Function
from adcompiler.ir.types import Sizes

POLICIES = [Snapshots(0), Snapshots(1), Snapshots(3), Sqrt(), StoreAll(), Online(0), Online(1), Online(4)]


@dataclass(frozen=True)
class Planned:
    """An adjoint, compiled without schedules and with."""

    plain: Compiled
    scheduled: ScheduledFunction
    compiled: Compiled

    def expected(self, args: Sequence[Any], sizes: Sizes) -> Sequence[Any]:
        """What it gives without schedules."""
        return self.plain.call(*args, *sizes.values())

    def run(self, args: Sequence[Any], sizes: Sizes, plan: Any, two_phase: bool = False) -> Sequence[Any]:
        """What it gives under a plan."""
        chosen = choose([self.variant(two_phase)], plan, sizes, 100.0)
        first = self.scheduled.first
        given = [*args[:first], *chosen.plans, *args[first:], *sizes.values(), *chosen.sizes]
        return self.compiled.call(*given)

    def variant(self, two_phase: bool) -> Variant:
        """The program for the choice of schedules: its memory is that of the pools."""
        loops = self.scheduled.loops
        pools = [(name, d.itemsize) for loop in loops for d, name in loop.pools.items()]
        taken = lambda s: sum(s[name] * size for name, size in pools)  # noqa: E731
        return Variant(loops, taken, lambda s: 0.0, lambda s: "are for its pools", two_phase)

    def random_plan(self, rng: random.Random, sizes: Sizes, two_phase: bool = False) -> Any:
        """A plan that is feasible at these sizes."""
        kind = rng.randrange(5)
        if kind < 2:
            variant = [self.variant(two_phase)]
            least = choose(variant, "recompute_all", sizes, 100.0).peak
            most = choose(variant, MaxExtra(0.0), sizes, 100.0).peak
            return Budget(max(least, rng.randint(least, max(least, most)), 1))
        return ["recompute_all", "sqrt", MaxExtra(rng.choice([0.0, 0.5, 10.0]))][kind - 2]


def planned(function: Function, residuals: str, backend: str) -> Planned:
    """The adjoint of a Function, all of whose loops run by schedules that can."""
    adjoint = pipeline.adjoint(function, floats(function), residuals)
    scheduled = pipeline.scheduled(adjoint, len(function.body.params), True, pipeline.Options())
    options = pipeline.Options.of(backend, parallel=False)
    plain = pipeline.compiled(adjoint, options)
    return Planned(plain, scheduled, pipeline.compiled(scheduled.function, options))


def marked(function: Function, rng: random.Random) -> Function:
    """The Function with policies at some of its loops."""

    def block(source: Block) -> Block:
        return replace(source, eqns=tuple(map(eqn, source.eqns)))

    def eqn(source: Eqn) -> Eqn:
        attrs = dict(source.attrs)
        if source.op.loop and rng.random() < 0.5:
            policies = POLICIES[-3:] if source.op.name == "while" else POLICIES
            attrs[POLICY] = encoded(rng.choice(policies))
        return replace(source, attrs=attrs, blocks=tuple(map(block, source.blocks)))

    return replace(function, body=block(function.body))


def hostile(function: Function, seed: int, sizes: Sizes) -> list[Any]:
    """Arguments among which are NaN, infinities and zeros of both signs."""
    rng = np.random.default_rng(seed)
    given = arguments(function, seed, sizes)
    for k, value in enumerate(given):
        if isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.size:
            spoilt = rng.random(value.shape) < 0.15
            value[spoilt] = rng.choice([np.nan, -0.0, 0.0, np.inf, -1.0], spoilt.sum())
            given[k] = value
    return given


def same_bits(found: Sequence[Any], expected: Sequence[Any]) -> bool:
    """Whether results are equal to the last bit: zeros of the same sign, NaN where NaN is."""
    pairs = zip(map(np.asarray, found), map(np.asarray, expected), strict=True)
    return all(a.dtype == b.dtype and a.shape == b.shape and _bits(a) == _bits(b) for a, b in pairs)


def _bits(array: np.ndarray[Any, Any]) -> bytes:
    """An array's bytes, with one NaN for all."""
    return np.where(np.isnan(array), np.full_like(array, np.nan), array).tobytes()
