"""The gradient by the logits, row by row: the exponentials are kept where it will be."""

import numpy as np

from . import as_generated


@as_generated
def largest(row):
    top = row[0]
    for j in range(1, len(row)):
        top = max(top, row[j])
    return top


@as_generated
def primal(logits, labels):
    rows, classes = logits.shape
    total = 0.0
    for i in range(rows):
        top, norm = largest(logits[i]), 0.0
        for j in range(classes):
            norm += np.exp(logits[i, j] - top)
        total += np.log(norm) + top - logits[i, labels[i]]
    return total / rows


@as_generated
def softmax_cross_entropy(logits, labels):
    rows, classes = logits.shape
    logits_bar = np.empty((rows, classes))
    into_gradient(logits, labels, logits_bar)
    return logits_bar


@as_generated
def into_gradient(logits, labels, logits_bar):
    """`logits_bar` may be the logits themselves."""
    rows, classes = logits.shape
    for i in range(rows):
        top, norm = largest(logits[i]), 0.0
        for j in range(classes):
            logits_bar[i, j] = np.exp(logits[i, j] - top)
            norm += logits_bar[i, j]
        scale = 1.0 / (rows * norm)
        for j in range(classes):
            logits_bar[i, j] *= scale
        logits_bar[i, labels[i]] -= 1.0 / rows
