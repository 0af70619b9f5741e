"""Layer normalisation, against a target."""

import numpy as np

ARGNUMS = (0, 1, 2)
SIZES = {"small": (64, 64), "medium": (512, 512), "large": (4_096, 1_024)}


def layer_norm(x, gain, bias, target):
    mean = np.mean(x, axis=1, keepdims=True)
    variance = np.mean((x - mean) ** 2, axis=1, keepdims=True)
    y = gain * (x - mean) / np.sqrt(variance + 1e-5) + bias
    return np.mean((y - target) ** 2)


def arguments(size):
    rng = np.random.default_rng(4)
    rows, columns = size
    return (
        rng.normal(size=(rows, columns)),
        rng.uniform(0.5, 1.5, columns),
        rng.normal(size=columns),
        rng.normal(size=(rows, columns)),
    )
