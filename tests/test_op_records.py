"""Tests that the op table writes by itself: every record against NumPy, differences and SymPy."""

from __future__ import annotations

import itertools
import math

import numpy as np
import op_symbols
import pytest
from op_cases import Case, cases, type_of
from op_derivatives import agrees, central, close, statement, tolerance
from scalar_sources import COMPUTED, NAMES, assert_numpys, is_computed, result_dtype, scalar_source, variants

from adcompiler.ir.errors import DTypeError
from adcompiler.ir.graph import constant
from adcompiler.ir.op import Linear, NoDerivative, Scalar
from adcompiler.ir.ops import OPS
from adcompiler.ir.types import ArrayType, DType

CASES = list(cases())
SCALAR = [case for case in CASES if isinstance(case.op.lowering, Scalar)]
SMOOTH = [case for case in CASES if case.sample.smooth and case.floats]


def each(chosen: list[Case]):
    return pytest.mark.parametrize("case", chosen, ids=[case.id for case in chosen])


# ---- types -------------------------------------------------------------------------------------------------


@each(CASES)
def test_types_rule_tells_what_numpy_gives(case: Case) -> None:
    for variant in variants(case):
        assert [type_of(output) for output in variant.outputs] == result_types(variant), variant.id


@each(CASES)
def test_derivatives_have_the_dtypes_of_their_inputs(case: Case) -> None:
    for variant in variants(case):
        if stated := statement(variant):
            results = stated.function.body.results
            dtypes = [variant.types[place].dtype for place in stated.places]
            assert [result.type.dtype for result in results] == dtypes, variant.id


@pytest.mark.parametrize("name", [op.name for op in OPS.values() if isinstance(op.lowering, Scalar)])
def test_every_elementwise_record_is_complete(name: str) -> None:
    op = OPS[name]
    assert op.samples
    assert op.cost > 0
    assert all(callable(alias) for alias in op.dispatch)


def test_a_callable_dispatches_to_one_op() -> None:
    known = [alias for op in OPS.values() for alias in (*op.dispatch, *op.dispatch_names)]
    assert len(known) == len(set(known))


def test_an_operand_of_another_dtype_is_refused() -> None:
    x, y = constant(1.0).type, constant(1.0, DType.F32).type
    with pytest.raises(DTypeError, match=r"^add takes operands of one dtype, not f64, f32$"):
        OPS["add"].infer([x, y], {}, ())
    with pytest.raises(DTypeError, match=r"^sin is not defined for int64$"):
        OPS["sin"].infer([constant(1).type], {}, ())
    with pytest.raises(
        DTypeError, match=r"^where takes a bool and two operands of one dtype, not f64, f64, f64$"
    ):
        OPS["where"].infer([x, x, x], {}, ())
    with pytest.raises(DTypeError, match=r"^integers to negative integer powers are not allowed$"):
        OPS["ipow"].infer([constant(1).type], {"n": -1}, ())


def result_types(case: Case) -> list[ArrayType]:
    return [result.type for result in case.function.body.results]


def has_float_results(case: Case) -> bool:
    return all(t.dtype.is_float for t in result_types(case))


# ---- derivatives -------------------------------------------------------------------------------------------


@each([case for case in SMOOTH if statement(case)])
def test_derivative_is_the_one_that_differences_find(case: Case) -> None:
    stated = statement(case)
    assert stated is not None
    assert agrees(case, stated)


@each([case for case in SMOOTH if isinstance(case.op.derivative, Linear) and has_float_results(case)])
def test_linear_ops_are_linear(case: Case) -> None:
    """What the transpose identity takes for granted."""
    random = np.random.default_rng(3)
    steps = [
        random.uniform(-1, 1, np.shape(x)).astype(np.asarray(x).dtype) * (i in case.floats)
        for i, x in enumerate(case.inputs)
    ]
    moved = [
        x + 2 * step if i in case.floats else x
        for i, (x, step) in enumerate(zip(case.inputs, steps, strict=True))
    ]
    only = [
        step if i in case.floats else x for i, (x, step) in enumerate(zip(case.inputs, steps, strict=True))
    ]
    for start, end, image in zip(case.outputs, case.evaluate(*moved), case.evaluate(*only), strict=True):
        assert close(end, start + 2 * image, tolerance(case, 1e-13))


@each([case for case in SMOOTH if isinstance(case.op.derivative, NoDerivative) and has_float_results(case)])
def test_what_has_no_derivative_does_not_change(case: Case) -> None:
    for place in case.floats:
        assert close(central(case, place), 0.0, 1e-12)


KINKS = [
    ("maximum", (1.0, 1.0), [0.5, 0.5]),
    ("minimum", (1.0, 1.0), [0.5, 0.5]),
    ("abs", (0.0,), [0.0]),
    ("abs", (-0.0,), [0.0]),
    ("sqrt", (0.0,), [np.inf]),
    ("cbrt", (0.0,), [np.inf]),
    ("hypot", (0.0, 0.0), [0.0, 0.0]),
    ("hypot", (1e200, 1e200), [math.sqrt(0.5), math.sqrt(0.5)]),
    ("arctan2", (1e-200, 1e-200), [5e199, -5e199]),
    ("arccosh", (1e200,), [1e-200]),
    ("arcsinh", (1e200,), [1e-200]),
    ("arcsin", (1 - 2**-53,), [2.0**26]),
    ("pow", (0.0, 2.0), [0.0, 0.0]),
    ("pow", (0.0, 1.0), [1.0, 0.0]),
    ("pow", (0.0, 0.0), [0.0, 0.0]),
    ("pow", (2.0, 0.0), [0.0, math.log(2.0)]),
    ("pow", (-2.0, 3.0), [12.0, np.nan]),
    ("logaddexp", (-np.inf, -np.inf), [0.5, 0.5]),
    ("logaddexp", (np.inf, 0.0), [1.0, 0.0]),
    ("logaddexp", (-1000.0, 1000.0), [0.0, 1.0]),
    ("logaddexp", (1000.0, 1000.0), [0.5, 0.5]),
    ("tanh", (1000.0,), [0.0]),
    ("expit", (-1000.0,), [0.0]),
    ("erf", (1e200,), [0.0]),
]


@pytest.mark.parametrize(("name", "inputs", "expected"), KINKS, ids=[f"{n}{x}" for n, x, _ in KINKS])
def test_partials_at_kinks_and_extremes(name: str, inputs: tuple[float, ...], expected: list[float]) -> None:
    assert np.allclose(
        op_symbols.partials_at(OPS[name], inputs), expected, rtol=1e-12, atol=0, equal_nan=True
    )


# ---- SymPy -------------------------------------------------------------------------------------------------

PROVABLE = [case for case in op_symbols.one_a_form(SCALAR) if case.op.sympy and statement(case)]


@each(PROVABLE)
def test_partials_are_sympys_derivative(case: Case) -> None:
    """Proved as formulas; where the op has a step, which SymPy cannot differentiate, shown to 30 digits."""
    weakest = "to 30 digits" if op_symbols.has_step(case) else "proved"
    assert set(op_symbols.verdicts(case)) <= {"proved", weakest}


def test_sympy_tells_a_wrong_partial() -> None:
    (case,) = (case for case in PROVABLE if case.op.name == "sin")
    assert op_symbols.verdicts(case, distort=lambda partial: -partial) == ["wrong"]


# ---- scalar source -----------------------------------------------------------------------------------------

def by_source(case: Case) -> np.ndarray:
    """The result of an elementwise op, each element by the op's scalar source run as plain Python."""
    operands = "abc"[: len(case.inputs)]
    scalar = eval(f"lambda {', '.join(operands)}: {scalar_source(case, operands)}", NAMES)
    elements = zip(*(np.ravel(x) for x in np.broadcast_arrays(*case.inputs)), strict=True)
    with np.errstate(all="ignore"):
        return np.array([scalar(*element) for element in elements], dtype=result_dtype(case).numpy)


@each(list(filter(is_computed, SCALAR)))
def test_scalar_source_is_numpy(case: Case) -> None:
    for variant in variants(case, COMPUTED):
        assert_numpys(variant, by_source(variant))


EXTREMES = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.0, 1e300, -1e300, 1e-300, -1e-300]
DENORMAL = [5e-324, -5e-324, 1e-310]


@each(op_symbols.one_a_form(SCALAR))
def test_scalar_source_at_special_values(case: Case) -> None:
    """SciPy's own functions are rough at denormals, and left alone there."""
    if not case.floats or not is_computed(case):
        return
    values = EXTREMES + (DENORMAL if isinstance(case.op.numpy, np.ufunc) else [])
    grid = np.array(list(itertools.product(values, repeat=len(case.floats)))).T
    inputs = iter(grid)
    with np.errstate(over="ignore"):
        sample_inputs = tuple(
            next(inputs).astype(x.dtype) if i in case.floats else np.resize(x, grid.shape[1])
            for i, x in enumerate(case.inputs)
        )
    sample = type(case.sample)(sample_inputs, case.sample.attrs)
    special_case = Case(case.op, sample, case.id)
    assert_numpys(special_case, by_source(special_case))
