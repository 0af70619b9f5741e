"""Smoothing a series: a tridiagonal system solved by Thomas's algorithm, in place, element by element.

The smooth series u minimises |u - y|^2 + strength * |differences of u|^2, so (1 + strength * D'D) u = y.
"""

import numpy as np


def smooth(y, strength):
    """The series u, from the data y and one number."""
    n = len(y)
    below = -strength
    diagonal = np.full(n, 1.0 + 2.0 * strength)
    diagonal[0] -= strength
    diagonal[n - 1] -= strength
    u = y.copy()
    for i in range(1, n):
        factor = below / diagonal[i - 1]
        diagonal[i] -= factor * below
        u[i] -= factor * u[i - 1]
    u[n - 1] /= diagonal[n - 1]
    for i in range(n - 2, -1, -1):
        u[i] = (u[i] - below * u[i + 1]) / diagonal[i]
    return u


def distance(y, strength, truth):
    """The squared distance of the smoothed data from the truth."""
    error = smooth(y, strength) - truth
    return np.sum(error * error)


if __name__ == "__main__":
    from adcompiler import adjoint

    truth = np.sin(np.linspace(0.0, 3.0, 40))
    data = truth + np.random.default_rng(0).normal(0.0, 0.2, 40)
    slope = adjoint(distance, argnums=1)
    for strength in (0.1, 1.0, 3.0, 10.0):
        value, gradient = slope.value_and_grad(data, strength, truth)
        print(f"strength {strength}: distance {value:.4f}, its derivative {gradient:+.4f}")
