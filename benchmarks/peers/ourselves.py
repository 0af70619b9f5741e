"""adcompiler, and what is written by hand; their primals, and the user's function in NumPy."""

from collections.abc import Callable
from functools import partial
from typing import Any

import hand
import numpy as np
from workloads import Workload

from adcompiler import adjoint, grad, jvp

from . import Ready, as_tuple


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
    if workload.derivative:
        derived = adjoint(workload.derivative(jvp, grad))
        call, stage = derived.primal, "primal"
    else:
        call = derived = adjoint(workload.function, workload.argnums)
        stage = "gradient"
    begin = now()
    programs, _ = derived.specialised(args, {})
    traced = now()
    programs.compiled(stage)
    compiled = now()
    call(*args)
    stages = {"trace": traced - begin, "compile": compiled - traced, "first": now() - compiled}
    return Ready(partial(call, *args), as_tuple, stages)


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
