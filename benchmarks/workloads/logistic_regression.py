"""Logistic regression with 30 features; the labels are -1 and 1."""

import numpy as np

ARGNUMS = (0, 1)
SIZES = {"small": 1_000, "medium": 10_000, "large": 100_000}  # examples
FEATURES = 30


def logistic_regression(weights, bias, x, labels):
    margins = labels * (x @ weights + bias)
    return np.mean(np.logaddexp(0.0, -margins)) + 0.5e-3 * np.sum(weights**2)


def products(weights, bias, x, labels):
    return [(x, weights)]


def arguments(size):
    rng = np.random.default_rng(15)
    return (
        rng.normal(size=FEATURES) / FEATURES**0.5,
        0.1,
        rng.normal(size=(size, FEATURES)),
        rng.choice([-1.0, 1.0], size),
    )
