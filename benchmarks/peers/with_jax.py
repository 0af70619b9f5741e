"""JAX: each form compiled once, and called with NumPy's arrays and with arrays that are JAX's already."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import jax.scipy.special
import numpy as np
from workloads import Workload

from . import Ready, as_tuple, jax_forms, jax_in_place, stages, users_code

jax.config.update("jax_enable_x64", True)

left_out = jax_in_place.LEFT_OUT


def contestants(
    workload: Workload, args: tuple[Any, ...], now: Callable[[], float]
) -> dict[str, Callable[[], Ready]]:
    """By name, what gets one ready: in JAX's form, and in the user's where that can be compiled."""
    found = {}
    for who, function in forms(workload).items():
        started = cache(partial(start, function, workload, args, now))
        found[who] = partial(ready, started, args, on_device=True)
        found[f"{who}, from NumPy"] = partial(ready, started, args, on_device=False)
    return found


def forms(workload: Workload) -> dict[str, Callable[..., Any]]:
    """What is differentiated; or, of a workload that is not about a gradient, the derivative itself."""
    found = {}
    if hasattr(jax_forms, workload.name):
        found["JAX"] = getattr(jax_forms, workload.name)
    if workload.name not in left_out:
        module = users_code.rewritten(
            workload.name,
            jax_in_place,
            np=jnp,
            erf=jax.scipy.special.erf,
            gammaln=jax.scipy.special.gammaln,
        )
        derived = workload.derivative is not None
        function = module.derivative(jax.jvp, jax.grad) if derived else getattr(module, workload.name)
        found["JAX, user's code"] = function
    return found


def start(
    function: Callable[..., Any], workload: Workload, args: tuple[Any, ...], now: Callable[[], float]
) -> tuple[Callable[..., Any], dict[str, float]]:
    """The compiled derivative, and the stages of its first call; tracing is timed another time."""
    static = tuple(k for k, a in enumerate(args) if isinstance(a, int))  # sizes, as they are to adcompiler
    given = to_device(args)

    def compiled():
        def anew(*args):  # of which nothing is cached
            return function(*args)

        derived = anew if workload.derivative else jax.grad(anew, workload.argnums)
        return jax.jit(derived, static_argnums=static)

    jax.block_until_ready(jax.jit(jnp.sum)(jnp.ones(3)))
    gradient = compiled()
    readings = [now()]
    for _ in range(2):
        jax.block_until_ready(gradient(*given))
        readings.append(now())
    compiled().lower(*given)
    begin, first, second, lowered = *readings, now()
    return gradient, stages(lowered - second, first - begin, second - first)


def ready(started: Callable[[], Any], args: tuple[Any, ...], on_device: bool) -> Ready:
    gradient, found = started()
    given = to_device(args) if on_device else args
    return Ready(lambda: jax.block_until_ready(gradient(*given)), to_numpy, found)


def to_device(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Arrays of JAX's; ints stay, they are static."""
    return tuple(a if isinstance(a, int) else jnp.asarray(a) for a in args)


def to_numpy(gradient: Any) -> tuple[Any, ...]:
    return tuple(map(np.asarray, as_tuple(gradient)))
