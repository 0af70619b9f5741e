"""Likelihoods, least squares and layers, as users write them."""

# The style is theirs.
# ruff: noqa: B007, B023, B905, E731, E741

import math
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve, solve_triangular
from user_program import UserProgram


def gaussian(y, mu, sigma):
    z = (y - mu) / sigma
    return -0.5 * np.sum(z**2) - len(y) * np.log(sigma) - 0.5 * len(y) * np.log(2 * np.pi)


def logistic_regression(w, b, X, y, lam=0.1):
    z = X.dot(w) + b
    p = 1.0 / (1.0 + np.exp(-z))
    nll = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    return nll + lam * np.sum(w * w)


def student_t(params, y):
    mu, log_scale, log_df = params
    s = np.exp(log_scale)
    nu = np.exp(log_df)
    r = (y - mu) / s
    return np.sum(0.5 * (nu + 1) * np.log1p(r**2 / nu) + log_scale)


def mixture(logits, mu, y):
    logw = logits - np.log(np.sum(np.exp(logits)))
    d = y[:, None] - mu[None, :]
    lp = logw - 0.5 * d**2
    m = np.max(lp, axis=1, keepdims=True)
    return np.sum(m[:, 0] + np.log(np.sum(np.exp(lp - m), axis=1)))


def softmax_cross_entropy(W, X, labels):
    logits = X @ W
    logits = logits - logits.max(axis=1, keepdims=True)
    logp = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return -np.mean(logp[np.arange(len(labels)), labels])


def layer_norm(x, g, b, eps=1e-5):
    mean = x.mean(axis=-1, keepdims=True)
    var = x.var(axis=-1, keepdims=True)
    return g * (x - mean) / np.sqrt(var + eps) + b


def attention(q, k, v):
    scores = q @ k.T / np.sqrt(q.shape[-1])
    scores -= scores.max(axis=-1, keepdims=True)
    w = np.exp(scores)
    w /= w.sum(axis=-1, keepdims=True)
    return w @ v


def batched_attention(q, k, v):
    s = np.einsum("bqd,bkd->bqk", q, k) / math.sqrt(q.shape[2])
    e = np.exp(s - s.max(axis=2, keepdims=True))
    return np.einsum("bqk,bkd->bqd", e / e.sum(axis=2, keepdims=True), v)


def gp_nll(log_ell, log_noise, x, y):
    d = x[:, np.newaxis] - x[np.newaxis, :]
    K = np.exp(-0.5 * d**2 / np.exp(2 * log_ell)) + np.exp(log_noise) * np.eye(len(x))
    alpha = np.linalg.solve(K, y)
    return 0.5 * y @ alpha


def gp_cholesky(log_ell, log_noise, x, y):
    d = (x[:, None] - x[None, :]) / np.exp(log_ell)
    K = np.exp(-0.5 * d * d) + np.exp(log_noise) * np.eye(x.size)
    L = np.linalg.cholesky(K)
    z = solve_triangular(L, y, lower=True)
    return 0.5 * z @ z + np.log(np.diag(L)).sum() + 0.5 * len(x) * np.log(2 * np.pi)


def gp_predictive_mean(x, y, new, noise):
    k = lambda a, b: np.exp(-0.5 * (a[:, None] - b) ** 2)
    factor = cho_factor(k(x, x) + noise * np.eye(len(x)), lower=True)
    return k(new, x) @ cho_solve(factor, y)


def ridge(X, y, lam):
    n, p = X.shape
    A = X.T @ X + lam * np.identity(p)
    w = np.linalg.solve(A, X.T @ y)
    r = y - X @ w
    return (r * r).sum()


def huber(w, X, y, delta=0.5):
    r = np.abs(y - X @ w)
    return np.where(r <= delta, 0.5 * r**2, delta * (r - 0.5 * delta)).sum()


def standardise(X):
    return (X - X.mean(axis=0)) / (X.std(axis=0) + 1.0)


def kalman(y, q, r, x0):
    x = x0
    P = 1.0
    ll = 0.0
    for t in range(len(y)):
        P = P + q
        S = P + r
        K = P / S
        v = y[t] - x
        ll += -0.5 * (np.log(S) + v * v / S)
        x = x + K * v
        P = (1 - K) * P
    return ll


def garch(params, returns):
    omega, alpha, beta = params
    sigma2 = omega / (1 - alpha - beta)
    nll = 0.0
    for r in returns:
        nll += 0.5 * (np.log(sigma2) + r**2 / sigma2)
        sigma2 = omega + alpha * r**2 + beta * sigma2
    return nll


def ar1(phi, sigma, x):
    resid = x[1:] - phi * x[:-1]
    return -0.5 * np.sum((resid / sigma) ** 2) - (x.size - 1) * np.log(sigma)


def hmm_forward(logA, logB, obs):
    K = logA.shape[0]
    alpha = np.zeros(K)
    for t in range(obs.shape[0]):
        m = alpha[:, None] + logA
        mx = np.max(m, axis=0)
        alpha = mx + np.log(np.exp(m - mx).sum(axis=0)) + logB[:, obs[t]]
    return np.log(np.sum(np.exp(alpha)))


def mlp(params, x):
    h = x
    for W, b in params[:-1]:
        h = np.tanh(h @ W + b)
    W, b = params[-1]
    return np.sum((h @ W + b) ** 2)


def mlp_dict(params, x, y):
    h = np.maximum(x @ params["w1"] + params["b1"], 0)
    out = h @ params["w2"] + params["b2"]
    return np.mean((out - y) ** 2)


@dataclass
class Params:
    scale: float
    weights: np.ndarray
    name: str = "p"
    order: int = 2


def dataclass_loss(p, x):
    return p.scale * np.sum(p.weights * x**p.order)


def kernel_density(x, data, h):
    u = (x[:, None] - data) / h
    return np.log(np.mean(np.exp(-0.5 * u * u), axis=1) + 1e-6)


def negative_log_weibull(k, lam, t, censored):
    logf = np.log(k / lam) + (k - 1) * np.log(t / lam) - (t / lam) ** k
    logS = -((t / lam) ** k)
    return -np.sum(np.where(censored, logS, logf))


def pca_power(A, v, k=4):
    for _ in range(k):
        v = A @ v
        v = v / np.linalg.norm(v)
    return v @ A @ v


def ewma(x, alpha):
    out = np.empty_like(x)
    out[0] = x[0]
    for t in range(1, len(x)):
        out[t] = alpha * x[t] + (1 - alpha) * out[t - 1]
    return out


def trapezoid_rule(f, x):
    return np.sum(0.5 * (f[1:] + f[:-1]) * np.diff(x))


def embedding(table, ids, w):
    e = table[ids]
    return np.sum(np.tanh(e @ w))


def conv1d(x, k):
    n = len(x) - len(k) + 1
    out = np.zeros(n)
    for i in range(n):
        out[i] = np.sum(x[i : i + len(k)] * k)
    return out


def logsumexp(x, axis=None):
    m = np.max(x, axis=axis, keepdims=True)
    return np.log(np.sum(np.exp(x - m), axis=axis, keepdims=True)) + m


def lstm_gate(W, x, h):
    z = W @ np.concatenate([x, h])
    n = len(h)
    i, f = z[:n], z[n:]
    return (1 / (1 + np.exp(-i))) * np.tanh(f)


def positive(n, r):
    return r.uniform(0.5, 1.5, size=n)


N1 = (5, 1, 2, 3, 4, 6, 17)


PROGRAMS = [
    UserProgram(gaussian, lambda n, r: (r.normal(size=n), 0.3, 1.2)),
    UserProgram(
        logistic_regression,
        lambda n, r: (r.normal(size=3), 0.1, r.normal(size=(n, 3)), r.integers(0, 2, n)),
        N1,
    ),
    UserProgram(student_t, lambda n, r: ((0.1, 0.2, 1.0), r.normal(size=n))),
    UserProgram(mixture, lambda n, r: (r.normal(size=3), r.normal(size=3), r.normal(size=n))),
    UserProgram(
        softmax_cross_entropy,
        lambda n, r: (r.normal(size=(3, 4)), r.normal(size=(n, 3)), r.integers(0, 4, n)),
        N1,
    ),
    UserProgram(layer_norm, lambda n, r: (r.normal(size=(2, n)), r.normal(size=n), r.normal(size=n)), N1),
    UserProgram(
        attention, lambda n, r: (r.normal(size=(n, 3)), r.normal(size=(n, 3)), r.normal(size=(n, 2))), N1
    ),
    UserProgram(
        batched_attention,
        lambda n, r: (r.normal(size=(2, n, 3)), r.normal(size=(2, n, 3)), r.normal(size=(2, n, 3))),
        N1,
    ),
    UserProgram(gp_nll, lambda n, r: (0.1, -1.0, np.sort(r.normal(size=n)), r.normal(size=n))),
    UserProgram(gp_cholesky, lambda n, r: (0.1, -1.0, np.sort(r.normal(size=n)), r.normal(size=n))),
    UserProgram(
        gp_predictive_mean,
        lambda n, r: (np.sort(r.normal(size=n)), r.normal(size=n), r.normal(size=4), 0.1),
    ),
    UserProgram(ridge, lambda n, r: (r.normal(size=(n, 3)), r.normal(size=n), 0.7)),
    UserProgram(huber, lambda n, r: (r.normal(size=2), r.normal(size=(n, 2)), r.normal(size=n))),
    UserProgram(standardise, lambda n, r: (r.normal(size=(n, 3)),), (5, 2, 3, 4, 6, 17)),
    UserProgram(kalman, lambda n, r: (r.normal(size=n), 0.2, 0.4, 0.0)),
    UserProgram(garch, lambda n, r: ((0.1, 0.2, 0.5), r.normal(size=n))),
    UserProgram(ar1, lambda n, r: (0.7, 1.1, r.normal(size=n))),
    UserProgram(
        hmm_forward, lambda n, r: (r.normal(size=(3, 3)), r.normal(size=(3, 4)), r.integers(0, 4, n))
    ),
    UserProgram(
        mlp,
        lambda n, r: (
            [(r.normal(size=(3, n)), r.normal(size=n)), (r.normal(size=(n, 2)), r.normal(size=2))],
            r.normal(size=(4, 3)),
        ),
    ),
    UserProgram(
        mlp_dict,
        lambda n, r: (
            {"w1": r.normal(size=(2, n)), "b1": r.normal(size=n), "w2": r.normal(size=n), "b2": 0.3},
            r.normal(size=(6, 2)),
            r.normal(size=6),
        ),
    ),
    UserProgram(dataclass_loss, lambda n, r: (Params(1.5, r.normal(size=n)), r.normal(size=n))),
    UserProgram(kernel_density, lambda n, r: (r.normal(size=4), r.normal(size=n), 0.6), N1),
    UserProgram(negative_log_weibull, lambda n, r: (1.3, 0.8, positive(n, r), r.random(n) < 0.5)),
    UserProgram(pca_power, lambda n, r: (r.normal(size=(n, n)), r.normal(size=n)), N1),
    UserProgram(ewma, lambda n, r: (r.normal(size=n), 0.3), N1),
    UserProgram(trapezoid_rule, lambda n, r: (r.normal(size=n), np.sort(r.normal(size=n)))),
    UserProgram(embedding, lambda n, r: (r.normal(size=(5, 3)), r.integers(0, 5, n), r.normal(size=3))),
    UserProgram(conv1d, lambda n, r: (r.normal(size=n + 2), r.normal(size=3))),
    UserProgram(logsumexp, lambda n, r: (r.normal(size=n),), N1),
    UserProgram(lstm_gate, lambda n, r: (r.normal(size=(2 * n, 3 + n)), r.normal(size=3), r.normal(size=n))),
]
