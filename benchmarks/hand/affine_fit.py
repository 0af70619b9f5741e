"""The gradient by slope, intercept and places: one pass."""

import numpy as np

from . import as_generated


@as_generated
def primal(a, b, x, y):
    total = 0.0
    for i in range(len(x)):
        error = a * x[i] + b - y[i]
        total += error * error
    return total


@as_generated
def affine_fit(a, b, x, y):
    a_bar, b_bar, x_bar = 0.0, 0.0, np.empty(len(x))
    for i in range(len(x)):
        error_bar = 2.0 * (a * x[i] + b - y[i])
        a_bar += error_bar * x[i]
        b_bar += error_bar
        x_bar[i] = a * error_bar
    return a_bar, b_bar, x_bar
