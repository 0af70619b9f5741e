"""The gradient by weights and bias: the cotangents of the margins take their place."""

import numpy as np

from . import as_generated


@as_generated
def primal(weights, bias, x, labels):
    scores = np.dot(x, weights)
    total, squares = 0.0, 0.0
    for i in range(len(scores)):
        margin = labels[i] * (scores[i] + bias)
        total += max(-margin, 0.0) + np.log1p(np.exp(-abs(margin)))
    for j in range(len(weights)):
        squares += weights[j] * weights[j]
    return total / len(scores) + 0.5e-3 * squares


@as_generated
def logistic_regression(weights, bias, x, labels):
    scores_bar = np.dot(x, weights)
    n, bias_bar = len(scores_bar), 0.0
    for i in range(n):
        margin = labels[i] * (scores_bar[i] + bias)
        scores_bar[i] = -labels[i] / (n * (1.0 + np.exp(margin)))
        bias_bar += scores_bar[i]
    weights_bar = np.dot(scores_bar, x)
    for j in range(len(weights)):
        weights_bar[j] += 1e-3 * weights[j]
    return weights_bar, bias_bar
