"""What the user writes in place, in JAX's words for it: `.at[...].set`; the loops stay Python's."""

import jax.numpy as jnp

LEFT_OUT = {
    "heat": "a loop over cells in Python: 10,000 updates and more are traced one by one, for minutes",
    "least_squares": "the loop over 128 coefficients is traced trip by trip: half a minute to compile",
    "diagonal_lstm": "the loop over characters is traced trip by trip: minutes to compile",
}


def slope(x, y):
    found = jnp.empty(len(y))
    found = found.at[0].set(x[0])
    return found.at[1:].set(x[1:] * y[:-1])


def triangular(q, lower):
    k, d = q.shape
    factors = jnp.zeros((k, d, d))
    for j in range(d):
        at = j * (2 * d - j - 1) // 2
        factors = factors.at[:, j, j].set(jnp.exp(q[:, j]))
        factors = factors.at[:, j + 1 :, j].set(lower[:, at : at + d - 1 - j])
    return factors
