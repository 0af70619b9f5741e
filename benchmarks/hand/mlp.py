"""The gradient by weights and biases: the hidden layer is kept, the logits give way to their cotangent."""

import numpy as np

from . import as_generated
from . import softmax_cross_entropy as cross_entropy


@as_generated
def add_row(matrix, row):
    for i in range(len(matrix)):
        for j in range(len(row)):
            matrix[i, j] += row[j]


@as_generated
def column_sums(matrix):
    found = np.zeros(matrix.shape[1])
    for i in range(len(matrix)):
        for j in range(len(found)):
            found[j] += matrix[i, j]
    return found


@as_generated
def layers(w1, b1, w2, b2, x):
    """The hidden layer, and the logits."""
    hidden = np.dot(x, w1)
    for i in range(len(hidden)):
        for j in range(len(b1)):
            hidden[i, j] = np.tanh(hidden[i, j] + b1[j])
    logits = np.dot(hidden, w2)
    add_row(logits, b2)
    return hidden, logits


@as_generated
def primal(w1, b1, w2, b2, x, labels):
    _, logits = layers(w1, b1, w2, b2, x)
    return cross_entropy.primal(logits, labels)


@as_generated
def mlp(w1, b1, w2, b2, x, labels):
    hidden, logits_bar = layers(w1, b1, w2, b2, x)
    cross_entropy.into_gradient(logits_bar, labels, logits_bar)
    w2_bar = np.dot(hidden.T, logits_bar)
    hidden_bar = np.dot(logits_bar, w2.T)
    for i in range(len(hidden)):
        for j in range(len(b1)):
            hidden_bar[i, j] *= 1.0 - hidden[i, j] * hidden[i, j]
    w1_bar = np.dot(x.T, hidden_bar)
    return w1_bar, column_sums(hidden_bar), w2_bar, column_sums(logits_bar)
