"""Arrays whose elements are overwritten: each read must see the value of its time."""

from __future__ import annotations

import numpy as np

from .trap import Trap, X, unit


def argument_cleared(x):
    """The argument is overwritten after it was used; the adjoint needs the old numbers."""
    s = np.sum(x * x)
    x[:] = 0.0
    return s + np.sum(x)


def read_before_and_after(x):
    """One element is read before and after it is overwritten."""
    a = x[0] * x[1]
    x[0] = 3.0
    return a + x[0] * x[1]


def written_twice(x):
    """The first of two writes has no effect, so it has no derivative."""
    y = np.zeros(len(x))
    y[2] = x[0] ** 2
    y[2] = x[1] ** 3
    return y.sum()


def read_between_writes(x):
    """Both writes to one element are read, each by another reader."""
    y = np.zeros(2)
    y[0] = x[0]
    a = y[0] * x[1]
    y[0] = x[2]
    return a * y[0]


def product_in_place(x):
    """A recurrence overwrites its own input."""
    for i in range(1, len(x)):
        x[i] = x[i] * x[i - 1]
    return x[-1]


def squared_twice(x):
    """An in-place operator whose adjoint needs what it destroyed."""
    x *= x
    x *= x
    return x.sum()


def element_dropped(x):
    """An overwritten element of the argument has derivative zero."""
    x[1] = 0.0
    return np.sum(x * x)


def register(x):
    """One element serves as a register: it is written and read in every trip."""
    y, s = np.zeros(2), 0.0
    for i in range(len(x)):
        y[0] = x[i]
        s += y[0] ** 2
    return s


def register_of_squares(x):
    """The register is read twice in a trip, before and after a write."""
    y, s = np.zeros(1), 0.0
    for i in range(len(x)):
        s += x[i] * y[0]
        y[0] = x[i] * x[i]
    return s + y[0]


def doubled_in_place(x):
    """An element is computed from itself."""
    x[0] = 2.0 * x[0]
    return x[0] * x[0]


def sine_then_cleared(x):
    """A result computed from an array outlives the array's contents."""
    y = np.sin(x)
    x[:] = 1.0
    return np.sum(y * x)


def reset_accumulator(x):
    """An accumulator is reset in the middle: what came before must not count."""
    y = np.zeros(1)
    for i in range(len(x)):
        if i == 3:
            y[0] = 0.0
        y[0] += x[i] * x[i]
    return y[0]


def last_write_of_a_loop(x):
    """Every trip writes the same element; only the last one counts."""
    y = np.zeros(3)
    for i in range(len(x)):
        y[1] = np.exp(x[i])
    return y.sum()


def history_overwritten(x):
    """A two-slot ring buffer: slot t % 2 is overwritten every other trip."""
    ring = np.zeros(2)
    ring[0], ring[1] = x[0], x[1]
    for t in range(2, len(x)):
        ring[t % 2] = ring[0] * ring[1] + x[t]
    return ring[0] + ring[1]


def history_gradient(x):
    """Derivatives of both slots of the ring, written out in forward mode."""
    slots, tangents = [x[0], x[1]], [np.eye(6)[0], np.eye(6)[1]]
    for t in range(2, 6):
        slope = slots[0] * tangents[1] + slots[1] * tangents[0] + np.eye(6)[t]
        slots[t % 2], tangents[t % 2] = slots[0] * slots[1] + x[t], slope
    return tangents[0] + tangents[1]


def squares_shifted(x):
    return np.r_[0.0, x[:-1] ** 2] + np.r_[2 * x[:-1] * x[1:], 2 * x[-1]]


TRAPS = (
    Trap(argument_cleared, (X,), lambda x: 2 * x),
    Trap(read_before_and_after, (X,), lambda x: unit(x, {0: x[1], 1: x[0] + 3.0})),
    Trap(written_twice, (X,), lambda x: unit(x, {1: 3 * x[1] ** 2})),
    Trap(read_between_writes, (X,), lambda x: unit(x, {0: x[1] * x[2], 1: x[0] * x[2], 2: x[0] * x[1]})),
    Trap(product_in_place, (X,), lambda x: np.prod(x) / x),
    Trap(squared_twice, (X,), lambda x: 4 * x**3),
    Trap(element_dropped, (X,), lambda x: 2 * x * (np.arange(6) != 1)),
    Trap(register, (X,), lambda x: 2 * x),
    Trap(register_of_squares, (X,), squares_shifted),
    Trap(doubled_in_place, (X,), lambda x: unit(x, {0: 8 * x[0]})),
    Trap(sine_then_cleared, (X,), lambda x: np.cos(x)),
    Trap(reset_accumulator, (X,), lambda x: 2 * x * (np.arange(6) >= 3)),
    Trap(last_write_of_a_loop, (X,), lambda x: unit(x, {5: np.exp(x[5])})),
    Trap(history_overwritten, (X,), history_gradient),
)
