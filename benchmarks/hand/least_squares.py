"""The gradient by the coefficients: one point at a time, whose powers are kept meanwhile."""

import numpy as np

from . import as_generated


@as_generated
def primal(x, t):
    total = 0.0
    for i in range(len(t)):
        fitted, power = 0.0, 1.0
        for j in range(len(x)):
            fitted += x[j] * power
            power *= t[i]
        error = np.sign(t[i]) - fitted
        total += error * error
    return 0.5 * total


@as_generated
def least_squares(x, t):
    m = len(x)
    x_bar, powers = np.zeros(m), np.empty(m)
    for i in range(len(t)):
        fitted, power = 0.0, 1.0
        for j in range(m):
            powers[j] = power
            fitted += x[j] * power
            power *= t[i]
        fitted_bar = fitted - np.sign(t[i])
        for j in range(m):
            x_bar[j] += fitted_bar * powers[j]
    return x_bar
