"""The logarithm of a sum of exponentials, the largest taken out first."""

import numpy as np

ARGNUMS = 0
SIZES = {"small": 2_500, "medium": 80_000, "large": 1_280_000}


def logsumexp(x):
    top = np.max(x)
    return np.log(np.sum(np.exp(x - top))) + top


def arguments(size):
    return (np.random.default_rng(1).normal(size=size),)
