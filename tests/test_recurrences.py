"""Functions that LLVM vectorises are taken where several trips of a loop can be computed at once."""

import re

import numpy as np
from backend_cases import assert_same, call_numba, call_plain, evaluated, op, program

from adcompiler.backends import compile_function
from adcompiler.ir.graph import constant
from adcompiler.ir.ops.loops import loop
from adcompiler.ir.types import Dim

N = Dim.of("n")


def called(f):
    """The mathematical functions that the source calls."""
    return set(
        re.findall(r"(?<== )(?:np\.)?(?:cos|exp|log|sin|tanh)(?=\()", compile_function(f, "numba").source)
    )


def assert_right(f, *args):
    for call in (call_plain, call_numba):
        assert_same(call(f, args, [len(args[0])]), evaluated(f, args))


X = np.linspace(-1.0, 1.0, 7)


def test_what_waits_for_the_trip_before_is_the_c_librarys():
    def body(x):
        def trip(i, y, z):
            element = op("index", x, i)
            new = op("sin", op("index", z, i)) * op("exp", element)
            return [op("tanh", y) * op("cos", element), op("put", z, new, i)]

        return loop(N, trip, [op("log", op("index", x, 0) + 2.0), x + 1.0])

    f = program("waiting", body, x=("f64", "n"))
    assert called(f) == {"np.tanh", "cos", "np.sin", "exp", "np.log"}
    assert_right(f, X)


def test_a_loop_inside_does_not_wait_for_the_one_around_it():
    def body(x):
        def row(i, y):
            def element(j, z):
                return [op("put", z, op("sin", y) * op("cos", op("index", x, j)), j)]

            (z,) = loop(N, element, [x])
            return [op("tanh", y) + op("index", z, i)]

        return loop(N, row, [op("index", x, 0)])

    f = program("inside", body, x=("f64", "n"))
    assert called(f) == {"sin", "cos", "np.tanh"}
    assert_right(f, X)


def test_sums_wait_for_nothing():
    def body(x):
        return loop(N, lambda i, s: [s + op("exp", op("index", x, i))], [], [constant(0.0)])

    f = program("sums", body, x=("f64", "n"))
    assert called(f) == {"exp"}
    assert_right(f, X)
