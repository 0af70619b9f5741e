"""Indices: negative, repeated, masked, computed, out of the ordinary."""

from __future__ import annotations

import numpy as np

from .trap import A, Trap, X, unit

NEXT = np.array([2, 5, 4, 0, 1, 3])
REPEATED = np.array([1, 3, 1, 1, 0])


def wraps_around(x):
    """x[i - 1] at i = 0 is the last element."""
    s = 0.0
    for i in range(len(x)):
        s += x[i] * x[i - 1]
    return s


def negative_index_written(x):
    """x[-1] is x[5]."""
    x[-1] = x[-2] * x[0]
    return x[5] * x[1]


def negative_steps(x):
    """Slices that run backwards, with and without bounds."""
    return np.sum(x[4:1:-1] * x[:3]) + np.sum(x[::-2] * x[1::2])


def negative_steps_gradient(x):
    weights = np.zeros((6, 6))
    for i, j in [(4, 0), (3, 1), (2, 2), (5, 1), (3, 3), (1, 5)]:
        weights[i, j] += 1
    return (weights + weights.T) @ x


def empty_slices(x):
    """Sums over nothing are zero; a product over nothing is one."""
    return np.sum(x[3:2]) + np.prod(x[6:]) * x[0] + np.sum(x[:0] * x[6:])


def slice_beyond_the_end(x):
    """Slices are clipped at the end."""
    return np.sum(x[4:100] ** 2) + np.sum(x[-100:2])


def last_none(x, k):
    """x[-k:] with k = 0 is everything."""
    return np.sum(x[-k:] ** 2)


def repeated_reads(x):
    """An index array that names an element three times: its cotangents add up."""
    return np.sum(x[REPEATED] ** 2)


def repeated_writes(x):
    """Of three writes to one element the last one counts."""
    y = np.zeros(6)
    y[REPEATED] = x[:5] ** 2
    return np.sum(y)


def mask_written(x):
    """A mask chooses the elements that are overwritten."""
    x[x < 0.0] = 2.0
    return np.sum(x * x)


def mask_added_to(x):
    """A mask in an augmented assignment."""
    y = x * x
    y[x > 0.6] *= 3.0
    return np.sum(y)


def mask_of_the_past(x):
    """A mask is computed before the array that it came from changes."""
    m = x > 0.0
    x *= -1.0
    x[m] = 0.0
    return np.sum(x * x)


def linked_list(x):
    """The next index is read from an array."""
    s, p = 1.0, 0
    for _ in range(len(x)):
        s = s * x[p] + p
        p = NEXT[p]
    return s


def linked_gradient(x):
    s, tangent, p = 1.0, np.zeros(6), 0
    for _ in range(6):
        tangent = tangent * x[p] + s * np.eye(6)[p]
        s, p = s * x[p] + p, NEXT[p]
    return tangent


def index_of_the_largest(x):
    """argmax gives an index, which has no derivative; the element has."""
    return x[np.argmax(x)] ** 2


def index_computed_from_data(x):
    """An index computed from floats."""
    bins = np.zeros(4)
    for v in x:
        k = int(np.floor(v + 2.0))
        bins[min(k, 3)] += v * v
    return np.sum(bins * bins)


def binned_gradient(x):
    k = np.minimum(np.floor(x + 2).astype(int), 3)
    bins = np.bincount(k, x * x, 4)
    return 4 * bins[k] * x


def pairs_of_indices(a):
    """a[rows, columns] pairs its indices; a[rows][:, columns] does not."""
    rows, columns = np.array([0, 1, 4]), np.array([2, 0, 2])
    return np.sum(a[rows, columns] ** 2) + np.sum(a[rows][:, columns])


def pairs_gradient(a):
    gradient = unit(a, {(0, 2): 2 * a[0, 2], (1, 0): 2 * a[1, 0], (4, 2): 2 * a[4, 2]})
    gradient[[0, 1, 4], 0] += 1
    gradient[[0, 1, 4], 2] += 2
    return gradient


def indices_of_indices(x):
    """An index array that is indexed by another."""
    return np.sum(x[NEXT[NEXT]] * np.arange(6.0))


def diagonal(a):
    """One index array for two axes."""
    i = np.arange(3)
    a[i, i] = a[i, i] ** 2
    return np.sum(a)


def sorted_by_data(x):
    """argsort orders the elements; their order has no derivative."""
    order = np.argsort(x)
    return np.sum(x[order] * np.arange(6.0))


def window(x):
    """Slices whose bounds are loop indices."""
    s = 0.0
    for i in range(len(x) - 2):
        s += np.prod(x[i : i + 3])
    return s


def window_gradient(x):
    return np.array([sum(np.prod(x[i : i + 3]) / x[j] for i in range(4) if i <= j < i + 3) for j in range(6)])


def prefixes(x):
    """Slices of growing length, the first of them empty."""
    s = 0.0
    for i in range(len(x)):
        s += np.sum(x[:i]) * x[i]
    return s


def lower_triangle(a):
    """Writes to a triangle leave the rest alone."""
    b = np.zeros((3, 3))
    for i in range(3):
        b[i, : i + 1] = a[i, : i + 1] ** 2
    return np.sum(b)


TRAPS = (
    Trap(wraps_around, (X,), lambda x: np.roll(x, 1) + np.roll(x, -1)),
    Trap(
        negative_index_written,
        (X,),
        lambda x: unit(x, {4: x[0] * x[1], 0: x[4] * x[1], 1: x[4] * x[0]}),
    ),
    Trap(negative_steps, (X,), negative_steps_gradient),
    Trap(empty_slices, (X,), lambda x: unit(x, {0: 1.0})),
    Trap(slice_beyond_the_end, (X,), lambda x: np.r_[1.0, 1.0, 0.0, 0.0, 2 * x[4:]]),
    Trap(last_none, (X, 0), lambda x, k: 2 * x),
    Trap(repeated_reads, (X,), lambda x: 2 * x * [1, 3, 0, 1, 0, 0]),
    Trap(repeated_writes, (X,), lambda x: 2 * x * [0, 1, 0, 1, 1, 0]),
    Trap(mask_written, (X,), lambda x: 2 * x * (x >= 0)),
    Trap(mask_added_to, (X,), lambda x: 2 * x * np.where(x > 0.6, 3, 1)),
    Trap(mask_of_the_past, (X,), lambda x: 2 * x * (x <= 0)),
    Trap(linked_list, (X,), linked_gradient),
    Trap(index_of_the_largest, (X,), lambda x: unit(x, {2: 2 * x[2]})),
    Trap(index_computed_from_data, (X,), binned_gradient),
    Trap(pairs_of_indices, (A,), pairs_gradient),
    Trap(indices_of_indices, (X,), lambda x: 1.0 * np.argsort(NEXT[NEXT])),
    Trap(diagonal, (A,), lambda a: np.where(np.eye(5, 3) > 0, 2 * a, 1.0)),
    Trap(sorted_by_data, (X,), lambda x: np.argsort(np.argsort(x)) * 1.0),
    Trap(window, (X,), window_gradient),
    Trap(prefixes, (X,), lambda x: x.sum() - x),
    Trap(lower_triangle, (A,), lambda a: 2 * a * np.tri(5, 3) * (np.arange(5) < 3)[:, None]),
)
