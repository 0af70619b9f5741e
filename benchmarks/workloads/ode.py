"""y0' = x0, yi' = xi y(i-1), from 0 to 2 by Runge and Kutta's method of order four in ten steps.

cmpad returns the last component, whose derivative is exactly zero for as many components as here; here it
is their sum.
"""

import numpy as np

ARGNUMS = 0
SIZES = {"small": 100, "medium": 1_000, "large": 10_000}  # components
STEPS = 10


def slope(x, y):
    found = np.empty(len(y))
    found[0] = x[0]
    found[1:] = x[1:] * y[:-1]
    return found


def ode(x, steps):
    h = 2.0 / steps
    y = np.zeros(len(x))
    for _ in range(steps):
        k1 = slope(x, y)
        k2 = slope(x, y + h / 2.0 * k1)
        k3 = slope(x, y + h / 2.0 * k2)
        k4 = slope(x, y + h * k3)
        y = y + h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)
    return np.sum(y)


def arguments(size):
    return np.random.default_rng(10).uniform(0.5, 1.5, size), STEPS
