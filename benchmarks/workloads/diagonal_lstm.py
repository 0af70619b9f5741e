"""ADBench's LSTM, whose weights are diagonal matrices, over a text of characters that are 14 bits each."""

import numpy as np

ARGNUMS = (0, 1, 2)
SIZES = {"small": (2, 128), "medium": (2, 1_024), "large": (4, 4_096)}  # layers, characters
BITS = 14


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def diagonal_lstm(weights, biases, ends, hidden, cell, text):
    hidden, cell = hidden.copy(), cell.copy()
    total = 0.0
    for t in range(len(text) - 1):
        x = text[t] * ends[0]
        for k in range(len(weights)):
            forget = sigmoid(x * weights[k, 0] + biases[k, 0])
            enter = sigmoid(hidden[k] * weights[k, 1] + biases[k, 1])
            leave = sigmoid(x * weights[k, 2] + biases[k, 2])
            change = np.tanh(hidden[k] * weights[k, 3] + biases[k, 3])
            cell[k] = cell[k] * forget + enter * change
            hidden[k] = leave * np.tanh(cell[k])
            x = hidden[k]
        y = x * ends[1] + ends[2]
        total += np.sum(text[t + 1] * (y - np.log(2.0 + np.sum(np.exp(y)))))
    return -total / ((len(text) - 1) * text.shape[1])


def arguments(size):
    layers, characters = size
    rng = np.random.default_rng(11)
    return (
        rng.normal(size=(layers, 4, BITS)),
        rng.normal(size=(layers, 4, BITS)),
        rng.normal(size=(3, BITS)),
        rng.normal(size=(layers, BITS)),
        rng.normal(size=(layers, BITS)),
        rng.integers(0, 2, (characters, BITS)).astype(float),
    )
