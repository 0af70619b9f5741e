"""The whole compiler, top to bottom.

    user's function ── capture ──▶ trace ── simplify, cse, dce ──▶ primal
    primal ── reverse ──▶ adjoint ── select ──▶ gradient          primal ── forward ──▶ tangent
    adjoint, gradient ── reversible, schedule ──▶ variants that a plan chooses from
    any of these ── finish ── backend ──▶ callable          finished ── rematerialise ──▶ variants of it

Every pass is a function from Function to Function. After each one the verifier runs if `ADCOMPILER_CHECK=1`,
and whoever watches is shown the result under the pass's name. What is compiled is verified always: that costs
milliseconds, and a pass that went wrong must not become a number.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

from .backends import BACKENDS, Compiled, compile_function
from .backends import Options as BackendOptions
from .backends.cuda.device.pinned import Pinned
from .backends.stored import stored
from .checkpointing.abstraction import EveryArray
from .checkpointing.lowering import schedule
from .checkpointing.plans import Budget, Plan, checked
from .checkpointing.rematerialise import variants
from .checkpointing.reversible import run_back
from .checkpointing.scheduled import ScheduledFunction
from .ir.check import verify
from .ir.errors import ArgumentError
from .ir.graph import Function, count
from .ir.halves import widened
from .ir.types import Sizes
from .transforms.cse import cse
from .transforms.dce import dce
from .transforms.factorisations import share_factors
from .transforms.forward import forward
from .transforms.inline import inline
from .transforms.reverse import reverse
from .transforms.select import select
from .transforms.simplify import simplify
from .warmup import in_background

Watcher = Callable[[str, Function], None]
MOST_TURNS = 4

_WATCHERS: ContextVar[tuple[Watcher, ...]] = ContextVar("watchers", default=())

WARMUPS = ("call", "background")
"""Whether a call waits until it is compiled, or NumPy may answer meanwhile."""


@dataclass(frozen=True)
class Options:
    """What a user may choose: see `adcompiler.adjoint`."""

    backend: str = "numba"
    plan: Plan = "auto"
    fastmath: bool = False
    parallel: bool = True
    threads: int | None = None
    deterministic: bool = True
    graphs: bool = False
    warmup: str = "call"

    def __post_init__(self) -> None:
        checked(self.plan)
        if self.backend not in BACKENDS:
            raise ArgumentError(
                f"there is no backend {self.backend!r}", hint="use one of " + ", ".join(BACKENDS)
            )
        if self.threads is not None and (type(self.threads) is not int or self.threads < 1):
            raise ArgumentError(
                f"threads={self.threads!r} is no number of threads",
                hint="pass a positive int, or None for as many as there are; parallel=False for one",
            )
        if self.graphs and self.backend != "cuda":
            raise ArgumentError(
                f"graphs=True is for GPUs, and the backend is {self.backend!r}", hint='choose backend="cuda"'
            )
        if self.warmup not in WARMUPS:
            raise ArgumentError(
                f"there is no warmup {self.warmup!r}", hint="use one of " + ", ".join(WARMUPS)
            )

    @staticmethod
    def of(backend: str | None = None, **others: Any) -> Options:
        """Options; the environment names the default backend."""
        return Options(backend or os.environ.get("ADCOMPILER_BACKEND", "numba"), **others)


# ---- the stages ----


def primal(trace: Function) -> Function:
    """What the user's function computes; derivatives are taken of this."""
    return _optimised(_after("widen", widened(_after("trace", trace), products=False)), "simplified")


def adjoint(trace: Function, wrt: Sequence[int], residuals: str, of: Sequence[int] | None = None) -> Function:
    """Parameters and cotangents of the results `of`, by default of all floats, to results and cotangents of
    the parameters in `wrt`.
    """
    return _optimised(_after("reverse", reverse(primal(trace), wrt, residuals, of)), "adjoint")


def tangent(trace: Function, wrt: Sequence[int]) -> Function:
    """Parameters and a tangent for each in `wrt`, to results and a tangent for each float result."""
    return _optimised(_after("forward", forward(primal(trace), wrt)), "tangent")


def gradient(
    trace: Function, wrt: Sequence[int], output: int, residuals: str, values: Sequence[int]
) -> Function:
    """The results in `values`, then the gradient of the scalar result `output` with respect to `wrt`."""
    whole = adjoint(trace, wrt, residuals, [output])
    results, params = len(trace.body.results), len(trace.body.params)
    seeds = {params: 1.0}
    chosen = [*values, *range(results, results + len(wrt))]
    return _optimised(_after("select", select(whole, chosen, seeds, f"{trace.name}_grad")), "gradient")


def scheduled(
    function: Function, first: int, every: bool, options: Options
) -> ScheduledFunction:
    """The Function whose loops run by schedules: see `checkpointing.lowering.schedule`."""
    budget = options.plan if isinstance(options.plan, Budget) else None
    host = Pinned() if options.backend == "cuda" else None
    found = schedule(_after("inline", inline(function)), first, every, budget, host)
    if not found.loops:
        return replace(found, function=function)
    return replace(found, function=_optimised(_after("schedule", found.function), "scheduled"))


def reversible(function: Function) -> Function:
    """The Function whose loops run back by the inverses that they have, and no inverse is left over."""
    found = run_back(function)
    return function if found is function else _optimised(_after("inverses", found), "reversible")


def finished(function: Function) -> Function:
    """What a backend is given for a Function."""
    shared = _after("factorisations", share_factors(reversible(function)))
    return dce(widened(_after("inline", inline(shared))))


def rematerialised(whole: Function, sizes: Sizes, most: int, options: Options) -> list[Function]:
    """So many programs at most that do what a finished one does and take less memory at these sizes, the
    lowest first; see `checkpointing.rematerialise`."""
    storage = stored if options.backend == "numba" else EveryArray
    found = [v.function for v in variants(whole, sizes, storage, most=most + 1)]
    return [_after("rematerialise", f) for f in found if f is not whole]


def compiled(function: Function, options: Options, carve: bool = True) -> Compiled:
    """A callable for a Function; `carve`: see the options of backends."""
    backend = BackendOptions(
        options.fastmath, options.parallel, options.threads, carve, options.deterministic, options.graphs
    )
    whole = finished(function)
    verify(whole)
    found = compile_function(whole, options.backend, backend)
    if options.warmup == "background" and options.backend == "numba":
        return in_background(whole, found, compile_function(whole, "numpy", backend))
    return found


def _optimised(function: Function, name: str) -> Function:
    """Rewriting, sharing and removing; once more, since each makes room for the others, and again as long as
    equations become fewer."""
    for turn in range(MOST_TURNS):
        before = count(function.body)
        function = _after("simplify", simplify(function))
        function = _after("cse", cse(function))
        function = _after("dce", dce(function))
        if turn and count(function.body) == before:
            break
    return _after(name, function)


# ---- checking and watching ----


def _after(name: str, function: Function) -> Function:
    if os.environ.get("ADCOMPILER_CHECK") == "1":
        verify(function)
    for watcher in _WATCHERS.get():
        watcher(name, function)
    return function


@contextmanager
def watching(watcher: Watcher) -> Iterator[None]:
    """Call `watcher(name, function)` after every pass."""
    token = _WATCHERS.set((*_WATCHERS.get(), watcher))
    try:
        yield
    finally:
        _WATCHERS.reset(token)
