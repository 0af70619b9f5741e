"""A Duffing oscillator under a force that is chosen anew in each step, by Runge-Kutta of order four."""

import numpy as np

ARGNUMS = 0
SIZES = (1_000, 10_000, 100_000, 1_000_000)


def rk4(force, damping, dt):
    x, v = 1.0, 0.0
    total = 0.0
    for k in range(len(force)):
        f = force[k]
        k1x = v
        k1v = f - damping * v - x - x**3
        x2 = x + 0.5 * dt * k1x
        v2 = v + 0.5 * dt * k1v
        k2x = v2
        k2v = f - damping * v2 - x2 - x2**3
        x3 = x + 0.5 * dt * k2x
        v3 = v + 0.5 * dt * k2v
        k3x = v3
        k3v = f - damping * v3 - x3 - x3**3
        x4 = x + dt * k3x
        v4 = v + dt * k3v
        k4x = v4
        k4v = f - damping * v4 - x4 - x4**3
        x = x + dt / 6.0 * (k1x + 2.0 * k2x + 2.0 * k3x + k4x)
        v = v + dt / 6.0 * (k1v + 2.0 * k2v + 2.0 * k3v + k4v)
        total += x * x
    return total


def arguments(n):
    return np.random.default_rng(2).normal(size=n), 0.3, 0.01
