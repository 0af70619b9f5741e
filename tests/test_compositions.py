"""NumPy functions that are written in ops give what NumPy gives."""

from __future__ import annotations

import importlib
import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from adcompiler.ir.build import function
from adcompiler.ir.evaluate import evaluate
from adcompiler.ir.graph import Value
from adcompiler.ir.ops import OPS
from adcompiler.ir.ops.compositions import COMPOSITIONS, NAMED_COMPOSITIONS
from adcompiler.ir.types import F64, array_type

UNARY = [np.positive, np.square, np.reciprocal, np.deg2rad, np.radians, np.rad2deg, np.degrees]
BINARY = [np.float_power, np.fmax, np.fmin, np.heaviside, np.logaddexp2]
VALUES = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 0.3, 2.5, -7.0]


def composed(composition: Callable[..., Value], *args: Any) -> Any:
    """A composition on arrays, evaluated."""
    params = [Value(array_type("f64", len(x))) for x in args]
    with np.errstate(all="ignore"):
        (result,) = evaluate(function("f", params, lambda *p: [composition(*p)], ops=OPS), args)
    return result


@pytest.mark.parametrize("numpy", [*UNARY, *BINARY], ids=lambda f: f.__name__)
def test_composition_is_numpys_function(numpy: np.ufunc) -> None:
    grid = np.array(list(itertools.product(VALUES, repeat=numpy.nin))).T
    with np.errstate(all="ignore"):
        expected = numpy(*grid)
    assert np.allclose(composed(COMPOSITIONS[numpy], *grid), expected, rtol=1e-14, atol=0, equal_nan=True)


@pytest.mark.parametrize(("low", "high"), [(-1.0, 1.0), (None, 1.0), (0.0, None), (2.0, 1.0)])
def test_clip(low: float | None, high: float | None) -> None:
    x = np.array(VALUES)
    clipped = composed(lambda value: COMPOSITIONS[np.clip](value, low, high), x)
    assert np.array_equal(clipped, np.clip(x, low, high), equal_nan=True)


def test_functions_of_math() -> None:
    x = np.array([0.3, -2.0])
    assert np.allclose(composed(COMPOSITIONS[math.radians], x), [math.radians(v) for v in x])
    assert np.allclose(composed(COMPOSITIONS[math.degrees], x), [math.degrees(v) for v in x])


@pytest.mark.parametrize("n", [0, 1, 2])
def test_polygamma_in_scipys_order(n: int) -> None:
    import scipy.special

    x = np.array([0.3, 2.0])
    actual = composed(lambda value: NAMED_COMPOSITIONS["scipy.special.polygamma"](n, value), x)
    assert np.allclose(actual, scipy.special.polygamma(n, x), rtol=1e-14)


def test_every_composition_is_tested_here() -> None:
    assert set(COMPOSITIONS) == {*UNARY, *BINARY, np.clip, math.radians, math.degrees}
    assert set(NAMED_COMPOSITIONS) == {"scipy.special.polygamma"}


def test_what_dispatches_to_an_op_is_no_composition() -> None:
    assert not {alias for op in OPS.values() for alias in op.dispatch} & set(COMPOSITIONS)


def test_dotted_names_exist() -> None:
    names = [*NAMED_COMPOSITIONS, *(name for op in OPS.values() for name in op.dispatch_names)]
    for name in names:
        module, _, attribute = name.rpartition(".")
        assert callable(getattr(importlib.import_module(module), attribute)), name


def test_single_precision_stays() -> None:
    params = [Value(array_type("f32", 2))]
    for composition in (COMPOSITIONS[np.deg2rad], COMPOSITIONS[np.reciprocal], COMPOSITIONS[np.square]):
        traced = function("f", params, lambda x, write=composition: [write(x)], ops=OPS)
        assert traced.body.results[0].type.dtype is not F64
