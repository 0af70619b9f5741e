"""Loops of unknown length in generated code: tapes that grow, tests, limits, memory."""

import numpy as np
import pytest
from backend_cases import (
    N,
    assert_fresh,
    assert_same,
    call_numba,
    call_numpy,
    call_plain,
    evaluated,
    op,
    program,
    read_only,
)
from branching_programs import branching_program
from hypothesis import given, settings
from hypothesis import strategies as st
from while_functions import CALLS as WHILES
from while_functions import X, bounded, checked, counted, halved, rows, stacked, swapped

from adcompiler.backends import compile_function, memory, numba_backend, tapes
from adcompiler.backends.blocks import BlockWriter
from adcompiler.backends.branches import BranchWriter
from adcompiler.backends.compiled import Options
from adcompiler.ir.check import verify
from adcompiler.ir.errors import VerifierError
from adcompiler.ir.graph import reads
from adcompiler.ir.ops.loops import loop_while

CALLS = {"numpy": call_numpy, "numba": call_plain}


def expected_of(f, args, sizes):
    verify(f)
    return evaluated(f, args, dict(zip(f.sizes, sizes, strict=True)))


@pytest.mark.parametrize("name", WHILES)
def test_whiles(name):
    make, args, sizes = WHILES[name]
    f = make()
    expected = expected_of(f, read_only(*args), sizes)
    for backend, call in CALLS.items():
        found = call(f, args, sizes)
        assert_same(found, expected)
        assert_fresh(found, args)
        assert compile_function(f, backend).notes == ()


def test_whiles_in_machine_code():
    made = {make: make() for make, *_ in WHILES.values()}
    modules = numba_backend.compile_functions(list(made.values()), Options())
    compiled = dict(zip(made, modules, strict=True))
    for make, args, sizes in WHILES.values():
        found = compiled[make].call(*args, *sizes)
        assert_same(found, expected_of(made[make], args, sizes))
        assert_fresh(found, args)
        assert all(x.flags.c_contiguous for x in found if isinstance(x, np.ndarray))


def test_a_million_trips():
    compiled = compile_function(stacked(), "numba")
    last, sines, trips, small, single = compiled.call(np.float64(10**6))
    assert last == 1e6
    assert np.array_equal(trips, np.arange(10**6))
    assert np.array_equal(single, np.arange(10**6, dtype=np.float32))
    assert np.array_equal(small, np.arange(10**6) < 3)
    np.testing.assert_allclose(sines, np.sin(np.arange(1e6)), rtol=1e-9, atol=1e-12)


# ---- source ----


def body_of(f, backend="numba"):
    """The lines of a generated function, without comments."""
    source = compile_function(f, backend).source
    lines = source.partition(f"def {f.name}")[2].splitlines()[1:]
    return [
        line.partition("  #")[0].rstrip()[4:] for line in lines[: lines.index("") if "" in lines else None]
    ]


def test_a_tape_grows():
    assert body_of(halved()) == [
        "x1 = x",
        "t_rows = empty(64)",
        "i = 0",
        "while True:",
        "    if i == t_rows.shape[0]:",
        "        t_rows = grown(t_rows)",
        "    while i < t_rows.shape[0]:",
        "        t = 1.0 < x1",
        "        if not t:",
        "            break",
        "        t_rows[U(i)] = x1",
        "        t1 = 0.5 * x1",
        "        x1 = t1",
        "        i += 1",
        "    else:",
        "        continue",
        "    break",
        "t_1 = i",
        "t2 = t_rows[:t_1]",
        "t3 = t2.copy()",
        "return (x1, t3)",
    ]


def test_without_items_there_is_no_tape():
    assert body_of(counted()) == [
        "t = 0.0",
        "i = 0",
        "while t < x:",
        "    t2 = t + 1.0",
        "    t = t2",
        "    i += 1",
        "t_1 = i",
        "t3 = t_1",
        "return (t, t3)",
    ]


def test_a_known_limit_is_the_length_of_the_tape():
    lines = body_of(bounded(100)())
    assert "while i < 100 and t < x:" in lines
    assert "t_rows = empty(100)" in lines
    assert not any("grown" in line for line in lines)
    lines = body_of(bounded("n")())
    assert "rows = first_rows(8, n)" in lines
    assert "t_rows = empty(rows)" in lines


def test_a_test_of_several_equations_stands_in_the_loop():
    assert body_of(swapped()) == [
        "x1 = alone(part(work, 0, n))",
        "for i1 in range(n):",
        "    x1[i1] = x[i1]",
        "y1 = alone(part(work, n, n))",
        "for i1 in range(n):",
        "    y1[i1] = y[i1]",
        "i = 0",
        "while i < n + 7:",
        "    t = x1[0]",
        "    t1 = t < 4.0",
        "    if not t1:",
        "        break",
        "    y1[0] += 1.0",
        "    x1, y1 = y1, x1",
        "    i += 1",
        "t_1 = i",
        "for i1 in range(n):",
        "    out[i1] = x1[i1]",
        "for i1 in range(n):",
        "    out1[i1] = y1[i1]",
    ]


def test_rows_are_made_in_the_tape():
    lines = body_of(rows())
    assert "rows1 = first_rows(8*n, -1)" in lines
    assert "        t_rows[U(i)] = 0.0" in lines
    assert "            t_rows[U(i), i1] = t4" in lines


@pytest.mark.parametrize(
    ("row", "limit", "rows"),
    [
        (8, -1, 64),
        (8, 3, 3),
        (8, 0, 0),
        (8, 131072, 131072),
        (8, 131073, 64),
        (8, 10**18, 64),
        (0, 10**18, 64),
        (2**16, -1, 16),
        (2**16, 16, 16),
        (2**16, 17, 16),
        (2**30, -1, 1),
    ],
)
def test_room_for_the_first_trips(row, limit, rows):
    assert tapes.first_rows(row, limit) == rows
    assert rows * row <= 2**20 or rows == 1


def test_tapes_double():
    tape = np.arange(6).reshape(3, 2)
    grown = tapes.grown(tape)
    assert grown.shape == (6, 2)
    assert grown.dtype == tape.dtype
    assert np.array_equal(grown[:3], tape)


# ---- checks, sizes ----


@pytest.mark.parametrize("call", [call_numpy, call_plain, call_numba])
def test_checks_inside(call):
    f = checked()
    with pytest.raises(ValueError, match="^not positive$"):
        call(f, (X,), [4])
    with pytest.raises(IndexError, match="^beyond the end$"):
        call(f, (np.abs(X[:2]),), [2])
    assert_same(call(f, (np.abs(X),), [4]), evaluated(f, (np.abs(X),)))


def test_a_test_that_would_overwrite_a_carry_copies_it():
    def body(x):
        def test(i, u):
            return op("less", op("sum", op("put", u, 0.0, 0), axes=(0,)), 9.0)

        return loop_while(test, lambda i, u: [op("add_at", u, 1.0, i)], [x], "t_1", limit=N)

    f = program("probing", body, x=("f64", "n"))
    for backend, call in CALLS.items():
        assert_same(call(f, (X,), [4]), evaluated(f, (X,)))
        assert compile_function(f, backend).notes == (
            "x is copied in each trip of a loop, because its old version is still needed (put)",
        )


def test_trips_have_a_name_of_their_own():
    def body(x):
        def trip(i, s):
            loop_while(lambda k, y: op("less", y, 1.0), lambda k, y: [y + 1.0], [s], "n")
            return [s + 1.0]

        return loop_while(lambda i, s: op("less", s, 3.0), trip, [x], "t_1")

    f = program("twice", body, x=("f64",))
    with pytest.raises(VerifierError, match="^the size n is bound again where it is bound already$"):
        compile_function(f, "numba")


def test_kernels_name_loops_by_their_limit():
    assert compile_function(bounded("n")(), "numba").kernels_text.startswith("while n -> f64, f64[t_1]\n")
    assert compile_function(halved(), "numba").kernels_text.startswith("while -> f64, f64[t_1]\n")


# ---- random programs ----


def arguments(n, rng):
    vectors = rng.normal(size=(2, n))
    return read_only(*vectors, rng.normal(size=(n, n)), *rng.normal(size=2))


@settings(max_examples=60)
@given(st.integers(0, 10**6))
def test_random_loops_and_branches(seed):
    f = branching_program(seed)
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 5))
    args = arguments(n, rng)
    expected = evaluated(f, args)
    for call in CALLS.values():
        found = call(f, args, [n])
        assert_same(found, expected)
        assert_fresh(found, args)


def test_random_loops_and_branches_in_machine_code():
    programs = [branching_program(seed) for seed in (3, 5, 8)]
    args = arguments(3, np.random.default_rng(0))
    for f, compiled in zip(programs, numba_backend.compile_functions(programs, Options()), strict=True):
        assert_same(compiled.call(*args, 3), evaluated(f, args))


MUTANTS = {
    "makes rows in tapes that are read once they are overwritten": (
        memory,
        "_read_before_update",
        lambda block, value: True,
    ),
    "overwrites in a branch what is read behind it": (
        BranchWriter,
        "_lent",
        lambda self, eqn, scope: [
            place.group
            for place in (self.places.get(v) for v in reads(eqn))
            if place and place.group.owner is scope
        ],
    ),
    "hands the same memory on twice": (BlockWriter, "owns", lambda self, scope, place: not place.indices),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_random_loops_and_branches_notice_wrong_decisions(mutant, monkeypatch):
    monkeypatch.setattr(*MUTANTS[mutant])
    wrong = 0
    for seed in range(80):
        f = branching_program(seed)
        args = [np.array(a)[()] for a in arguments(3, np.random.default_rng(seed))]
        expected = evaluated(f, [np.array(a)[()] for a in args])
        try:
            assert_same(call_plain(f, args, [3]), expected)
        except AssertionError:
            wrong += 1
    assert wrong > 0
