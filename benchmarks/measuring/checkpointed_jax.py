"""The loop of `checkpointing.py` in JAX: what `scan` keeps, and what checkpointing it keeps instead."""

from collections.abc import Callable
from functools import partial
from math import isqrt
from typing import Any, NamedTuple

import equinox.internal as eqxi
import jax
import jax.numpy as jnp
import numpy as np


class Compiled(NamedTuple):
    """A compiled gradient, and the bytes that XLA plans for what is neither argument nor result."""

    gradient: Callable[..., Any]
    bytes: int


def step(y, theta):
    inner = jnp.sin(theta * y)
    return y + 0.01 * (inner + jnp.cos(theta * inner))


def scanned(y, theta, steps, wrapped=lambda step: step):
    def trip(y, _):
        return step(y, theta), None

    y, _ = jax.lax.scan(wrapped(trip), y, length=steps)
    return jnp.sum(y**2)


def in_segments(y, theta, steps):
    """A scan of checkpointed scans, both about as long as the root of `steps` (T. Chen et al. 2016)."""
    inner = isqrt(steps)
    assert steps % inner == 0

    def trip(y, _):
        return step(y, theta), None

    @jax.checkpoint
    def segment(y, _):
        return jax.lax.scan(trip, y, length=inner)[0], None

    y, _ = jax.lax.scan(segment, y, length=steps // inner)
    return jnp.sum(y**2)


def online(y, theta, steps, checkpoints):
    """Equinox's loop, which takes its length for unknown (P. Stumm and A. Walther 2010)."""

    def unfinished(carry):
        return carry[1] < steps

    def trip(carry):
        return step(carry[0], theta), carry[1] + 1

    y, _ = eqxi.while_loop(unfinished, trip, (y, 0), kind="checkpointed", checkpoints=checkpoints)
    return jnp.sum(y**2)


def primal(y: Any, theta: Any, steps: int) -> Callable[[], Any]:
    compiled = jax.jit(partial(scanned, steps=steps))
    given = jnp.asarray(y), jnp.asarray(theta)
    return lambda: jax.block_until_ready(compiled(*given))


def gradients(y: Any, theta: Any, steps: int, checkpoints: int) -> dict[str, Compiled]:
    """By what they are called in a table; called without arguments they give those by y and by theta."""
    functions = {
        "JAX scan": scanned,
        "JAX scan, checkpointed step": partial(scanned, wrapped=jax.checkpoint),
        "JAX scan, sqrt segments": in_segments,
        f"Equinox, {checkpoints} checkpoints": partial(online, checkpoints=checkpoints),
    }
    given = jnp.asarray(y), jnp.asarray(theta)
    return {name: compiled(partial(function, steps=steps), given) for name, function in functions.items()}


def compiled(function: Callable[..., Any], given: tuple[Any, ...]) -> Compiled:
    program = jax.jit(jax.grad(function, argnums=(0, 1))).lower(*given).compile()

    def gradient():
        return [np.asarray(g) for g in jax.block_until_ready(program(*given))]

    return Compiled(gradient, program.memory_analysis().temp_size_in_bytes)
