"""Dtypes, integers beside floats, powers at zero."""

from __future__ import annotations

import math

import numpy as np

from .trap import Trap, X, unit

SINGLE = X.astype(np.float32)
COUNTS = np.array([3, 1, 2, 0, 5, 4])
AT_ZERO = np.array([0.0, 1.0, -2.0, 0.0, 0.5])


def integer_start(x):
    """`s = 0` becomes a float in the first trip."""
    s = 0
    for i in range(len(x)):
        s += x[i] * i
    return s


def integer_ratio(x, n):
    """n // 2 and n / 2 of a plain integer are different numbers."""
    return np.sum(x) * (n / 2) + x[0] * (n // 2)


def floats_times_counts(x, counts):
    """Integers inside a loop of floats."""
    s = 0.0
    for i in range(len(x)):
        s += counts[i] ** 2 * x[i] ** counts[i]
    return s


def counts_gradient(x, k):
    return k**2 * k * x ** np.maximum(k - 1, 0)


def truncated_by_the_array(x):
    """An integer array truncates what is written to it: a derivative of zero."""
    k = np.zeros(3, dtype=np.int64)
    k[0] = 7
    k[1] = k[0] // 2
    return x[0] * k[1] + x[1] * k[0]


def single_precision(x):
    """float32 stays float32, beside a Python float too."""
    return np.sum(0.5 * x * x)


def single_precision_loop(x):
    """A float32 accumulator."""
    s = np.float32(0.0)
    for v in x:
        s += v * v
    return s


def single_inside_double(x):
    """Rounding to float32 on the way has derivative one."""
    y = x.astype(np.float32)
    return np.sum(y.astype(np.float64) * 3.0)


def power_zero(x):
    """x ** 0 is 1, also at 0; its derivative is 0."""
    return np.sum(x**0 + 3.0 * x)


def power_of_negative_numbers(x):
    """x ** 2 of negative numbers needs no logarithm."""
    return np.sum(x**2.0) + np.sum(x**3)


def power_by_a_parameter(x, n):
    """An integer exponent that is an argument."""
    return np.sum(x**n)


def first_power_at_zero(x):
    """x ** 1 at 0: the derivative is 1 and no 0 ** 0 goes wrong."""
    s = 0.0
    for v in x:
        for k in range(3):
            s += v**k
    return s


def minus_infinity(x):
    """A softmax that excludes elements by an infinite score."""
    y = np.where(x > 0.0, x * x, -np.inf)
    m = np.max(y)
    return m + np.log(np.sum(np.exp(y - m)))


def excluded_gradient(x):
    e = np.exp(x * x) * (x > 0)
    return 2 * x * e / e.sum()


def remainder(x):
    """x % 0.45: slope one between the jumps."""
    return np.sum((x % 0.45) * x)


def floor_division(x):
    """x // 0.45: slope zero between the jumps."""
    return np.sum((x // 0.45) * x)


def truncation(x):
    """int(x) has no derivative."""
    return x[2] * int(x[2] + 0.5) + x[0]


def math_of_elements(x):
    """math.* on elements of an array."""
    s = 0.0
    for i in range(len(x)):
        s += math.sin(x[i]) * math.exp(-x[i]) + math.pi * x[i]
    return s


def booleans_as_numbers(x):
    """True is 1: a comparison in a product."""
    return np.sum((x > 0.0) * x * x)


def negative_zero(x):
    """x * 0.0 is no constant: its sign is that of x; here it has derivative zero."""
    return np.sum(x * 0.0 + x)


def mean_of_integers(x, counts):
    """The mean of integers is a float."""
    return np.mean(counts) * np.sum(x)


def loss_of_digits(x):
    """log1p and expm1 near zero, where log(1 + x) has no digits left."""
    return np.sum(np.log1p(1e-18 * x) * 1e18) + np.sum(np.expm1(1e-18 * x) * 1e18)


def shifted_exponentials(x):
    """A log-sum-exp whose plain form overflows."""
    y = 800.0 * x
    m = np.max(y)
    return m + np.log(np.sum(np.exp(y - m)))


def softmax_gradient(x):
    e = np.exp(800 * (x - x.max()))
    return 800 * e / e.sum()


TRAPS = (
    Trap(integer_start, (X,), lambda x: np.arange(6.0)),
    Trap(integer_ratio, (X, 5), lambda x, n: np.full(6, 2.5) + unit(x, {0: 2.0})),
    Trap(floats_times_counts, (X, COUNTS), counts_gradient),
    Trap(truncated_by_the_array, (X,), lambda x: unit(x, {0: 3.0, 1: 7.0})),
    Trap(single_precision, (SINGLE,), lambda x: x),
    Trap(single_precision_loop, (SINGLE,), lambda x: 2 * x),
    Trap(single_inside_double, (X,), lambda x: np.full(6, 3.0), jump=True),
    Trap(power_zero, (AT_ZERO,), lambda x: np.full(5, 3.0)),
    Trap(power_of_negative_numbers, (X,), lambda x: 2 * x + 3 * x * x),
    Trap(power_by_a_parameter, (AT_ZERO, 3), lambda x, n: n * x ** (n - 1)),
    Trap(first_power_at_zero, (AT_ZERO,), lambda x: 1 + 2 * x),
    Trap(minus_infinity, (X,), excluded_gradient),
    Trap(remainder, (X,), lambda x: x % 0.45 + x),
    Trap(floor_division, (X,), lambda x: x // 0.45),
    Trap(truncation, (X,), lambda x: unit(x, {2: 2.0, 0: 1.0})),
    Trap(math_of_elements, (X,), lambda x: (np.cos(x) - np.sin(x)) * np.exp(-x) + np.pi),
    Trap(booleans_as_numbers, (X,), lambda x: 2 * x * (x > 0)),
    Trap(negative_zero, (X,), lambda x: np.ones(6)),
    Trap(mean_of_integers, (X, COUNTS), lambda x, k: np.full(6, 2.5)),
    Trap(loss_of_digits, (X,), lambda x: np.full(6, 2.0)),
    Trap(shifted_exponentials, (X,), softmax_gradient),
)
