"""The gradient by all four arrays: both sweeps and the inverse pivots are kept."""

import numpy as np

from . import as_generated


@as_generated
def thomas(lower, diagonal, upper, right):
    n = len(diagonal)
    c, d, inverse, x = np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    inverse[0] = 1.0 / diagonal[0]
    c[0] = upper[0] * inverse[0]
    d[0] = right[0] * inverse[0]
    for i in range(1, n):
        inverse[i] = 1.0 / (diagonal[i] - lower[i] * c[i - 1])
        c[i] = upper[i] * inverse[i]
        d[i] = (right[i] - lower[i] * d[i - 1]) * inverse[i]
    x[n - 1] = d[n - 1]
    for i in range(n - 2, -1, -1):
        x[i] = d[i] - c[i] * x[i + 1]
    lower_bar, diagonal_bar, upper_bar, right_bar = np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    x_bar = right_bar
    x_bar[0] = 2.0 * x[0]
    for i in range(1, n):
        x_bar[i] = 2.0 * x[i] - c[i - 1] * x_bar[i - 1]
    c_bar, d_bar = 0.0, x_bar[n - 1]
    for i in range(n - 1, 0, -1):
        right_bar[i] = d_bar * inverse[i]
        upper_bar[i] = c_bar * inverse[i]
        pivot_bar = -right_bar[i] * d[i] - upper_bar[i] * c[i]
        diagonal_bar[i] = pivot_bar
        lower_bar[i] = -right_bar[i] * d[i - 1] - pivot_bar * c[i - 1]
        d_bar = x_bar[i - 1] - right_bar[i] * lower[i]
        c_bar = -x_bar[i - 1] * x[i] - pivot_bar * lower[i]
    right_bar[0] = d_bar * inverse[0]
    upper_bar[0] = c_bar * inverse[0]
    diagonal_bar[0] = -right_bar[0] * d[0] - upper_bar[0] * c[0]
    lower_bar[0] = 0.0
    return lower_bar, diagonal_bar, upper_bar, right_bar
