"""Many trajectories of one oscillator, and the gradient by where each starts; run in a fresh process.

Duffing's oscillator by Runge and Kutta's method of order four: ours is two loops, one thread a trajectory;
JAX's is `vmap` of `lax.scan`, which keeps what its steps compute, or with `jax.checkpoint` the states alone.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from adcompiler import adjoint
from adcompiler.backends.cuda.device import arrays
from adcompiler.benchmarking import clock, device

from .peers_on_device import jax_there

TRAJECTORIES, STEPS = 1_000_000, 1_000
STEP = 0.01


def step(x, v):
    """Arithmetic alone, so that JAX traces it as it stands."""
    k1x = v
    k1v = -0.3 * v - x - x**3
    x2 = x + 0.5 * STEP * k1x
    v2 = v + 0.5 * STEP * k1v
    k2v = -0.3 * v2 - x2 - x2**3
    x3 = x + 0.5 * STEP * v2
    v3 = v + 0.5 * STEP * k2v
    k3v = -0.3 * v3 - x3 - x3**3
    x4 = x + STEP * v3
    v4 = v + STEP * k3v
    k4v = -0.3 * v4 - x4 - x4**3
    after = x + STEP / 6.0 * (k1x + 2.0 * v2 + 2.0 * v3 + v4)
    return after, v + STEP / 6.0 * (k1v + 2.0 * k2v + 2.0 * k3v + k4v)


def energy(start, steps):
    end = np.empty(len(start))
    for i in range(len(start)):
        x, v = start[i], 0.0
        for _ in range(steps):
            x, v = step(x, v)
        end[i] = x * x + v * v
    return np.sum(end)


def measured(seconds: float, trajectories: int = TRAJECTORIES, steps: int = STEPS) -> dict[str, Any]:
    """Median seconds of the gradient, ours and JAX's, and why some of JAX's are missing."""
    start = np.random.default_rng(0).uniform(-1.0, 1.0, trajectories)
    there = arrays.to_device(start)
    calls: dict[str, Callable[[], Any]] = {"ours": partial(adjoint(energy, backend="cuda"), there, steps)}
    waits: dict[str, clock.Wait] = {"ours": device.wait}
    expected, failed = arrays.to_host(calls["ours"]()), {}
    for name in ("JAX scan", "JAX scan, checkpointed"):
        try:
            calls[name], waits[name] = in_jax(start, steps, name != "JAX scan")
            np.testing.assert_allclose(np.asarray(calls[name]()), expected, rtol=1e-7, atol=1e-9)
        except Exception as error:  # not there, or the device has no room for what it keeps
            failed[name] = f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"
            calls.pop(name, None)
    times = clock.in_turn(calls, seconds, time.perf_counter, waits)
    return {"times": {who: found.median for who, found in times.items()}, "failed": failed}


def in_jax(start: Any, steps: int, checkpointed: bool) -> tuple[Callable[[], Any], clock.Wait]:
    """A call of JAX's gradient, and what waits for it; raises where JAX has no device."""
    jax = jax_there()

    def one(x):
        def body(state, _):
            return step(*state), None

        body = jax.checkpoint(body) if checkpointed else body
        (x, v), _ = jax.lax.scan(body, (x, jax.numpy.zeros_like(x)), length=steps)
        return x * x + v * v

    gradient = jax.jit(jax.grad(lambda x: jax.numpy.sum(jax.vmap(one)(x))))
    return partial(gradient, jax.numpy.asarray(start)), jax.block_until_ready
