"""Memory kept between calls: what lies there, who has it, how much stays."""

import re
import threading

import numpy as np
import pytest
from backend_cases import (
    M,
    N,
    assert_fresh,
    assert_same,
    call_numba,
    call_plain,
    evaluated,
    mixed_case,
    op,
    program,
    read_only,
    zeros,
)
from branching_programs import branching_program
from hypothesis import given, settings
from hypothesis import strategies as st
from loop_programs import random_program

import adcompiler
from adcompiler.backends import buffers, compile_function, workspace
from adcompiler.ir.graph import constant
from adcompiler.ir.ops.control import branch
from adcompiler.ir.ops.loops import loop, loop_while
from adcompiler.ir.types import DType

VECTOR = ("f64", "n")


@pytest.fixture(autouse=True)
def nothing_kept():
    adcompiler.clear_buffers()
    yield
    adcompiler.clear_buffers()


@pytest.fixture
def poisoned(monkeypatch):
    """All memory is kept, however small, and what a call leaves in it is lost."""

    def give_back(work):
        work[:] = np.nan
        given_back(work)

    given_back = workspace.give_back
    monkeypatch.setattr(workspace, "WORTH", 0)
    monkeypatch.setattr(workspace, "give_back", give_back)


def kept():
    return [work.size for work in workspace._idle]


# ---- the store ----


def test_memory_is_kept_and_had_by_one_at_a_time():
    first = workspace.take(10_000)
    second = workspace.take(10_000)
    assert first.size == second.size == 10_000
    assert not np.shares_memory(first, second)
    assert kept() == []
    workspace.give_back(first)
    assert workspace.take(9_000) is first
    workspace.give_back(second)
    workspace.give_back(first)
    assert kept() == [10_000, 10_000]
    adcompiler.clear_buffers()
    assert kept() == []


def test_the_smallest_that_suffices_is_taken_and_else_the_largest_makes_room():
    for size in (30_000, 10_000, 20_000):
        workspace.give_back(np.empty(size))
    assert workspace.take(15_000).size == 20_000
    assert kept() == [30_000, 10_000]
    assert workspace.take(40_000).size == 40_000
    assert kept() == [10_000]


def test_small_memory_is_not_kept():
    work = workspace.take(workspace.WORTH - 1)
    workspace.give_back(work)
    assert work.size == workspace.WORTH - 1
    assert kept() == []


def test_what_is_kept_is_limited(monkeypatch):
    monkeypatch.setattr(workspace, "KEPT", 50_000)
    for size in (10_000, 15_000, 20_000, 12_000, 60_000):
        workspace.give_back(np.empty(size))
    assert kept() == [15_000, 20_000, 12_000]


def test_threads_have_memory_of_their_own():
    sizes = [20_000, 30_000, 40_000, 50_000]
    wrong = []

    def work(number):
        for _ in range(200):
            mine = workspace.take(sizes[number])
            mine[:] = number
            if not (mine == number).all():
                wrong.append(number)
            workspace.give_back(mine)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(len(sizes))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert len(kept()) <= len(sizes)


# ---- what lies there ----


def smoothed():
    """A tape, an accumulator that stays inside, one that is the result."""

    def body(x):
        out = op("put", zeros(N), op("index", x, 0), 0)

        def forth(i, out):
            old = op("index", out, i)
            return [op("put", out, op("sin", old), i + 1), old]

        out, tape = loop(N - 1, forth, [out])

        def back(i, bar, x_bar, old):
            g = op("index", bar, i + 1) * op("cos", old)
            return [op("add_at", bar, g, i), op("add_at", x_bar, g, i)]

        bar, x_bar = loop(N - 1, back, [out], [zeros(N)], [tape], reverse=True)
        return [x_bar]

    return program("smoothed", body, x=VECTOR)


def test_arrays_that_stay_inside_lie_in_memory_that_is_kept():
    compiled = compile_function(smoothed(), "numba")
    lines = [line.strip() for line in compiled.source.splitlines()]
    assert "t = alone(part(work, 0, n))" in lines
    assert "t[:] = 0.0" in lines
    assert "t2 = alone(part(work, n, max(n - 1, 0)))" in lines
    assert [line for line in lines if "zeros(" in line or "empty(" in line] == ["out = np.empty(n)"]
    assert lines[-7:] == [
        "def smoothed(x, n, out=None):",
        "if out is None:",
        "out = np.empty(n)",
        "work = workspace.take(n + max(n - 1, 0))",
        "smoothed_kernel(x, n, out, work)",
        "workspace.give_back(work)",
        "return (out,)",
    ]


def test_a_second_call_allocates_nothing_but_results():
    f = smoothed()
    compiled = compile_function(f, "numba")
    x = np.linspace(-1.0, 1.0, 50_000)
    expected = evaluated(f, (x[:10],))
    first = compiled.call(x, x.size)
    (work,) = workspace._idle
    assert_fresh((*first, work), (x,))
    work[:] = np.nan
    again = compiled.call(x, x.size)
    assert workspace._idle[0] is work
    np.testing.assert_array_equal(first[0], again[0])
    assert_same(compiled.call(x[:10], 10), expected)
    assert len(workspace._idle) == 1


def test_programs_share_what_is_kept():
    one = compile_function(smoothed(), "numba")
    x = np.linspace(-1.0, 1.0, 50_000)
    one.call(x, x.size)
    (work,) = workspace._idle
    other = compile_function(program("sines", sines, x=VECTOR), "numba")
    other.call(x, x.size)
    assert len(workspace._idle) == 1
    assert workspace._idle[0] is work


def total(x):
    """A sum that a loop takes, so that its operand is an array."""
    (s,) = loop(x.type.shape[0], lambda i, s, xi: [s + xi], [constant(0.0)], [], [x])
    return s


def sines(x):
    """Each vector is read by a loop alone."""
    y = op("sin", x)
    z = op("cos", x * total(y))
    w = op("exp", x * total(z))
    return [total(w)]


def test_memory_serves_again_once_nothing_reads_it():
    source = compile_function(program("sines", sines, x=VECTOR), "numba").source
    assert source.count("= alone(part(work, 0, n))") == 1
    assert source.count("= part(shared, 0, n)") == 3
    assert "workspace.take(n)" in source


def test_programs_of_small_constant_sizes_are_left_alone():
    def body(x):
        return [total(op("sin", x))]

    small = compile_function(program("small", body, sizes=(), x=("f64", 100)), "numba").source
    assert "work" not in small
    large = compile_function(program("large", body, sizes=(), x=("f64", 10**5)), "numba").source
    assert "workspace.take(100000)" in large


def test_sizes_that_a_call_does_not_know_are_allocated():
    def body(x):
        y, ys = loop_while(
            lambda i, y: op("less", 0.1, y), lambda i, y: [0.5 * y, y], [op("index", x, 0)], "t_1"
        )
        z = op("sin", ys)
        return [op("matmul", z, z)]

    source = compile_function(program("unknown", body, x=VECTOR), "numba").source
    assert "work" not in source


def renewed(x):
    """Each trip makes two arrays, a loop in it one a trip: one of them goes on to the next trip."""

    def trip(i, total, last):
        y = op("put", zeros(N), total, i)
        z = op("put", zeros(N), 1.0, i)

        def inner(j, s):
            w = op("put", zeros(N), s, j)
            return [s + op("matmul", w, y) + op("matmul", w, last)]

        (s,) = loop(N, inner, [constant(1.0)])
        return [s * 0.1, op("put", z, s, 0)]

    return loop(N, trip, [constant(0.5), x])[:1]


@pytest.mark.parametrize("call", [call_plain, call_numba])
def test_what_a_trip_makes_for_itself_is_made_once(call, poisoned):
    f = program("renewed", renewed, x=VECTOR)
    source = compile_function(f, "numba").source
    made = [line for line in source.splitlines() if "part(work" in line]
    assert len(made) == 4
    assert all(line.startswith("    t") or line.startswith("    x") for line in made)
    assert source.count("[:] = 0.0") == 3
    assert "zeros(n)" not in source
    for n in (0, 1, 5):
        x = np.linspace(-1.0, 1.0, n)
        for _ in range(2):
            assert_same(call(f, (x,), [n]), evaluated(f, (x,)))


def neighbours(y):
    """A new array, of elements of another one that is read when the new one is there."""
    new = op("put", zeros(N), op("index", y, 1) * 0.9, 0)
    return op("put", new, op("index", y, 0) + op("index", y, 2), 1)


def relaxed(y, trips):
    return loop(trips, lambda j, z: [neighbours(z)], [y])[0]


def onwards(x):
    """Two loops in one, which all carry one array: what is spare at the end of a trip is not what was."""
    return loop(M, lambda i, y: [relaxed(op("add_at", relaxed(y, 3), 1.0, 2), 2)], [op("sin", x)])


def anew(x):
    """A loop in one whose trips each begin with an array of their own, from which they need a number."""

    def trip(i, total):
        first = op("put", op("put", zeros(N), total, 0), 0.5, 1)
        return [total * 0.3 + op("index", relaxed(first, 3), 1)]

    return loop(M, trip, [op("index", x, 0)])


def rotated(x):
    """Three arrays of which one is new take turns."""

    def trip(i, y, before, last):
        new = op("put", neighbours(y), op("index", before, 0) - op("index", last, 1), 2)
        return [new, y, before]

    return loop(M, trip, [op("sin", x), op("cos", x), x])


def drifting(x):
    """What a loop carries comes from an array of each trip, and goes to the array of the next."""

    def trip(i, y, z):
        first = op("put", zeros(N), op("index", y, 2), 0)
        moved, kept_ = loop(3, lambda j, a, b: [neighbours(b), a], [first, z])
        return [op("put", moved, 0.25, 2), op("put", kept_, op("index", y, 1), 2)]

    return loop(M, trip, [op("sin", x), op("cos", x)])


def behind_a_test(x):
    """Whether the array that a loop carries is handed on is decided in each trip."""

    def trip(i, y):
        small = op("less", op("index", y, 1), 1.0)
        (z,) = branch(small, lambda: [relaxed(y, 1)], lambda: [op("put", y, 0.1, 0)])
        return [neighbours(z)]

    return loop(M, trip, [op("sin", x)])


def turned(x):
    """An array is read the other way round while its successor is made."""
    last = op("dim", size=N - 1)
    return loop(M, lambda i, y: [op("index", y, last, at=(("span", N, -1),)) * 0.5 + 1.0], [op("sin", x)])


def beside(made):
    """The buffer of one carry goes on into a loop or a branch, which `made` writes; another one is new."""

    def trip(i, y, before, last):
        new = op("put", neighbours(before), op("index", last, 0), 2)
        return [made(y), new, before]

    return lambda x: loop(M, trip, [op("sin", x), op("cos", x), x])


@beside
def beside_a_loop(y):
    return relaxed(y, 2)


@beside
def beside_a_branch(y):
    small = op("less", op("index", y, 1), 0.4)
    (z,) = branch(small, lambda: [op("put", y, 0.7, 1)], lambda: [relaxed(y, 1)])
    return z


BODIES = {f.__name__: f for f in (onwards, anew, rotated, drifting, behind_a_test, turned)} | {
    "beside_a_loop": beside_a_loop,
    "beside_a_branch": beside_a_branch,
}


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("call", [call_plain, call_numba])
def test_arrays_that_go_round_change_places_with_spare_ones(name, call, poisoned):
    f = program(name, BODIES[name], sizes=("n", "m"), x=VECTOR)
    for n, m in ((3, 0), (3, 1), (4, 2), (5, 5)):
        x = np.linspace(-1.0, 1.3, n)
        for _ in range(2):
            assert_same(call(f, (x,), [n, m]), evaluated(f, (x,), {"n": n, "m": m}))


@pytest.mark.parametrize("body, spare", [(onwards, 2), (anew, 1), (rotated, 1)])
def test_no_trip_allocates_what_goes_on_to_the_next_one(body, spare):
    source = compile_function(program(body.__name__, body, sizes=("n", "m"), x=VECTOR), "numba").source
    kernel = source[source.index("_kernel(") : source.index(f"def {body.__name__}(")]
    assert "empty(" not in kernel
    assert "zeros(" not in kernel
    assert len(re.findall(r"(\w+) = alone\(\1\)", kernel)) == spare


def test_what_is_read_no_more_takes_what_the_next_trip_begins_with():
    """Loads of a working state: a copy of what stays, and a part of a larger array."""

    def body(x, tape):
        def trip(i, y):
            (fresh,) = loop(1, lambda j, _: [x], [y])
            (loaded,) = loop(1, lambda j, _: [op("index", tape, i, at=(("span", N, 1),))], [fresh])
            return [loaded]

        return loop(M, trip, [op("sin", x)])

    f = program("loads", body, sizes=("n", "m", "k"), x=VECTOR, tape=("f64", "k"))
    source = compile_function(f, "numba").source
    kernel = source[source.index("_kernel(") : source.index("def loads(")]
    assert not re.search(r"empty\(|copy\(|part\(", kernel)
    args = np.linspace(-1.0, 1.0, 3), np.linspace(0.0, 1.0, 7)
    assert_same(call_plain(f, args, [3, 4, 7]), evaluated(f, args, {"n": 3, "m": 4, "k": 7}))


def halves(y):
    """Two arrays are made of one, element by element: the second one may take its place."""
    return [op("sin", y), op("cos", y)]


def of_the_mirror(y):
    """The first one is made of other elements: none may take its place."""
    last = op("dim", size=N - 1)
    return [op("sin", op("index", y, last, at=(("span", N, -1),))), op("cos", y)]


@pytest.mark.parametrize("made, more", [(halves, 0), (of_the_mirror, 2)])
@pytest.mark.parametrize("call", [call_plain, call_numba])
def test_the_last_to_read_an_element_may_take_its_place(made, more, call, poisoned):
    def body(x):
        def trip(i, a, b):
            first, second = made(op("put", a, op("index", b, 0), 1))
            return [second, first]

        return loop(M, trip, [op("sin", x), op("cos", x)])

    f = program("turns", body, sizes=("n", "m"), x=VECTOR)
    source = compile_function(f, "numba").source
    assert source.count("alone(part(work") == more
    for n, m in ((2, 1), (3, 4)):
        x = np.linspace(-1.0, 1.3, n)
        assert_same(call(f, (x,), [n, m]), evaluated(f, (x,), {"n": n, "m": m}))


def kinds(x):
    """Arrays of every width, perhaps with an odd number of elements, and a matrix."""

    def trip(i, total, a, b, c, d):
        total = total + op("cast", a, dtype=DType.F64) * op("cast", c, dtype=DType.F64)
        return [op("where", b, total, total + op("cast", d, dtype=DType.F64)), total]

    def trips(i, xi):
        return [
            op("cast", xi, dtype=DType.F32),
            op("less", xi, 0.3),
            op("cast", i, dtype=DType.I32),
            i,
            x,
            op("cast", i, dtype=DType.I8),
        ]

    singles, bools, ints, longs, rows, bytes_ = loop(N, trips, [], [], [x])
    total, kept_ = loop(N, trip, [constant(0.0)], [], [singles, bools, ints, longs])
    (more,) = loop(
        N,
        lambda i, s, row, byte: [s + op("sum", row, axes=(0,)) * op("cast", byte, dtype=DType.F64)],
        [total],
        [],
        [rows, bytes_],
    )
    return [more, op("matmul", kept_, x)]


@pytest.mark.parametrize("call", [call_plain, call_numba])
def test_all_dtypes_lie_in_words(call, poisoned):
    f = program("kinds", kinds, x=VECTOR)
    for n in (0, 1, 7, 8, 13):
        x = np.linspace(-1.0, 1.0, n)
        for _ in range(2):
            assert_same(call(f, (x,), [n]), evaluated(f, (x,)))


# ---- what may leave ----


def exchanged(x, y):
    """Two arrays change places: either may be the result."""
    return loop(3, lambda i, a, b: [op("add_at", b, 1.0, 0), a], [op("sin", x), op("cos", y)])[:1]


def chosen(x, y):
    """A branch decides which of two arrays is the result."""
    a, b = op("sin", x), op("cos", y)
    return branch(op("less", op("index", x, 0), 0.0), lambda: [a], lambda: [op("put", b, 1.0, 0)])


def carried(x, y):
    """The array that is carried at the end is another one than at the beginning."""

    def trip(i, a):
        (b,) = branch(op("less", op("index", a, 0), 0.3), lambda: [op("put", zeros(N), 0.4, 0)], lambda: [a])
        return [b]

    return loop(M, trip, [op("sin", x * y)])


@pytest.mark.parametrize("body", [exchanged, chosen, carried])
@pytest.mark.parametrize("call", [call_plain, call_numba])
def test_what_may_be_returned_is_an_array_of_its_own(body, call, poisoned):
    f = program(body.__name__, body, sizes=("n", "m"), x=VECTOR, y=VECTOR)
    x = np.array([0.2, 0.5, -0.8])
    for args in ((x, x[::-1].copy()), (-x, x)):
        found = call(f, args, [3, 2])
        assert_same(found, evaluated(f, args, {"n": 3, "m": 2}))
        assert_fresh((*found, *workspace._idle), args)


def test_random_programs_keep_nothing_of_what_they_return(poisoned):
    for seed in range(60):
        f, args, sizes, expected = mixed_case(seed)
        for _ in range(2):
            found = call_plain(f, args, sizes)
            assert_same(found, expected, rtol=1e-8)
            assert_fresh((*found, *workspace._idle), args)


@pytest.mark.parametrize("make", [random_program, branching_program])
def test_random_loops_keep_nothing_of_what_they_return(make, poisoned):
    @settings(max_examples=40)
    @given(st.integers(0, 10**6))
    def run(seed):
        f = make(seed)
        rng = np.random.default_rng(seed)
        n = int(rng.integers(2, 5))
        args = [rng.normal(size=p.type.rank * [n])[()] for p in f.body.params]
        args = read_only(*(a if np.ndim(a) else np.float64(a) for a in args))
        expected = evaluated(f, args)
        for _ in range(2):
            found = call_plain(f, args, [n])
            assert_same(found, expected)
            assert_fresh((*found, *workspace._idle), args)

    run()


def test_random_programs_notice_memory_that_serves_again_too_early(poisoned, monkeypatch):
    monkeypatch.setattr(buffers, "mentions", lambda texts: (_nowhere(texts), _nowhere(texts)))
    wrong = 0
    for seed in range(30):
        f, args, sizes, expected = mixed_case(seed)
        try:
            assert_same(call_plain(f, args, sizes), expected, rtol=1e-8)
        except AssertionError:
            wrong += 1
    assert wrong > 0


def test_random_programs_notice_memory_that_leaves(poisoned, monkeypatch):
    monkeypatch.setattr(buffers, "reached", lambda name, handed_on: {name})
    wrong = 0
    for seed in range(30):
        f = branching_program(seed)
        args = (np.ones(3), np.zeros(3), np.ones((3, 3)), np.float64(0.3), np.float64(0.1))
        try:
            assert_same(call_plain(f, args, [3]), evaluated(f, args))
        except AssertionError:
            wrong += 1
    assert wrong > 0


def _nowhere(texts):
    return dict.fromkeys((word for text in texts for word in re.findall(r"\w+", text)), -1)


def test_two_threads_in_one_program():
    compiled = compile_function(smoothed(), "numba")
    inputs = [np.linspace(-1.0, k + 1.0, 40_000 + k) for k in range(4)]
    expected = [compiled.call(x, x.size)[0] for x in inputs]
    wrong = []

    def run(k):
        for _ in range(20):
            if not np.array_equal(compiled.call(inputs[k], inputs[k].size)[0], expected[k]):
                wrong.append(k)

    threads = [threading.Thread(target=run, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert 1 <= len(kept()) <= 4
