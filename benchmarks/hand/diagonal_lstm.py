"""The gradient by weights, biases and the two ends: kept are gates, states and what each layer was given."""

import numpy as np

from . import as_generated


@as_generated
def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


@as_generated
def layer(weights, biases, x, hidden, cell, gates, new_hidden, new_cell, squashed):
    for j in range(len(x)):
        forget = sigmoid(x[j] * weights[0, j] + biases[0, j])
        enter = sigmoid(hidden[j] * weights[1, j] + biases[1, j])
        leave = sigmoid(x[j] * weights[2, j] + biases[2, j])
        change = np.tanh(hidden[j] * weights[3, j] + biases[3, j])
        gates[0, j], gates[1, j], gates[2, j], gates[3, j] = forget, enter, leave, change
        new_cell[j] = cell[j] * forget + enter * change
        squashed[j] = np.tanh(new_cell[j])
        new_hidden[j] = leave * squashed[j]


@as_generated
def predicted(ends, last, gold):
    """Of one character: its part of the loss, and the norm of the exponentials."""
    norm, along, golds = 2.0, 0.0, 0.0
    for j in range(len(last)):
        y = last[j] * ends[1, j] + ends[2, j]
        norm += np.exp(y)
        along += gold[j] * y
        golds += gold[j]
    return along - golds * np.log(norm), norm


@as_generated
def primal(weights, biases, ends, hidden, cell, text):
    layers, _, bits = weights.shape
    hidden, cell = hidden.copy(), cell.copy()
    x, gates, squashed = np.empty(bits), np.empty((4, bits)), np.empty(bits)
    total = 0.0
    for t in range(len(text) - 1):
        for j in range(bits):
            x[j] = text[t, j] * ends[0, j]
        given = x
        for k in range(layers):
            layer(weights[k], biases[k], given, hidden[k], cell[k], gates, hidden[k], cell[k], squashed)
            given = hidden[k]
        total += predicted(ends, given, text[t + 1])[0]
    return -total / ((len(text) - 1) * bits)


@as_generated
def layer_adjoint(weights, x, hidden, cell, gates, squashed, h_bar, c_bar, x_bar, weights_bar, biases_bar):
    """The cotangents of the states, in place, and of what the layer was given."""
    for j in range(len(x)):
        forget, enter, leave, change = gates[0, j], gates[1, j], gates[2, j], gates[3, j]
        h = h_bar[j]
        c = c_bar[j] + h * leave * (1.0 - squashed[j] * squashed[j])
        forget_bar = c * cell[j] * forget * (1.0 - forget)
        enter_bar = c * change * enter * (1.0 - enter)
        leave_bar = h * squashed[j] * leave * (1.0 - leave)
        change_bar = c * enter * (1.0 - change * change)
        weights_bar[0, j] += forget_bar * x[j]
        weights_bar[1, j] += enter_bar * hidden[j]
        weights_bar[2, j] += leave_bar * x[j]
        weights_bar[3, j] += change_bar * hidden[j]
        biases_bar[0, j] += forget_bar
        biases_bar[1, j] += enter_bar
        biases_bar[2, j] += leave_bar
        biases_bar[3, j] += change_bar
        x_bar[j] = forget_bar * weights[0, j] + leave_bar * weights[2, j]
        h_bar[j] = enter_bar * weights[1, j] + change_bar * weights[3, j]
        c_bar[j] = c * forget


@as_generated
def diagonal_lstm(weights, biases, ends, hidden, cell, text):
    layers, _, bits = weights.shape
    steps = len(text) - 1
    firsts, norms = np.empty((steps, bits)), np.empty(steps)
    gates, squashed = np.empty((steps, layers, 4, bits)), np.empty((steps, layers, bits))
    hiddens, cells = np.empty((steps + 1, layers, bits)), np.empty((steps + 1, layers, bits))
    hiddens[0], cells[0] = hidden, cell
    for t in range(steps):
        for j in range(bits):
            firsts[t, j] = text[t, j] * ends[0, j]
        x = firsts[t]
        for k in range(layers):
            before, after = hiddens[t, k], hiddens[t + 1, k]
            layer(
                weights[k], biases[k], x, before, cells[t, k],
                gates[t, k], after, cells[t + 1, k], squashed[t, k],
            )  # fmt: skip
            x = after
        norms[t] = predicted(ends, x, text[t + 1])[1]
    weights_bar, biases_bar, ends_bar = np.zeros(weights.shape), np.zeros(biases.shape), np.zeros(ends.shape)
    h_bar, c_bar, x_bar = np.zeros((layers, bits)), np.zeros((layers, bits)), np.empty(bits)
    scale = -1.0 / (steps * bits)
    for t in range(steps - 1, -1, -1):
        last, gold, golds = hiddens[t + 1, layers - 1], text[t + 1], 0.0
        for j in range(bits):
            golds += gold[j]
        for j in range(bits):
            part = np.exp(last[j] * ends[1, j] + ends[2, j]) / norms[t]
            y_bar = scale * (gold[j] - golds * part)
            ends_bar[1, j] += y_bar * last[j]
            ends_bar[2, j] += y_bar
            h_bar[layers - 1, j] += y_bar * ends[1, j]
        for k in range(layers - 1, -1, -1):
            x = hiddens[t + 1, k - 1] if k > 0 else firsts[t]
            layer_adjoint(
                weights[k], x, hiddens[t, k], cells[t, k], gates[t, k], squashed[t, k],
                h_bar[k], c_bar[k], x_bar, weights_bar[k], biases_bar[k],
            )  # fmt: skip
            for j in range(bits):
                if k > 0:
                    h_bar[k - 1, j] += x_bar[j]
                else:
                    ends_bar[0, j] += x_bar[j] * text[t, j]
    return weights_bar, biases_bar, ends_bar
