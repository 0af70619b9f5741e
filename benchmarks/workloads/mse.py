"""The mean squared error, by the predictions."""

import numpy as np

ARGNUMS = 0
SIZES = {"small": 10_000, "medium": 1_000_000, "large": 10_000_000}


def mse(predicted, observed):
    return np.mean((predicted - observed) ** 2)


def arguments(size):
    rng = np.random.default_rng(2)
    return rng.normal(size=size), rng.normal(size=size)
