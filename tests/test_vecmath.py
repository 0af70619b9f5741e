"""Our own mathematical functions: right to two units in the last place everywhere, and loops stay vectors."""

from __future__ import annotations

import itertools
import platform
import re
from functools import cache

import numpy as np
import pytest
import scipy.special
from backend_cases import op, program
from numba import vectorize
from op_cases import Case, cases
from vecmath_loops import (
    BY_NAME,
    DTYPES,
    PlainLoop,
    applied,
    module_of,
    numba_loop,
    operands,
    optimised,
    precise,
    ulps,
)

from adcompiler.backends import compile_function, vecmath
from adcompiler.backends.machine_code import machine_code
from adcompiler.backends.vecmath.notation import F32, F64
from adcompiler.ir.op import Reduction, Scalar
from adcompiler.ir.ops import OPS

PICKING = ["larger", "smaller"]
NAMES = [name for name in BY_NAME if name not in PICKING and name != "logaddexp"]
UNARY = [name for name in NAMES if operands(name) == 1]
BOUND = 2.0

RANGES = {
    "exp": [(-746, 710), (-1, 1), (-745.2, -708)],
    "exp2": [(-1076, 1025), (-1, 1), (-1075, -1022)],
    "expm1": [(-45, 710), (-1, 1), (-0.4, 0.4)],
    "sinh": [(-711, 711), (-1, 1), (709, 710.5)],
    "cosh": [(-711, 711), (-1, 1), (709, 710.5)],
    "tanh": [(-25, 25), (-1, 1)],
    "expit": [(-746, 40), (-5, 5), (-1, 1)],
    "log": [(0, 10), (0.5, 2), (0.99, 1.01)],
    "log1p": [(-1, 10), (-0.5, 1), (-0.01, 0.01)],
    "log2": [(0, 10), (0.5, 2), (0.99, 1.01)],
    "log10": [(0, 10), (0.5, 2), (0.99, 1.01)],
    "sin": [(-10, 10), (-1, 1), (-1e6, 1e6), (-1e10, 1e10)],
    "cos": [(-10, 10), (-1, 1), (-1e6, 1e6), (-1e10, 1e10)],
    "tan": [(-10, 10), (-1, 1), (-1e6, 1e6), (-1e10, 1e10)],
    "erf": [(-7, 7), (-1.1, 1.1)],
    "erfc": [(-7, 28), (-1, 1), (0.7, 0.8)],
}
NEAR_MULTIPLES = [6381956970095103 * 2.0**797, 5.319372648326541e255, 1.5707963267948966, 3.141592653589793]
"""Nearly multiples of pi/2: the first is the worst there is (Muller, Elementary Functions, 2016, ch. 11)."""


def numbers(name, n=400):
    """Numbers of every size, and many where the function is of interest."""
    random = np.random.default_rng(5)
    sizes = np.exp2(random.uniform(-1074, 1023.9, n)) * random.choice([-1.0, 1.0], n)
    found = [random.uniform(low, high, n) for low, high in RANGES[name]]
    multiples = np.arange(1, n) * (np.pi / 2)
    x = np.concatenate([sizes, np.exp2(random.uniform(-60, 10, n)), *found, NEAR_MULTIPLES, multiples])
    if name in ("erf", "erfc"):
        return x[np.abs(x) < 40.0]
    return np.abs(x) if name in ("log", "log2", "log10") else x[x > -1.0] if name == "log1p" else x


def pairs(n=300):
    """Operands of powers: ordinary ones, and those whose power is near the ends of the range."""
    random = np.random.default_rng(6)
    x = np.exp2(random.uniform(-1074, 1023.9, n))
    near = 1.0 + random.uniform(-1, 1, n) * 10.0 ** random.uniform(-12, -1, n)
    scale = random.uniform(-1080, 1030, n)
    grid = [
        (random.uniform(0, 5, n), random.uniform(-5, 5, n)),
        (x, scale / np.log2(x)),
        (near, scale / np.log2(near)),
        (-random.uniform(0, 9, n), random.integers(-30, 30, n).astype(float)),
    ]
    return tuple(np.concatenate(side) for side in zip(*grid, strict=True))


def arguments(name):
    return pairs() if name == "power" else (numbers(name),)


def wide(name, *arrays):
    """What NumPy and SciPy give in f64."""
    with np.errstate(all="ignore"):
        return BY_NAME[name](*(a.astype(np.float64) for a in arrays))


@cache
def expected(name):
    """mpmath's results."""
    return precise(name, *arguments(name))


# ---- accuracy ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_f64_is_right_to_two_units(name):
    values = applied(numba_loop(name), *arguments(name))
    assert ulps(values, *expected(name)).max() <= BOUND


@pytest.mark.parametrize("name", UNARY)
def test_f32_is_right_to_two_units_over_all_numbers(name):
    x = np.arange(0, 2**32, 4093, dtype=np.uint64).astype(np.uint32).view(np.float32)
    values, right = applied(numba_loop(name), x), wide(name, x)
    np.testing.assert_array_equal(np.isnan(values), np.isnan(right))
    there = ~np.isnan(right)
    with np.errstate(over="ignore"):
        assert ulps(values[there], right[there]).max() <= BOUND


def test_f32_powers_are_right_to_two_units():
    random = np.random.default_rng(7)
    x = np.exp2(random.uniform(-149, 128, 200_000)).astype(np.float32)
    y = (random.uniform(-150, 129, x.size) / np.log2(x.astype(float))).astype(np.float32)
    with np.errstate(over="ignore"):
        assert ulps(applied(numba_loop("power"), x, y), wide("power", x, y)).max() <= BOUND


@pytest.mark.parametrize("name", NAMES)
def test_without_fused_instructions_it_is_as_right(name):
    loop = PlainLoop(name, F64)
    assert platform.machine() != "x86_64" or not re.search(r"\bvf|xmm\d+.*fma", loop.assembly)
    assert ulps(applied(loop, *arguments(name)), *expected(name)).max() <= BOUND


def test_logaddexp_is_as_precise_as_the_larger_term():
    random = np.random.default_rng(8)
    for dtype in DTYPES.values():
        x, y = (random.uniform(-750, 750, 20_000).astype(dtype) for _ in range(2))
        x[::2] = y[::2] + random.uniform(-40, 40, 10_000).astype(dtype)
        right = np.logaddexp(x.astype(np.longdouble), y.astype(np.longdouble))
        error = np.abs(applied(numba_loop("logaddexp"), x, y) - right)
        assert (error <= 2 * np.spacing(np.maximum(np.maximum(np.abs(x), np.abs(y)), 1))).all()


# ---- special values ----------------------------------------------------------------------------------------

SPECIAL = [0.0, 1.0, 0.5, 2.0, 3.0, 1e-310, 5e-324, 1e-300, 1e300, 1.7976931348623157e308, np.inf]
EXACT = [np.nan, *SPECIAL, *(-x for x in SPECIAL)]


@pytest.mark.parametrize("dtype", DTYPES.values(), ids=lambda d: d.__name__)
@pytest.mark.parametrize("name", UNARY)
def test_special_values_are_numpys(name, dtype):
    with np.errstate(over="ignore"):
        x = np.array(EXACT, dtype)
    with np.errstate(over="ignore"):
        assert_as_numpy(applied(numba_loop(name), x), wide(name, x).astype(dtype))


@pytest.mark.parametrize("dtype", DTYPES.values(), ids=lambda d: d.__name__)
@pytest.mark.parametrize("name", ["power", "logaddexp"])
def test_pairs_of_special_values_are_numpys(name, dtype):
    large = [4503599627370497.0, 9007199254740991.0, 9007199254740994.0, 4503599627370496.5, 1e18, 2.5, 1e-18]
    with np.errstate(over="ignore"):
        values = np.array([*EXACT, *large, *(-x for x in large)], dtype)
    x, y = (np.ascontiguousarray(side) for side in np.array(list(itertools.product(values, values))).T)
    with np.errstate(all="ignore"):
        assert_as_numpy(applied(numba_loop(name), x, y), BY_NAME[name](x, y))


@pytest.mark.parametrize("dtype", DTYPES.values(), ids=lambda d: d.__name__)
@pytest.mark.parametrize("name", PICKING)
def test_the_larger_and_the_smaller_are_numpys(name, dtype):
    values = np.array([np.nan, np.inf, -np.inf, 0.0, 1.0, -1.0, 1e-40, 1e30], dtype)
    x, y = (np.ascontiguousarray(side) for side in np.array(list(itertools.product(values, values))).T)
    np.testing.assert_array_equal(applied(numba_loop(name), x, y), BY_NAME[name](x, y))


def assert_as_numpy(values, expected):
    """NaN, infinities, zeros and signs are the same; other numbers to a few units."""
    exact = ~np.isfinite(expected) | (expected == 0.0)
    np.testing.assert_array_equal(values[exact], expected[exact])
    nan = np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(values[~nan]), np.signbit(expected[~nan]))
    assert (np.abs(values[~exact] - expected[~exact]) <= 4 * np.spacing(np.abs(expected[~exact]))).all()


def test_whole_results_are_exact():
    k = np.arange(-1074.0, 1024.0)
    powers = np.ldexp(1.0, k.astype(int))
    np.testing.assert_array_equal(applied(numba_loop("log2"), powers), k)
    np.testing.assert_array_equal(applied(numba_loop("exp2"), k), powers)
    small = np.arange(1.0, 16.0)
    np.testing.assert_array_equal(applied(numba_loop("power"), small, small - 1), small ** (small - 1))


@pytest.mark.parametrize("dtype", DTYPES.values(), ids=lambda d: d.__name__)
@pytest.mark.parametrize("name", UNARY)
def test_nothing_underflows_where_the_result_does_not(name, dtype):
    """Processors take many times as long for a product that does; NumPy sees the flag that it leaves."""
    function, number = vecmath.lowered(BY_NAME[name]), np.dtype(dtype).str[1:]
    ufunc = vectorize([f"{number}({number})"])(lambda x: function(x))
    tiny = np.exp2(np.linspace(np.finfo(dtype).minexp + 4, -1, 999)).astype(dtype)
    with np.errstate(under="raise"):
        ufunc(tiny)
        if name not in ("log", "log2", "log10"):
            ufunc(-tiny)


# ---- what LLVM makes of them -------------------------------------------------------------------------------


FLAGS = {"all": True, "some": frozenset({"reassoc", "arcp", "contract", "afn", "nsz"}), "none": False}


@pytest.mark.parametrize("flags", FLAGS)
@pytest.mark.parametrize("name", NAMES)
def test_flags_of_the_caller_change_no_bit(name, flags):
    finite = np.logical_and.reduce([np.isfinite(a) for a in arguments(name)])
    finite &= np.isfinite(wide(name, *arguments(name)))
    inputs = [a[finite] for a in arguments(name)]
    np.testing.assert_array_equal(
        applied(numba_loop(name, FLAGS[flags]), *inputs), applied(numba_loop(name), *inputs)
    )


X86, ARM = "x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"
PROCESSORS = [
    (X86, "x86-64", F64),
    (X86, "haswell", F32),
    (X86, "sapphirerapids", F64),
    (ARM, "generic", F64),
    (ARM, "generic", F32),
    (ARM, "neoverse-v1", F64),
]


@pytest.mark.parametrize(("triple", "cpu", "format"), PROCESSORS, ids=str)
@pytest.mark.parametrize("name", BY_NAME)
def test_a_loop_becomes_vectors(name, triple, cpu, format):
    """And calls nothing but what rare arguments need."""
    parsed, machine = optimised(module_of(name, format, triple), triple, cpu)
    text = str(parsed)
    assert '!"llvm.loop.isvectorized", i32 1' in text
    called = set(re.findall(r"\bcall [^@]*@([\w.]+)", text))
    assert {c for c in called if not c.startswith("llvm.")} <= {f"adcompiler_rare_huge_{name}"}
    assert not re.search(r"\b(exp|log|sin|cos|tan|pow|erf|fma)f?\b", machine.emit_assembly(parsed))


@pytest.mark.parametrize("name", ["exp", "sin", "power"])
def test_a_loop_becomes_vectors_in_numba(name):
    loop = numba_loop(name)
    applied(loop, *(np.ones(3) for _ in range(operands(name))))
    assert all('!"llvm.loop.isvectorized", i32 1' in text for text in loop.inspect_llvm().values())


def test_a_function_is_emitted_once_a_module():
    module = module_of("sin", F64, "x86_64-unknown-linux-gnu")
    vecmath.emitted(module, vecmath.sin, F64)
    vecmath.emitted(module, vecmath.cos, F64)
    # sine, cosine, and each of them for huge arguments
    assert str(module).count("define internal double @") == 4
    assert str(module).count('@"adcompiler_two_by_pi" = ') == 1


# ---- records -----------------------------------------------------------------------------------------------

VECTOR = [case for case in cases() if isinstance(case.op.lowering, Scalar) and case.op.lowering.vector]


def test_every_function_is_the_form_of_an_op():
    forms = [op.lowering.vector for op in OPS.values() if isinstance(op.lowering, Scalar | Reduction)]
    assert {form.partition("(")[0] for form in forms if form} == set(BY_NAME)


@pytest.mark.parametrize("case", VECTOR, ids=[case.id for case in VECTOR])
def test_in_python_a_form_is_what_the_op_is(case: Case):
    if not case.floats:
        return
    dtype = case.function.body.results[0].type.dtype
    source = case.op.lowering.source("ab"[: len(case.inputs)], case.sample.attrs, dtype, vector=True)
    value = eval(source, {**BY_NAME, **dict(zip("ab", case.inputs, strict=False))})
    np.testing.assert_array_equal(value, case.outputs[0])


def test_python_meanings_are_numpys_and_scipys():
    for name in {*BY_NAME} - {*PICKING}:
        x = [np.array([0.25, 0.5])] * operands(name)
        known = getattr(np, name, None) or getattr(scipy.special, name)
        np.testing.assert_array_equal(BY_NAME[name](*x), known(*x))


@pytest.mark.parametrize("name", ["max", "min"])
@pytest.mark.parametrize("dtype", ["f64", "f32"])
def test_extrema_of_arrays_are_vectors(name, dtype):
    f = program(name, lambda x: [op(name, x, axes=(0,))], x=(dtype, "n"))
    compiled = compile_function(f, "numba")
    assert '!"llvm.loop.isvectorized", i32 1' in machine_code(compiled, "llvm")
    x = np.linspace(-1.0, 1.0, 103).astype(f.body.params[0].type.dtype.numpy)
    for changed in (x, np.where(x == x[7], np.nan, x).astype(x.dtype)):
        np.testing.assert_array_equal(compiled.call(changed, 103)[0], getattr(np, name)(changed))


PICKED = {
    "where": lambda x, y: op("where", op("less", x, y), x * y, y),
    "maximum": lambda x, y: op("maximum", x, y),
    "minimum": lambda x, y: op("minimum", x, y),
    "abs": lambda x, y: op("abs", x),
    "sign": lambda x, y: op("sign", x),
    "sqrt": lambda x, y: op("sqrt", x),
    "floor": lambda x, y: op("floor", x),
    "copysign": lambda x, y: op("copysign", x, y),
}


@pytest.mark.parametrize("name", PICKED)
def test_choices_and_roundings_are_vectors(name):
    f = program(name, lambda x, y: [PICKED[name](x, y)], x=("f64", "n"), y=("f64", "n"))
    assert '!"llvm.loop.isvectorized", i32 1' in machine_code(compile_function(f, "numba"), "llvm")
