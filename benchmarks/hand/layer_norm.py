"""The gradient by input, gain and bias, row by row: nothing is kept, a row stays in the cache meanwhile."""

import numpy as np

from . import as_generated


@as_generated
def statistics(row):
    """The mean, and the inverse of the standard deviation."""
    n = len(row)
    mean = 0.0
    for j in range(n):
        mean += row[j]
    mean /= n
    variance = 0.0
    for j in range(n):
        variance += (row[j] - mean) * (row[j] - mean)
    return mean, 1.0 / np.sqrt(variance / n + 1e-5)


@as_generated
def primal(x, gain, bias, target):
    rows, columns = x.shape
    total = 0.0
    for i in range(rows):
        mean, inverse = statistics(x[i])
        for j in range(columns):
            error = gain[j] * (x[i, j] - mean) * inverse + bias[j] - target[i, j]
            total += error * error
    return total / (rows * columns)


@as_generated
def layer_norm(x, gain, bias, target):
    rows, columns = x.shape
    x_bar, gain_bar, bias_bar = np.empty((rows, columns)), np.zeros(columns), np.zeros(columns)
    scale = 2.0 / (rows * columns)
    for i in range(rows):
        mean, inverse = statistics(x[i])
        total, along = 0.0, 0.0
        for j in range(columns):
            normal = (x[i, j] - mean) * inverse
            y_bar = scale * (gain[j] * normal + bias[j] - target[i, j])
            gain_bar[j] += y_bar * normal
            bias_bar[j] += y_bar
            normal_bar = y_bar * gain[j]
            total += normal_bar
            along += normal_bar * normal
            x_bar[i, j] = normal_bar
        total /= columns
        along /= columns
        for j in range(columns):
            normal = (x[i, j] - mean) * inverse
            x_bar[i, j] = inverse * (x_bar[i, j] - total - normal * along)
    return x_bar, gain_bar, bias_bar
