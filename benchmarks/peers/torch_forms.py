"""The workloads as PyTorch would have them: its own functions, wherever there is one."""

import numpy as np
import scipy.special
import torch
from torch.nn import functional


def three_scalars(a, b, c):
    return (a * b + c) ** 2


def logsumexp(x):
    return torch.logsumexp(x, 0)


def mse(predicted, observed):
    return functional.mse_loss(predicted, observed)


def affine_fit(a, b, x, y):
    return ((a * x + b - y) ** 2).sum()


def layer_norm(x, gain, bias, target):
    y = functional.layer_norm(x, x.shape[1:], gain, bias, eps=1e-5)
    return functional.mse_loss(y, target)


def softmax_cross_entropy(logits, labels):
    return functional.cross_entropy(logits, labels)


def black_scholes(spot, strike, years, rate, volatility):
    cdf = torch.special.ndtr
    spread = volatility * years.sqrt()
    d1 = ((spot / strike).log() + (rate + 0.5 * volatility**2) * years) / spread
    return (spot * cdf(d1) - strike * (-rate * years).exp() * cdf(d1 - spread)).sum()


def least_squares(x, t):
    fitted = torch.vander(t, len(x), increasing=True) @ x
    return 0.5 * ((t.sign() - fitted) ** 2).sum()


def kmeans(centroids, points):
    products = points @ centroids.T
    distances = (points**2).sum(1)[:, None] - 2.0 * products + (centroids**2).sum(1)
    return distances.min(1).values.sum()


def kmeans_hvp(centroids, points, direction):
    def gradient(c):
        return torch.func.grad(kmeans)(c, points)

    return torch.func.jvp(gradient, (centroids,), (direction,))[1]


def heat(start, steps):
    u = start
    for _ in range(steps):
        inner = u[1:-1, 1:-1]
        flow = u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:] - 4.0 * inner
        u = u.clone()
        u[1:-1, 1:-1] += 0.2 / (1.0 + inner * inner) * flow
    return (u * u).sum()


def ode(x, steps):
    h, one = 2.0 / steps, torch.ones(1, dtype=x.dtype)

    def slope(y):
        return x * torch.cat((one, y[:-1]))

    y = torch.zeros_like(x)
    for _ in range(steps):
        k1 = slope(y)
        k2 = slope(y + h / 2.0 * k1)
        k3 = slope(y + h / 2.0 * k2)
        k4 = slope(y + h * k3)
        y = y + h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)
    return y.sum()


def diagonal_lstm(weights, biases, ends, hidden, cell, text):
    hidden, cell = list(hidden), list(cell)
    last = []
    for x in text[:-1] * ends[0]:
        for k in range(len(weights)):
            gates = torch.stack((x, hidden[k], x, hidden[k])) * weights[k] + biases[k]
            forget, enter, leave = gates[:3].sigmoid()
            cell[k] = cell[k] * forget + enter * gates[3].tanh()
            x = hidden[k] = leave * cell[k].tanh()
        last.append(x)
    y = torch.stack(last) * ends[1] + ends[2]
    norms = torch.log(2.0 + y.exp().sum(1, keepdim=True))
    return -(text[1:] * (y - norms)).mean()


def gmm(alpha, mu, q, lower, x, gamma, m):
    n, d = x.shape
    k, degrees = len(alpha), d + m + 1
    columns, rows = np.triu_indices(d, 1)
    factors = torch.diag_embed(q.exp())
    factors[:, rows, columns] = lower
    whitened = (x - mu[:, None]) @ factors.mT
    beta = (alpha + q.sum(1))[:, None] - 0.5 * (whitened**2).sum(2)
    likelihood = beta.logsumexp(0).sum() - n * (0.5 * d * np.log(2.0 * np.pi) + alpha.logsumexp(0))
    log_gamma = scipy.special.multigammaln(0.5 * degrees, d)
    constant = k * (degrees * d * np.log(gamma / np.sqrt(2.0)) - log_gamma)
    return likelihood + constant - 0.5 * gamma**2 * (factors**2).sum() + m * q.sum()


def mlp(w1, b1, w2, b2, x, labels):
    return functional.cross_entropy(torch.tanh(x @ w1 + b1) @ w2 + b2, labels)


def softmax_regression(weights, bias, x, labels):
    return functional.cross_entropy(x @ weights + bias, labels)


def logistic_regression(weights, bias, x, labels):
    margins = labels * (x @ weights + bias)
    return functional.softplus(-margins).mean() + 0.5e-3 * (weights**2).sum()
