"""A nonlinear recurrence: each element is made of the sine of the one before."""

import numpy as np

ARGNUMS = 0
SIZES = (1_000, 10_000, 100_000, 1_000_000)


def recurrence(x):
    n = len(x)
    out = np.zeros(n)
    out[0] = x[0]
    for i in range(1, n):
        out[i] = np.sin(out[i - 1]) * x[i] + out[i - 1]
    total = 0.0
    for i in range(n):
        total += out[i] * out[i]
    return total


def arguments(n):
    return (np.random.default_rng(1).uniform(-0.5, 0.5, n),)
