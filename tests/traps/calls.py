"""Helpers that write, return or rebind what they are given, and NumPy's functions that write."""

from __future__ import annotations

import numpy as np

from .trap import A, Trap, X, unit

PLACES = np.array([0, 2, 2, 5, 2])


def _double(a):
    a *= 2.0


def helper_writes(x):
    """A helper writes its argument; the caller sees it."""
    _double(x)
    _double(x[1:3])
    return np.sum(x * x)


def _rebinds(a):
    a = a * 0.0
    a[0] = 1.0
    return a


def helper_rebinds(x):
    """A helper rebinds its parameter: the caller does not see it."""
    _rebinds(x)
    return np.sum(x * x)


def _itself(a):
    return a


def helper_returns_its_argument(x):
    """What a helper returns may be its argument."""
    y = _itself(x)
    y[0] = 2.0
    return x[0] * x[1]


def _second_row(a):
    return a[1]


def helper_returns_a_view(a):
    """What a helper returns may be a view."""
    row = _second_row(a)
    row += 1.0
    return np.sum(a * a)


def _adds_then_returns(a, b):
    a += b
    return a * b


def helper_does_both(x):
    """A helper writes an argument and returns a result that depends on it."""
    y = _adds_then_returns(x, x * x)
    return np.sum(x * y)


def both_gradient(x):
    """x becomes x + x², y = (x + x²) x²: the sum of (x + x²)² x²."""
    y = x + x * x
    return 2 * y * (1 + 2 * x) * x * x + 2 * x * y * y


def written_between_two_calls(x):
    """A helper reads an array before and after it is written."""
    first = _second_row(x)
    x[1] = x[0] * x[2]
    return first * _second_row(x)


def _apply(function, a):
    function(a)
    return a


def function_as_argument(x):
    """A function handed to a function writes."""
    return np.sum(_apply(_double, x) * x)


def _star(first, *rest, scale=1.0, **more):
    total = first * scale
    for item in rest:
        total = total + item * item
    return total + more["offset"]


def star_arguments(x):
    """Star arguments and keywords."""
    options = {"scale": x[0], "offset": x[1]}
    return _star(x[2], *x[3:5], **options)


def _writes_star(*arrays):
    for a in arrays:
        a[0] = a[1] * a[1]


def star_arguments_written(x):
    """Arrays in star arguments are not copied."""
    y = x * 2.0
    _writes_star(x, y)
    return x[0] + y[0]


def out_argument(x):
    """out= names the array that is written."""
    y = np.zeros(6)
    np.multiply(x, x, out=y)
    np.sin(y, out=y)
    return np.sum(y)


def out_is_the_operand(x):
    """out= names an operand."""
    np.exp(x, out=x)
    return np.sum(x * x)


def out_returns_the_array(x):
    """A call with out= returns that very array."""
    y = np.empty_like(x)
    z = np.add(x, 1.0, out=y)
    z[0] = 0.0
    return np.sum(y * y)


def added_at(x):
    """np.add.at counts an index as often as it occurs."""
    y = np.zeros(6)
    np.add.at(y, PLACES, x[:5])
    return np.sum(y * y)


def added_gradient(x):
    y = np.bincount(PLACES, x[:5], 6)
    return np.r_[2 * y[PLACES], 0.0]


def fancy_addition(x):
    """`y[places] += v` is buffered: of equal indices the last one wins."""
    y = np.ones(6)
    y[PLACES] += x[:5]
    return np.sum(y * y)


def fancy_addition_of_a_number(x):
    """`x[places] += 1`: an element is raised once, however often it is named."""
    x[PLACES] += x[0] * x[1]
    return np.sum(x)


def last_wins_gradient(x):
    return unit(x, {0: 2 * (1 + x[0]), 3: 2 * (1 + x[3]), 4: 2 * (1 + x[4])})


def filled(x):
    """fill and copyto overwrite all elements."""
    y = x * x
    x.fill(2.0)
    s = np.sum(x * y)
    np.copyto(x, y)
    return s + np.sum(x * y)


def sums_in_place(x):
    """A cumulative sum written over its operand."""
    x[:] = np.cumsum(x)
    return np.sum(x * x)


def product_into_operand(a):
    """A matrix product assigned over one of its operands."""
    b = a[:3] * 1.0
    b[:] = b @ b
    return np.sum(b * b)


def product_gradient(a):
    b = a[:3]
    bar = 2 * b @ b
    return np.vstack([bar @ b.T + b.T @ bar, np.zeros((2, 3))])


TRAPS = (
    Trap(helper_writes, (X,), lambda x: 2 * x * [4, 16, 16, 4, 4, 4]),
    Trap(helper_rebinds, (X,), lambda x: 2 * x),
    Trap(helper_returns_its_argument, (X,), lambda x: unit(x, {1: 2.0})),
    Trap(helper_returns_a_view, (A,), lambda a: 2 * (a + unit(a, {1: 1.0}))),
    Trap(helper_does_both, (X,), both_gradient),
    Trap(
        written_between_two_calls,
        (X,),
        lambda x: unit(x, {0: x[1] * x[2], 1: x[0] * x[2], 2: x[0] * x[1]}),
    ),
    Trap(function_as_argument, (X,), lambda x: 8 * x),
    Trap(star_arguments, (X,), lambda x: unit(x, {0: x[2], 1: 1.0, 2: x[0], 3: 2 * x[3], 4: 2 * x[4]})),
    Trap(star_arguments_written, (X,), lambda x: unit(x, {1: 10 * x[1]})),
    Trap(out_argument, (X,), lambda x: 2 * x * np.cos(x * x)),
    Trap(out_is_the_operand, (X,), lambda x: 2 * np.exp(2 * x)),
    Trap(out_returns_the_array, (X,), lambda x: 2 * (x + 1) * (np.arange(6) > 0)),
    Trap(added_at, (X,), added_gradient),
    Trap(fancy_addition, (X,), last_wins_gradient),
    Trap(fancy_addition_of_a_number, (X,), lambda x: 1.0 + unit(x, {0: 3 * x[1], 1: 3 * x[0]})),
    Trap(filled, (X,), lambda x: 4 * x + 4 * x**3),
    Trap(sums_in_place, (X,), lambda x: 2 * np.cumsum(np.cumsum(x)[::-1])[::-1]),
    Trap(product_into_operand, (A,), product_gradient),
)
