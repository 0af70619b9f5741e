"""The workloads as JAX would have them: `lax.scan` for loops, `jax.nn`, products of matrices.

What is not here is written by the user as JAX would have it already.
"""

import jax
import jax.numpy as jnp
import numpy as np
import scipy.special
from jax import lax


def logsumexp(x):
    return jax.nn.logsumexp(x)


def layer_norm(x, gain, bias, target):
    return jnp.mean((gain * jax.nn.standardize(x, axis=-1, epsilon=1e-5) + bias - target) ** 2)


def softmax_cross_entropy(logits, labels):
    chosen = jnp.take_along_axis(logits, labels[:, None], axis=1)[:, 0]
    return jnp.mean(jax.nn.logsumexp(logits, axis=1) - chosen)


def black_scholes(spot, strike, years, rate, volatility):
    cdf = jax.scipy.stats.norm.cdf
    spread = volatility * jnp.sqrt(years)
    d1 = (jnp.log(spot / strike) + (rate + 0.5 * volatility**2) * years) / spread
    return jnp.sum(spot * cdf(d1) - strike * jnp.exp(-rate * years) * cdf(d1 - spread))


def least_squares(x, t):
    return 0.5 * jnp.sum((jnp.sign(t) - jnp.polyval(x[::-1], t)) ** 2)


def kmeans(centroids, points):
    products = points @ centroids.T
    distances = jnp.sum(points**2, 1)[:, None] - 2.0 * products + jnp.sum(centroids**2, 1)
    return jnp.sum(jnp.min(distances, axis=1))


def kmeans_hvp(centroids, points, direction):
    return jax.jvp(lambda c: jax.grad(kmeans)(c, points), (centroids,), (direction,))[1]


def heat(start, steps):
    def step(u, _):
        inner = u[1:-1, 1:-1]
        flow = u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:] - 4.0 * inner
        return u.at[1:-1, 1:-1].add(0.2 / (1.0 + inner * inner) * flow), None

    last, _ = lax.scan(step, start, length=steps)
    return jnp.sum(last * last)


def ode(x, steps):
    h = 2.0 / steps

    def slope(y):
        return x * jnp.concatenate((jnp.ones(1), y[:-1]))

    def step(y, _):
        k1 = slope(y)
        k2 = slope(y + h / 2.0 * k1)
        k3 = slope(y + h / 2.0 * k2)
        k4 = slope(y + h * k3)
        return y + h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4), None

    last, _ = lax.scan(step, jnp.zeros_like(x), length=steps)
    return jnp.sum(last)


def diagonal_lstm(weights, biases, ends, hidden, cell, text):
    def layer(x, given):
        (w, b), h, c = given
        forget, enter, leave, change = w * jnp.stack((x, h, x, h)) + b
        c = c * jax.nn.sigmoid(forget) + jax.nn.sigmoid(enter) * jnp.tanh(change)
        h = jax.nn.sigmoid(leave) * jnp.tanh(c)
        return h, (h, c)

    def step(state, characters):
        given, gold = characters
        x, state = lax.scan(layer, given * ends[0], ((weights, biases), *state), unroll=len(weights))
        y = x * ends[1] + ends[2]
        return state, jnp.sum(gold * (y - jnp.log(2.0 + jnp.sum(jnp.exp(y)))))

    _, parts = lax.scan(step, (hidden, cell), (text[:-1], text[1:]))
    return -jnp.sum(parts) / text[1:].size


def gmm(alpha, mu, q, lower, x, gamma, m):
    n, d = x.shape
    k, degrees = len(alpha), d + m + 1
    columns, rows = np.triu_indices(d, 1)

    def component(alpha, mu, q, lower):
        factor = jnp.diag(jnp.exp(q)).at[rows, columns].set(lower)
        whitened = (x - mu) @ factor.T
        return alpha + jnp.sum(q) - 0.5 * jnp.sum(whitened**2, axis=1), jnp.sum(factor**2)

    beta, squares = jax.vmap(component)(alpha, mu, q, lower)
    likelihood = jnp.sum(jax.nn.logsumexp(beta, axis=0)) - n * (
        0.5 * d * np.log(2.0 * np.pi) + jax.nn.logsumexp(alpha)
    )
    log_gamma = scipy.special.multigammaln(0.5 * degrees, d)
    constant = k * (degrees * d * jnp.log(gamma / np.sqrt(2.0)) - log_gamma)
    return likelihood + constant - 0.5 * gamma**2 * jnp.sum(squares) + m * jnp.sum(q)


def mlp(w1, b1, w2, b2, x, labels):
    return softmax_cross_entropy(jnp.tanh(x @ w1 + b1) @ w2 + b2, labels)


def softmax_regression(weights, bias, x, labels):
    return softmax_cross_entropy(x @ weights + bias, labels)


def logistic_regression(weights, bias, x, labels):
    margins = labels * (x @ weights + bias)
    return jnp.mean(jax.nn.softplus(-margins)) + 0.5e-3 * jnp.sum(weights**2)
