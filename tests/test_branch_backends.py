"""Branches in generated code: what goes through an `if` is neither copied nor renamed, what a branch leaves
undefined costs nothing."""

import numpy as np
import pytest
from backend_cases import N, assert_same, call_numba, call_numpy, call_plain, evaluated, op, program, zeros

from adcompiler.backends import compile_function
from adcompiler.ir.check import verify
from adcompiler.ir.graph import constant
from adcompiler.ir.ops.control import branch
from adcompiler.ir.ops.loops import loop, loop_while
from adcompiler.ir.types import DType

X = np.array([1.5, -2.0, 0.5, 3.0])
VECTOR = ("f64", "n")


def less(a, b):
    return op("less", a, b)


def undefined():
    return op("undefined", shape=(N,), dtype=DType.F64)


def put_in_one(x):
    def trip(i, u, xi):
        return branch(less(0.0, xi), lambda: [op("put", u, xi * xi, i)], lambda: [u])

    return loop(N, trip, [x], [], [x])


def put_in_the_other(x):
    def trip(i, u, xi):
        return branch(less(0.0, xi), lambda: [u], lambda: [op("put", u, 0.0, i)])

    return loop(N, trip, [x], [], [x])


def sums(x):
    """Two accumulators: each branch adds to one and hands the other one on."""

    def trip(i, a, b, xi):
        return branch(
            less(0.0, xi),
            lambda: [op("add_at", a, xi, i), b],
            lambda: [a, op("add_at", b, xi, i)],
        )

    return loop(N, trip, [], [zeros(N), zeros(N)], [x])


def nested(x):
    """Branches in a branch, two arrays."""

    def trip(i, a, b, xi):
        def inside():
            return branch(
                less(1.0, xi),
                lambda: [op("put", a, xi, i), b],
                lambda: [op("put", a, -xi, i), op("put", b, 1.0, i)],
            )

        return branch(less(0.0, xi), inside, lambda: [a, op("put", b, 2.0, i)])

    return loop(N, trip, [zeros(N), x], [], [x])


def loop_in_a_branch(x):
    """A sum goes through a branch into a loop, and there through a branch."""

    def trip(i, a, xi):
        def inside():
            def cell(j, a, xj):
                return branch(less(xj, xi), lambda: [op("add_at", a, xi, j)], lambda: [a])

            return loop(N, cell, [], [a], [x])

        return branch(less(0.0, xi), inside, lambda: [a])

    return loop(N, trip, [], [zeros(N)], [x])


def before_and_after(x):
    """The array is updated before the branch, in it, and behind it."""

    def trip(i, a, xi):
        a = op("put", a, op("index", a, i) + 1.0, 0)
        s = op("index", a, i)
        (a,) = branch(less(0.0, xi), lambda: [op("put", a, xi + s, i)], lambda: [a])
        a = op("put", a, op("index", a, i) + 1.0, i)
        (a,) = branch(less(1.0, xi), lambda: [a], lambda: [op("add_at", a, xi, 0)])
        return [a]

    return loop(N, trip, [x], [], [x])


def whole(x):
    """A branch computes the whole array anew."""

    def trip(i, a, xi):
        return branch(less(0.0, xi), lambda: [op("sin", a)], lambda: [a])

    return loop(N, trip, [x], [], [x])


def rows(x):
    """Updates of rows of a matrix; a row is read while the matrix goes through a branch that reads it."""

    def trip(i, m, xi):
        row = op("index", x, i)
        (m,) = branch(
            less(op("index", m, 0, i), xi), lambda: [op("put", m, x, i)], lambda: [op("put", m, row, i, 0)]
        )
        return [op("add_at", m, xi, i, i)]

    return loop(N, trip, [op("zeros", shape=(N, N), dtype=DType.F64)], [], [x])


def in_a_while(x):
    def trip(i, a, b, s):
        a, b = branch(
            less(s, 2.0),
            lambda: [op("put", a, s, i), b],
            lambda: [a, op("add_at", b, s, 0)],
        )
        return [a, b, s + 1.0]

    return loop_while(lambda i, a, b, s: less(s, 4.0), trip, [x, zeros(N), constant(1.0)], "t_1", limit=N)


def exchanged(x):
    """One branch lets two arrays change places."""

    def trip(i, a, b, xi):
        return branch(less(0.0, xi), lambda: [op("put", b, xi, i), a], lambda: [a, b])

    return loop(N, trip, [x, zeros(N)], [], [x])


IN_PLACE = {
    f.__name__: f
    for f in (
        put_in_one,
        put_in_the_other,
        sums,
        nested,
        loop_in_a_branch,
        before_and_after,
        whole,
        rows,
        in_a_while,
        exchanged,
    )
}


@pytest.mark.parametrize("name", IN_PLACE)
def test_arrays_go_through_branches_in_place(name):
    """No copy in any trip: what is copied is copied once, before the loop."""
    f = program(name, IN_PLACE[name], x=VECTOR)
    verify(f)
    for backend, calls in {"numpy": [call_numpy], "numba": [call_plain, call_numba]}.items():
        if name == "whole" and backend == "numpy":
            continue
        compiled = compile_function(f, backend)
        assert compiled.notes == ()
        lines = compiled.source.splitlines()
        copies = [line for line in lines if ".copy()" in line]
        assert all(line.startswith("    ") and not line.startswith("     ") for line in copies)
        for call in calls:
            assert_same(call(f, (X,), [4]), evaluated(f, (X,)))


def body_of(f):
    """The lines of what is compiled."""
    source = compile_function(f, "numba").source
    text, *_ = source.partition(f"def {f.name}")[2].split("\n\n")
    return text.rstrip().splitlines()[1:]


def test_nothing_is_renamed_on_the_way():
    assert body_of(program("nested", nested, x=VECTOR)) == [
        "    t = out",
        "    t[:] = 0.0",
        "    x1 = out1",
        "    for i1 in range(n):",
        "        x1[i1] = x[i1]",
        "    for i in range(n):",
        "        x2 = x[i]",
        "        t1 = 0.0 < x2",
        "        if t1:",
        "            t2 = 1.0 < x2",
        "            if t2:",
        "                t[i] = x2",
        "            else:",
        "                t3 = -x2",
        "                t[i] = t3",
        "                x1[i] = 1.0",
        "        else:",
        "            x1[i] = 2.0",
    ]
    assert body_of(program("other", put_in_the_other, x=VECTOR))[-3:] == [
        "        t = 0.0 < x2",
        "        if not t:",
        "            x1[i] = 0.0",
    ]


# ---- what branches leave undefined ----


def taped(x):
    """A tape of rows that one branch fills, numbers of both, and the walk back over them."""

    def trip(i, xi):
        positive = less(0.0, xi)

        def fill():
            a, row = loop(N, lambda j, a: [op("sin", a + xi), a], [xi])
            return [row, a]

        row, last = branch(positive, fill, lambda: [undefined(), constant(1.0)])
        return [positive, row, last]

    def back(i, total, positive, row, last):
        (found,) = branch(positive, lambda: [op("sum", row, axes=(0,))], lambda: [last])
        return [total + found]

    return loop(N, back, [constant(0.0)], [], loop(N, trip, [], [], [x]), reverse=True)


def test_a_branch_fills_its_row_of_a_tape():
    f = program("taped", taped, x=VECTOR)
    verify(f)
    lines = body_of(f)
    start = lines.index("        t[i] = t3")
    assert lines[start : start + 10] == [
        "        t[i] = t3",
        "        if t3:",
        "            x2 = x1",
        "            for i1 in range(n):",
        "                t1[i, i1] = x2",
        "                t4 = x2 + x1",
        "                t5 = np.sin(t4)",  # it waits for the trip before
        "                x2 = t5",
        "            t2[i] = x2",
        "        else:",
    ]
    assert lines[start + 10] == "            t2[i] = 1.0"
    for call in (call_numpy, call_plain, call_numba):
        assert_same(call(f, (X,), [4]), evaluated(f, (X,)))


def test_a_row_is_updated_through_branches_in_its_place():
    def body(x):
        def trip(i, xi):
            def fill():
                row = op("put", zeros(N), xi, i)
                row = branch(less(1.0, xi), lambda: [op("put", row, 2.0, 0)], lambda: [row])[0]
                return [row]

            return branch(less(0.0, xi), fill, lambda: [zeros(N)])

        return loop(N, trip, [], [], [x])

    f = program("updated", body, x=VECTOR)
    lines = body_of(f)
    assert not any("np." in line or "copy" in line for line in lines)
    for call in (call_numpy, call_plain, call_numba):
        assert_same(call(f, (X,), [4]), evaluated(f, (X,)))


def test_an_item_that_is_read_as_well_has_a_variable():
    def body(x):
        def trip(i, total, xi):
            row, s = branch(
                less(0.0, xi), lambda: [op("put", zeros(N), xi, i), xi], lambda: [zeros(N), constant(0.5)]
            )
            return [total + op("sum", row, axes=(0,)) * s, row, s]

        return loop(N, trip, [constant(0.0)], [], [x])

    f = program("both", body, x=VECTOR)
    for call in (call_numpy, call_plain, call_numba):
        assert_same(call(f, (X,), [4]), evaluated(f, (X,)))


def test_a_row_that_a_branch_hands_out_of_an_outer_array_is_stored():
    """An item may be an array from outside, another item, or a constant."""

    def body(x):
        def trip(i, u, xi):
            kept = op("sin", u)
            (row,) = branch(less(0.0, xi), lambda: [kept], lambda: [x])
            u = op("put", u, xi, 0)
            (other,) = branch(less(0.0, xi), lambda: [u], lambda: [constant(np.zeros(4))])
            return [u, row, other, kept]

        return loop(4, trip, [x], [], [x])

    f = program("outer", body, sizes=(), x=("f64", 4))
    for call in (call_numpy, call_plain, call_numba):
        assert_same(call(f, (X,), []), evaluated(f, (X,)))
