"""adcompiler, and what is written by hand; their primals, and the user's function in NumPy."""

from collections.abc import Callable
from functools import partial
from typing import Any

import hand
import numpy as np
from workloads import Workload

from adcompiler import adjoint, grad, jvp

from . import Ready, as_tuple, stages


def contestants(
    workload: Workload, args: tuple[Any, ...], now: Callable[[], float]
) -> dict[str, Callable[[], Ready]]:
    """By name, what gets one ready."""
    return {
        "ours": partial(ours, workload, args, now),
        "hand": partial(by_hand, hand.load(workload.name), args),
    }


def ours(workload: Workload, args: tuple[Any, ...], now: Callable[[], float]) -> Ready:
    warmed_up()
    compiler, call = derivative(workload)
    readings = [now()]
    for step in (partial(compiler.specialised, args, {}), *[partial(call, *args)] * 2):
        step()
        readings.append(now())
    begin, traced, first, second = readings
    return Ready(partial(call, *args), as_tuple, stages(traced - begin, first - begin, second - first))


def derivative(workload: Workload) -> tuple[Any, Callable[..., Any]]:
    """What compiles the derivative, and the derivative itself."""
    if workload.derivative:
        compiler = adjoint(workload.derivative(jvp, grad))
        return compiler, compiler.primal
    compiler = adjoint(workload.function, workload.argnums)
    return compiler, compiler


def warmed_up() -> None:
    """What the first compilation of a process costs beyond itself is not a workload's."""
    adjoint(np.sin)(1.0)


def by_hand(function: Callable[..., Any], args: tuple[Any, ...]) -> Ready:
    function(*args)
    return Ready(partial(function, *args), as_tuple)


def primals(workload: Workload, args: tuple[Any, ...]) -> dict[str, Callable[[], Any]]:
    """The function itself: compiled by us, by hand, and in NumPy."""
    return {
        "primal, ours": partial(adjoint(workload.function, workload.argnums).primal, *args),
        "primal, hand": partial(hand.load_primal(workload.name), *args),
        "primal, NumPy": partial(workload.function, *args),
    }
