"""The gradient by speed and start: every level in time is kept."""

import numpy as np

from . import as_generated


@as_generated
def wave(speed, start, steps):
    n = len(start)
    levels = np.empty((steps + 2, n))
    levels[0] = start
    levels[1] = start
    for t in range(steps):
        before, now, after = levels[t], levels[t + 1], levels[t + 2]
        after[0], after[n - 1] = start[0], start[n - 1]
        for i in range(1, n - 1):
            curvature = now[i + 1] - 2.0 * now[i] + now[i - 1]
            after[i] = 2.0 * now[i] - before[i] + speed[i] * speed[i] * curvature
    speed_bar = np.zeros(n)
    first_bar, last_bar = 0.0, 0.0  # of the two ends, which stay as they were at the start
    after_bar, now_bar, before_bar = 2.0 * levels[steps + 1], np.zeros(n), np.empty(n)
    for t in range(steps - 1, -1, -1):
        now = levels[t + 1]
        before_bar[0], before_bar[n - 1] = 0.0, 0.0
        first_bar += after_bar[0]
        last_bar += after_bar[n - 1]
        for i in range(1, n - 1):
            curvature = now[i + 1] - 2.0 * now[i] + now[i - 1]
            g = after_bar[i]
            curvature_bar = speed[i] * speed[i] * g
            speed_bar[i] += 2.0 * speed[i] * curvature * g
            before_bar[i] = -g
            now_bar[i - 1] += curvature_bar
            now_bar[i] += 2.0 * g - 2.0 * curvature_bar
            now_bar[i + 1] += curvature_bar
        after_bar, now_bar, before_bar = now_bar, before_bar, after_bar
    start_bar = after_bar
    for i in range(n):
        start_bar[i] += now_bar[i]
    start_bar[0] += first_bar
    start_bar[n - 1] += last_bar
    return speed_bar, start_bar
