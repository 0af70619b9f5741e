"""A cumulative product by hand."""

import numpy as np

ARGNUMS = 0
SIZES = (1_000, 10_000, 100_000, 1_000_000)


def cumprod(x):
    n = len(x)
    out = np.empty(n)
    out[0] = x[0]
    for i in range(1, n):
        out[i] = out[i - 1] * x[i]
    total = 0.0
    for i in range(n):
        total += out[i] * out[i]
    return total


def arguments(n):
    """Factors whose products stay between 1 / e and e."""
    logarithms = np.random.default_rng(6).uniform(-1.0, 1.0, n)
    return (np.exp(np.diff(logarithms, prepend=0.0)),)
