"""What random programs have found, by the smallest of them."""

import numpy as np
import pytest
from backend_cases import op, program
from simulated_oracle import assert_right

from adcompiler.ir.graph import constant
from adcompiler.ir.ops.control import branch
from adcompiler.ir.ops.loops import loop, loop_while
from adcompiler.ir.types import Dim, DType

N = Dim.of("n")
VECTOR, SQUARE = ("f64", "n"), ("f64", "n", "n")


def numbers(*shape):
    return np.random.default_rng(0).uniform(0.1, 0.9, shape)


def right(f, *args, sizes=None):
    """Whether it raises, after it is right in several orders of threads."""
    sizes = {"n": len(args[0])} if sizes is None else sizes
    raised = {assert_right(f, [(args, sizes)], seed) for seed in range(6)}
    assert len(raised) == 1
    return raised.pop()


def check(ok, message):
    op("check", ok, kind="ValueError", message=message)


# ---- kernels ----


def test_a_sum_over_all_beside_sums_over_rows():
    def body(q):
        return [op("sum", op("tanh", q), axes=(0,)), op("sum", op("neg", q), axes=(0, 1))]

    assert not right(program("sums", body, q=SQUARE), numbers(5, 5))


def test_a_sum_over_no_axis_in_a_loop_that_lanes_share():
    def body(v, w, a):
        each = op("einsum", v, op("tanh", w), subscripts="j,i->ij")
        return [op("sum", a, axes=(1,)), each, op("add", a, each)]

    f = program("lanes", body, v=VECTOR, w=VECTOR, a=SQUARE)
    assert not right(f, numbers(5), numbers(5), numbers(5, 5))


def test_a_number_that_a_loop_of_threads_leaves_as_it_was():
    def body(x, s):
        return list(loop(N, lambda i, x, s: [op("put", x, op("sin", op("index", x, i)), i), s], [x, s]))

    assert not right(program("unchanged", body, x=VECTOR, s=("f64",)), numbers(5), np.float64(0.5))


def test_both_sides_of_a_branch_leave_an_array_that_is_not_theirs():
    def body(x):
        ok = op("less", op("sum", x, axes=(0,)), 0.0)
        return [x, *branch(ok, lambda: [x], lambda: [x])]

    assert not right(program("passed", body, x=VECTOR), numbers(5))


def test_a_branch_of_a_thread_that_leaves_a_number_undefined():
    def body(x):
        def trip(i, out):
            def there():
                return [op("put", out, 0.5, i), op("sin", op("index", x, i))]

            def not_there():
                return [out, op("undefined", shape=(), dtype=DType.F64)]

            small = op("less", op("index", x, i), 0.5)
            out, found = branch(small, there, not_there)
            (found,) = branch(small, lambda: [found], lambda: [constant(0.0)])
            return [op("add_at", out, found, i)]

        return list(loop(N, trip, [op("zeros", shape=(N,), dtype=DType.F64)]))

    assert not right(program("undefined", body, x=VECTOR), numbers(7))


# ---- loops of unknown length ----


def halved(x, limit=None, stacked=True):
    def trip(i, s):
        return [0.5 * s, s] if stacked else [0.5 * s]

    return loop_while(lambda i, s: op("less", 0.05, s), trip, [op("index", x, constant(0))], "t", limit=limit)


@pytest.mark.parametrize("limit", [None, 3, 20, N, N - 7])
def test_a_stack_of_trips_that_a_device_counts(limit):
    def body(x):
        end, stack = halved(x, limit)
        (total,) = loop(Dim.of("t"), lambda i, total, s: [total + s * s], [constant(0.0)], slices=[stack])
        return [end, total, op("sum", op("sin", stack), axes=(0,))]

    f = program("stacked", body, x=VECTOR)
    assert not right(f, numbers(5)) and not right(f, np.array([0.01, 1.0]))


def test_a_tape_that_grows():
    def body(x):
        def trip(i, s):
            return [s + 1.0, s]

        start = op("index", x, constant(0))
        end, stack = loop_while(lambda i, s: op("less", s, 150.0), trip, [start], "t")
        return [end, op("sum", stack, axes=(0,)), op("sum", op("exp", x), axes=(0,))]

    assert not right(program("grown", body, x=VECTOR), numbers(5))


# ---- checks ----


@pytest.mark.parametrize("reverse", [False, True])
def test_the_first_trip_that_fails_counts_not_the_first_check(reverse):
    def body(x):
        def trip(i, x):
            a = op("index", x, i)
            check(op("less", a, 0.9), "large")
            check(op("less", 0.1, a), "small")
            return [op("put", x, a + 1.0, i)]

        return list(loop(N, trip, [x], reverse=reverse))

    f = program("either", body, x=VECTOR)
    x = np.array([0.5, 0.0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 1.0, 0.5])
    assert right(f, x) and right(f, x[::-1].copy()) and not right(f, np.full(4, 0.5))


def test_the_first_trip_of_the_host_that_fails_counts():
    def body(x):
        def trip(i, x):
            check(op("less", x, 1.5), "large")
            check(op("less", -0.5, x), "small")
            return [op("sub", x, op("mul", 0.4, op("tanh", op("mul", 9.0, op("sub", 0.6, x)))))]

        return list(loop(N, trip, [x]))

    f = program("steps", body, x=VECTOR)
    assert right(f, np.linspace(0.1, 1.1, 5)) and right(f, np.linspace(0.55, 0.65, 5)[::-1].copy())


def test_a_loop_of_the_host_ends_where_a_check_has_failed():
    def body(x):
        def trip(i, s, x):
            check(op("less", x, 0.9), "large")
            return [s + 0.1, op("mul", x, 1.1)]

        test = loop_while(lambda i, s, x: op("less", s, 9.0), trip, [constant(0.0), x], "t")
        return list(test)

    assert right(program("until", body, x=VECTOR), numbers(5))


def test_nothing_is_added_at_places_that_failed():
    def body(x, p):
        check(op("less", p, op("dim", size=N)), "beyond")
        return [op("add_at", x, op("sin", x), p, at=("gather",))]

    f = program("added", body, x=VECTOR, p=("i64", "n"))
    assert right(f, numbers(4), np.array([0, 9, 9, 1])) and not right(f, numbers(4), np.array([0, 3, 3, 1]))


def test_a_size_that_was_not_checked_is_none():
    def body(x, p):
        k = op("index", p, constant(0))
        check(op("less", k, op("dim", size=N)), "beyond")
        check(op("less_equal", 0, k), "negative")
        op("bind", op("index", p, k), size="k")
        return [op("sum", op("broadcast", op("index", x, k), shape=(Dim.of("k"),)), axes=(0,))]

    f = program("bound", body, x=VECTOR, p=("i64", "n"))
    assert right(f, numbers(4), np.array([9, 2, 2, 1])) and not right(f, numbers(4), np.array([1, 3, 2, 1]))


def test_nothing_is_launched_for_nothing():
    def body(x):
        ok = op("less", op("sum", x, axes=(0,)), 0.0)
        first = branch(ok, lambda: [x], lambda: [x])
        return [op("sum", op("tanh", *first), axes=(0,))]

    assert not right(program("nothing", body, x=VECTOR), numbers(3))
