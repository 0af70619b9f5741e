"""The gradient by weights and bias: the cotangent of the logits takes their place."""

import numpy as np

from . import as_generated
from . import softmax_cross_entropy as cross_entropy
from .mlp import add_row, column_sums


@as_generated
def primal(weights, bias, x, labels):
    logits = np.dot(x, weights)
    add_row(logits, bias)
    return cross_entropy.primal(logits, labels)


@as_generated
def softmax_regression(weights, bias, x, labels):
    logits_bar = np.dot(x, weights)
    add_row(logits_bar, bias)
    cross_entropy.into_gradient(logits_bar, labels, logits_bar)
    return np.dot(x.T, logits_bar), column_sums(logits_bar)
