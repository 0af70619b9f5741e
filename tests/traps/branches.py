"""Branches: the one not taken must not be felt, and kinks follow the documented conventions."""

from __future__ import annotations

import numpy as np

from .trap import Trap, X, unit

TIED = np.array([1.0, 3.0, 3.0, 2.0, 3.0])
ZERO = np.array([0.0, 0.5, -0.5, 0.0, 2.0])


def root_not_taken(x):
    """The branch not taken has a square root of a negative number."""
    if x < 0.0:
        y = -2.0 * x
    else:
        y = np.sqrt(x)
    return y * x


def division_not_taken(x):
    """sin(x)/x, with a branch for 0."""
    s = 0.0
    for v in x:
        if v == 0.0:
            s += 1.0
        else:
            s += np.sin(v) / v
    return s


def sinc_gradient(x):
    v = np.where(x == 0.0, 1.0, x)
    return np.where(x == 0.0, 0.0, np.cos(v) / v - np.sin(v) / v**2)


def where_masks_infinity(x):
    """x log x with `where`: the infinite slope at 0 is masked."""
    return np.sum(np.where(x > 0.0, x * np.log(np.where(x > 0.0, x, 1.0)), 0.0))


def entropy_gradient(x):
    return np.where(x > 0.0, 1.0 + np.log(np.where(x > 0.0, x, 1.0)), 0.0)


def where_masks_nan(x):
    """The branch that `where` does not take is NaN, and so is its derivative."""
    return np.sum(np.where(x > 0.0, np.sqrt(x), -x))


def root_before_the_branch(x):
    """A square root of a negative number is taken, and the branch that needs it is not."""
    s = 0.0
    for v in x:
        y = np.sqrt(v)
        if v > 0.0:
            s += y
        else:
            s -= v
    return s


def root_gradient(x):
    safe = np.where(x > 0.0, x, 1.0)
    return np.where(x > 0.0, 0.5 / np.sqrt(safe), -1.0)


def conditional_expression(x):
    """A conditional expression evaluates one side."""
    s = 0.0
    for v in x:
        s += np.log(v) if v > 0.0 else v * v
    return s


def guarded_index(x, k):
    """`and` guards an index that would be out of range."""
    s = 0.0
    for i in range(len(x)):
        if i + k < len(x) and x[i + k] > 0.0:
            s += x[i] * x[i + k]
    return s


def guarded_gradient(x, k):
    gradient = np.zeros_like(x)
    for i in range(6 - k):
        if x[i + k] > 0.0:
            gradient[i] += x[i + k]
            gradient[i + k] += x[i]
    return gradient


def or_guards_a_division(x):
    """`or` does not evaluate its right side when the left one holds."""
    s = 0.0
    for v in x:
        if v == 0.0 or 1.0 / v > 1.0:
            s += 3.0 * v
        else:
            s += v * v
    return s


def or_gradient(x):
    safe = np.where(x == 0.0, 1.0, x)
    return np.where((x == 0.0) | (1.0 / safe > 1.0), 3.0, 2 * x)


def chained_comparison(x):
    """0 < v < 1 is no (0 < v) < 1."""
    s = 0.0
    for v in x:
        if 0.0 < v < 1.0:
            s += v**2
    return s


def three_ways(x):
    """elif: the first that holds."""
    s = 0.0
    for v in x:
        if v > 1.0:
            s += v
        elif v > 0.0:
            s += v**2
        else:
            s += v**3
    return s


def assigned_in_one_branch(x):
    """A local that only one branch changes."""
    y = x[0]
    if x[1] < 0.0:
        y = x[2] * y
    return y * y


def written_in_one_branch(x):
    """An element that only one branch writes."""
    for i in range(len(x)):
        if x[i] < 0.0:
            x[i] = x[i] * x[i]
    return np.sum(x * x)


def sequel_of_a_branch(x):
    """A branch changes what the next test sees."""
    y = x[0]
    if y > 0.0:
        y = y - 1.0
    if y < 0.0:
        y = y * y
    return y


def rebound_in_one_branch(x):
    """A name is the argument or a new array, as the data decide."""
    y = x
    if x[0] > 0.0:
        y = x * 2.0
    return np.sum(y * x)


def tied_maximum(x):
    """Equal largest elements share the derivative."""
    return np.max(x)


def tied_pair(x):
    """np.maximum of an array and its mirror image: the middle is tied with itself."""
    return np.sum(np.maximum(x, x[::-1]))


def rectified_at_zero(x):
    """np.maximum(x, 0) at 0: half, since ties share."""
    return np.sum(np.maximum(x, 0.0))


def absolute_at_zero(x):
    """|x|' = 0 at 0."""
    return np.sum(np.abs(x))


def clipped_outside(x):
    """What is clipped has no derivative."""
    return np.sum(np.clip(x, -1.0, 1.0) ** 2)


def running_maximum(x):
    """A maximum found by an `if` in a loop."""
    best = x[0]
    for i in range(1, len(x)):
        if x[i] > best:
            best = x[i]
    return best * best


def builtin_max(x):
    """Python's own max and min of numbers."""
    return max(x[0], x[1], 0.2) * min(x[2], x[3])


def branch_on_an_integer(x, k):
    """A plain integer decides."""
    if k % 2 == 0:
        return np.sum(x)
    return np.sum(x * x)


def not_and_in(x):
    """`not`, `in` and `is` on plain values."""
    kind = "square"
    scale = None
    if kind not in ("cube", "root") and scale is None and not x[0] < 0.0:
        return x[0] ** 2
    return x[1]


def sign_and_steps(x):
    """Step functions have derivative zero; what they multiply has not."""
    return np.sum(np.sign(x) * x + np.floor(x + 0.15) * x)


TRAPS = (
    Trap(root_not_taken, (-1.5,), lambda x: -4 * x),
    Trap(division_not_taken, (ZERO,), sinc_gradient),
    Trap(
        where_masks_infinity, (ZERO,), lambda x: np.where(x > 0, 1 + np.log(np.where(x > 0, x, 1)), 0), True
    ),
    Trap(where_masks_nan, (X,), root_gradient),
    Trap(root_before_the_branch, (X,), root_gradient),
    Trap(conditional_expression, (X,), lambda x: np.where(x > 0, 1 / x, 2 * x)),
    Trap(guarded_index, (X, 2), guarded_gradient),
    Trap(or_guards_a_division, (ZERO,), or_gradient, jump=True),
    Trap(chained_comparison, (X,), lambda x: 2 * x * ((0 < x) & (x < 1))),
    Trap(three_ways, (X,), lambda x: np.where(x > 1, 1.0, np.where(x > 0, 2 * x, 3 * x * x))),
    Trap(assigned_in_one_branch, (X,), lambda x: unit(x, {0: 2 * x[0] * x[2] ** 2, 2: 2 * x[2] * x[0] ** 2})),
    Trap(written_in_one_branch, (X,), lambda x: np.where(x < 0, 4 * x**3, 2 * x)),
    Trap(sequel_of_a_branch, (X,), lambda x: unit(x, {0: 2 * (x[0] - 1)})),
    Trap(rebound_in_one_branch, (X,), lambda x: 4 * x),
    Trap(tied_maximum, (TIED,), lambda x: (x == 3.0) / 3, kink=True),
    Trap(tied_pair, (X[:5],), lambda x: 2.0 * (x > x[::-1]) + (np.arange(5) == 2)),
    Trap(rectified_at_zero, (ZERO,), lambda x: np.heaviside(x, 0.5), kink=True),
    Trap(absolute_at_zero, (ZERO,), np.sign, kink=True),
    Trap(clipped_outside, (X,), lambda x: 2 * x * (np.abs(x) < 1)),
    Trap(running_maximum, (X,), lambda x: unit(x, {2: 2 * x[2]})),
    Trap(builtin_max, (X,), lambda x: unit(x, {0: x[3], 3: x[0]})),
    Trap(branch_on_an_integer, (X, 3), lambda x, k: 2 * x),
    Trap(not_and_in, (X,), lambda x: unit(x, {0: 2 * x[0]})),
    Trap(sign_and_steps, (X,), lambda x: np.sign(x) + np.floor(x + 0.15)),
)
