"""One kernel under Numba's own cache: the least that a second process does before it calls machine code."""

from numba import njit


@njit(cache=True)
def squares(x):
    total = 0.0
    for i in range(x.size):
        total += x[i] * x[i]
    return total
