"""The gradient by weights, means, and inverse covariances, component by component.

Kept are the whitened points, two products of matrices a component make it: the cotangents of the means need
one product with a vector, since the sum over the points goes first.
"""

import math

import numpy as np

from . import as_generated


@as_generated
def factor_of(q, lower, factor):
    d, at = len(q), 0
    for j in range(d):
        factor[j, j] = np.exp(q[j])
        for i in range(j + 1, d):
            factor[i, j] = lower[at]
            at += 1


@as_generated
def centred_at(x, mean, centred):
    for i in range(len(x)):
        for j in range(len(mean)):
            centred[i, j] = x[i, j] - mean[j]


@as_generated
def scores(alpha, q, whitened, beta):
    """The logarithms of what one component has of each point."""
    start = alpha
    for j in range(len(q)):
        start += q[j]
    for i in range(len(beta)):
        square = 0.0
        for j in range(len(q)):
            square += whitened[i, j] * whitened[i, j]
        beta[i] = start - 0.5 * square


@as_generated
def shares(beta, norms):
    """Scores become exponentials, the largest of each point taken out; the sum of all log-sum-exps."""
    k, n = beta.shape
    top = beta[0].copy()
    for c in range(1, k):
        for i in range(n):
            top[i] = max(top[i], beta[c, i])
    norms[:] = 0.0
    for c in range(k):
        for i in range(n):
            beta[c, i] = np.exp(beta[c, i] - top[i])
            norms[i] += beta[c, i]
    total = 0.0
    for i in range(n):
        total += np.log(norms[i]) + top[i]
    return total


@as_generated
def logsumexp(alpha):
    top, total = alpha.max(), 0.0
    for c in range(len(alpha)):
        total += np.exp(alpha[c] - top)
    return np.log(total) + top


@as_generated
def prior(d, k, gamma, m):
    """The part of the prior that is constant."""
    degrees = d + m + 1
    log_gamma = 0.25 * d * (d - 1) * math.log(math.pi)
    for j in range(d):
        log_gamma += math.lgamma(0.5 * (degrees - j))
    return k * (degrees * d * math.log(gamma / math.sqrt(2.0)) - log_gamma)


@as_generated
def primal(alpha, mu, q, lower, x, gamma, m):
    n, d = x.shape
    k = len(alpha)
    factor, centred, whitened = np.zeros((d, d)), np.empty((n, d)), np.empty((n, d))
    beta, norms = np.empty((k, n)), np.empty(n)
    squares, logarithms = 0.0, 0.0
    for c in range(k):
        factor_of(q[c], lower[c], factor)
        centred_at(x, mu[c], centred)
        np.dot(centred, factor.T, whitened)
        scores(alpha[c], q[c], whitened, beta[c])
        for i in range(d):
            logarithms += q[c, i]
            for j in range(i + 1):
                squares += factor[i, j] * factor[i, j]
    likelihood = shares(beta, norms) - n * (0.5 * d * math.log(2.0 * math.pi) + logsumexp(alpha))
    return likelihood + prior(d, k, gamma, m) - 0.5 * gamma * gamma * squares + m * logarithms


@as_generated
def component_adjoint(factor, centred, whitened, share, gamma, m, mean_bar, q_bar, lower_bar):
    """Of one component; `whitened` becomes its cotangent."""
    n, d = centred.shape
    total, sums, at = 0.0, np.zeros(d), 0
    for i in range(n):
        total += share[i]
        for j in range(d):
            whitened[i, j] *= -share[i]
            sums[j] -= whitened[i, j]
    mean_bar[:] = np.dot(sums, factor)
    factor_bar = np.dot(whitened.T, centred)
    for j in range(d):
        diagonal_bar = factor_bar[j, j] - gamma * gamma * factor[j, j]
        q_bar[j] = total + m + diagonal_bar * factor[j, j]
        for i in range(j + 1, d):
            lower_bar[at] = factor_bar[i, j] - gamma * gamma * factor[i, j]
            at += 1
    return total


@as_generated
def gmm(alpha, mu, q, lower, x, gamma, m):
    n, d = x.shape
    k = len(alpha)
    factors, centred, whitened = np.zeros((k, d, d)), np.empty((n, d)), np.empty((k, n, d))
    beta, norms = np.empty((k, n)), np.empty(n)
    for c in range(k):
        factor_of(q[c], lower[c], factors[c])
        centred_at(x, mu[c], centred)
        np.dot(centred, factors[c].T, whitened[c])
        scores(alpha[c], q[c], whitened[c], beta[c])
    shares(beta, norms)
    alpha_bar, mu_bar = np.empty(k), np.empty(mu.shape)
    q_bar, lower_bar = np.empty(q.shape), np.empty(lower.shape)
    norm = logsumexp(alpha)
    for c in range(k):
        for i in range(n):
            beta[c, i] /= norms[i]
        centred_at(x, mu[c], centred)
        total = component_adjoint(
            factors[c], centred, whitened[c], beta[c], gamma, m, mu_bar[c], q_bar[c], lower_bar[c]
        )
        alpha_bar[c] = total - n * np.exp(alpha[c] - norm)
    return alpha_bar, mu_bar, q_bar, lower_bar
