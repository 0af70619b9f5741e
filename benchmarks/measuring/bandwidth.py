"""Bytes that gradients of elementwise functions move in a second, beside a copy; run in a fresh process.

The copy is STREAM's (McCalpin 1995), compiled by Numba. It is into an array that is there, as a gradient with
`out=` is, and into a fresh one, as results of gradients are otherwise: its pages the system hands out first.
"""

import time
from functools import partial

import hand
import numpy as np
import workloads

from adcompiler import adjoint
from adcompiler.benchmarking import clock, machine

SIZE = 30_000_000  # elements: more than caches hold
MOVED = 24  # bytes an element: two read, one written
COPIED = 16
KERNELS = ("mse", "affine_fit")


def measured(threads: str, seconds: float) -> dict[str, float]:
    """Bytes a second, by name."""
    now = time.process_time if threads == "one" else time.perf_counter
    source = np.random.default_rng(0).normal(size=SIZE)
    copy = machine.copy_loop(1)
    calls = {
        "copy": partial(copy, np.ones(SIZE), source),
        "copy, fresh": lambda: copy(np.empty(SIZE), source),
    }
    moved = dict.fromkeys(calls, COPIED)
    for name in KERNELS:
        workload = workloads.load(name)
        args = workload.arguments(SIZE)
        gradient = adjoint(workload.function, workload.argnums)
        calls[name] = partial(gradient, *args, out=like(gradient(*args)))
        calls[f"{name}, fresh"] = partial(gradient, *args)
        calls[f"{name}, hand, fresh"] = partial(hand.load(name), *args)
        moved |= {who: MOVED for who in (name, f"{name}, fresh", f"{name}, hand, fresh")}
    times = clock.in_turn(calls, seconds, now)
    return {who: moved[who] * SIZE / found.median for who, found in times.items()}


def like(gradient):
    """What `out=` takes for a gradient of this form; None for numbers."""
    if isinstance(gradient, tuple):
        return tuple(map(like, gradient))
    return np.zeros_like(gradient) if isinstance(gradient, np.ndarray) else None
