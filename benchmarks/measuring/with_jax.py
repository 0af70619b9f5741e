"""The recurrence and the LSTM cell in JAX: as the user's code stands, and as JAX would have it."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import kernels

jax.config.update("jax_enable_x64", True)

UNROLLED = (1, 4)
"""Trips that `lax.scan` writes out one after the other; the best is taken."""


def recurrence_in_place(x):
    """The user's loop: what `out[i] = ...` is in JAX."""

    def step(i, out):
        return out.at[i].set(jnp.sin(out[i - 1]) * x[i] + out[i - 1])

    out = jax.lax.fori_loop(1, len(x), step, jnp.zeros_like(x).at[0].set(x[0]))
    return jnp.sum(out * out)


def recurrence_scan(x, unroll):
    """The same for JAX: the last element is a carry."""

    def step(last, factor):
        new = jnp.sin(last) * factor + last
        return new, new

    _, out = jax.lax.scan(step, x[0], x[1:], unroll=unroll)
    return x[0] * x[0] + jnp.sum(out * out)


def gradients(n: int, in_place: bool) -> dict[str, Callable[..., Any]]:
    """Compiled gradients of the recurrence, by what they are called in a table."""
    found = {f"scan, unroll {k}": partial(recurrence_scan, unroll=k) for k in UNROLLED}
    if in_place:
        found["fori_loop, .at[].set"] = recurrence_in_place
    return {name: waited_for(jax.jit(jax.grad(function))) for name, function in found.items()}


def waited_for(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *args: jax.block_until_ready(function(*args))


def lstm(weights, recurrent, bias, signal):
    """The cell as a Python loop over time, the gates as arrays: tracing writes the steps out."""
    hidden = len(bias) // 4
    h = c = jnp.zeros(hidden)
    total = 0.0
    for row in signal:
        z = bias + weights @ row + recurrent @ h
        enter, forget, leave = (jax.nn.sigmoid(z[k * hidden : (k + 1) * hidden]) for k in range(3))
        c = forget * c + enter * jnp.tanh(z[3 * hidden :])
        h = leave * jnp.tanh(c)
        total = total + jnp.sum(h * h)
    return total


def compile_lstm(steps: int) -> float:
    """Seconds from the function to its first gradient, without those of a second call."""
    args = [jnp.asarray(a) for a in kernels.load("lstm").arguments(steps)]
    jax.block_until_ready(jax.jit(jnp.sum)(args[0]))
    begin = time.perf_counter()
    gradient = waited_for(jax.jit(jax.grad(lstm, argnums=(0, 1, 2))))
    gradient(*args)
    first = time.perf_counter() - begin
    begin = time.perf_counter()
    gradient(*args)
    return first - (time.perf_counter() - begin)
