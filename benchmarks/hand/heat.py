"""The gradient by the first temperatures: every level in time is kept, conductivities are computed again."""

import kernels.heat
import numpy as np

from . import as_generated

primal = as_generated(kernels.heat.heat)


@as_generated
def copy_border(source, target):
    target[0], target[-1] = source[0], source[-1]
    target[:, 0], target[:, -1] = source[:, 0], source[:, -1]


@as_generated
def heat(start, steps):
    rows, columns = start.shape
    levels = np.empty((steps + 1, rows, columns))
    levels[0] = start
    for t in range(steps):
        u, new = levels[t], levels[t + 1]
        copy_border(u, new)
        for i in range(1, rows - 1):
            for j in range(1, columns - 1):
                conductivity = 0.2 / (1.0 + u[i, j] * u[i, j])
                flow = u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + u[i, j + 1] - 4.0 * u[i, j]
                new[i, j] = u[i, j] + conductivity * flow
    new_bar = 2.0 * levels[steps]
    u_bar = np.empty((rows, columns))
    for t in range(steps - 1, -1, -1):
        u = levels[t]
        u_bar[1:-1, 1:-1] = 0.0
        copy_border(new_bar, u_bar)
        for i in range(1, rows - 1):
            for j in range(1, columns - 1):
                inverse = 1.0 / (1.0 + u[i, j] * u[i, j])
                conductivity = 0.2 * inverse
                flow = u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + u[i, j + 1] - 4.0 * u[i, j]
                g = new_bar[i, j]
                flow_bar = conductivity * g
                u_bar[i, j] += g - 4.0 * flow_bar - 2.0 * u[i, j] * inverse * flow * flow_bar
                u_bar[i - 1, j] += flow_bar
                u_bar[i + 1, j] += flow_bar
                u_bar[i, j - 1] += flow_bar
                u_bar[i, j + 1] += flow_bar
        u_bar, new_bar = new_bar, u_bar
    return new_bar
