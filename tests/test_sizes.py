"""Symbolic sizes: one program for all of them, guards where the program depends on them, checks on data."""

from __future__ import annotations

import numpy as np
import pytest
from traced_functions import agree, call, trace

from adcompiler.frontend.cells import Cell
from adcompiler.frontend.frames import Outcome, bind_index, current, opened, run
from adcompiler.frontend.numpy_functions import ARITHMETIC
from adcompiler.frontend.sizes import Size, SizePredicate, integer
from adcompiler.frontend.values import TracedArray
from adcompiler.ir.errors import ArgumentError, CaptureError, NeedsConcrete
from adcompiler.ir.graph import walk
from adcompiler.ir.types import F64, Dim

X = np.linspace(-1.0, 1.0, 8)


def guards(program):
    return [str(g) for g in program.function.guards]


def parameters(program):
    return [str(p.type) for p in program.function.body.params]


def ops(program):
    return [e.op.name for e in walk(program.function.body)]


# ---- one program for all sizes ----


def differences(x):
    return x[1:] - x[:-1]


def stencil(x):
    out = np.zeros_like(x)
    out[1:-1] = x[2:] - 2.0 * x[1:-1] + x[:-2]
    return out


def moments(x, y):
    return x.sum(), (x * y).sum() / (1.0 + x.shape[0]), np.sqrt(np.sum(x**2)), np.cumsum(x - y)


def reversed_pairs(x):
    return np.concatenate([x, x[::-1]]), np.stack([x, -x]).T, x[::2].sum(), np.outer(x, x)[1:, :-1]


def polynomial(x, k):
    return x * k + k**2 - k // 2


ORDINARY = [(differences, 1, 0), (stencil, 1, 0), (moments, 2, 0), (reversed_pairs, 1, 0), (polynomial, 1, 1)]


@pytest.mark.parametrize("function, arrays, integers", ORDINARY, ids=lambda p: getattr(p, "__name__", ""))
def test_one_program_serves_all_sizes(function, arrays, integers):
    def args(n, k):
        random = np.random.default_rng(n)
        return [*(random.uniform(size=n) for _ in range(arrays)), *[k] * integers]

    program = trace(function, *args(8, 5))
    assert guards(program) == []
    for n in (0, *range(5, 200, 13), 200):
        agree(function, program, args(n, n + 1))


# ---- sizes become one, or static ----


def test_sizes_that_meet_become_one():
    program = trace(lambda x, y: x + y, X, X)
    assert parameters(program) == ["f64[n]", "f64[n]"]
    assert program.function.sizes == ("n",)
    with pytest.raises(ArgumentError):
        program(np.zeros(5), np.zeros(6))


def test_a_slice_gives_another_argument_its_length():
    assert parameters(trace(lambda x, y: x[1:] + y, X, X[1:])) == ["f64[n]", "f64[max(n - 1, 0)]"]
    assert parameters(trace(lambda x, y: y * np.concatenate([x, x]), X, np.arange(16.0))) == [
        "f64[n]",
        "f64[2*n]",
    ]


def test_sizes_that_never_meet_stay_apart():
    assert parameters(trace(lambda x, y: x.sum() * y, X, X)) == ["f64[n]", "f64[m]"]


def test_small_sizes_are_static():
    assert parameters(trace(lambda x: x.sum(), np.zeros((3, 7, 1)))) == ["f64[3, n, 1]"]


def test_a_length_that_a_constant_has_is_static():
    assert parameters(trace(lambda x: x + np.arange(8.0), X)) == ["f64[8]"]


def test_a_created_length_and_a_slice_agree():
    def f(x):
        out = call(np.zeros, x.shape[0] - 1)
        out += x[1:]
        return out + (x[1:] - x[:-1])

    program = trace(f, X)
    assert parameters(program) == ["f64[n]"]
    assert guards(program) == ["n - 1 >= 0"]
    agree(f, program, (np.arange(31.0),))


@pytest.mark.parametrize(
    "use",
    [
        lambda n: [1.0, 2.0, 3.0, 4.0, 5.0, 6.0][n],
        lambda n: {6: 1.0}.get(n, 0.0) if False else {5: 2.0}[n],
        lambda n: float(len([0] * n)),
        lambda n: float(len(list(range(n)))),
        lambda n: float(len(f"{n:3d}")),
        lambda n: float(len("abcdefgh"[:n])),
        lambda n: float(n) ** 0.5,
        lambda n: np.zeros(7)[n:].size * 1.0,
    ],
    ids=range(8),
)
def test_python_that_needs_the_number_makes_it_static(use):
    program = trace(lambda x, n: x * use(n), X, 5)
    assert program.function.sizes == ("n",)
    np.testing.assert_allclose(program(X, 5)[0], X * use(5))


def test_a_size_is_an_int_to_isinstance_and_not_to_c():
    seen = []

    def f(n):
        seen.append((isinstance(n, int), type(n) is int, isinstance(n + 1, Size), isinstance(n // 2, int)))
        return n * 1.0

    trace(f, 7)
    assert seen[-1] == (True, False, True, True)


# ---- comparisons ----


@pytest.mark.parametrize(
    "test, expected",
    [
        (lambda n, m: n > 3, "n - 4 >= 0"),
        (lambda n, m: n <= 3, "n - 4 >= 0"),
        (lambda n, m: n >= m, "n - m >= 0"),
        (lambda n, m: n < 2 * m, "2*m - n - 1 >= 0"),
        (lambda n, m: n != m, "n - m != 0"),
        (lambda n, m: n == m, "n - m != 0"),
        (lambda n, m: n % 4 == 0, "n - 4*(n // 4) == 0"),
        (lambda n, m: not n, "n != 0"),
    ],
)
def test_a_comparison_is_a_guard_on_the_predicate(test, expected):
    program = trace(lambda x, y: 1.0 if test(x.shape[0], y.shape[0]) else 2.0, X, X[1:])
    assert guards(program) == [expected]


def test_what_follows_needs_no_guard():
    def f(x):
        n = x.shape[0]
        return (n >= 0, n + 1 > 0, n * n >= 0, n - n == 0, 2 * n != 2 * n + 1, n > -1)

    program = trace(lambda x: [float(t) for t in f(x)], X)
    assert guards(program) == []


def test_a_guard_is_a_fact_from_then_on():
    program = trace(lambda x: x[4] + x[2] + x[-3] + x[0], X)
    assert guards(program) == ["n - 5 >= 0"]


def test_equality_that_holds_makes_one_size_of_two():
    program = trace(lambda x, y: x.sum() if x.shape == y.shape else y.sum(), X, X + 1)
    assert parameters(program) == ["f64[n]", "f64[n]"]
    assert guards(program) == []


def test_a_predicate_is_a_traced_truth_where_it_is_computed_with():
    def f(x, n):
        return np.where(n > 6, x, -x), (n > 6) * x

    program = trace(f, X, 7)
    assert guards(program) == []
    agree(f, program, (X, 5))
    agree(f, program, (X, 9))


# ---- sizes and indices from data ----


def test_an_index_from_data_is_selected_and_checked():
    def f(x, k):
        return x[k] * x[k - 1]

    program = trace(f, X, np.int64(3))
    for k in (-7, -1, 0, 1, 7):
        agree(f, program, (X, np.int64(k)))
    for k in (-9, 8, 100):
        with pytest.raises(IndexError, match="^index is out of bounds for axis 0 with size n$"):
            program(X, np.int64(k))


def test_a_length_from_data_is_checked_not_to_be_negative():
    def f(k):
        return call(np.zeros, k) + 1.0

    program = trace(f, np.int64(3))
    agree(f, program, (np.int64(0),))
    agree(f, program, (np.int64(12),))
    with pytest.raises(ValueError, match="^a length must not be negative$"):
        program(np.int64(-1))


def test_a_slice_bound_from_data_is_checked():
    def f(x, p):
        return x[p[0] : p[1]].sum()

    program = trace(f, X, np.array([1, 4, 6, 6, 6]))
    agree(f, program, (X, np.array([2, 8, 0, 0, 0])))
    agree(f, program, (X, np.array([5, 2, 0, 0, 0])))
    with pytest.raises(IndexError, match="NumPy would clip it, here it is an error$"):
        program(X, np.array([0, 9, 0, 0, 0]))


def test_an_extremum_of_nothing_is_numpys_error():
    program = trace(lambda x: (x.max(), x.argmin()), X)
    assert guards(program) == []
    with pytest.raises(
        ValueError, match="^zero-size array to reduction operation maximum which has no identity$"
    ):
        program(np.zeros(0))


# ---- blocks ----


def in_loop(body, high=None):
    """Trace `body(x, index)` in a loop over the array, and hand back the frame."""
    frames = []

    def traced(trace):
        x = TracedArray(Cell(trace.parameter("x", F64, (8,)), "x"))
        with opened("loop") as frame:
            name, _ = bind_index(frame, "i", x.type.shape[0] - 1)
            body(x, integer(Dim.of(name)))
        frames.append(frame)
        return Outcome([x.read()])

    run("f", traced, ARITHMETIC)
    return frames[-1]


def test_indices_of_a_loop_need_neither_select_nor_check():
    def body(x, i):
        x[i] = x[x.shape[0] - 1 - i] + x[0]

    frame = in_loop(body)
    assert {e.op.name for e in frame.builder.eqns} == {"index", "put", "add", "dim"}


def test_an_index_of_unknown_sign_is_selected_and_checked():
    frame = in_loop(lambda x, i: x[i - 1])
    assert [e.op.name for e in frame.builder.eqns].count("where") == 1
    assert [e.op.name for e in frame.builder.eqns].count("check") == 1


def test_a_check_does_not_speak_of_the_sizes_of_the_traced_call():
    def body(x, i):
        return x[i + 1] + x[9]

    messages = [e.attrs["message"] for e in in_loop(body).builder.eqns if e.op.name == "check"]
    assert messages == ["index is out of bounds for axis 0 with size n"] * 2


def test_a_cell_enters_a_loop_at_its_first_use_and_is_restored_after_it():
    seen = []

    def body(x, i):
        seen.append((x.cell, x.cell.value, current().frame))
        x[i] = 1.0
        seen.append(x.cell.value)

    frame = in_loop(body)
    cell, outer, _ = seen[0]
    entry = frame.entries[cell]
    assert entry.value is outer and entry.param is not None and entry.param.type == outer.type
    assert frame.ends[cell].value is seen[1] and list(frame.written) == [cell]
    assert cell.value is outer


def test_a_value_of_a_block_does_not_leave_it():
    kept = []
    with pytest.raises(
        CaptureError, match="a value was computed in a loop or branch and is used outside of it"
    ):

        def traced(trace):
            x = TracedArray(Cell(trace.parameter("x", F64, (8,)), "x"))
            with opened("branch"):
                kept.append(x.sum())
            return Outcome([(kept[-1] + 1.0).read()])

        run("f", traced, ARITHMETIC)


def test_a_predicate_of_a_loop_index_is_no_python_bool():
    answers = []

    def body(x, i):
        test = i < 3
        answers.append((type(test) is SizePredicate, test.decide(), i >= 0, i < x.shape[0]))
        with pytest.raises(NeedsConcrete):
            bool(test)

    in_loop(body)
    assert answers[-1] == (True, None, True, True)
