"""ADBench's Gaussian mixture: the logarithm of its likelihood, and a Wishart prior of its covariances.

Inverse covariances are Q'Q, the Q lower triangular: `q` are the logarithms of their diagonals, `lower` what
is below these, column by column.
"""

import numpy as np
from scipy.special import gammaln

ARGNUMS = (0, 1, 2, 3)
SIZES = {"small": (2, 5), "medium": (10, 25), "large": (64, 100)}  # dimensions, components
POINTS = 1_000


def logsumexp(x, axis):
    top = np.max(x, axis=axis, keepdims=True)
    return np.log(np.sum(np.exp(x - top), axis=axis)) + np.squeeze(top, axis)


def triangular(q, lower):
    """The factors Q, one a component."""
    k, d = q.shape
    factors = np.zeros((k, d, d))
    at = 0
    for j in range(d):
        factors[:, j, j] = np.exp(q[:, j])
        factors[:, j + 1 :, j] = lower[:, at : at + d - 1 - j]
        at += d - 1 - j
    return factors


def wishart(q, factors, gamma, m):
    k, d = q.shape
    degrees = d + m + 1
    log_gamma = 0.25 * d * (d - 1) * np.log(np.pi) + np.sum(gammaln(0.5 * (degrees - np.arange(d))))
    constant = k * (degrees * d * np.log(gamma / np.sqrt(2.0)) - log_gamma)
    return constant - 0.5 * gamma**2 * np.sum(factors**2) + m * np.sum(q)


def gmm(alpha, mu, q, lower, x, gamma, m):
    n, d = x.shape
    factors = triangular(q, lower)
    whitened = (x - mu[:, None, :]) @ np.transpose(factors, (0, 2, 1))
    beta = alpha[:, None] + np.sum(q, axis=1)[:, None] - 0.5 * np.sum(whitened**2, axis=2)
    likelihood = -n * (0.5 * d * np.log(2.0 * np.pi) + logsumexp(alpha, 0)) + np.sum(logsumexp(beta, 0))
    return likelihood + wishart(q, factors, gamma, m)


def products(alpha, mu, q, lower, x, gamma, m):
    return [(x - mu[:, None, :], np.transpose(triangular(q, lower), (0, 2, 1)))]


def arguments(size):
    d, k = size
    rng = np.random.default_rng(12)
    return (
        rng.normal(size=k),
        rng.uniform(size=(k, d)),
        0.3 * rng.normal(size=(k, d)),
        0.3 * rng.normal(size=(k, d * (d - 1) // 2)),
        rng.normal(size=(POINTS, d)),
        1.0,
        0,
    )
