"""The gradient by the weights: kept are the four gates of each step, the cells, their tanh, and what left."""

import numpy as np

from . import as_generated


@as_generated
def forward(weights, recurrent, bias, signal, gates, cells, squashed, outputs):
    steps, inputs = signal.shape
    hidden = len(bias) // 4
    cells[0], outputs[0] = 0.0, 0.0
    for t in range(steps):
        for j in range(4 * hidden):
            z = bias[j]
            for k in range(inputs):
                z += weights[j, k] * signal[t, k]
            for k in range(hidden):
                z += recurrent[j, k] * outputs[t, k]
            gates[t, j] = 1.0 / (1.0 + np.exp(-z)) if j < 3 * hidden else np.tanh(z)
        for j in range(hidden):
            enter, forget = gates[t, j], gates[t, hidden + j]
            leave, change = gates[t, 2 * hidden + j], gates[t, 3 * hidden + j]
            cells[t + 1, j] = forget * cells[t, j] + enter * change
            squashed[t, j] = np.tanh(cells[t + 1, j])
            outputs[t + 1, j] = leave * squashed[t, j]


@as_generated
def lstm(weights, recurrent, bias, signal):
    steps, inputs = signal.shape
    hidden = len(bias) // 4
    gates, squashed = np.empty((steps, 4 * hidden)), np.empty((steps, hidden))
    cells, outputs = np.empty((steps + 1, hidden)), np.empty((steps + 1, hidden))
    forward(weights, recurrent, bias, signal, gates, cells, squashed, outputs)
    weights_bar, recurrent_bar = np.zeros(weights.shape), np.zeros(recurrent.shape)
    bias_bar = np.zeros(4 * hidden)
    h_bar, c_bar, z_bar = np.zeros(hidden), np.zeros(hidden), np.empty(4 * hidden)
    for t in range(steps - 1, -1, -1):
        for j in range(hidden):
            enter, forget = gates[t, j], gates[t, hidden + j]
            leave, change = gates[t, 2 * hidden + j], gates[t, 3 * hidden + j]
            g = h_bar[j] + 2.0 * outputs[t + 1, j]
            c = c_bar[j] + leave * g * (1.0 - squashed[t, j] * squashed[t, j])
            z_bar[j] = c * change * enter * (1.0 - enter)
            z_bar[hidden + j] = c * cells[t, j] * forget * (1.0 - forget)
            z_bar[2 * hidden + j] = g * squashed[t, j] * leave * (1.0 - leave)
            z_bar[3 * hidden + j] = c * enter * (1.0 - change * change)
            c_bar[j] = c * forget
            h_bar[j] = 0.0
        for j in range(4 * hidden):
            g = z_bar[j]
            bias_bar[j] += g
            for k in range(inputs):
                weights_bar[j, k] += g * signal[t, k]
            for k in range(hidden):
                recurrent_bar[j, k] += g * outputs[t, k]
                h_bar[k] += g * recurrent[j, k]
    return weights_bar, recurrent_bar, bias_bar
