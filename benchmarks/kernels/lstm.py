"""An LSTM cell over time, in scalar loops; rows of the weights are the gates in, forget, out and change."""

import numpy as np

ARGNUMS = (0, 1, 2)
SIZES = (10, 100, 1_000, 10_000)  # steps in time
INPUTS, HIDDEN = 4, 8


def lstm(weights, recurrent, bias, signal):
    steps, inputs = signal.shape
    hidden = len(bias) // 4
    h = np.zeros(hidden)
    c = np.zeros(hidden)
    z = np.empty(4 * hidden)
    total = 0.0
    for t in range(steps):
        for j in range(4 * hidden):
            z[j] = bias[j]
            for k in range(inputs):
                z[j] += weights[j, k] * signal[t, k]
            for k in range(hidden):
                z[j] += recurrent[j, k] * h[k]
        for j in range(hidden):
            enter = 1.0 / (1.0 + np.exp(-z[j]))
            forget = 1.0 / (1.0 + np.exp(-z[hidden + j]))
            leave = 1.0 / (1.0 + np.exp(-z[2 * hidden + j]))
            change = np.tanh(z[3 * hidden + j])
            c[j] = forget * c[j] + enter * change
            h[j] = leave * np.tanh(c[j])
            total += h[j] * h[j]
    return total


def arguments(n):
    rng = np.random.default_rng(7)
    weights = rng.normal(size=(4 * HIDDEN, INPUTS)) / INPUTS**0.5
    recurrent = rng.normal(size=(4 * HIDDEN, HIDDEN)) / HIDDEN**0.5
    return weights, recurrent, rng.normal(size=4 * HIDDEN), rng.normal(size=(n, INPUTS))
