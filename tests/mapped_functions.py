"""Functions of one example: each with the axes of its arguments, and arguments to map them over."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from adcompiler import grad, vmap

RNG = np.random.default_rng(7)
N = 6
ROWS, OTHERS = RNG.normal(size=(N, 5)), RNG.normal(size=(N, 5))
WEIGHTS = RNG.normal(size=5)
MATRICES = RNG.normal(size=(N, 5, 5)) + 5.0 * np.eye(5)


@dataclass
class Body:
    place: Any
    mass: Any


def recurrence(row, n):
    """Writes an array of its own, and returns a tree with a number that is known already."""
    out, s = np.zeros_like(row), 0.0
    for i in range(len(row)):
        s = 0.5 * s + row[i] ** n
        out[i] = s
    return out, {"last": s, "power": n, "exact": True, "nothing": None}


def newton(a):
    """As many trips as its number takes."""
    x = 1.0
    while abs(x * x - a * a) > 1e-8:
        x = 0.5 * (x + a * a / x)
    return x


def branches(row, w):
    if row[0] > 0.0:
        return np.sum(row * w)
    for v in row:
        if v > 0.5:
            return v * w[0]
    return -row[1]


def triangle(row):
    s = 0.0
    for i in range(len(row)):
        for j in range(i):
            s = s + row[i] * row[j] ** 2
    return s


def runge_kutta(y, k):
    for _ in range(12):
        a = np.sin(k * y)
        b = np.sin(k * (y + 0.05 * a))
        y = y + 0.1 * b
    return y


def trips(n, row):
    """A loop of another length in each call."""
    s = 1.0
    for i in range(n):
        s = s * np.sin(row[i] + s)
    return s


FUNCTIONS = {
    "identity": (lambda row: row, 0, (ROWS,)),
    "constants": (lambda row: (1.5, 2, True, np.float32(0.5)), 0, (ROWS,)),
    "captured": (lambda row, w: (w, w[:2]), (0, None), (ROWS, WEIGHTS)),
    "parts": (lambda row: [row[1:], row[::-1], row.shape[0]], 0, (ROWS,)),
    "recurrence": (recurrence, (0, None), (ROWS, 2)),
    "newton": (newton, 0, (ROWS[:, 0],)),
    "branches": (branches, (0, None), (ROWS, WEIGHTS)),
    "triangle": (triangle, 0, (ROWS,)),
    "runge_kutta": (runge_kutta, (0, None), (ROWS[:, 0], 1.3)),
    "trips": (trips, 0, (np.arange(N) - 1, ROWS)),
    "products": (lambda m, row: m @ row, 0, (MATRICES, ROWS)),
    "systems": (np.linalg.solve, (0, 0), (MATRICES, ROWS)),
    "element": (lambda row, k: row[k], 0, (ROWS, np.array([0, 4, -1, 2, -5, 3]))),
    "single": (lambda row: row * 2.0, 0, (ROWS.astype("f4"),)),
    "comparison": (lambda row: row > 0.0, 0, (ROWS,)),
    "body": (lambda b: Body(b.place * b.mass, b.mass), (Body(0, None),), (Body(ROWS, 2.0),)),
    "gradient": (grad(lambda row, w: np.sum(np.sin(row) * w)), (0, None), (ROWS, WEIGHTS)),
    "nested": (vmap(lambda a, v: a * np.sin(v), (None, 0)), (0, None), (ROWS[:, 0], WEIGHTS)),
}
