"""Captured programs give what plain Python gives: at sizes and trip counts other than the traced ones."""

import functools
import math

import numpy as np
import pytest
from captured_programs import assert_captured, load, run_captured

from adcompiler.frontend.capture import capture
from adcompiler.frontend.inner import spliced, trace_inner
from adcompiler.frontend.scalars import TracedScalar
from adcompiler.ir.graph import count, walk


def vector(n, seed=0):
    return np.random.default_rng(seed).uniform(0.1, 1.0, n)


# ---- loops ----


def powers(x, n):
    p = 1.0
    for _ in range(n):
        p = math.sin(x) * p
    return p


def rk4(y, rate, steps):
    dt = 1.0 / 16
    for _ in range(steps):
        k1 = rate * y
        k2 = rate * (y + dt / 2 * k1)
        k3 = rate * (y + dt / 2 * k2)
        k4 = rate * (y + dt * k3)
        y = y + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return y


def heat(u, c, steps):
    for _ in range(steps):
        lap = np.zeros_like(u)
        lap[1:-1] = u[2:] - 2.0 * u[1:-1] + u[:-2]
        u = u + c * lap
    return u


def two_buffers(u, c, steps):
    u = u.copy()
    v = np.zeros_like(u)
    for _ in range(steps):
        for i in range(1, u.shape[0] - 1):
            v[i] = u[i] + c * (u[i - 1] - 2.0 * u[i] + u[i + 1])
        u, v = v, u
    return u


def recurrence(x):
    n = x.shape[0]
    out = np.zeros(n)
    out[0] = x[0]
    for i in range(1, n):
        out[i] = np.sin(out[i - 1]) * x[i] + out[i - 1]
    return out


def backwards(x):
    s = 0.0
    for i in range(x.shape[0] - 1, -1, -1):
        s = 0.5 * s + x[i]
    return s


def weak_sum(x):
    s = 0
    for i in range(len(x)):
        s += x[i] * 2
    return s


def nest(a):
    s = 0
    for i in range(a.shape[0]):
        for j in range(i, a.shape[1]):
            s += a[i, j] * (i + 2 * j)
    return s


def matvec(a, x):
    out = np.zeros(a.shape[0])
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            out[i] += a[i, j] * x[j]
    return out


def carried_tuple(x, steps):
    state = (x, 0, [x * 2.0, x])
    for _ in range(steps):
        a, k, (b, c) = state
        state = (a + 0.1 * b, k + 1, [c, a])
    return state


def carried_arrays_in_a_dict(u, steps):
    state = {"u": u, "t": 0.0}
    for _ in range(steps):
        state = {"u": state["u"] * 0.9 + state["t"], "t": state["t"] + 0.1}
    return state


def last_value(x):
    for i in range(x.shape[0]):
        y = x[i] * i
    return y, i


def sums_in_order(x, y):
    total = 0.0
    for k, (a, b) in enumerate(zip(x, y)):  # noqa: B905
        total += k * a * b
    for a in reversed(x):
        total = 0.5 * total + a
    for row in x[:, None] * y:
        total += np.sum(row)
    return total


def rows(a):
    out = a.copy()
    for i in range(a.shape[0]):
        row = out[i]
        row[1] = row[0] * 2.0
        row[2:] += i
    return out


def in_place_step(u, steps):
    for _ in range(steps):
        u += 0.1 * u
    return u.sum()


def change(a, k):
    for i in range(a.shape[0]):
        a[i] = a[i] * k
    return a


def callee_changes(x, steps):
    out = np.zeros_like(x)
    for _ in range(steps):
        out = change(out, 0.5)
        out += x
    return out


def float32_stays(x, n):
    s = np.float32(0.0)
    for i in range(n):
        s = s + x[i] * 0.5
    return s


def late_binding(x, n):
    s = 0.0
    f = lambda: s * 2.0  # noqa: E731
    for i in range(n):
        s = s + x[i]
    return f()


def triangular_slices(a):
    out = np.zeros_like(a)
    for i in range(a.shape[0]):
        for j in range(i + 1):
            out[i, j] = a[i, j] - np.dot(out[i, :j], out[j, :j])
    return out


def compressed_rows(values, x, start, column):
    out = np.zeros(start.shape[0] - 1)
    for i in range(start.shape[0] - 1):
        for p in range(start[i], start[i + 1]):
            out[i] += values[p] * x[column[p]]
    return out


def comprehensions(x):
    return sum([x[k] * k for k in range(3)]) + sum(x[k] for k in range(12) if k % 2)


def factorial(x, n=5):
    return x if n == 0 else n * factorial(x, n - 1)


def needs_the_index(x):
    weights = [0.5, 0.25, 1.0]
    s = 0.0
    for i in range(12):
        s += weights[i % 3] * x[i]
    return s


def first_trip(x):
    for i in range(x.shape[0]):
        if i == 0:
            s = x[0]
        else:
            s = s + x[i]
    return s


START = np.array([0, 2, 3, 3, 7])
COLUMN = np.array([0, 3, 2, 1, 0, 2, 4])

PROGRAMS = {
    powers: [(0.5, 12), (0.7, 0), (0.7, 100)],
    rk4: [(1.0, 0.5, 20), (2.0, -1.0, 0), (vector(1)[0], 0.1, 3)],
    heat: [(vector(9), 0.1, 12), (vector(6), 0.2, 0), (vector(30), 0.2, 40)],
    two_buffers: [(vector(9), 0.1, 12), (vector(6), 0.2, 0), (vector(7), 0.2, 1), (vector(30), 0.2, 41)],
    recurrence: [(vector(7),), (vector(5),), (vector(40),)],
    backwards: [(vector(7),), (vector(0),), (vector(40),)],
    weak_sum: [(vector(7),), (vector(0),), (vector(40),)],
    nest: [(vector(63).reshape(9, 7),), (vector(0).reshape(0, 6),), (vector(50).reshape(5, 10),)],
    matvec: [(vector(63).reshape(9, 7), vector(7)), (vector(0).reshape(0, 6), vector(6))],
    carried_tuple: [(1.5, 12), (1.5, 0), (0.5, 31)],
    carried_arrays_in_a_dict: [(vector(6), 12), (vector(8), 0)],
    last_value: [(vector(9),), (vector(5),)],
    sums_in_order: [(vector(9), vector(9, 1)), (vector(0), vector(0)), (vector(20), vector(20, 1))],
    rows: [(vector(54).reshape(9, 6),), (vector(25).reshape(5, 5),)],
    in_place_step: [(vector(6), 12), (vector(8), 0)],
    callee_changes: [(vector(6), 12), (vector(8), 0)],
    float32_stays: [(vector(9).astype("f4"), 9), (vector(12).astype("f4"), 5)],
    late_binding: [(vector(9), 9), (vector(9), 0)],
    triangular_slices: [(vector(n * n).reshape(n, n),) for n in (7, 5, 0)],
    compressed_rows: [
        (vector(7), vector(5), START, COLUMN),
        (vector(9), vector(6), START[1:] - 2, COLUMN[:5]),
    ],
    comprehensions: [(vector(12),), (vector(20),)],
    factorial: [(1.5,), (2.5,)],
    needs_the_index: [(vector(12),), (vector(20),)],
    first_trip: [(vector(12),)],
}


@pytest.mark.parametrize("function", PROGRAMS, ids=lambda f: f.__name__)
def test_a_program_gives_what_python_gives(function):
    assert_captured(function, *PROGRAMS[function])


def test_the_dtype_of_a_carried_number_is_kept():
    captured = capture(float32_stays, (vector(9).astype("f4"), 9))
    assert run_captured(captured, float32_stays, (vector(9).astype("f4"), 9)).returned.dtype == np.float32


# ---- size of programs, number of traces ----


def traces(function, *args):
    """How often the body of the loop at each line, counted from the function's first, is traced."""
    first = function.__code__.co_firstlineno
    return {line - first: times for line, times in capture(function, args).traces.items()}


def deep(x, n):
    s = np.float64(0.0)
    for _ in range(n):
        for _ in range(n):
            for _ in range(n):
                for i in range(n):
                    s = s + x[i]
    return s


def deep_and_weak(x, n):
    s = 0
    for _ in range(n):
        for _ in range(n):
            for _ in range(n):
                for i in range(n):
                    s = s + x[i]
    return s


def test_a_body_is_traced_once():
    assert traces(deep, vector(9), 9) == {2: 1, 3: 1, 4: 1, 5: 1}
    assert traces(powers, 0.5, 9) == {2: 1}


def test_a_growing_type_costs_one_trace_a_level():
    assert max(traces(deep_and_weak, vector(9), 9).values()) <= 6


@pytest.mark.parametrize("function", [powers, rk4, heat, two_buffers, in_place_step, callee_changes])
def test_the_program_does_not_depend_on_the_trip_count(function):
    *args, _ = PROGRAMS[function][0]
    small, large = (capture(function, (*args, n)).function for n in (10, 1_000_000))
    assert count(small.body) == count(large.body) < 60


def test_a_short_range_runs_as_plain_python_and_a_long_one_is_rolled():
    short, long = (load(f"def f(x):\n for i in range({n}): x = x * i\n return x")["f"] for n in (8, 9))
    assert "for" not in {eqn.op.name for eqn in walk(capture(short, (1.0,)).function.body)}
    assert "for" in {eqn.op.name for eqn in walk(capture(long, (1.0,)).function.body)}


def test_an_unchanged_array_is_no_carry():
    captured = capture(recurrence, (vector(7),))
    (loop,) = (eqn for eqn in captured.function.body.eqns if eqn.op.name == "for")
    assert len(loop.inputs) == 1


def test_values_have_the_names_of_variables():
    def named(a, b):
        total = a + b
        first, (second, third) = total * 2.0, (total * 3.0, a)
        second += 1.0
        return first, second, third

    names = [eqn.output.name for eqn in capture(named, (1.0, 2.0)).function.body.eqns]
    assert names == ["total", "first", "second", "second"]


# ---- what else is captured ----


def test_a_name_without_a_value_is_an_error_of_the_call():
    assert run_captured(capture(last_value, (vector(9),)), last_value, (vector(0),)) is None
    with pytest.raises(UnboundLocalError, match="cannot access local variable '[iy]' where it is not"):
        capture(last_value, (vector(0),))


def test_an_assertion_on_traced_values_is_checked_at_each_call():
    def positive(x):
        assert x > 0, "x must be positive"
        return x**0.5

    captured = assert_captured(positive, (4.0,), (9.0,))
    with pytest.raises(AssertionError, match="x must be positive"):
        run_captured(captured, positive, (-1.0,))


def test_builtins_on_traced_values():
    def mixed(x, y, n):
        a = max(x, y, 0.5) + min(x, 2) + abs(y - x)
        b = float(n) + int(x * 10.0) + round(y, 1) + pow(x, 2) + divmod(n, 4)[1] + sum([x, y])
        c = len(np.zeros(n)) + isinstance(x, float) + isinstance(n, int) + (type(x) is float)
        return a + b + c + math.hypot(x, y) + math.pi

    assert_captured(mixed, (0.75, 1.25, 9), (1.5, 0.25, 11))


def test_partial_reduce_and_map_see_rewritten_functions():
    def rolled(total, x):
        for _ in range(12):
            total = total + x
        return total

    def mixed(x):
        doubled = functools.partial(rolled, x=x)
        return functools.reduce(rolled, [x, x * 2.0, x * 3.0]) + sum(map(doubled, [1.0, 2.0])) + doubled(x)

    captured = assert_captured(mixed, (0.75,), (1.5,))
    assert sum(eqn.op.name == "for" for eqn in captured.function.body.eqns) == 5


def test_objects_made_in_a_function():
    namespace = load("""
        class Particle:
            def __init__(self, x, v):
                self.x = x
                self.v = v
            def moved(self, dt):
                return Particle(self.x + dt * self.v, self.v)
        def f(x, v):
            p = Particle(x, v)
            for k in range(5):
                p = p.moved(0.1)
            p.v = 2.0 * p.v
            seen = []
            seen.append(p.x)
            seen += [p.v]
            return seen[0] * seen[1]
    """)
    assert_captured(namespace["f"], (1.0, 2.0), (3.0, 4.0))


# ---- derivatives inside ----


class Doubled:
    """A stand-in for a compiled derivative: twice the function."""

    key = ("doubled",)

    def __init__(self, function):
        self.function = function

    def trace_call(self, tracer, args, kwargs):
        inner = trace_inner(tracer, self, self.function, args, kwargs)
        (value,) = spliced(inner.function, inner.operands)
        return 2.0 * TracedScalar(value, "float")


def test_a_transformed_function_is_called_inside():
    rate = 3.0
    doubled = Doubled(lambda x: x * rate)

    def outer(x, y, n):
        w = np.ones(5) * y
        inner = Doubled(lambda z: z * x + np.sum(w))
        total = doubled(x) + inner(y)
        for i in range(n):
            total = total + Doubled(lambda z: z * i)(x)  # noqa: B023
        return total

    def plain(x, y, n):
        return 6.0 * x + 2.0 * (y * x + 5.0 * y) + sum(2.0 * x * i for i in range(n))

    captured = capture(outer, (2.0, 3.0, 12))
    for args in ((2.0, 3.0, 12), (0.5, 0.25, 0), (1.0, 1.0, 20)):
        assert run_captured(captured, outer, args).returned == pytest.approx(plain(*args))
