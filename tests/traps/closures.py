"""Names that are looked up late, defaults that are computed early, and a world that changes between calls."""

from __future__ import annotations

import functools
from contextlib import contextmanager

import numpy as np

from .trap import Trap, X, unit

WEIGHTS = np.arange(1.0, 7.0)
FACTOR = 2.0
TERMS = [np.ones(6), 2.0 * np.ones(6)]


class Model:
    """Parameters that a function reads from an object."""

    def __init__(self):
        self.scale = 2.0
        self.table = np.arange(1.0, 7.0)

    def value(self, x):
        return self.scale * np.sum(self.table * x * x)


MODEL = Model()


@contextmanager
def weights_changed():
    """The elements of a global array."""
    old = WEIGHTS.copy()
    WEIGHTS[:] = 10.0
    yield
    WEIGHTS[:] = old


@contextmanager
def factor_changed():
    """A global number."""
    global FACTOR
    FACTOR = 5.0
    yield
    FACTOR = 2.0


@contextmanager
def model_changed():
    """Attributes of an object."""
    MODEL.scale, MODEL.table = 3.0, np.full(6, 4.0)
    yield
    MODEL.scale, MODEL.table = 2.0, np.arange(1.0, 7.0)


@contextmanager
def terms_changed():
    """The items of a global list."""
    TERMS.append(np.full(6, 3.0))
    yield
    TERMS.pop()


def _power(x):
    return x * x


def _cube(x):
    return x * x * x


@contextmanager
def helper_replaced():
    """A global function."""
    global _power
    old, _power = _power, _cube
    yield
    _power = old


def global_array(x):
    """A global array is written between two calls."""
    return np.sum(WEIGHTS * x * x)


def global_number(x):
    """A global number is assigned between two calls."""
    return FACTOR * np.sum(x * x)


def attributes(x):
    """Attributes of a global object are assigned between two calls."""
    return MODEL.scale * np.sum(MODEL.table * x)


def bound_method(x):
    """The same through a method."""
    return MODEL.value(x)


def global_list(x):
    """A global list grows between two calls."""
    s = 0.0
    for term in TERMS:
        s += np.sum(term * x * x)
    return s


def global_function(x):
    """A global function is replaced between two calls."""
    return np.sum(_power(x))


def late_lambdas(x):
    """Lambdas made in a loop see its last index."""
    functions = [lambda v: v * k for k in range(4)]  # noqa: B023
    return functions[0](x[0]) + functions[1](x[1] * x[2])


def early_lambdas(x):
    """A default keeps the index of its trip."""
    functions = [lambda v, k=k: v * k for k in range(4)]
    return functions[1](x[0]) + functions[2](x[1] * x[2])


def closure_reads_late(x):
    """A nested function reads a local that is assigned after its definition."""

    def scaled(v):
        return v * scale

    scale = x[0]
    a = scaled(x[1])
    scale = x[2]
    return a + scaled(x[3])


def closure_over_a_carry(x):
    """A lambda reads what a loop carries."""
    s = 1.0
    double = lambda: 2.0 * s  # noqa: E731
    for v in x:
        s = s * v
    return double()


def closure_writes_outer_array(x):
    """A nested function writes an array of the function around it."""
    total = np.zeros(1)

    def add(v):
        total[0] += v * v

    for i in range(len(x)):
        add(x[i])
    return total[0]


def nonlocal_counter(x):
    """A nested function assigns a local of the function around it."""
    total = 0.0

    def add(v):
        nonlocal total
        total = total + v * v

    add(x[0])
    add(x[1])
    return total


def default_at_definition(x):
    """A default is evaluated once, when the function is defined."""
    k = 2.0

    def scaled(v, factor=k):
        return v * factor

    k = 100.0
    return scaled(x[0]) + scaled(x[1], k)


def _remembered(v, memory=[0.0]):  # noqa: B006
    memory[0] += 1.0
    return v * memory[0]


def mutable_default(x):
    """A mutable default remembers every call ever made: a derivative of what?"""
    return _remembered(x[0]) * 0.0 + x[1]


def _collected(v, into=None):
    into = [] if into is None else into
    into.append(v * v)
    return into


def fresh_default(x):
    """The usual cure: a fresh list for each call."""
    first = _collected(x[0])
    second = _collected(x[1], first)
    return sum(second) + len(_collected(x[2])) * x[3]


def _to_the(x, n):
    return 1.0 if n == 0 else x * _to_the(x, n - 1)


def recursive_power(x):
    """Recursion on a plain integer."""
    return _to_the(x[0], 5) + _to_the(x[1], 0)


def _halves(x):
    if len(x) == 1:
        return x[0]
    middle = len(x) // 2
    return _halves(x[:middle]) * _halves(x[middle:])


def recursive_halves(x):
    """Recursion on slices."""
    return _halves(x)


def shadowed_builtins(x):
    """Locals that are called like builtins."""
    sum = x[0]
    max = lambda a, b: a * b  # noqa: E731
    len = 3.0
    return max(sum, len) * x[1]


def comprehension_scope(x):
    """The variable of a comprehension is its own."""
    v = x[5]
    squares = [v * v for v in x]
    return squares[0] + v


def generator_sum(x):
    """sum of a generator expression, and a reduction with a lambda."""
    product = functools.reduce(lambda a, b: a * b, x)
    return sum(v * v for v in x) + product


def partial_application(x):
    """functools.partial keeps early arguments."""
    scaled = functools.partial(lambda a, b, c=1.0: a * b * c, x[0], c=x[1])
    return scaled(x[2])


def object_made_inside(x):
    """An object made in the function, whose method changes it."""
    counter = Counter()
    for i in range(4):
        counter.add(x[i] * x[i])
    return counter.total * counter.count


class Counter:
    """Adds up."""

    def __init__(self):
        self.total, self.count = 0.0, 0

    def add(self, v):
        self.total = self.total + v
        self.count += 1


TRAPS = (
    Trap(global_array, (X,), lambda x: 2 * WEIGHTS * x, change=weights_changed),
    Trap(global_number, (X,), lambda x: 2 * FACTOR * x, change=factor_changed),
    Trap(attributes, (X,), lambda x: MODEL.scale * MODEL.table, change=model_changed),
    Trap(bound_method, (X,), lambda x: 2 * MODEL.scale * MODEL.table * x, change=model_changed),
    Trap(global_list, (X,), lambda x: 2 * sum(TERMS) * x, change=terms_changed),
    Trap(global_function, (X,), lambda x: 3 * x * x, change=helper_replaced),
    Trap(late_lambdas, (X,), lambda x: unit(x, {0: 3.0, 1: 3 * x[2], 2: 3 * x[1]})),
    Trap(early_lambdas, (X,), lambda x: unit(x, {0: 1.0, 1: 2 * x[2], 2: 2 * x[1]})),
    Trap(closure_reads_late, (X,), lambda x: unit(x, {0: x[1], 1: x[0], 2: x[3], 3: x[2]})),
    Trap(closure_over_a_carry, (X,), lambda x: 2 * np.prod(x) / x),
    Trap(closure_writes_outer_array, (X,), lambda x: 2 * x),
    Trap(nonlocal_counter, (X,), lambda x: unit(x, {0: 2 * x[0], 1: 2 * x[1]})),
    Trap(default_at_definition, (X,), lambda x: unit(x, {0: 2.0, 1: 100.0})),
    Trap(mutable_default, (X,), lambda x: unit(x, {1: 1.0})),
    Trap(fresh_default, (X,), lambda x: unit(x, {0: 2 * x[0], 1: 2 * x[1], 3: 1.0})),
    Trap(recursive_power, (X,), lambda x: unit(x, {0: 5 * x[0] ** 4})),
    Trap(recursive_halves, (X,), lambda x: np.prod(x) / x),
    Trap(shadowed_builtins, (X,), lambda x: unit(x, {0: 3 * x[1], 1: 3 * x[0]})),
    Trap(comprehension_scope, (X,), lambda x: unit(x, {0: 2 * x[0], 5: 1.0})),
    Trap(generator_sum, (X,), lambda x: 2 * x + np.prod(x) / x),
    Trap(partial_application, (X,), lambda x: unit(x, {0: x[1] * x[2], 1: x[0] * x[2], 2: x[0] * x[1]})),
    Trap(object_made_inside, (X,), lambda x: 8 * x * (np.arange(6) < 4)),
)
