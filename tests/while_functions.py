"""Functions with loops of unknown length, written in the IR, and what a call of each is given."""

import numpy as np
from backend_cases import N, op, program, zeros

from adcompiler.ir.graph import constant
from adcompiler.ir.ops.control import branch
from adcompiler.ir.ops.loops import loop, loop_while
from adcompiler.ir.types import Dim, DType

NUMBER, VECTOR = ("f64",), ("f64", "n")
X = np.array([1.5, -2.0, 0.5, 3.0])


def less(a, b):
    return op("less", a, b)


def halved():
    """Halve until it is small; each number is kept."""

    def body(x):
        return loop_while(lambda i, y: less(1.0, y), lambda i, y: [0.5 * y, y], [x], "t_1")

    return program("halved", body, sizes=(), x=NUMBER)


def counted():
    """As many trips as the argument says; nothing is kept."""

    def body(x):
        (y,) = loop_while(lambda i, y: less(y, x), lambda i, y: [y + 1.0], [constant(0.0)], "t_1")
        return [y, op("dim", size=Dim.of("t_1"))]

    return program("counted", body, sizes=(), x=NUMBER)


def stacked():
    """Stacks of numbers of several kinds, as long as the argument says."""

    def body(x):
        def trip(i, y):
            return [y + 1.0, op("sin", y), i, less(y, 3.0), op("cast", y, dtype=DType.F32)]

        return loop_while(lambda i, y: less(y, x), trip, [constant(0.0)], "t_1")

    return program("stacked", body, sizes=(), x=NUMBER)


def bounded(limit):
    """At most so many trips."""

    def body(x):
        return loop_while(
            lambda i, y: less(y, x), lambda i, y: [y + 1.0, y], [constant(0.0)], "t_1", limit=limit
        )

    return lambda: program("bounded", body, sizes=("n",), x=NUMBER)


def searched():
    """A `for` with a `break`: the sum up to the first element that is negative."""

    def body(x):
        def test(i, total, broke):
            return op("logical_not", broke)

        def trip(i, total, broke):
            xi = op("index", x, i)
            found = less(xi, 0.0)
            (total,) = branch(found, lambda: [total], lambda: [total + xi])
            return [total, found, xi]

        return loop_while(test, trip, [constant(0.0), constant(False)], "t_1", limit=N)

    return program("searched", body, x=VECTOR)


def relaxed():
    """An array that is carried, updated by an inner loop, tested by its norm, kept whole, read backwards."""

    def body(x):
        def test(i, u):
            return less(1e-3, op("sum", u * u, axes=(0,)))

        def trip(i, u):
            (u,) = loop(N, lambda j, u: [op("put", u, 0.5 * op("index", u, j), j)], [u])
            return [u, u]

        def back(i, total, row):
            return [op("sin", total) + op("sum", row, axes=(0,))]

        u, us = loop_while(test, trip, [x], "t_1")
        return [u, us, *loop("t_1", back, [constant(0.0)], [], [us], reverse=True)]

    return program("relaxed", body, x=VECTOR)


def rows():
    """Rows that are made in their place of a tape."""

    def body(x):
        def trip(i, s):
            def cell(j, row):
                return [op("put", row, op("index", x, j) * s, j)]

            return [s + 1.0, *loop(N, cell, [zeros(N)])]

        return loop_while(lambda i, s: less(s, 70.0), trip, [constant(0.0)], "t_1")

    return program("rows", body, x=VECTOR)


def swapped():
    """Two arrays that change places; the test looks at one of them."""

    def body(x, y):
        def trip(i, a, b):
            return [op("add_at", b, 1.0, 0), a]

        return loop_while(lambda i, a, b: less(op("index", a, 0), 4.0), trip, [x, y], "t_1", limit=N + 7)

    return program("swapped", body, x=VECTOR, y=VECTOR)


def nested():
    """A tape in each trip of a loop, read backwards in that trip."""

    def body(x):
        def trip(i, found, xi):
            y, ys = loop_while(lambda k, y: less(0.1, y), lambda k, y: [0.5 * y, y], [xi], "t_2")
            (s,) = loop("t_2", lambda k, s, yk: [s + yk * yk], [constant(0.0)], [], [ys], reverse=True)
            return [op("put", found, s, i), y]

        return loop(N, trip, [zeros(N)], [], [x])

    return program("nested", body, x=VECTOR)


def overwritten():
    """A tape that is overwritten after the loop, and given as it was as well."""

    def body(x):
        y, ys = loop_while(lambda k, y: less(0.1, y), lambda k, y: [0.5 * y, y], [op("index", x, 0)], "t_1")
        return [y, ys, op("put", ys, 7.0, 0), op("sin", ys)]

    return program("overwritten", body, x=VECTOR)


def indexed():
    """Sizes inside mention the number of the trip."""

    def body(x):
        def trip(i, s):
            head = op("index", x, constant(0), at=(("span", Dim.of("k"), 1),))
            return [s + op("sum", head, axes=(0,)) + 1.0, s]

        return loop_while(lambda i, s: less(s, 9.0), trip, [constant(0.0)], "t_1", limit=N + 1, index="k")

    return program("indexed", body, x=VECTOR)


def checked():
    """Checks in the test and in the body."""

    def body(x):
        def test(i, s):
            inside = less(i, op("dim", size=N))
            op("check", inside, kind="IndexError", message="beyond the end")
            return less(s, 4.0)

        def trip(i, s):
            xi = op("index", x, i)
            op("check", less(0.0, xi), kind="ValueError", message="not positive")
            return [s + xi, s]

        return loop_while(test, trip, [constant(0.0)], "t_1")

    return program("checked", body, x=VECTOR)


CALLS = {
    "halved": (halved, [np.float64(100.0)], []),
    "no trip": (halved, [np.float64(0.5)], []),
    "counted": (counted, [np.float64(3.0)], []),
    "stacked, no trip": (stacked, [np.float64(0.0)], []),
    "stacked, 1": (stacked, [np.float64(1.0)], []),
    "stacked, 64": (stacked, [np.float64(64.0)], []),
    "stacked, 65": (stacked, [np.float64(65.0)], []),
    "stacked, 300": (stacked, [np.float64(300.0)], []),
    "bounded by a number": (bounded(100), [np.float64(300.0)], [3]),
    "bounded by a large number": (bounded(10**9), [np.float64(300.0)], [3]),
    "bounded by a size": (bounded("n"), [np.float64(300.0)], [200]),
    "bounded by a large size": (bounded("n"), [np.float64(300.0)], [10**9]),
    "bounded by less than nothing": (bounded(N - 5), [np.float64(300.0)], [3]),
    "searched": (searched, [X], [4]),
    "searched in vain": (searched, [np.abs(X)], [4]),
    "relaxed": (relaxed, [X], [4]),
    "rows": (rows, [X], [4]),
    "rows without elements": (rows, [X[:0]], [0]),
    "swapped": (swapped, [X, -X], [4]),
    "nested": (nested, [X], [4]),
    "overwritten": (overwritten, [X], [4]),
    "indexed": (indexed, [X], [4]),
    "checked": (checked, [np.abs(X)], [4]),
}
