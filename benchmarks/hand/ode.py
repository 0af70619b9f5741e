"""The gradient by the rates: the state before each step is kept, its stages are computed again.

A slope needs of a stage only the component before: the four stages of a step are one loop, and what they hand
on from component to component stays in registers. Before the first component there is a constant, 1.
"""

import numpy as np

from . import as_generated


@as_generated
def step(x, y, h, new):
    """All stages of a step; `new` may be `y`."""
    half, third, sixth = 0.5 * h, h / 3.0, h / 6.0
    place1, place2, place3, place4 = 1.0, 1.0, 1.0, 1.0
    for i in range(len(x)):
        k1, k2, k3, k4 = x[i] * place1, x[i] * place2, x[i] * place3, x[i] * place4
        place1 = y[i]
        place2, place3, place4 = place1 + half * k1, place1 + half * k2, place1 + h * k3
        new[i] = place1 + sixth * (k1 + k4) + third * (k2 + k3)


@as_generated
def primal(x, steps):
    y = np.zeros(len(x))
    for _ in range(steps):
        step(x, y, 2.0 / steps, y)
    total = 0.0
    for i in range(len(x)):
        total += y[i]
    return total


@as_generated
def places_of(x, y, h, places):
    """Where the slopes are taken: row i of component i - 1."""
    half = 0.5 * h
    place1, place2, place3, place4 = 1.0, 1.0, 1.0, 1.0
    for i in range(len(x)):
        places[0, i], places[1, i], places[2, i], places[3, i] = place1, place2, place3, place4
        k1, k2, k3 = x[i] * place1, x[i] * place2, x[i] * place3
        place1 = y[i]
        place2, place3, place4 = place1 + half * k1, place1 + half * k2, place1 + h * k3


@as_generated
def step_adjoint(x, places, h, y_bar, x_bar):
    """Of a step; `y_bar` becomes the cotangent of the state before."""
    half, third, sixth = 0.5 * h, h / 3.0, h / 6.0
    place1_bar, place2_bar, place3_bar, place4_bar = 0.0, 0.0, 0.0, 0.0
    for i in range(len(x) - 1, -1, -1):
        g = y_bar[i]
        k1_bar, k2_bar = sixth * g + half * place2_bar, third * g + half * place3_bar
        k3_bar, k4_bar = third * g + h * place4_bar, sixth * g
        y_bar[i] = g + place1_bar + place2_bar + place3_bar + place4_bar
        x_bar[i] += (
            k1_bar * places[0, i] + k2_bar * places[1, i] + k3_bar * places[2, i] + k4_bar * places[3, i]
        )
        place1_bar, place2_bar = k1_bar * x[i], k2_bar * x[i]
        place3_bar, place4_bar = k3_bar * x[i], k4_bar * x[i]


@as_generated
def ode(x, steps):
    n, h = len(x), 2.0 / steps
    states, places = np.empty((steps + 1, n)), np.empty((4, n))
    states[0] = 0.0
    for t in range(steps):
        step(x, states[t], h, states[t + 1])
    x_bar, y_bar = np.zeros(n), np.ones(n)
    for t in range(steps - 1, -1, -1):
        places_of(x, states[t], h, places)
        step_adjoint(x, places, h, y_bar, x_bar)
    return x_bar
