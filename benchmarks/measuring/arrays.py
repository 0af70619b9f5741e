"""Functions of whole arrays, as their users write them: the same text for NumPy and for JAX."""

from types import FunctionType
from typing import Any

import numpy as np

ARGNUMS = {"three": (0, 1, 2), "logistic": 0, "layer_norm": (0, 1, 2), "softmax_xent": (0, 1, 2, 3)}


def three(a, b, c):
    return (a * b + c) ** 2


def logistic(w, x, y):
    return np.mean(np.log1p(np.exp(-y * (x @ w))))


def layer_norm(x, gamma, beta, target):
    mean = np.mean(x, axis=1, keepdims=True)
    variance = np.mean((x - mean) ** 2, axis=1, keepdims=True)
    y = (x - mean) / np.sqrt(variance + 1e-5) * gamma + beta
    return np.sum((y - target) ** 2)


def softmax_xent(w1, b1, w2, b2, x, y):
    h = np.tanh(x @ w1 + b1)
    z = h @ w2 + b2
    z = z - np.max(z, axis=1, keepdims=True)
    logp = z - np.log(np.sum(np.exp(z), axis=1, keepdims=True))
    return -np.sum(y * logp) / x.shape[0]


def arguments(name: str) -> tuple[Any, ...]:
    """Small ones: compiling does not depend on sizes."""
    rng = np.random.default_rng(0)
    shapes = {
        "logistic": ((30,), (100, 30), (100,)),
        "layer_norm": ((32, 16), (16,), (16,), (32, 16)),
        "softmax_xent": ((16, 24), (24,), (24, 10), (10,), (32, 16), (32, 10)),
    }
    return tuple(rng.normal(size=shape) for shape in shapes[name]) if name in shapes else (2.0, -3.0, 10.0)


def of_jax(name: str) -> FunctionType:
    """The function with JAX's NumPy in place of NumPy."""
    import jax.numpy as jnp

    return FunctionType(globals()[name].__code__, {"np": jnp})
