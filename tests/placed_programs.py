"""Loops as users write them, for tests of where they run."""

import numpy as np


def orbits(start, rate, steps):
    """An integrator for each of many starts."""
    end = np.empty(len(start))
    for i in range(len(start)):
        y = start[i]
        for _ in range(steps):
            middle = y - 0.05 * rate * y
            y = y - 0.1 * rate * middle
        end[i] = y
    return end


def orbits_in_space(start, steps):
    """The same, of points in three dimensions."""
    end = np.empty_like(start)
    for i in range(len(start)):
        y = start[i].copy()
        for _ in range(steps):
            y = y - 0.1 * np.sin(y)
        end[i] = y
    return end


def rods(start, steps):
    """Heat in each of many rods, in two arrays that are swapped."""
    end = np.empty_like(start)
    for k in range(len(start)):
        now = start[k].copy()
        after = start[k].copy()
        for _ in range(steps):
            for i in range(1, len(now) - 1):
                after[i] = now[i] + 0.1 * (now[i - 1] - 2.0 * now[i] + now[i + 1])
            now, after = after, now
        end[k] = now
    return end


def orbit_in_space(start, steps):
    y = start.copy()
    for _ in range(steps):
        y = y - 0.1 * np.sin(y)
    return y


def histogram(weights, places):
    counts = np.zeros(10)
    for i in range(len(weights)):
        counts[places[i]] += weights[i]
    return counts


def layers(x, weights):
    for k in range(len(weights)):
        x = np.tanh(weights[k] @ x)
    return x


def outer(a, b):
    c = np.empty((len(a), len(b)))
    for i in range(len(a)):
        twice = 2.0 * a[i]
        for j in range(len(b)):
            c[i, j] = twice * b[j]
    return c


def matvec(a, b):
    c = np.empty(len(a))
    for i in range(len(a)):
        total = 0.0
        for j in range(len(b)):
            total += a[i, j] * b[j]
        c[i] = total
    return c


def blocks(x):
    """Four loops, one in the other."""
    n, m, p, q = x.shape
    y = np.empty_like(x)
    for i in range(n):
        for j in range(m):
            for k in range(p):
                for h in range(q):
                    y[i, j, k, h] = np.sin(x[i, j, k, h])
    return y


def triangle(x):
    """The inner loop is as long as the outer one has come."""
    y = np.zeros((len(x), len(x)))
    for i in range(len(x)):
        for j in range(i):
            y[i, j] = x[i] * x[j]
    return y


def substitution(a, b):
    """Whole rows at a time."""
    x = np.zeros(len(b))
    for i in range(len(b)):
        x[i] = (b[i] - np.dot(a[i, :i], x[:i])) / a[i, i]
    return x


def roots(x):
    """Newton's method for each number."""
    y = np.empty(len(x))
    for i in range(len(x)):
        guess = 1.0
        while abs(guess * guess - x[i]) > 1e-10:
            guess = 0.5 * (guess + x[i] / guess)
        y[i] = guess
    return y


def root(x):
    guess = 1.0
    while abs(guess * guess - x) > 1e-10:
        guess = 0.5 * (guess + x / guess)
    return guess


def scaled(x):
    """Branches that sums decide."""
    total = np.sum(x)
    if total > 1.0:
        y = 2.0 * x
    else:
        y = np.sin(x)
    if total > 2.0:
        z = 3.0 * total
    else:
        z = 1.0
    return y, z
