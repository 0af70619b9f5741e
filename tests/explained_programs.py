"""Programs whose plans are explained: loops in several relations to the loops that walk back through them."""

import numpy as np

from adcompiler import Snapshots, checkpointed, grad


def flow(theta, y, n):
    """One loop, one carry, and more to replay than to keep."""
    for _ in range(n):
        y = y + 0.01 * (np.sin(theta * y) + np.cos(theta * np.sin(theta * y)))
    return np.sum(y)


def layers(y, w, n, m):
    """A loop in a loop; what is made by `solve` is dear."""
    s = 0.0
    for _ in range(n):
        y = np.tanh(w @ y)
        z = y
        for _ in range(m):
            z = z * np.exp(-z)
        s = s + np.sum(z)
        y = np.linalg.solve(w, y)
    return s + np.sum(y)


def twice(y, n):
    """Two loops, the second of which reads what the first has made."""
    for _ in range(n):
        y = np.sin(y)
    z = np.exp(y)
    for _ in range(n):
        z = np.cos(z) * y
    return np.sum(z)


def walked(x):
    """Trips that data decide."""
    y = x[0]
    while y > 0.1:
        y = y * y / (1.0 + y)
    return y * np.sum(x)


def counted(x, counts):
    """Trips that an array says."""
    for _ in range(counts[0]):
        x = np.sin(x)
    return np.sum(x)


def doubled(y, n):
    """Nothing is kept of a trip."""
    for _ in range(n):
        y = y * 2.0
    return np.sum(y)


def triangle(x, n):
    """Trips that change in the loop around."""
    s = 0.0
    for i in range(n):
        for _ in range(i):
            s = np.sin(s + x[i])
    return s


def branching(x, n):
    """A loop in a branch."""
    if np.sum(x) > 0.0:
        for _ in range(n):
            x = np.sin(x)
    return np.sum(x)


def curved(y, n):
    """A derivative in a function: its loops are read by several."""
    return np.sum(grad(swung)(y, n) ** 2)


def swung(y, n):
    for _ in range(n):
        y = np.sin(y) * y
    return np.sum(y)


def asked(y, n):
    """A loop with a policy of its own."""
    for _ in checkpointed(range(n), Snapshots(3)):
        y = np.sin(y) * y
    return np.sum(y)


def square(x):
    """No loop at all."""
    return np.sum(x * x)
