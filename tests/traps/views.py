"""Views: writes go through to the base, writes to the base are seen in the view, copies are no views."""

from __future__ import annotations

import numpy as np

from .trap import A, Trap, X, unit


def row_view(a):
    """A write to a row writes the matrix."""
    row = a[1]
    row[2] = 0.0
    return np.sum(a * a)


def column_view(a):
    """A write to a column."""
    column = a[:, 1]
    column *= 3.0
    return np.sum(a * a)


def transposed_write(a):
    """A write to the transposed matrix."""
    a.T[0, 1] = 5.0
    return a[1, 0] * a[0, 1] + a[0, 0]


def reshaped_write(x):
    """A reshape of an array made here is a view."""
    y = x * 1.0
    y.reshape(2, 3)[1, 0] = 2.0
    return np.sum(y * y * x)


def reshaped_copy(a):
    """The flattened transpose is a copy: writing to it changes nothing."""
    b = a * 1.0
    c = b.T.ravel()
    c[0] = 100.0
    return np.sum(b * b)


def strided_write(x):
    """Every second element, in place."""
    x[::2] *= 3.0
    return np.sum(x * x)


def reversed_view(x):
    """The first element of a reversed view is the last of the base."""
    y = x[::-1]
    y[0] = 3.0
    return x[5] * x[4] + x[0]


def view_of_a_view(x):
    """Offsets of views add up."""
    y = x[1:][1:]
    y[0] = 7.0
    return x[2] * x[1] + x[3]


def view_sees_the_base(x):
    """A view made before a write to its base is read after it."""
    v = x[1:3]
    x[1] = 5.0
    return v.sum() * x[2]


def sum_with_the_shifted_self(x):
    """An in-place operator whose operands overlap: NumPy works on a copy."""
    x[1:] += x[:-1]
    return np.sum(x * x)


def shifted_gradient(x):
    y = x + np.r_[0.0, x[:-1]]
    return 2 * (y + np.r_[y[1:], 0.0])


def product_with_the_shifted_self(x):
    """The same in the other direction."""
    x[:-1] *= x[1:]
    return np.sum(x)


def reversed_onto_itself(x):
    """`x[:] = x[::-1]`: source and target overlap."""
    x[:] = x[::-1]
    return np.sum(x * np.arange(6.0))


def out_overlaps(x):
    """`out=` overlaps an operand."""
    np.add(x[:-1], x[1:], out=x[1:])
    return np.sum(x * x)


def broadcast_write(a, x):
    """A row is written to all rows: its cotangents add up."""
    b = np.zeros((4, 5))
    b[:] = a[:, 0]
    b[1:, 0] = x[0]
    return np.sum(b * b) * x[1]


def broadcast_gradient(a, x):
    times_read = np.array([1, 4, 4, 4, 4])
    return np.stack([2 * times_read * a[:, 0] * x[1], np.zeros(5), np.zeros(5)], axis=1)


def rows_of_a_loop(a):
    """`for row in a` hands out views."""
    for row in a:
        row *= row
    return np.sum(a)


def elements_of_a_loop(x):
    """`for v in x` hands out numbers: changing one changes nothing."""
    s = 0.0
    for v in x:
        v += 1.0
        s += v * v
    return s + np.sum(x)


def unpacked_rows(a):
    """Unpacking an array gives views."""
    p, q = a[:2]
    p[0] = 2.0
    q *= p
    return np.sum(a[:2])


def unpacked_gradient(a):
    gradient = np.zeros_like(a)
    gradient[0] = 1 + a[1]
    gradient[1] = a[0]
    gradient[0, 0], gradient[1, 0] = 0.0, 2.0
    return gradient


def empty_slice_written(x):
    """A write to an empty slice changes nothing."""
    x[3:3] = 7.0
    x[5:2] *= 0.0
    return np.sum(x * x)


def copied_row(a):
    """An index array copies: writing to the result leaves the matrix alone."""
    rows = a[[0, 1]]
    rows[0] = 9.0
    return np.sum(a * a)


def lost_write(a):
    """`a[[0, 1]][0] = ...` writes to a copy that nobody keeps."""
    a[[0, 1]][0] = 9.0
    return np.sum(a * a)


def chained_indices(a):
    """`a[i][j] = ...` writes through a view."""
    a[1][2] = 4.0
    return a[1, 2] * a[1, 1]


def row_view_of_a_loop(a):
    """A view bound in a loop is written after it: the last row, not a copy."""
    for i in range(len(a)):
        row = a[i]
    row[1] = 9.0
    return np.sum(a * a)


def inner_axis(a):
    """Ellipsis, a new axis and a transposed view of one matrix."""
    b = a[None, ..., 1:].T
    b[1, 0, 0] = 0.0
    return np.sum(a * a)


TRAPS = (
    Trap(row_view, (A,), lambda a: np.where(unit(a, {(1, 2): 1}) > 0, 0.0, 2 * a)),
    Trap(column_view, (A,), lambda a: 2 * a * [1, 9, 1]),
    Trap(transposed_write, (A,), lambda a: unit(a, {(0, 1): 5.0, (0, 0): 1.0})),
    Trap(reshaped_write, (X,), lambda x: np.where(np.arange(6) == 3, 4.0, 3 * x * x)),
    Trap(reshaped_copy, (A,), lambda a: 2 * a),
    Trap(strided_write, (X,), lambda x: 2 * x * [9, 1, 9, 1, 9, 1]),
    Trap(reversed_view, (X,), lambda x: unit(x, {4: 3.0, 0: 1.0})),
    Trap(view_of_a_view, (X,), lambda x: unit(x, {1: 7.0, 3: 1.0})),
    Trap(view_sees_the_base, (X,), lambda x: unit(x, {2: 2 * x[2] + 5.0})),
    Trap(sum_with_the_shifted_self, (X,), shifted_gradient),
    Trap(product_with_the_shifted_self, (X,), lambda x: np.r_[x[1:], 1.0] + np.r_[0.0, x[:-1]]),
    Trap(reversed_onto_itself, (X,), lambda x: np.arange(6.0)[::-1]),
    Trap(out_overlaps, (X,), shifted_gradient),
    Trap(broadcast_write, (A, X), broadcast_gradient),
    Trap(rows_of_a_loop, (A,), lambda a: 2 * a),
    Trap(elements_of_a_loop, (X,), lambda x: 2 * x + 3),
    Trap(unpacked_rows, (A,), unpacked_gradient),
    Trap(empty_slice_written, (X,), lambda x: 2 * x),
    Trap(copied_row, (A,), lambda a: 2 * a),
    Trap(lost_write, (A,), lambda a: 2 * a),
    Trap(chained_indices, (A,), lambda a: unit(a, {(1, 1): 4.0})),
    Trap(row_view_of_a_loop, (A,), lambda a: np.where(unit(a, {(4, 1): 1}) > 0, 0.0, 2 * a)),
    Trap(inner_axis, (A,), lambda a: np.where(unit(a, {(0, 2): 1}) > 0, 0.0, 2 * a)),
)
