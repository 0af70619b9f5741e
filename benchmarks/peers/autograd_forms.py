"""What the user writes in place, for HIPS autograd, which knows no writes: arrays are put together."""

import autograd.numpy as np


def slope(x, y):
    return np.concatenate((x[:1], x[1:] * y[:-1]))


def triangular(q, lower):
    k, d = q.shape
    columns, at = [], 0
    for j in range(d):
        below = lower[:, at : at + d - 1 - j]
        columns.append(np.concatenate((np.zeros((k, j)), np.exp(q[:, j : j + 1]), below), axis=1))
        at += d - 1 - j
    return np.stack(columns, axis=2)


def least_squares(x, t):
    fitted = np.zeros(len(t))
    power = np.ones(len(t))
    for j in range(len(x)):
        fitted = fitted + x[j] * power
        power = power * t
    return 0.5 * np.sum((np.sign(t) - fitted) ** 2)


def heat(start, steps):
    u = start
    for _ in range(steps):
        inner = u[1:-1, 1:-1]
        flow = u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:] - 4.0 * inner
        inner = inner + 0.2 / (1.0 + inner * inner) * flow
        middle = np.concatenate((u[1:-1, :1], inner, u[1:-1, -1:]), axis=1)
        u = np.concatenate((u[:1], middle, u[-1:]), axis=0)
    return np.sum(u * u)


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def diagonal_lstm(weights, biases, ends, hidden, cell, text):
    hidden, cell = list(hidden), list(cell)
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
        total = total + np.sum(text[t + 1] * (y - np.log(2.0 + np.sum(np.exp(y)))))
    return -total / ((len(text) - 1) * text.shape[1])
