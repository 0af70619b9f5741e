"""The gradient by the force: place and speed before each step are kept, its stages computed again."""

import numpy as np

from . import as_generated


@as_generated
def rk4(force, damping, dt):
    n = len(force)
    half, third, sixth = 0.5 * dt, dt / 3.0, dt / 6.0
    places, speeds = np.empty(n), np.empty(n)
    x, v = 1.0, 0.0
    for k in range(n):
        places[k], speeds[k] = x, v
        f = force[k]
        k1 = f - damping * v - x - x**3
        x2, v2 = x + half * v, v + half * k1
        k2 = f - damping * v2 - x2 - x2**3
        x3, v3 = x + half * v2, v + half * k2
        k3 = f - damping * v3 - x3 - x3**3
        x4, v4 = x + dt * v3, v + dt * k3
        k4 = f - damping * v4 - x4 - x4**3
        x += sixth * (v + 2.0 * v2 + 2.0 * v3 + v4)
        v += sixth * (k1 + 2.0 * k2 + 2.0 * k3 + k4)
    force_bar = np.empty(n)
    after, x_bar, v_bar = x, 0.0, 0.0
    for k in range(n - 1, -1, -1):
        x_bar += 2.0 * after
        x, v, f = places[k], speeds[k], force[k]
        after = x
        k1 = f - damping * v - x - x**3
        x2, v2 = x + half * v, v + half * k1
        k2 = f - damping * v2 - x2 - x2**3
        x3, v3 = x + half * v2, v + half * k2
        x4 = x + dt * v3
        k4_bar = sixth * v_bar
        x4_bar = -(1.0 + 3.0 * x4 * x4) * k4_bar
        v4_bar = sixth * x_bar - damping * k4_bar
        k3_bar = third * v_bar + dt * v4_bar
        x3_bar = -(1.0 + 3.0 * x3 * x3) * k3_bar
        v3_bar = third * x_bar + dt * x4_bar - damping * k3_bar
        k2_bar = third * v_bar + half * v3_bar
        x2_bar = -(1.0 + 3.0 * x2 * x2) * k2_bar
        v2_bar = third * x_bar + half * x3_bar - damping * k2_bar
        k1_bar = sixth * v_bar + half * v2_bar
        force_bar[k] = k1_bar + k2_bar + k3_bar + k4_bar
        v_bar += sixth * x_bar + half * x2_bar - damping * k1_bar + v2_bar + v3_bar + v4_bar
        x_bar += x2_bar + x3_bar + x4_bar - (1.0 + 3.0 * x * x) * k1_bar
    return force_bar
