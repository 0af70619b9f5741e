"""A polynomial of 128 coefficients, fitted to the sign of t by least squares."""

import numpy as np

ARGNUMS = 0
SIZES = {"small": 16, "medium": 512, "large": 16_392}  # points
COEFFICIENTS = 128


def least_squares(x, t):
    fitted = np.zeros(len(t))
    power = np.ones(len(t))
    for j in range(len(x)):
        fitted += x[j] * power
        power *= t
    return 0.5 * np.sum((np.sign(t) - fitted) ** 2)


def arguments(size):
    x = np.random.default_rng(7).normal(size=COEFFICIENTS)
    return x, np.linspace(-1.0, 1.0, size)
