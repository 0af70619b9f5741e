"""Bytes that gradients of elementwise functions move in a second, beside a copy; run in a fresh process.

The copy is STREAM's (McCalpin 1995), compiled by Numba: once into an array that is there, and once into a
fresh one, as results of gradients are, whose pages the system hands out first.
"""

import time
from functools import partial

import hand
import numpy as np
import workloads

from adcompiler import adjoint

from . import clock

SIZE = 30_000_000  # elements: more than caches hold
MOVED = 24  # bytes an element: two read, one written
COPIED = 16
KERNELS = ("mse", "affine_fit")


@hand.as_generated
def copy(source, target):
    for i in range(len(source)):
        target[i] = source[i]


@hand.as_generated
def fresh_copy(source):
    target = np.empty(len(source))
    copy(source, target)
    return target


def measured(threads: str, seconds: float) -> dict[str, float]:
    """Bytes a second, by name."""
    now = time.process_time if threads == "one" else time.perf_counter
    source = np.random.default_rng(0).normal(size=SIZE)
    calls = {"copy": partial(copy, source, np.ones(SIZE)), "copy, fresh": partial(fresh_copy, source)}
    moved = dict.fromkeys(calls, COPIED)
    for name in KERNELS:
        workload = workloads.load(name)
        args = workload.arguments(SIZE)
        calls[name] = partial(adjoint(workload.function, workload.argnums), *args)
        calls[f"{name}, hand"] = partial(hand.load(name), *args)
        moved |= {name: MOVED, f"{name}, hand": MOVED}
    times = clock.in_turn(calls, seconds, now)
    return {who: moved[who] * SIZE / found.median for who, found in times.items()}
