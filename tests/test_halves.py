"""Functions of float16 and bfloat16, as users write them: NumPy's results, and derivatives by way of f32."""

import subprocess
import sys

import ml_dtypes
import numpy as np
import pytest
from backend_cases import N, op, program
from hypothesis import given
from hypothesis import strategies as st
from roundtrip import assert_round_trip

from adcompiler import CaptureError, DTypeError, adjoint, check_grads, value_and_grad, vjp
from adcompiler.backends import compile_function
from adcompiler.ir import types
from adcompiler.ir.errors import TextError
from adcompiler.ir.graph import constant
from adcompiler.ir.halves import widened
from adcompiler.ir.ops import OPS
from adcompiler.ir.ops.control import branch
from adcompiler.ir.ops.loops import loop
from adcompiler.ir.parse import parse
from adcompiler.ir.text import to_text
from adcompiler.ir.types import Dim, DType

bfloat16 = ml_dtypes.bfloat16
HALVES = (np.float16, bfloat16)
RNG = np.random.default_rng(0)
X = RNG.normal(size=12)
EPS = {np.float16: 2.0**-10, bfloat16: 2.0**-7}

each_half = pytest.mark.parametrize("half", HALVES, ids=["f16", "bf16"])
each_backend = pytest.mark.parametrize("backend", ["numpy", "numba"])


def same(found, expected):
    """Equal dtypes, shapes and numbers."""
    assert type(found) is type(expected)
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    np.testing.assert_array_equal(found.astype(float), expected.astype(float))


# ---- NumPy's results ----


def arithmetic(x):
    return x * x - x / (x + 2) + np.sin(x) * np.exp(-x)


def with_weak(x):
    return 1.5 * x + 2


def with_f32(x):
    return x * np.float32(1.1)


def with_integers(x):
    return x * np.arange(x.shape[0])


def chosen(x):
    return np.where(x > 0, x, -x) + np.maximum(x, 0)


def clipped(x):
    return np.clip(x, -0.5, 0.5)


def stored_as_f16(x):
    out = np.zeros(x.shape[0], np.float16)
    for i in range(x.shape[0]):
        out[i] = x[i] * 3.3
    return out


def stored_as_bf16(x):
    out = np.zeros((2, x.shape[0]), bfloat16)
    out[0] = x
    out[1, ::2] = x[::2] * 3.3
    return out


def in_place(x):
    y = x.copy()
    y += 1.25
    y[1:] *= x[:-1]
    return y


def moved(x):
    return np.concatenate([x.reshape(2, -1).T.ravel(), x[::-1], np.roll(x, 1)])


def gathered(x):
    return np.stack([x[np.array([0, 2, 2])], x[:3]])


def cast_between(x):
    return x.astype(np.float16), x.astype(bfloat16), x.astype(np.float64), bfloat16(x), np.float16(x)


def cast_to_integers(x):
    return (x * 100).astype(np.int32)


def powers(x):
    return x**2 + np.abs(x) ** 0.5


def remainders(x):
    return x % 0.3 + x // 0.3


def recurrence(x):
    s = x[0]
    for i in range(1, x.shape[0]):
        if x[i] > 0:
            s = np.sin(s) * x[i] + s
    return s


def extremes(x):
    return np.max(x) - x[np.argmin(x)]


def scaled_by_number(x):
    return float(x[0]) * x


def whole_rounded(x):
    return np.round(x)


PROGRAMS = [
    arithmetic, with_weak, with_f32, with_integers, chosen, clipped, stored_as_f16, stored_as_bf16, in_place,
    moved, gathered, cast_between, cast_to_integers, powers, remainders, recurrence, extremes,
    scaled_by_number, whole_rounded,
]  # fmt: skip
COMPILED = (recurrence,)


@each_half
@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_results_are_numpys(f, half):
    x = X.astype(half)
    for backend in ("numpy", "numba") if f in COMPILED else ("numpy",):
        found, expected = vjp(f, x, backend=backend)[0], f(x)
        for a, b in zip(found, expected, strict=True) if f is cast_between else [(found, expected)]:
            same(a, b)


@given(st.lists(st.floats(-300, 300, width=16), min_size=1, max_size=9))
def test_each_operation_is_rounded_as_ieee_754_asks_for(numbers):
    """By way of f32, which is rounding once: held against f64, whose results are exact or need no more."""

    def body(x):
        return [x + 1.125, x - 1.125, x * 1.125, x / 1.125, op("sqrt", op("abs", x))]

    x = np.array(numbers, np.float16)
    wide = x.astype(np.float64)
    exact = (wide + 1.125, wide - 1.125, wide * 1.125, wide / 1.125, np.sqrt(abs(wide)))
    found = run(program("four", body, x=("f16", "n")), "numpy", x)
    for ours, expected in zip(found, exact, strict=True):
        same(ours, expected.astype(np.float16))


def run(f, backend, *args):
    """The results of a Function whose only size is the length of its first argument."""
    return compile_function(f, backend).call(*args, args[0].shape[0])


# ---- sums ----


@each_half
@each_backend
def test_sums_are_rounded_once(half, backend):
    x = RNG.uniform(0, 1, 5000).astype(half)
    expected = np.sum(x.astype(np.float64))
    for f, exact in ((total, expected), (average, expected / 5000))[: 2 if backend == "numpy" else 1]:
        found = vjp(f, x, backend=backend)[0]
        assert type(found) is half
        assert abs(float(found) - exact) <= 0.51 * EPS[half] * exact


def total(x):
    return np.sum(x)


def average(x):
    return np.mean(x)


def length(x):
    return np.linalg.norm(x)


def variance(x):
    return np.var(x)


def test_squares_and_sums_inside_do_not_overflow():
    x = np.array([300.0, -300.0, 300.0, -300.0], np.float16)
    for f, expected in ((average, 0.0), (length, 600.0), (variance, np.inf)):
        same(vjp(f, x, backend="numpy")[0], np.float16(expected))
    same(vjp(average, np.full(8, 60000, np.float16), backend="numpy")[0], np.float16(60000))
    same(vjp(variance, x / 2, backend="numpy")[0], np.float16(22500))


LOOP = """\
func total[n](x: f16[n]) -> (f16) {
  v0: f32 = for 0.0:f32, x {length=n, sums=1} (i: i64, v1: f32, x_1: f16) {
    v2: f32 = cast x_1 {dtype=f32}
    v3: f32 = add v1, v2
    yield v3
  }
  v4: f16 = cast v0 {dtype=f16}
  return v4
}"""


@each_backend
def test_what_a_loop_adds_up_is_rounded_once(backend):
    zero = constant(0.0, DType.F16)
    f = program("total", lambda x: loop(N, lambda i, s, a: [s + a], [], [zero], [x]), x=("f16", "n"))
    assert to_text(widened(f)) == LOOP
    x = np.full(5000, 0.1, np.float16)
    same(run(f, backend, x)[0], np.float16(5000 * float(x[0])))


@each_backend
def test_sums_inside_loops_and_branches_stay_in_f32(backend):
    """Through an inner loop, an add_at, and both branches."""
    zero = constant(0.0, DType.F16)

    def body(x, k):
        def trip(i, sums, total, place, a):
            (inner,) = loop(Dim.of(3), lambda j, t: [t + a], [], [total])

            def added():
                return [op("add_at", sums, a, place), inner]

            return branch(op("less", zero, a), added, lambda: [sums, inner])

        return loop(N, trip, [], [op("zeros", shape=(2,), dtype=DType.F16), zero], [k, x])

    f = program("nested", body, x=("f16", "n"), k=("i64", "n"))
    assert_round_trip(widened(f))
    x, k = np.full(5000, 0.1, np.float16), np.arange(5000) % 2
    sums, whole = run(f, backend, x, k)
    same(sums, np.full(2, 2500 * float(x[0]), np.float16))
    same(whole, np.float16(15000 * float(x[0])))


def test_parts_that_are_added_to_are_rounded_alone():
    def body(x, k):
        return [op("add_at", x, constant(1.0, DType.F16), k), op("add_at", x, x, at=("all",))]

    text = to_text(widened(program("parts", body, x=("f16", "n"), k=("i64",))))
    assert "index x, k" in text and "put x, v3, k" in text and "add_at" not in text


# ---- products of matrices ----


def product(a, b):
    return a @ b


def dotted(a, b):
    return np.dot(a, b)


def contracted(a, b):
    return np.einsum("ij,jk->ik", a, b)


def stacked(a, b):
    return a[None] @ np.stack([b, b])


@each_half
@each_backend
def test_products_are_added_up_in_f32(half, backend):
    """NumPy makes float32 of bfloat16 @ bfloat16."""
    a, b = (RNG.uniform(0, 1, s).astype(half) for s in ((9, 700), (700, 4)))
    exact = a.astype(np.float64) @ b.astype(np.float64)
    for f in (product, dotted, contracted) if backend == "numpy" else (product,):
        found = vjp(f, a, b, backend=backend)[0]
        assert found.dtype == (np.float32 if half is bfloat16 and f is product else half)
        error = 0.51 * EPS[half] if found.dtype == half else 1e-5
        assert np.max(np.abs(found.astype(float) - exact) / exact) <= error


def test_stacks_and_vectors_are_multiplied_too():
    a, b = (RNG.uniform(0, 1, s).astype(np.float16) for s in ((3, 5), (5, 4)))
    exact = (a.astype(np.float32) @ b.astype(np.float32)).astype(np.float16)
    same(vjp(stacked, a, b, backend="numpy")[0], np.stack([exact, exact]))
    same(vjp(np_vecdot, a, a, backend="numpy")[0], np.vecdot(*[a.astype("f4")] * 2).astype(np.float16))


def np_vecdot(a, b):
    return np.vecdot(a, b)


# ---- derivatives ----


def layers(x, w):
    h = x
    for _ in range(6):
        h = np.tanh(w @ h).astype(x.dtype)
    return np.sum(h * h)


def marched(x):
    s = np.zeros(x.shape[0], x.dtype)
    for i in range(1, x.shape[0]):
        s[i] = np.sin(s[i - 1]) * x[i] + x[i - 1]
    return np.sum(s)


def quotient(x, y):
    return np.sum(np.float16(1e-3) * (x / y))


@each_half
@pytest.mark.parametrize(("f", "backend"), [(layers, "numpy"), (marched, "numpy"), (marched, "numba")])
def test_gradients_have_the_dtype_of_their_argument(f, half, backend):
    args = [X.astype(half), (RNG.normal(size=(12, 12)) / 4).astype(half)][: 2 if f is layers else 1]
    places = tuple(range(len(args)))
    _, found = value_and_grad(f, argnums=places, backend=backend)(*args)
    _, exact = value_and_grad(f, argnums=places, backend="numpy")(*[a.astype(np.float64) for a in args])
    for ours, expected in zip(found, exact, strict=True):
        assert ours.dtype == half
        assert np.max(np.abs(ours.astype(float) - expected)) < 12 * EPS[half] * np.max(np.abs(expected))


def test_partials_beyond_the_range_of_a_half_are_held_in_f32():
    """1 / y is 2e5 here, and its product with the cotangent 200."""
    x, y = np.full(3, 1e-4, np.float16), np.full(3, 5e-6, np.float16)
    x_bar, _ = value_and_grad(quotient, argnums=(0, 1), backend="numpy")(x, y)[1]
    np.testing.assert_allclose(x_bar.astype(float), float(np.float16(1e-3)) / float(y[0]), rtol=2e-3)


@pytest.mark.parametrize("plan", ["recompute_all", "sqrt"])
def test_states_are_kept_as_halves(plan):
    x = RNG.normal(size=40).astype(np.float16)
    same(adjoint(marched, backend="numpy", plan=plan)(x), adjoint(marched, backend="numpy")(x))


@each_half
def test_derivatives_are_checked_and_proved(half):
    x = X[:5].astype(half)
    check_grads(marched, (x,), backend="numpy")
    verdict = adjoint(marched, backend="numpy").verify(x)
    assert verdict.ok and "whole program agrees to 50 digits at 3 points" in verdict.lines


def test_results_in_arrays_of_the_caller():
    x = X.astype(np.float16)
    out = np.empty_like(x)
    gradient = adjoint(marched, backend="numba")
    assert gradient(x, out=out) is out
    same(out, gradient(x))


SCALE, SHIFTS = bfloat16(1.5), np.array([0.5, 1.5], np.float16)


def test_closures_are_read_at_each_call():
    global SCALE

    def f(x):
        return np.sum(x * SCALE * SHIFTS)

    x = X[:2].astype(bfloat16)
    gradient = adjoint(f, backend="numpy")
    for SCALE in (bfloat16(1.5), bfloat16(2.5)):
        same(gradient(x), (SHIFTS.astype(np.float32) * np.float32(SCALE)).astype(bfloat16))


# ---- text ----


def test_constants_of_halves_have_all_their_bits():
    numbers = {DType.F16: [0.1, -0.0, 65504.0, 6e-8, np.inf], DType.BF16: [0.1, -0.0, 3e38, 1e-40, 1e10]}
    for dtype, data in numbers.items():
        assert_round_trip(of_constants(constant(data, dtype), constant(data[0], dtype)))
    text = to_text(of_constants(constant(0.1, DType.F16), constant(1, DType.BF16)))
    assert "return 0.1:f16, 1.0:bf16" in text


def of_constants(*constants):
    return program("constants", lambda: constants, sizes=())


@pytest.mark.parametrize("text", ["65520.0:f16", "3.4e38:bf16"])
def test_a_literal_that_a_half_cannot_hold_is_refused(text):
    number, _, dtype = text.partition(":")
    with pytest.raises(TextError, match=f"{number} does not fit {dtype}"):
        parse(f"func f() -> ({dtype}) {{\n  return {text}\n}}", OPS)


# ---- refusals ----


def joined(x, y):
    return np.sum(np.concatenate([x, y]))


def solved(a, b):
    return np.sum(np.linalg.solve(a, b))


def test_what_numpy_does_not_promote_is_refused():
    with pytest.raises(CaptureError) as error:
        adjoint(joined, backend="numpy")(X.astype(np.float16), X.astype(bfloat16))
    assert error.value.message == "NumPy has no common dtype of float16 and bfloat16"
    assert error.value.hint == "convert one of them: x.astype(np.float32)"


def test_lapack_is_not_given_halves():
    with pytest.raises(CaptureError) as error:
        adjoint(solved, backend="numpy")(np.eye(5, dtype=np.float16), np.ones(5, np.float16))
    assert error.value.message == "LAPACK does not compute with float16"
    assert error.value.hint == "convert the arrays: x.astype(np.float32)"


def test_bfloat16_without_its_package_is_refused(monkeypatch):
    monkeypatch.setitem(sys.modules, "ml_dtypes", None)
    with pytest.raises(DTypeError) as error:
        types._bfloat16()
    assert error.value.message == "bfloat16 needs the package ml_dtypes"
    assert error.value.hint == 'pip install "adcompiler[bfloat16]"'


def test_programs_of_other_dtypes_do_not_import_it(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import sys, numpy as np, adcompiler\n"
        "adcompiler.grad(lambda x: np.sum(x * x), backend='numpy')(np.ones(3, np.float16))\n"
        "sys.exit('ml_dtypes' in sys.modules)\n"
    )
    subprocess.run([sys.executable, script], check=True)
