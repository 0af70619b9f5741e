"""Generated code against the definition of the IR: every op, loops, random programs, checks, the cache."""

import re
import subprocess
import sys

import numpy as np
import pytest
from backend_cases import (
    M,
    N,
    assert_fresh,
    assert_same,
    call_numba,
    call_numpy,
    call_plain,
    cumprod,
    evaluated,
    heat,
    histogram,
    mixed_case,
    op,
    program,
    read_only,
    recurrence,
    reversed_sums,
    sample_function,
    size_values,
    stacks,
    swap,
    thomas,
)
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from loop_programs import random_program
from op_cases import cases
from random_functions import COMPUTED, functions

from adcompiler.backends import cache, compile_function, memory, nests, numba_backend, storage
from adcompiler.backends.compiled import Options
from adcompiler.ir.build import block, emit, origin
from adcompiler.ir.errors import ArgumentError, Location, VerifierError
from adcompiler.ir.graph import Value, constant, values
from adcompiler.ir.op import Scalar
from adcompiler.ir.ops import FAMILIES, OPS, inverses
from adcompiler.ir.ops.control import branch
from adcompiler.ir.ops.loops import loop, loop_while
from adcompiler.ir.types import F32, DType

# what `undefined` holds is not defined; inverses are taken out, and halves made bits, before this
DEFINED = [
    case
    for case in cases()
    if case.op.name != "undefined" and case.op not in inverses.OPS
    if not any(v.type.dtype.is_half for v in values(case.function.body))
]

# ---- every op ----


@pytest.mark.parametrize("case", DEFINED, ids=lambda case: case.id)
def test_numpy_gives_what_the_record_says(case):
    f = sample_function(case.op, case.sample, case.op.name)
    found = call_numpy(f, case.inputs, size_values(f, case.inputs))
    assert_same(found, evaluated(f, case.inputs))
    assert_fresh(found, case.inputs)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__.rpartition(".")[2])
def test_numba_gives_what_the_record_says(family):
    """One module a family: compiling is what takes time."""
    chosen = [case for case in DEFINED if case.op in family.OPS]
    programs = [sample_function(c.op, c.sample, c.id.replace("-", "_")) for c in chosen]
    if not programs:
        assert family is inverses or all(o.blocks for o in family.OPS)
        return
    for case, f, compiled in zip(
        chosen, programs, numba_backend.compile_functions(programs, Options()), strict=True
    ):
        found = compiled.call(*case.inputs, *size_values(f, case.inputs))
        assert_same(found, evaluated(f, case.inputs))
        assert_fresh(found, case.inputs)


# computed in double precision: the special functions, and what Numba's own function does
DOUBLE = {"gammaln", "digamma", "polygamma", "erf", "erfc", "floor_divide"}
SINGLE = [
    single
    for case in DEFINED
    if case.id.endswith("-0")
    and isinstance(case.op.lowering, Scalar)
    and case.op.name not in {*DOUBLE, "cast"}
    if case.floats and (single := case.converted(F32))
]


def test_f32_stays_f32_in_machine_code():
    programs = [sample_function(c.op, c.sample, c.op.name) for c in SINGLE]
    widened = set()
    for case, f, compiled in zip(
        SINGLE, programs, numba_backend.compile_functions(programs, Options()), strict=True
    ):
        assert_same(compiled.call(*case.inputs, *size_values(f, case.inputs)), evaluated(f, case.inputs))
        (overload,) = compiled.kernel.overloads.values()
        types = {str(t) for t in overload.type_annotation.typemap.values()}
        widened |= {case.op.name} if any("float64" in t for t in types) else set()
    assert not widened


def test_small_integers_wrap_as_they_do_in_numpy():
    f = program(
        "wrapped",
        lambda x: [
            op("sum", x * x, axes=(0,)),
            x + x,
            loop(N, lambda i, t, e: [t * e], [op("index", x, 0)], [], [x])[0],
        ],
        x=("i8", "n"),
    )
    x = np.array([100, 7, -128, 55], np.int8)
    for call in (call_numpy, call_plain, call_numba):
        assert_same(call(f, (x,), [4]), evaluated(f, (x,)))


def test_compensated_sums_and_products_are_compiled_as_written():
    """Contraction, the one liberty that is taken, leaves TwoSum, Kahan's sum and x*1e200*1e200 alone."""

    def body(x, y):
        s = x + y
        back = s - x
        error = (x - (s - back)) + (y - back)

        def kahan(i, total, lost, term):
            corrected = term - lost
            new = total + corrected
            return [new, (new - total) - corrected]

        total, lost = loop(N, kahan, [constant(0.0), constant(0.0)], [], [x])
        return [s, error, x * 1e200 * 1e200, x / 1e-310, total, lost]

    f = program("compensated", body, x=("f64", "n"), y=("f64", "n"))
    rng = np.random.default_rng(0)
    x = np.append(rng.normal(size=1000) * 10.0 ** rng.integers(-12, 12, 1000), [0.0, 5e-324, np.inf])
    y = rng.permutation(x) * (1 + 1e-9)
    for call in (call_numpy, call_numba):
        for found, expected in zip(call(f, (x, y), [x.size]), evaluated(f, (x, y)), strict=True):
            np.testing.assert_array_equal(found, expected)


def test_fastmath_is_an_option():
    f = program("scaled", lambda x: [x * 2.0], x=("f64", "n"))
    assert 'fastmath={"contract"}' in numba_backend.compile_function(f, Options()).source
    assert "fastmath=True" in numba_backend.compile_function(f, Options(fastmath=True)).source


# ---- loops ----


def _thomas_arguments(rng):
    return [rng.normal(size=6), 4 + rng.normal(size=6), rng.normal(size=6), rng.normal(size=6)]


LOOPS = {
    recurrence: (lambda rng: [rng.normal(size=7)], [7]),
    cumprod: (lambda rng: [rng.normal(size=7)], [7]),
    heat: (lambda rng: [rng.normal(size=(6, 6)), np.float64(0.1)], [6]),
    thomas: (_thomas_arguments, [6]),
    histogram: (lambda rng: [rng.integers(0, 4, 20), rng.normal(size=20)], [20, 4]),
    swap: (lambda rng: [rng.normal(size=3), rng.normal(size=3)], [3]),
    stacks: (lambda rng: [rng.normal(size=5)], [5, 3]),
    reversed_sums: (lambda rng: [rng.normal(size=6), rng.normal(size=6)], [6]),
}


@pytest.mark.parametrize("make", LOOPS, ids=lambda make: make.__name__)
def test_loops(make):
    f = make()
    arguments, sizes = LOOPS[make]
    args = read_only(*arguments(np.random.default_rng(1)))
    expected = evaluated(f, args, dict(zip(f.sizes, sizes, strict=True)))
    for backend, call in (("numpy", call_numpy), ("numba", call_plain), ("numba", call_numba)):
        found = call(f, args, sizes)
        assert_same(found, expected)
        assert_fresh(found, args)
        assert compile_function(f, backend).notes == ()


def test_a_loop_that_reads_an_old_version_says_that_it_copies():
    location = Location("stencil.py", 7)

    def body(x):
        def trip(i, u):
            with origin(location):
                new = op("put", u, op("index", u, 0) + 1.0, i)
                return [op("put", new, op("index", u, i), 0)]

        return loop(N, trip, [x])

    f = program("oldread", body, x=("f64", "n"))
    expected = evaluated(f, (np.arange(4.0),))
    for name, call in (("numpy", call_numpy), ("numba", call_plain)):
        assert_same(call(f, (np.arange(4.0),), [4]), expected)
        assert compile_function(f, name).notes == (
            "stencil.py:7: x is copied in each trip of a loop, because its old version is still needed (put)",
        )


def test_a_row_of_a_row_outlives_an_update_of_the_array():
    def body(x):
        table = op("put", op("zeros", shape=(N, N, N), dtype=DType.F64), x, constant(0), constant(0))
        row = op("index", op("index", table, 0), 0)
        return [op("put", table, 7.0, 0, 0, 1), op("matmul", row, x)]

    f = program("rows", body, x=("f64", "n"))
    x = np.array([1.0, 2.0, 3.0])
    for call in (call_numpy, call_plain, call_numba):
        assert_same(call(f, (x,), [3]), evaluated(f, (x,)))


def test_an_array_is_updated_in_place_inside_a_branch():
    def body(x):
        def trip(i, u, xi):
            positive = op("less", 0.0, xi)
            return branch(positive, lambda: [op("put", u, xi * xi, i)], lambda: [u])

        return loop(N, trip, [x], [], [x])

    f = program("rectified", body, x=("f64", "n"))
    x = np.array([1.5, -2.0, 3.0])
    for name, call in (("numpy", call_numpy), ("numba", call_numba)):
        assert_same(call(f, (x,), [3]), evaluated(f, (x,)))
        compiled = compile_function(f, name)
        assert compiled.notes == ()
        assert compiled.source.count(".copy()") == (name == "numpy")


def test_elementwise_chains_and_sums_become_one_nest():
    def body(x, y):
        difference = x - y
        return [op("sum", difference * difference, axes=(0,)), op("exp", difference)]

    compiled = compile_function(program("chain", body, x=("f64", "n"), y=("f64", "n")), "numba")
    assert compiled.kernels_text == "nest [n]: sum(mul(sub(x, y), sub(x, y))); exp(sub(x, y))\n"


def test_what_one_nest_makes_and_reads_needs_no_memory():
    def body(x):
        y = op("exp", x)
        return [op("sum", y * y, axes=(0,)), y / (y + 1.0)]

    compiled = compile_function(program("passing", body, x=("f64", "n")), "numba")
    assert "work" not in compiled.source and "= empty(" not in compiled.source  # the result is the caller's
    assert len(re.findall(r"= exp\(x\[", compiled.source)) == 1
    x = np.linspace(-1.0, 1.0, 21)
    f = program("passing", body, x=("f64", "n"))
    for call in (call_plain, call_numba):
        assert_same(call(f, (x,), [21]), evaluated(f, (x,)))


def test_the_library_sees_a_transpose_of_what_is_stored():
    def body(a, b):
        return [op("matmul", op("transpose", op("sin", a), axes=(1, 0)), b)]

    f = program("transposed", body, sizes=("n", "m"), a=("f64", "n", "m"), b=("f64", "n"))
    assert "matvec(t.T, b, " in compile_function(f, "numba").source
    args = np.linspace(-1.0, 1.0, 6).reshape(2, 3), np.array([0.5, -2.0])
    for call in (call_numpy, call_plain, call_numba):
        assert_same(call(f, args, [2, 3]), evaluated(f, args))


def test_rows_broadcast_computed_once_a_row():
    def body(a, x):
        return [a * op("exp", op("reshape", x, shape=(N, 1)))]

    compiled = compile_function(
        program("scaled_rows", body, sizes=("n", "m"), a=("f64", "n", "m"), x=("f64", "n")), "numba"
    )
    lines = [line.strip() for line in compiled.source.splitlines()]
    assert lines.index("t1 = exp(x[i])") < lines.index("for j in range(m):")


def test_what_nobody_reads_is_not_written():
    def body(x, v):
        wide = op("transpose", op("broadcast", op("put", v, 0.5, 0), shape=(N, N)), axes=(1, 0))
        op("sum", op("exp", wide), axes=(1,))
        return [op("add_at", x, v, at=("all",))]

    f = program("unread", body, x=("f64", "n"), v=("f64", "n"))
    compiled = compile_function(f, "numba")
    assert compiled.kernels_text == "nest [n]: add_at(x, v)\n"
    assert "exp" not in compiled.source
    x, v = np.linspace(-1.0, 1.0, 5), np.arange(5.0)
    for call in (call_plain, call_numba):
        assert_same(call(f, (x, v), [5]), evaluated(f, (x, v)))


def test_updates_of_one_array_share_a_loop_where_they_meet_in_no_other_trip_of_it():
    """LLVM would compute the five updates of a stencil's adjoint one element at a time."""

    def body(x, v):
        def added(x, row, column):
            at = (("span", N - 2, 1), ("span", N - 2, 1))
            return op("add_at", x, v, row, column, at=at)

        for place in ((1, 1), (1, 0), (1, 2), (0, 1), (2, 1)):
            x = added(x, *place)
        return [x]

    f = program("stencil", body, x=("f64", "n", "n"), v=("f64", N - 2, N - 2))
    compiled = compile_function(f, "numba")
    nests = [line.partition(": ")[2] for line in compiled.kernels_text.splitlines()]
    assert [nest.count("add_at") for nest in nests] == [1, 1, 1, 2]
    x, v = np.linspace(0.0, 1.0, 25).reshape(5, 5), np.linspace(-1.0, 1.0, 9).reshape(3, 3)
    assert_same(call_numba(f, (x, v), [5]), evaluated(f, (x, v)))



# ---- random programs ----


@settings(max_examples=200)
@given(st.integers(0, 10**6))
@example(7563)  # a value that nobody reads, and that is the same along the innermost of its loops
def test_random_programs(seed):
    f, args, sizes, expected = mixed_case(seed)
    for call in (call_numpy, call_plain):
        found = call(f, args, sizes)
        assert_same(found, expected, rtol=1e-8)
        assert_fresh(found, args)


@settings(max_examples=100)
@given(st.integers(0, 10**6), st.sampled_from([(2, 3, 3), (2, 3, 9), (4, 4, 0), (8, 256, 9)]))
def test_random_programs_with_sums_in_lanes_and_blocks(seed, how):
    with pytest.MonkeyPatch.context() as patch:
        for name, number in zip(("LANES", "BLOCK", "FEW"), how, strict=True):
            patch.setattr(nests, name, number)
        f, args, sizes, expected = mixed_case(seed, longest=12)
        found = call_plain(f, args, sizes)
    assert_same(found, expected, rtol=1e-8)
    assert_fresh(found, args)


def test_random_programs_in_machine_code():
    programs = [mixed_case(seed) for seed in range(10)]
    compiled = numba_backend.compile_functions([f for f, *_ in programs], Options())
    for one, (_, args, sizes, expected) in zip(compiled, programs, strict=True):
        found = one.call(*args, *sizes)
        assert_same(found, expected, rtol=1e-8)
        assert_fresh(found, args)


@settings(max_examples=100)
@given(st.integers(0, 10**6))
def test_random_loops_never_copy_inside(seed):
    f = random_program(seed)
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 6))
    args = read_only(rng.normal(size=n), rng.normal(size=n), rng.normal(size=(n, n)), np.float64(0.3))
    expected = evaluated(f, args)
    for name, call in (("numpy", call_numpy), ("numba", call_plain)):
        assert_same(call(f, args, [n]), expected)
        assert compile_function(f, name).notes == ()


def _outcome(call, *args):
    try:
        return call(*args)
    except ValueError as error:
        return str(error)


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(functions(COMPUTED), st.integers(0, 4), st.integers(0, 3), st.integers(0, 2**30))
def test_random_functions_of_all_dtypes(f, n, m, seed):
    """With odd constants, ragged sizes, and checks that may fail."""
    rng = np.random.default_rng(seed)
    sizes = {"n": n, "m": m}
    if not all(guard.holds(sizes) for guard in f.guards):
        return
    args = [_random(rng, p.type, sizes) for p in f.body.params]
    expected = _outcome(evaluated, f, args, sizes)
    for call in (call_numpy, call_plain):
        found = _outcome(call, f, args, [n, m])
        if isinstance(expected, str):
            assert found == expected
            continue
        for a, b in zip(found, expected, strict=True):
            assert np.shape(a) == np.shape(b)
            np.testing.assert_allclose(np.asarray(a, b.dtype), b, rtol=1e-5, atol=1e-12)


def _random(rng, kind, sizes):
    shape = [d.value(sizes) for d in kind.shape]
    values = rng.integers(-3, 4, shape) if kind.dtype.is_integer else rng.normal(size=shape)
    values = values > 0 if kind.dtype is DType.BOOL else values
    return np.asarray(values).astype(kind.dtype.numpy)[()]


MUTANTS = {
    "overwrites what is read later": lambda self, value, eqn, place: place.group.owner is self,
    "overwrites what belongs to others": lambda self, value, eqn, place: True,
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_random_programs_notice_wrong_decisions_about_memory(mutant, monkeypatch):
    monkeypatch.setattr(memory.Scope, "dies", MUTANTS[mutant])
    wrong = 0
    for seed in range(100):
        f, args, sizes, expected = mixed_case(seed)
        try:
            assert_same(call_plain(f, [np.array(a) for a in args], sizes), expected, rtol=1e-8)
        except (AssertionError, IndexError):
            wrong += 1
    assert wrong > 0


# ---- checks ----


def _checked(line=3):
    def body(x, k):
        def trip(i, total):
            place = op("index", k, i)
            inside = op("logical_and", op("less_equal", 0, place), op("less", place, op("dim", size=N)))
            with origin(Location(__file__, line)):
                op("check", inside, kind="IndexError", message="index out of bounds")
            return [total + op("index", x, place)]

        (total,) = loop(M, trip, [constant(0.0)])
        op("check", op("less", 0.0, x), kind="ValueError", message="not positive")
        return [total, op("sqrt", x)]

    return program("checked", body, sizes=("n", "m"), x=("f64", "n"), k=("i64", "m"))


@pytest.mark.parametrize("call", [call_numpy, call_plain, call_numba])
def test_the_first_check_that_fails_raises(call):
    f = _checked()
    x, k = np.array([4.0, 9.0]), np.array([1, 0, 1])
    assert_same(call(f, (x, k), [2, 3]), evaluated(f, (x, k)))
    with pytest.raises(IndexError) as raised:
        call(f, (-x, np.array([1, 2, 10**12])), [2, 3])
    assert str(raised.value) == "index out of bounds"
    assert raised.value.__notes__ == [f"{__file__}:3: import re"]
    with pytest.raises(ValueError, match="^not positive$"):
        call(f, (-x, k), [2, 3])
    with pytest.raises(IndexError):
        call(f, (np.zeros(0), k), [0, 3])


def _checked_deep():
    """Checks in loops in a branch in a loop, behind them, and in a loop of unknown length."""

    def body(x):
        def within(limit, message):
            def trip(j, total):
                y = op("index", x, j)
                op("check", op("less", y, limit), kind="ValueError", message=message)
                return [total + y]

            return lambda: loop(N, trip, [constant(0.0)])

        def trip(i, total):
            (more,) = branch(op("less", 0, i), within(3.0, "inside"), lambda: [constant(1.0)])
            op("check", op("less", total, 4.0), kind="ValueError", message="behind")
            return [total + more]

        def halve(i, y):
            op("check", op("less", i, 5), kind="ValueError", message="long")
            return [y * 0.5, y]

        (total,) = loop(3, trip, [constant(0.0)])
        last, ys = loop_while(lambda i, y: op("less", 0.1, y), halve, [total], "t_1")
        return [last, ys, *within(2.0, "last")()]

    return program("deep", body, x=("f64", "n"))


@pytest.mark.parametrize("call", [call_numpy, call_plain, call_numba])
def test_a_check_that_fails_leaves_all_loops_around_it(call):
    f = _checked_deep()
    assert_same(call(f, (np.full(2, 0.5),), [2]), evaluated(f, (np.full(2, 0.5),)))
    failing = {"inside": [0.1, 3.5, 9.0], "behind": [2.9, 1.5], "long": [1.9, 1.0, -0.1], "last": [2.5, -2.0]}
    for message, x in failing.items():
        with pytest.raises(ValueError, match=f"^{message}$"):
            call(f, (np.array(x),), [len(x)])


def test_modules_are_shared_by_functions_that_differ_in_places_only():
    first, second = (numba_backend.compile_function(_checked(line), Options()) for line in (1, 3))
    for compiled, line in ((first, 1), (second, 3)):
        with pytest.raises(IndexError) as raised:
            compiled.call(np.ones(1), np.array([7]), 1, 1)
        assert raised.value.__notes__[0].startswith(f"{__file__}:{line}: ")
    assert first.kernel is second.kernel


# ---- interface ----


def test_an_unknown_backend_is_refused():
    with pytest.raises(ArgumentError) as raised:
        compile_function(recurrence(), "fortran")
    assert str(raised.value) == "there is no backend 'fortran'\nhint: use one of cuda, numba, numpy"


def test_calls_are_inlined_before():
    def body(x):
        return emit(OPS["call"], [x], {"name": "same"}, [block([Value(x.type)], lambda a: [a])])

    with pytest.raises(VerifierError, match="^call is inlined before a Function is compiled$"):
        compile_function(program("caller", body, x=("f64", "n")), "numba")


def test_a_size_that_is_bound_twice_is_refused():
    def body(x):
        op("bind", op("dim", size=N), size="n")
        return [x]

    with pytest.raises(VerifierError, match="^the size n is bound again where it is bound already$"):
        compile_function(program("twice", body, x=("f64", "n")), "numba")


def test_names_are_valid_and_like_the_hints():
    def body(x, y, z, np_):
        return [x + y * z - np_]

    params = {"for": ("f64",), "x[0]": ("f64",), "9": ("f64",), "np": ("f64",)}
    f = program("<lambda>", body, sizes=(), **params)
    source = compile_function(f, "numpy").source
    assert "def _lambda_(for1, x_0_, v9, np1):" in source
    assert call_numpy(f, [np.float64(k) for k in (1, 2, 3, 4)], []) == (3.0,)


@pytest.mark.parametrize("name", ["numpy", "numba"])
def test_generated_source(name, golden, tmp_path):
    """The user's line stands beside each statement."""
    file = tmp_path / "growth.py"
    file.write_text(
        "def growth(x, r):\n    for i in range(len(x) - 1):\n        x[i + 1] = x[i] * np.exp(r)\n"
    )

    def body(x, r):
        def trip(i, x):
            with origin(Location(str(file), 3)):
                return [op("put", x, op("index", x, i) * op("exp", r), i + 1)]

        with origin(Location(str(file), 2)):
            (x,) = loop(N - 1, trip, [x])
        with origin(None, "adjoint of x"):
            return [x, op("sum", x * x, axes=(0,))]

    golden(
        f"growth_{name}", compile_function(program("growth", body, x=("f64", "n"), r=("f64",)), name).source
    )


# ---- the cache ----


def _with_constant(size):
    table = constant(np.linspace(0.0, 1.0, size).astype(np.float32))
    return program("table", lambda i: [op("index", table, i), table], sizes=(), i=("i64",))


@pytest.mark.parametrize("size", [3, 1000])
def test_constant_arrays(size):
    f = _with_constant(size)
    for call in (call_numpy, call_plain, call_numba):
        found = call(f, (np.int64(2),), [])
        assert_same(found, evaluated(f, (np.int64(2),)))
        found[1][:] = 5
        assert_same(call(f, (np.int64(2),), []), evaluated(f, (np.int64(2),)))


PROCESS = """
import numpy as np
from backend_cases import recurrence
from adcompiler.backends import cache, compile_function
x = np.linspace(0.0, 1.0, 5)
print(float(compile_function(recurrence(), "numba").call(x, 5)[0][4]), cache.compilations())
"""


def test_a_second_process_compiles_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("ADCOMPILER_CACHE_DIR", str(tmp_path / "new"))
    paths = [p for p in sys.path if p]
    monkeypatch.setenv("PYTHONPATH", ":".join(paths))
    outputs = [
        subprocess.run(
            [sys.executable, "-c", PROCESS], capture_output=True, text=True, check=True
        ).stdout.split()
        for _ in range(2)
    ]
    (first, compiled), (second, again) = outputs
    assert first == second
    assert (compiled, again) == ("1", "0")
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700


def _key(monkeypatch, **files):
    given = cache.backend_files() | {f"{name}.py": text for name, text in files.items()}
    with monkeypatch.context() as patch:
        patch.setattr(cache, "backend_files", lambda: given)
        return cache.Generated("m", [], {}).place


def test_an_edit_of_a_backend_is_another_key(monkeypatch):
    assert _key(monkeypatch) == _key(monkeypatch)
    assert _key(monkeypatch) != _key(monkeypatch, special=b"# edited")


def test_lines_that_move_are_the_same_key():
    here, there = (numba_backend.compile_function(_checked(line), Options()) for line in (1, 3))
    assert here.source != there.source
    before = cache.compilations()
    for compiled in (here, there):
        compiled.compile()
        compiled.compile()
    assert cache.compilations() - before <= 1


def test_a_folder_that_cannot_be_made_is_an_error(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ADCOMPILER_CACHE_DIR", str(tmp_path / "file" / "cache"))
    with pytest.raises(ArgumentError) as raised:
        storage.folder()
    assert str(raised.value) == (
        f"the cache folder {tmp_path}/file/cache cannot be made: Not a directory\n"
        "hint: set ADCOMPILER_CACHE_DIR to a folder that can be written"
    )


def test_one_artefact_serves_all_sizes():
    compiled = numba_backend.compile_function(heat(), Options())
    compiled.compile()
    before = cache.compilations()
    for n in (2, 3, 5, 30):
        u = np.random.default_rng(n).normal(size=(n, n))
        assert_same(compiled.call(u, np.float64(0.1), n), evaluated(heat(), (u, np.float64(0.1)), {"n": n}))
    assert cache.compilations() == before
