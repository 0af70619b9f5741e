"""One kernel: its primal, the gradient by hand, and ours; run in a fresh process.

What large arrays cost depends on what the process allocated before, so each kernel has its own.
"""

import time
from collections.abc import Sequence
from functools import partial
from typing import Any

import hand
import kernels
import numpy as np
from numba import njit

from adcompiler import adjoint
from adcompiler.benchmarking import clock


def timed(name: str, sizes: Sequence[int], seconds: float) -> list[dict[str, float]]:
    """For each size the median seconds of a call: primal, hand, ours, and net, ours without its Python.

    Ours and the gradient by hand are compared before.
    """
    kernel = kernels.load(name)
    primal, by_hand = njit(kernel.function), hand.load(name)
    ours = adjoint(kernel.function, argnums=kernel.argnums)
    found = []
    for n in sizes:
        args = kernel.arguments(n)
        for mine, theirs in zip(as_tuple(ours(*args)), as_tuple(by_hand(*args)), strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=1e-7, atol=1e-9 * np.max(np.abs(theirs)))
        programs, operands = ours.specialised(args, {})
        calls = {
            "primal": partial(primal, *args),
            "hand": partial(by_hand, *args),
            "ours": partial(ours, *args),
            "net": partial(programs.compiled("gradient").call, *operands.values, *operands.sizes),
        }
        times = clock.in_turn(calls, seconds)
        found.append({"n": n, **{who: times[who].median for who in calls}})
    return found


def compiled_in(name: str, n: int) -> dict[str, float]:
    """Seconds from the kernel to its first gradient at size n, without those of a second call.

    By the clock on the wall, and of this process alone, whatever else the machine does.
    """
    kernel = kernels.load(name)
    args = kernel.arguments(n)
    readings = [(time.perf_counter(), time.process_time())]
    gradient = adjoint(kernel.function, argnums=kernel.argnums)
    for _ in range(2):
        gradient(*args)
        readings.append((time.perf_counter(), time.process_time()))
    begin, first, second = readings
    wall, own = (2 * one - zero - two for zero, one, two in zip(begin, first, second, strict=True))
    return {"wall": wall, "own": own}


def as_tuple(gradient: Any) -> tuple[Any, ...]:
    return gradient if isinstance(gradient, tuple) else (gradient,)
