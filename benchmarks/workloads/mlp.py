"""A perceptron with one hidden layer, 64-256-10, and the cross entropy of its softmax."""

import numpy as np

ARGNUMS = (0, 1, 2, 3)
SIZES = {"small": 16, "medium": 256, "large": 4_096}  # examples in a batch
INPUTS, HIDDEN, CLASSES = 64, 256, 10


def mlp(w1, b1, w2, b2, x, labels):
    hidden = np.tanh(x @ w1 + b1)
    logits = hidden @ w2 + b2
    shifted = logits - np.max(logits, axis=1, keepdims=True)
    norms = np.log(np.sum(np.exp(shifted), axis=1))
    return np.mean(norms - shifted[np.arange(len(labels)), labels])


def products(w1, b1, w2, b2, x, labels):
    return [(x, w1), (np.tanh(x @ w1), w2)]


def arguments(size):
    rng = np.random.default_rng(13)
    return (
        rng.normal(size=(INPUTS, HIDDEN)) / INPUTS**0.5,
        0.1 * rng.normal(size=HIDDEN),
        rng.normal(size=(HIDDEN, CLASSES)) / HIDDEN**0.5,
        0.1 * rng.normal(size=CLASSES),
        rng.normal(size=(size, INPUTS)),
        rng.integers(0, CLASSES, size),
    )
