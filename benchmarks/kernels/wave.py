"""The wave equation in one dimension, three levels in time; the speed differs from cell to cell."""

import numpy as np

ARGNUMS = (0, 1)
SIZES = (1_000, 10_000, 100_000, 1_000_000)  # cells
STEPS = 10


def wave(speed, start, steps):
    n = len(start)
    before = start.copy()
    now = start.copy()
    after = start.copy()
    for _ in range(steps):
        for i in range(1, n - 1):
            curvature = now[i + 1] - 2.0 * now[i] + now[i - 1]
            after[i] = 2.0 * now[i] - before[i] + speed[i] * speed[i] * curvature
        before, now, after = now, after, before
    total = 0.0
    for i in range(n):
        total += now[i] * now[i]
    return total


def arguments(n):
    rng = np.random.default_rng(4)
    return rng.uniform(0.2, 0.8, n), rng.normal(size=n), STEPS
