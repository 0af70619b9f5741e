"""Heat in two dimensions, where warm matter conducts less: two buffers that are swapped."""

import numpy as np

ARGNUMS = 0
SIZES = (1_000, 10_000, 100_000, 1_000_000)  # cells, about
STEPS = 10


def heat(start, steps):
    rows, columns = start.shape
    u = start.copy()
    new = start.copy()
    for _ in range(steps):
        for i in range(1, rows - 1):
            for j in range(1, columns - 1):
                conductivity = 0.2 / (1.0 + u[i, j] * u[i, j])
                flow = u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + u[i, j + 1] - 4.0 * u[i, j]
                new[i, j] = u[i, j] + conductivity * flow
        u, new = new, u
    total = 0.0
    for i in range(rows):
        for j in range(columns):
            total += u[i, j] * u[i, j]
    return total


def arguments(n):
    side = round(n**0.5)
    return np.random.default_rng(3).uniform(0.0, 1.0, (side, side)), STEPS
