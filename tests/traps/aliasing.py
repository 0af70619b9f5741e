"""Two names for one array: a write through either is seen through both, and a copy is no alias."""

from __future__ import annotations

import numpy as np

from .trap import A, Trap, X, unit

W = np.arange(1.0, 7.0)
SHARED = X.copy()


def second_name(x):
    """A write through a second name."""
    y = x
    y[0] = 3.0
    return x[0] * x[1]


def added_through_alias(x):
    """`y += x` where y is x."""
    y = x
    y += x
    return np.sum(x * x)


def rebinding_is_no_write(x):
    """`y = y + 1` makes a new array; x stays."""
    y = x
    y = y + 1.0
    return np.sum(x * y)


def copy_is_no_alias(x):
    """A write to a copy is not seen in the original."""
    y = x.copy()
    y[0] = 0.0
    return np.sum(x * y)


def _times_reversed(a, b):
    for i in range(len(a)):
        a[i] = a[i] * b[len(b) - 1 - i]
    return a.sum()


def same_array_twice(x):
    """g(x, x), where g writes its first parameter and reads its second."""
    return _times_reversed(x, x)


def same_array_twice_gradient(x):
    first, last = x[:3], x[:2:-1]
    return np.r_[last + last**2, (first + 2 * first * last)[::-1]]


def _times(a, b):
    for i in range(len(b)):
        a[i] = a[i] * b[i]


def overlapping_behind(x):
    """g(x, x[1:]) reads each element before it is written."""
    _times(x, x[1:])
    return x.sum()


def overlapping_ahead(x):
    """g(x[1:], x) reads each element after it was written: a cumulative product."""
    _times(x[1:], x[:-1])
    return x.sum()


def cumulative_gradient(x):
    products = np.cumprod(x)
    return np.array([products[j:].sum() / x[j] for j in range(len(x))])


def same_argument_twice(a, b):
    """The caller passes one array as both arguments; the function writes one of them."""
    a[0] = 2.0
    return a[0] * b[0] + a[1] * b[1]


def rows_in_a_list(x):
    """A list that holds one array twice."""
    rows = [x, x]
    rows[0][0] = 2.0
    return rows[1][0] * rows[1][1]


def dict_alias(x):
    """A dict that holds the argument."""
    state = {"u": x, "v": x * 2.0}
    state["u"][1] = 0.5
    return np.sum(x * state["v"])


class Box:
    """Holds an array."""

    def __init__(self, content):
        self.content = content


def attribute_alias(x):
    """An attribute that holds the argument."""
    box = Box(x)
    box.content[0] = 4.0
    return x[0] * x[1]


def attribute_in_place(x):
    """`box.content += ...` writes the array and the attribute."""
    box = Box(x)
    box.content += x
    return np.sum(box.content * x)


def swapped_names(x):
    """After a swap each name is the other array."""
    a, b = x.copy(), 2.0 * x
    a, b = b, a
    a[0] = 0.0
    return np.sum(a * b)


def ping_pong(x, steps):
    """Two buffers are swapped in every trip."""
    u, v = x.copy(), np.empty_like(x)
    for _ in range(steps):
        v[0] = u[-1]
        v[1:] = 1.1 * u[:-1]
        u, v = v, u
    return np.sum(W * u)


def ping_pong_gradient(x, steps):
    w = W.copy()
    for _ in range(steps):
        w = np.r_[1.1 * w[1:], w[0]]
    return w


def swapped_elements(x):
    """A swap of elements reads both before it writes either."""
    x[0], x[1] = x[1], x[0]
    return 3.0 * x[0] + x[1] ** 2


def swapped_row_views(a):
    """A swap of rows that are views: NumPy writes one row into both."""
    a[0], a[1] = a[1], a[0]
    return np.sum(a[0] * a[0]) + np.sum(a[1])


def swapped_rows_by_index(a):
    """A swap of rows by an index array, which copies first."""
    a[[0, 1]] = a[[1, 0]]
    return np.sum(a[0] * a[0]) + np.sum(a[1])


def rebound_in_loop(x):
    """A name that is rebound in a loop leaves its first array alone."""
    y = x
    for _ in range(10):
        y = y * 0.9
    y[0] = 0.0
    return np.sum(x * y)


def in_place_in_loop(x):
    """The same with `*=` changes the argument."""
    y = x
    for _ in range(10):
        y *= 0.9
    return np.sum(x * y)


def chosen_by_flag(x, shared):
    """A flag, not data, decides whether a name is an alias."""
    y = x if shared else x.copy()
    y[0] = 5.0
    return x[0] * x[0] * x[1]


def copy_of_a_list(x):
    """A copied list holds the same arrays."""
    old = [x, x * 3.0]
    new = list(old)
    new[0][2] = 1.0
    new[1] = x * 0.0
    return np.sum(old[0] * old[1])


def copied_list_gradient(x):
    gradient = 6 * x
    gradient[2] = 3.0
    return gradient


TRAPS = (
    Trap(second_name, (X,), lambda x: unit(x, {1: 3.0})),
    Trap(added_through_alias, (X,), lambda x: 8 * x),
    Trap(rebinding_is_no_write, (X,), lambda x: 2 * x + 1),
    Trap(copy_is_no_alias, (X,), lambda x: 2 * x * (np.arange(6) != 0)),
    Trap(same_array_twice, (X,), same_array_twice_gradient),
    Trap(overlapping_behind, (X,), lambda x: np.r_[x[1:], 1.0] + np.r_[0.0, x[:-1]]),
    Trap(overlapping_ahead, (X,), cumulative_gradient),
    Trap(same_argument_twice, (SHARED, SHARED), lambda a, b: unit(a, {1: 2 * a[1]})),
    Trap(rows_in_a_list, (X,), lambda x: unit(x, {1: 2.0})),
    Trap(dict_alias, (X,), lambda x: np.where(np.arange(6) == 1, 1.0, 4 * x)),
    Trap(attribute_alias, (X,), lambda x: unit(x, {1: 4.0})),
    Trap(attribute_in_place, (X,), lambda x: 8 * x),
    Trap(swapped_names, (X,), lambda x: 4 * x * (np.arange(6) != 0)),
    Trap(ping_pong, (X, 11), ping_pong_gradient),
    Trap(swapped_elements, (X,), lambda x: unit(x, {0: 2 * x[0], 1: 3.0})),
    Trap(swapped_row_views, (A,), lambda a: unit(a, {1: 2 * a[1] + 1})),
    Trap(swapped_rows_by_index, (A,), lambda a: unit(a, {0: 1.0, 1: 2 * a[1]})),
    Trap(rebound_in_loop, (X,), lambda x: 2 * 0.9**10 * x * (np.arange(6) != 0)),
    Trap(in_place_in_loop, (X,), lambda x: 2 * 0.9**20 * x),
    Trap(chosen_by_flag, (X, True), lambda x, shared: unit(x, {1: 25.0})),
    Trap(copy_of_a_list, (X,), copied_list_gradient),
)
