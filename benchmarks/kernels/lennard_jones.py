"""The energy of atoms that attract and repel each other in pairs."""

import numpy as np

ARGNUMS = 0
SIZES = (1_000, 10_000, 100_000, 1_000_000)  # pairs


def lennard_jones(positions):
    n = len(positions)
    energy = 0.0
    for i in range(n):
        for j in range(i + 1, n):
            dx = positions[i, 0] - positions[j, 0]
            dy = positions[i, 1] - positions[j, 1]
            dz = positions[i, 2] - positions[j, 2]
            inverse = 1.0 / (dx * dx + dy * dy + dz * dz)
            attraction = inverse * inverse * inverse
            energy += 4.0 * (attraction * attraction - attraction)
    return energy


def arguments(n):
    """As many atoms as make about n pairs, near the points of a cubic lattice."""
    atoms = round((2 * n) ** 0.5)
    side = int(np.ceil(atoms ** (1 / 3)))
    lattice = np.stack(np.meshgrid(*[np.arange(side)] * 3), axis=-1).reshape(-1, 3)[:atoms]
    return (1.1 * lattice + np.random.default_rng(8).uniform(-0.05, 0.05, (atoms, 3)),)
