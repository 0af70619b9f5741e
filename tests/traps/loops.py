"""Loops: what they carry, how often they run, and what their variables are afterwards."""

from __future__ import annotations

import numpy as np

from .trap import Trap, X, unit

NONE = np.zeros(0)


def product(x):
    """A local is carried; it starts as an integer."""
    p = 1
    for v in x:
        p = p * v
    return p


def no_trip(x, n):
    """A loop of zero trips leaves what it would have changed."""
    s = x[0]
    for i in range(n):
        s = s * x[i]
    return s * s


def no_elements(x, e):
    """A loop over an empty array."""
    s = x[0]
    for v in e:
        s = v
    return s * s


def empty_range(x):
    """A range whose step leads away from its end."""
    s = x[1]
    for i in range(0, 5, -1):
        s = s + x[i]
    for i in range(9, 4):
        s = s * x[i]
    return s * x[2]


def bound_changed(x, n):
    """The bound of a range is read once: changing it in the body changes nothing."""
    s = 0.0
    for i in range(n):
        n = n + 1
        s += x[i] * x[i]
    return s


def index_overwritten(x):
    """Assigning the loop variable does not change the next trip."""
    s = 0.0
    for i in range(len(x)):
        i = (2 * i) % 5
        s += x[i] * x[i]
    return s


def index_afterwards(x):
    """The loop variable keeps its last value."""
    for i in range(len(x)):
        last = x[i]
    return x[i] * last


def backwards(x):
    """Horner's rule runs the range backwards."""
    s = 0.0
    for i in range(len(x) - 1, -1, -1):
        s = 0.5 * s + x[i]
    return s


def strides(x):
    """Ranges with a step that does not divide their length."""
    s = 0.0
    for i in range(1, len(x), 3):
        s += x[i] ** 2
    for i in range(len(x) - 1, 0, -2):
        s += x[i] ** 3
    return s


def triangle(x):
    """The inner range depends on the outer index; its first trip count is zero."""
    s = 0.0
    for i in range(len(x)):
        for j in range(i):
            s += x[i] * x[j]
    return s


def swapped_carries(x):
    """Two carried locals change places: both are read before either is assigned."""
    a, b = 0.0, 1.0
    for v in x:
        a, b = b, a + b * v
    return b


def continuant_gradient(x):
    """The matrices [[0, 1], [1, v]] of the trips multiplied, one of them differentiated."""
    gradient = np.zeros_like(x)
    for j in range(len(x)):
        state = np.array([0.0, 1.0])
        for i, v in enumerate(x):
            state = np.array([[0.0, 0.0], [0.0, 1.0]] if i == j else [[0.0, 1.0], [1.0, v]]) @ state
        gradient[j] = state[1]
    return gradient


def lagged(x):
    """A local holds the element of the trip before."""
    s, before = 0.0, 0.0
    for v in x:
        s += before * v
        before = v
    return s


def scratch(x):
    """An array made in the loop is new in every trip."""
    s = 0.0
    for i in range(len(x)):
        t = np.zeros(3)
        t[0] += x[i]
        s += t.sum() * x[i]
    return s


def scratch_kept(x):
    """An array made before the loop is not."""
    s, t = 0.0, np.zeros(3)
    for i in range(len(x)):
        t[0] += x[i]
        s += t[0]
    return s


def gauss_seidel(u):
    """An in-place stencil reads elements that this sweep has written and ones that it has not."""
    for i in range(1, len(u) - 1):
        u[i] = u[i - 1] * u[i + 1]
    return u[-2]


def list_of_results(x):
    """A list is filled in a loop."""
    out = []
    for v in x:
        out.append(v * v)
    return out[0] + 2.0 * out[-1] + sum(out)


def reads_what_it_writes(x):
    """The loop writes the array that it iterates over."""
    for v in x:
        x[-1] = x[-1] + v
    return x[-1]


def pairs(x):
    """`zip` and `reversed` of one array."""
    s = 0.0
    for k, (a, b) in enumerate(zip(x, reversed(x), strict=True)):
        s += k * a * b
    return s


def pairs_gradient(x):
    k = np.arange(6)
    return (k + k[::-1]) * x[::-1]


def conditional_carry(x, n):
    """A local that only the loop gives a value, read after it."""
    for i in range(n):
        last = x[i] * x[i]
    return last


def inner_loop_restarts(x):
    """An inner local starts anew in every trip of the outer loop."""
    total = 0.0
    for i in range(len(x)):
        inner = 1.0
        for j in range(i, len(x)):
            inner *= x[j]
        total += inner
    return total


def suffix_gradient(x):
    products = np.array([np.prod(x[i:]) for i in range(6)])
    return np.array([products[: j + 1].sum() / x[j] for j in range(6)])


def counted_while(x):
    """A `while` that counts."""
    s, i = 0.0, 0
    while i < len(x):
        s += x[i] ** 3
        i += 2
    return s


def newton(a):
    """A `while` whose trips depend on the data."""
    x = a
    while abs(x * x - a) > 1e-13:
        x = 0.5 * (x + a / x)
    return x


def halved(x):
    """A `while` that ends below a threshold."""
    s = x * x
    while s > 0.1:
        s = 0.5 * s
    return s


def while_without_trip(x):
    """A `while` whose test fails at once."""
    s = x[0]
    while s > 100.0:
        s = s / x[1]
    return s * x[1]


def filled_until_full(x):
    """A `while` with two tests, the second of which would read past the end."""
    s, i = 0.0, 0
    while i < len(x) and x[i] < 5.0:
        s += x[i] * x[i]
        i += 1
    return s


TRAPS = (
    Trap(product, (X,), lambda x: np.prod(x) / x),
    Trap(no_trip, (X, 0), lambda x, n: unit(x, {0: 2 * x[0]})),
    Trap(no_elements, (X, NONE), lambda x, e: unit(x, {0: 2 * x[0]})),
    Trap(empty_range, (X,), lambda x: unit(x, {1: x[2], 2: x[1]})),
    Trap(bound_changed, (X, 4), lambda x, n: 2 * x * (np.arange(6) < 4)),
    Trap(index_overwritten, (X,), lambda x: 2 * x * [2, 1, 1, 1, 1, 0]),
    Trap(index_afterwards, (X,), lambda x: unit(x, {5: 2 * x[5]})),
    Trap(backwards, (X,), lambda x: 0.5 ** np.arange(6)),
    Trap(strides, (X,), lambda x: unit(x, {1: 2 * x[1], 4: 2 * x[4]}) + 3 * x * x * (np.arange(6) % 2)),
    Trap(triangle, (X,), lambda x: x.sum() - x),
    Trap(swapped_carries, (X,), continuant_gradient),
    Trap(lagged, (X,), lambda x: np.r_[x[1:], 0.0] + np.r_[0.0, x[:-1]]),
    Trap(scratch, (X,), lambda x: 2 * x),
    Trap(scratch_kept, (X,), lambda x: np.arange(6.0, 0.0, -1.0)),
    Trap(gauss_seidel, (X,), lambda u: np.prod(u) / u[1] / u * (np.arange(6) != 1)),
    Trap(list_of_results, (X,), lambda x: 2 * x * [2, 1, 1, 1, 1, 3]),
    Trap(reads_what_it_writes, (X,), lambda x: np.full(6, 2.0)),
    Trap(pairs, (X,), pairs_gradient),
    Trap(conditional_carry, (X, 5), lambda x, n: unit(x, {4: 2 * x[4]})),
    Trap(inner_loop_restarts, (X,), suffix_gradient),
    Trap(counted_while, (X,), lambda x: 3 * x * x * [1, 0, 1, 0, 1, 0]),
    Trap(newton, (7.0,), lambda a: 0.5 / np.sqrt(a)),
    Trap(halved, (1.7,), lambda x: 2 * x / 32),
    Trap(while_without_trip, (X,), lambda x: unit(x, {0: x[1], 1: x[0]})),
    Trap(filled_until_full, (X,), lambda x: 2 * x),
)
