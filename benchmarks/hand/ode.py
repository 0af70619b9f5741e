"""The gradient by the rates: the state before each step is kept, its stages are computed again.

The system is one of components that each follow from the one before: a stage is a shift and a product.
"""

import numpy as np

from . import as_generated


@as_generated
def slope(x, y, found):
    found[0] = x[0]
    for i in range(1, len(x)):
        found[i] = x[i] * y[i - 1]


@as_generated
def moved(y, h, k, found):
    for i in range(len(y)):
        found[i] = y[i] + h * k[i]


@as_generated
def stages(x, y, h, places, slopes):
    """Where the slopes are taken, and the slopes: of the last one too."""
    places[0] = y
    slope(x, places[0], slopes[0])
    for s in range(1, 4):
        moved(y, h if s == 3 else 0.5 * h, slopes[s - 1], places[s])
        slope(x, places[s], slopes[s])


@as_generated
def step(y, h, slopes, found):
    for i in range(len(y)):
        total = slopes[0, i] + 2.0 * slopes[1, i] + 2.0 * slopes[2, i] + slopes[3, i]
        found[i] = y[i] + h / 6.0 * total


@as_generated
def primal(x, steps):
    n, h = len(x), 2.0 / steps
    y, places, slopes = np.zeros(n), np.empty((4, n)), np.empty((4, n))
    for _ in range(steps):
        stages(x, y, h, places, slopes)
        step(y, h, slopes, y)
    total = 0.0
    for i in range(n):
        total += y[i]
    return total


@as_generated
def slope_adjoint(x, place, slope_bar, x_bar, place_bar):
    n = len(x)
    x_bar[0] += slope_bar[0]
    for i in range(1, n):
        x_bar[i] += slope_bar[i] * place[i - 1]
        place_bar[i - 1] = slope_bar[i] * x[i]
    place_bar[n - 1] = 0.0


@as_generated
def ode(x, steps):
    n, h = len(x), 2.0 / steps
    states, places, slopes = np.empty((steps + 1, n)), np.empty((4, n)), np.empty((4, n))
    states[0] = 0.0
    for t in range(steps):
        stages(x, states[t], h, places, slopes)
        step(states[t], h, slopes, states[t + 1])
    x_bar, y_bar = np.zeros(n), np.ones(n)
    before_bar, slope_bar, place_bar = np.empty(n), np.empty(n), np.empty(n)
    for t in range(steps - 1, -1, -1):
        stages(x, states[t], h, places, slopes)
        before_bar[:] = y_bar
        for s in range(3, -1, -1):
            part = h / 6.0 if s == 0 or s == 3 else h / 3.0
            along = 0.0 if s == 3 else h if s == 2 else 0.5 * h
            for i in range(n):
                slope_bar[i] = part * y_bar[i]
            if s < 3:
                moved(slope_bar, along, place_bar, slope_bar)
            slope_adjoint(x, places[s], slope_bar, x_bar, place_bar)
            moved(before_bar, 1.0, place_bar, before_bar)
        y_bar, before_bar = before_bar, y_bar
    return x_bar
