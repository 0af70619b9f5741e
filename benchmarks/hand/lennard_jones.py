"""The gradient by the positions: nothing is kept, each pair hands its force to both atoms."""

import numpy as np

from . import as_generated


@as_generated
def lennard_jones(positions):
    n = len(positions)
    positions_bar = np.zeros((n, 3))
    for i in range(n):
        x, y, z = positions[i, 0], positions[i, 1], positions[i, 2]
        x_bar, y_bar, z_bar = 0.0, 0.0, 0.0
        for j in range(i + 1, n):
            dx, dy, dz = x - positions[j, 0], y - positions[j, 1], z - positions[j, 2]
            inverse = 1.0 / (dx * dx + dy * dy + dz * dz)
            attraction = inverse * inverse * inverse
            slope = -24.0 * inverse * (2.0 * attraction * attraction - attraction)
            x_bar += slope * dx
            y_bar += slope * dy
            z_bar += slope * dz
            positions_bar[j, 0] -= slope * dx
            positions_bar[j, 1] -= slope * dy
            positions_bar[j, 2] -= slope * dz
        positions_bar[i, 0] += x_bar
        positions_bar[i, 1] += y_bar
        positions_bar[i, 2] += z_bar
    return positions_bar
