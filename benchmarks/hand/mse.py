"""The gradient by the predictions: one pass."""

import numpy as np

from . import as_generated


@as_generated
def primal(predicted, observed):
    n, total = len(predicted), 0.0
    for i in range(n):
        error = predicted[i] - observed[i]
        total += error * error
    return total / n


@as_generated
def mse(predicted, observed):
    n = len(predicted)
    predicted_bar, scale = np.empty(n), 2.0 / n
    for i in range(n):
        predicted_bar[i] = scale * (predicted[i] - observed[i])
    return predicted_bar
