"""The gradient is the softmax: the exponentials are kept where it will be."""

import numpy as np

from . import as_generated


@as_generated
def largest(x):
    top = x[0]
    for i in range(1, len(x)):
        top = max(top, x[i])
    return top


@as_generated
def primal(x):
    top, total = largest(x), 0.0
    for i in range(len(x)):
        total += np.exp(x[i] - top)
    return np.log(total) + top


@as_generated
def logsumexp(x):
    n = len(x)
    top, total = largest(x), 0.0
    x_bar = np.empty(n)
    for i in range(n):
        x_bar[i] = np.exp(x[i] - top)
        total += x_bar[i]
    inverse = 1.0 / total
    for i in range(n):
        x_bar[i] *= inverse
    return x_bar
