"""break, continue, return and the else of a loop, decided by data."""

from __future__ import annotations

import numpy as np

from .trap import A, Trap, X, unit


def break_at_a_threshold(x):
    """What comes after the break has no derivative."""
    s = 0.0
    for i in range(len(x)):
        if s > 4.0:
            break
        s += x[i] * x[i]
    return s


def break_after_the_write(x):
    """The trip that breaks has done half of its work."""
    s, t = 0.0, 0.0
    for v in x:
        s += v * v
        if v < 0.0:
            break
        t += v
    return s * t


def continue_past_negatives(x):
    """A skipped trip."""
    s = 0.0
    for i in range(len(x)):
        if x[i] < 0.0:
            continue
        s += x[i] ** 3
    return s


def return_from_a_loop(x):
    """An early return of one element."""
    for i in range(len(x)):
        if x[i] > 1.5:
            return x[i] * x[0]
    return x[1]


def return_not_taken(x):
    """The loop ends without the return that is in it."""
    for i in range(len(x)):
        if x[i] > 100.0:
            return x[i] * x[0]
    return x[1] ** 2


def else_of_a_loop(x):
    """No break: the else runs."""
    s = 0.0
    for v in x:
        if v > 100.0:
            break
        s += v
    else:
        s = s * s
    return s


def else_skipped(x):
    """A break: the else does not run."""
    s = 0.0
    for v in x:
        if v > 1.5:
            break
        s += v
    else:
        s = s * s
    return s


def inner_break(a):
    """A break leaves the inner loop only."""
    s = 0.0
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            if a[i, j] < 0.0:
                break
            s += a[i, j] ** 2
    return s


def kept_before_a_negative(a):
    return 2 * a * np.cumprod(a >= 0.0, axis=1)


def return_through_two_loops(a):
    """A return leaves both loops."""
    s = 0.0
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            if a[i, j] > 1.3:
                return s * a[i, j]
            s += a[i, j]
    return s


def two_loops_gradient(a):
    gradient = np.zeros_like(a)
    gradient[0, :2] = a[0, 2]
    gradient[0, 2] = a[0, :2].sum()
    return gradient


def endless_until(x):
    """`while True` with a break."""
    while True:
        x = x * x
        if x > 50.0:
            break
    return x


def guard_clause(x):
    """A return before anything else."""
    if x[0] < 0.0:
        return x[1]
    x[0] = x[0] * x[1]
    return x[0] * x[0]


def continue_keeps_the_write(x):
    """A write before the continue stays."""
    s = 0.0
    for i in range(1, len(x)):
        x[i] = x[i] + x[i - 1]
        if x[i] < 0.0:
            continue
        s += x[i]
    return s


def partial_sums_gradient(x):
    y = np.cumsum(x)
    counted = (y >= 0.0) & (np.arange(6) > 0)
    return np.array([counted[j:].sum() for j in range(6)], dtype=float)


def break_at_a_plain_index(x):
    """A break that the index decides, in a loop too long to unroll."""
    s = 1.0
    for i in range(1000):
        if i == 6:
            break
        s *= x[i]
    return s


def break_in_a_while(x):
    """Two ways out of one loop."""
    n, s = 0, x[0]
    while s < 1000.0:
        s = s * x[2]
        n += 1
        if n == 4:
            break
    return s


TRAPS = (
    Trap(break_at_a_threshold, (X,), lambda x: 2 * x * (np.arange(6) < 3)),
    Trap(
        break_after_the_write,
        (X,),
        lambda x: unit(x, {0: 2 * x[0] * x[0] + x[0] ** 2 + x[1] ** 2, 1: 2 * x[1] * x[0]}),
    ),
    Trap(continue_past_negatives, (X,), lambda x: 3 * x * x * (x > 0)),
    Trap(return_from_a_loop, (X,), lambda x: unit(x, {2: x[0], 0: x[2]})),
    Trap(return_not_taken, (X,), lambda x: unit(x, {1: 2 * x[1]})),
    Trap(else_of_a_loop, (X,), lambda x: np.full(6, 2 * x.sum())),
    Trap(else_skipped, (X,), lambda x: unit(x, {0: 1.0, 1: 1.0})),
    Trap(inner_break, (A,), kept_before_a_negative),
    Trap(return_through_two_loops, (A,), two_loops_gradient),
    Trap(endless_until, (1.3,), lambda x: 16 * x**15),
    Trap(guard_clause, (X,), lambda x: unit(x, {0: 2 * x[0] * x[1] ** 2, 1: 2 * x[0] ** 2 * x[1]})),
    Trap(continue_keeps_the_write, (X,), partial_sums_gradient),
    Trap(break_at_a_plain_index, (X,), lambda x: np.prod(x) / x),
    Trap(break_in_a_while, (X,), lambda x: unit(x, {0: x[2] ** 4, 2: 4 * x[0] * x[2] ** 3})),
)
