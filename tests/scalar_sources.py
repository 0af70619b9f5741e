"""The scalar source of elementwise ops as tests run it, and how near to NumPy its results must be."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from op_cases import Case

from adcompiler.backends import special
from adcompiler.ir.types import DType

COMPUTED = (DType.F64, DType.F32, DType.I64, DType.I32, DType.I8, DType.U8, DType.BOOL)
DTYPES = (*COMPUTED, DType.F16, DType.BF16)
"""Floats of 16 bits have no source of their own: they are computed with in f32."""
NAMES = {"np": np, "math": math, **vars(special)}
"""What the source may name."""


def variants(case: Case, dtypes: Sequence[DType] = DTYPES) -> list[Case]:
    """The case as it stands, and in every one of these dtypes that its op accepts."""
    return [case, *filter(None, map(case.converted, dtypes if case.floats else ()))]


def is_computed(case: Case) -> bool:
    """Whether the source of an op is asked for: no operand, and not the result, is a float of 16 bits."""
    return not any(dtype.is_half for dtype in (*(t.dtype for t in case.types), result_dtype(case)))


def result_dtype(case: Case) -> DType:
    """The dtype of the one result of an elementwise op."""
    return case.function.body.results[0].type.dtype


def scalar_source(case: Case, operands: Sequence[str]) -> str:
    """One element of the result, from elements of these sources."""
    return case.op.lowering.source(operands, case.sample.attrs, result_dtype(case))


def assert_numpys(case: Case, actual: Any) -> None:
    """Equal integers, bools and signs of zero; floats within a few units in the last place."""
    actual, expected = np.ravel(actual), np.ravel(case.outputs[0])
    if expected.dtype.kind == "f":
        error = (4 if isinstance(case.op.numpy, np.ufunc) else 64) * np.finfo(expected.dtype).eps
        with np.errstate(all="ignore"):
            same = np.isclose(actual, expected, rtol=error, atol=0, equal_nan=True)
        same &= (np.signbit(actual) == np.signbit(expected)) | np.isnan(expected)
    else:
        same = actual == expected
    operands = [np.ravel(x)[~same] for x in np.broadcast_arrays(*case.inputs)]
    assert same.all(), (case.id, operands, actual[~same], expected[~same])
