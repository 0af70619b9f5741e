"""HIPS autograd: the user's code, traced and walked back in each call."""

from collections.abc import Callable
from functools import partial
from typing import Any

import autograd
import autograd.numpy
import autograd.scipy.special
from workloads import Workload

from . import Ready, as_tuple, autograd_forms, users_code


def contestants(
    workload: Workload, args: tuple[Any, ...], now: Callable[[], float]
) -> dict[str, Callable[[], Ready]]:
    """By name, what gets one ready."""
    return {"HIPS autograd": partial(ready, workload, args)}


def ready(workload: Workload, args: tuple[Any, ...]) -> Ready:
    module = users_code.rewritten(
        workload.name,
        autograd_forms,
        np=autograd.numpy,
        erf=autograd.scipy.special.erf,
        gammaln=autograd.scipy.special.gammaln,
    )
    if workload.derivative:
        gradient = module.derivative(jvp, autograd.grad)
    else:
        gradient = autograd.grad(getattr(module, workload.name), workload.argnums)
    return Ready(lambda: gradient(*args), as_tuple)


def jvp(function: Callable[..., Any], primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> Any:
    """Of one argument, in the order of JAX's."""
    return autograd.make_jvp(function)(*primals)(*tangents)
