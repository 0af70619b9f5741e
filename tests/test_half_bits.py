"""Floats of 16 bits: casts give the bits that NumPy gives, and records compute what f32 gives, rounded."""

import ml_dtypes
import numpy as np
import pytest
from backend_cases import call_numba, call_numpy, plain_python, program, sample_function, size_values
from hypothesis import given
from hypothesis import strategies as st
from op_cases import Case, cases

from adcompiler.backends import Options, compile_function, numba_backend
from adcompiler.backends.halves import in_bits, in_halves
from adcompiler.backends.special import (
    decode_f16,
    encode_bf16_from_f32,
    encode_f16_from_f32,
    encode_f16_from_f64,
)
from adcompiler.ir.evaluate import evaluate
from adcompiler.ir.ops import OPS, inverses
from adcompiler.ir.ops.arithmetic import cast
from adcompiler.ir.types import DType

BF16 = np.dtype(ml_dtypes.bfloat16)
HALVES = (DType.F16, DType.BF16)
EVERY = np.arange(2**16, dtype=np.uint16)


@pytest.fixture(autouse=True)
def _quiet():
    """NumPy warns of signalling NaNs."""
    with np.errstate(all="ignore"):
        yield


def bits(x):
    return np.asarray(x).view(f"u{np.asarray(x).dtype.itemsize}")


def casts(source, *targets):
    """A Function of one array, to it in other dtypes."""
    return program("casts", lambda x: [cast(x, dtype=t) for t in targets], x=(source, "n"))


def numpy_casts(x, *targets):
    return [x.astype(t.numpy) for t in targets]


# ---- casts ----

WIDE = (DType.F32, DType.F64)
OTHERS = {DType.F16: DType.BF16, DType.BF16: DType.F16}


@pytest.mark.parametrize("half", HALVES, ids=str)
@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_every_half_there_and_back(half, backend):
    x = EVERY.view(half.numpy)
    up = compile_function(casts(half, *WIDE, OTHERS[half], DType.BOOL), backend)
    found = up.call(x, x.size)
    expected = numpy_casts(x, *WIDE, OTHERS[half], DType.BOOL)
    for wide, numpys in zip(found, expected, strict=True):
        assert wide.dtype == numpys.dtype
        numbers = ~np.isnan(x)
        assert np.array_equal(bits(wide)[numbers], bits(numpys)[numbers])
        assert np.array_equal(np.isnan(wide), np.isnan(numpys))
    for kind, wide in zip(WIDE, found, strict=False):
        (back,) = compile_function(casts(kind, half), backend).call(wide, x.size)
        (numpys,) = numpy_casts(wide, half)
        assert np.array_equal(bits(back), bits(numpys))  # of bf16 a signalling NaN becomes a quiet one
        assert np.array_equal(bits(back)[~np.isnan(x)], EVERY[~np.isnan(x)])
        assert np.isnan(back[np.isnan(x)]).all()


def neighbours(x):
    """Numbers, and the next ones on both sides."""
    return np.concatenate([x, np.nextafter(x, x.dtype.type(np.inf)), np.nextafter(x, x.dtype.type(-np.inf))])


def between(half, dtype):
    """What lies half way between two neighbours, and beside it; beyond the largest too."""
    numbers = EVERY.view(half.numpy)
    finite = np.sort(numbers[np.isfinite(numbers)].astype(np.float64))
    ties = (finite[1:] + finite[:-1]) / 2
    ends = float(half.limits.max) + float(half.limits.max) * float(half.limits.eps) * np.array([0.25, 0.5])
    return neighbours(np.concatenate([ties, finite[::7], ends, -ends]).astype(dtype))


@pytest.mark.parametrize("half", HALVES, ids=str)
@pytest.mark.parametrize("kind", WIDE, ids=str)
@pytest.mark.parametrize("call", [call_numpy, call_numba], ids=["numpy", "numba"])
def test_ties_go_to_even_and_nothing_is_rounded_twice(half, kind, call):
    x = between(half, kind.numpy)
    f = casts(kind, half)
    found = compile_function(f, call.__name__.removeprefix("call_")).call(x, x.size)
    assert np.array_equal(bits(found[0]), bits(numpy_casts(x, half)[0]))


def test_f64_just_above_a_tie_goes_up():
    """By way of f32 it would be the tie, which goes down."""
    x = np.array([1 + 2.0**-11 + 2.0**-40])
    assert bits(x.astype(np.float32).astype(np.float16)) == 0x3C00
    for call in ("numpy", "numba"):
        (found,) = compile_function(casts(DType.F64, DType.F16), call).call(x, 1)
        assert bits(found) == 0x3C01


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**32 - 1), st.integers(0, 2**16 - 1))
def test_the_sources_of_casts_are_numpys_casts(wide, single, half):
    x, y, h = np.uint64(wide).view("f8"), np.uint32(single).view("f4"), np.uint16(half)
    assert encode_f16_from_f64(x) == bits(x.astype(np.float16))
    assert encode_f16_from_f32(y) == bits(y.astype(np.float16))
    assert encode_bf16_from_f32(y) == bits(y.astype(BF16))
    assert bits(decode_f16(h)) == bits(h.view(np.float16).astype(np.float32))


@pytest.mark.parametrize("half", HALVES, ids=str)
def test_integers_and_bools_become_halves(half):
    integers = np.array([0, 1, -3, 2049, 2051, 65519, 65520, -(2**40) - 1, 2**63 - 1])
    for kind, x in ((DType.I64, integers), (DType.U16, EVERY), (DType.BOOL, integers > 0)):
        for backend in ("numpy", "numba"):
            (found,) = compile_function(casts(kind, half), backend).call(x, x.size)
            assert np.array_equal(bits(found), bits(numpy_casts(x, half)[0]))


# ---- records ----

RECORDS = [
    half
    for case in cases()
    if case.floats
    if case.op.name != "undefined" and case.op not in inverses.OPS
    for half in map(case.converted, HALVES)
    if half is not None
]


def apart(found, expected):
    """How many halves lie between two: none where they are equal; other dtypes are equal."""
    assert (type(found), found.dtype, found.shape) == (type(expected), expected.dtype, expected.shape)
    if not DType.of(found.dtype).is_half:
        return 0 if np.array_equal(found, expected) else np.inf
    a, b = (bits(x).view(np.int16).astype(int) for x in (found, expected))
    a, b = (np.where(k < 0, -(k & 0x7FFF), k) for k in (a, b))
    return np.max(np.where(np.isnan(found) & np.isnan(expected), 0, abs(a - b)), initial=0)


def evaluated(f, case):
    return [np.asarray(x)[()] for x in evaluate(f, case.inputs)]


@pytest.mark.parametrize("op", sorted({case.op.name for case in RECORDS}))
def test_a_record_of_halves_is_that_of_f32_rounded(op):
    for case in (case for case in RECORDS if case.op.name == op):
        f = sample_function(case.op, case.sample, op)
        sizes, expected = size_values(f, case.inputs), evaluated(f, case)
        found = compile_function(f, "numpy").call(*case.inputs, *sizes)
        with plain_python():
            plain = compile_function(f, "numba").call(*case.inputs, *sizes)
        pairs = [pair for results in (found, plain) for pair in zip(results, expected, strict=True)]
        assert all(apart(*pair) == 0 for pair in pairs), case.id


COMPILED = {"div", "sum", "put", "matmul"}


def test_machine_code_of_halves():
    """One module; of a sum of two the last bit may be another."""
    chosen: list[Case] = [c for c in RECORDS if c.op.name in COMPILED and c.id.split("-")[1] == "0"]
    assert {case.op.name for case in chosen} == COMPILED
    functions = [sample_function(c.op, c.sample, c.id.replace("-", "_")) for c in chosen]
    programs = numba_backend.compile_functions(list(map(in_bits, functions)), Options())
    for case, f, compiled in zip(chosen, functions, programs, strict=True):
        found = in_halves(f, compiled).call(*case.inputs, *size_values(f, case.inputs))
        assert all(apart(a, b) <= 1 for a, b in zip(found, evaluated(f, case), strict=True)), case.id


def test_sources_have_no_halves():
    """Bits are loaded, decoded, encoded and stored."""
    f = program("scaled", lambda x: [OPS["mul"](x, x)], x=("bf16", "n"))
    source = compile_function(f, "numba").source
    assert "np.uint16(encode_bf16_from_f32(" in source and "bfloat16" not in source
