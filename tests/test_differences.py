"""Differences, complex steps, the test for zero, and the proof of every record's partials."""

import math
from dataclasses import replace

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from verified_programs import branching, index, integrator, param, power, program, sum_

from adcompiler.ir.errors import AdcompilerError
from adcompiler.ir.evaluate import evaluate
from adcompiler.ir.graph import constant
from adcompiler.ir.op import Partials
from adcompiler.ir.ops import OPS
from adcompiler.ir.types import DType
from adcompiler.verification.differences import (
    Tolerance,
    WrongDerivative,
    check_jvp,
    check_vjp,
    complex_step,
    directional,
    holomorphic,
    richardson,
)
from adcompiler.verification.symbolic import Standing, prove_record, terms, vanishes

ELEMENTWISE = [op for op in OPS.values() if isinstance(op.derivative, Partials)]

# ---- along a line ------------------------------------------------------------------------------------------


@given(
    st.floats(-2, 2),
    st.sampled_from([(math.exp, math.exp), (math.sin, math.cos), (math.atan, lambda x: 1 / (1 + x * x))]),
)
def test_extrapolated_differences_know_their_error(x, functions):
    f, derivative = functions
    estimate = richardson(lambda h: f(x + h))
    assert abs(estimate.value - derivative(x)) <= 10 * estimate.error
    assert abs(estimate.value - derivative(x)) < 1e-10


def test_extrapolated_differences_of_arrays_are_elementwise():
    x = np.array([0.3, 2.0, -1.0])
    estimate = richardson(lambda h: np.exp(x + h))
    assert estimate.value.shape == (3,)
    np.testing.assert_allclose(estimate.value, np.exp(x), rtol=1e-11)


# ---- complex steps -----------------------------------------------------------------------------------------


def test_which_ops_are_holomorphic_is_found_out():
    smooth = {
        "add",
        "mul",
        "div",
        "exp",
        "sin",
        "tanh",
        "pow",
        "index",
        "put",
        "add_at",
        "sum",
        "matmul",
        "where",
        "less",
    }
    assert {name for name in smooth if not holomorphic(OPS[name])} == set()
    assert [name for name in ("abs", "sign", "floor", "arctan2", "cast") if holomorphic(OPS[name])] == []


def test_complex_steps_are_exact():
    (found,) = complex_step(power(), [0.3], [1.0], {"n": 5}) or [math.nan]
    assert found == pytest.approx(5 * math.sin(0.3) ** 4 * math.cos(0.3), rel=1e-15)


def test_complex_steps_go_through_branches():
    (found,) = complex_step(branching(), [0.9], [1.0], {"n": 2}) or [math.nan]
    t = math.tanh(0.9)
    assert found == pytest.approx((2 - t * t) * math.sin(0.9) + (0.9 + t) * math.cos(0.9), rel=1e-14)


def test_complex_steps_and_differences_agree():
    args, tangents = [1.1, 0.8, 0.5, 0.7, 0.6, 0.9], [0.3, -0.2, 1.0, 0.5, -0.7, 0.1]
    (exact,) = complex_step(integrator(), args, tangents, {"n": 20}) or [math.nan]
    rough = program([param("x")], lambda x: [OPS["abs"](x) * x])
    assert complex_step(rough, [2.0], [1.0], {}) is None
    (estimate,) = directional(rough, [2.0], [1.0], {})
    assert estimate.value == pytest.approx(4.0, rel=1e-11)
    moved = richardson(lambda h: evaluate_moved(args, tangents, h))
    assert moved.value == pytest.approx(exact, rel=1e-10)


def evaluate_moved(args, tangents, h):
    return evaluate(integrator(), [a + h * t for a, t in zip(args, tangents, strict=True)], {"n": 20})[0]


def test_a_direction_leaves_the_other_parameters_alone():
    primal = program(
        [param("a", "n"), param("b")], lambda a, b: [sum_(a, axes=(0,)) * b, index(a, constant(0))]
    )
    found = complex_step(primal, [np.array([1.0, 2.0]), 3.0], [np.array([0.5, 0.25]), None], {"n": 2})
    assert found == [0.75 * 3.0, 0.5]


# ---- compiled derivatives ----------------------------------------------------------------------------------


def f(x, y):
    return [np.sin(x) * y, np.sum(x * y)]


def jvp(args, tangents):
    (x, y), (dx, dy) = args, tangents
    return [np.cos(x) * y * dx + np.sin(x) * dy, np.sum(x * dy + y * dx)]


def vjp(args, cotangents):
    (x, y), (u, v) = args, cotangents
    return [np.cos(x) * y * u + y * v, np.sin(x) * u + x * v]


ARGS = [np.array([0.1, 0.2, 0.3]), np.array([1.0, 2.0, 3.0])]
DOUBLE = Tolerance.of(ARGS, None, None, None)


@pytest.mark.parametrize("eps", [None, 1e-4])
def test_right_derivatives_pass(eps):
    tolerance = Tolerance.of(ARGS, None, None, eps)
    check_jvp(f, jvp, ARGS, tolerance)
    check_vjp(f, vjp, ARGS, tolerance)


def test_single_precision_is_tolerated():
    args = [a.astype(np.float32) for a in ARGS]
    tolerance = Tolerance.of(args, None, None, None)
    assert tolerance == Tolerance(1e-2, 1e-2, 3e-2)
    check_jvp(f, jvp, args, tolerance)
    check_vjp(f, vjp, args, tolerance)


def test_a_wrong_reverse_derivative_is_named():
    def wrong(args, cotangents):
        x_bar, y_bar = vjp(args, cotangents)
        return [x_bar, y_bar * [1.0, 1.0, 1.1]]

    with pytest.raises(
        WrongDerivative,
        match=r"^the reverse derivative is wrong for argument 1 \(y\), element 2: "
        r"it says \S+, differences say \S+$",
    ):
        check_vjp(f, wrong, ARGS, DOUBLE, names=["x", "y"])
    with pytest.raises(WrongDerivative, match=r"for argument 1, element 2: "):
        check_vjp(f, wrong, ARGS, DOUBLE)


def test_a_wrong_forward_derivative_is_named():
    with pytest.raises(WrongDerivative, match=r"^the forward derivative is wrong for result 1: it says "):
        check_jvp(f, lambda args, t: [jvp(args, t)[0], 1.001 * jvp(args, t)[1]], ARGS, DOUBLE)


def test_a_missing_number_is_wrong():
    with pytest.raises(AssertionError, match="it says nan"):
        check_vjp(f, lambda args, ct: [vjp(args, ct)[0] * np.nan, vjp(args, ct)[1]], ARGS, DOUBLE)
    assert issubclass(WrongDerivative, AdcompilerError)


# ---- the test for zero -------------------------------------------------------------------------------------

X, Y = sympy.symbols("x y", positive=True)
POINT = {X: sympy.Float("0.3", 50), Y: sympy.Float("0.8", 50)}


@pytest.mark.parametrize(
    "identity",
    [
        (X + Y) ** 3 - X**3 - 3 * X**2 * Y - 3 * X * Y**2 - Y**3,
        1 / X - 1 / Y - (Y - X) / (X * Y),
        X ** (Y - 1) - X**Y / X,
        sympy.sqrt((1 - X) * (1 + X)) - sympy.sqrt(1 - X**2),
        1 / (1 + sympy.exp(Y - X)) - sympy.exp(X) / (sympy.exp(X) + sympy.exp(Y)),
        sympy.sin(X) ** 2 + sympy.cos(X) ** 2 - 1,
        sympy.cosh(X) ** 2 - sympy.sinh(X) ** 2 - 1,
    ],
    ids=str,
)
def test_identities_vanish_and_their_neighbours_do_not(identity):
    assert vanishes(identity, POINT)
    assert not vanishes(identity + X * Y / 1000, POINT)


def test_what_has_too_many_terms_is_left_open():
    symbols = sympy.symbols("a:h")
    huge = sum(symbols) ** 30
    assert terms(huge) == math.comb(37, 30)
    assert not vanishes(huge * X - huge * (X + Y) + huge * Y, POINT)


# ---- the partials of the records ---------------------------------------------------------------------------


@pytest.mark.parametrize("op", ELEMENTWISE, ids=lambda op: op.name)
def test_the_partials_of_every_record_are_proven(op):
    proofs = prove_record(op)
    assert proofs
    assert [p.reason for p in proofs if p.standing is not Standing.PROVEN] == []


@pytest.mark.parametrize("op", ELEMENTWISE, ids=lambda op: op.name)
def test_a_wrong_partial_of_any_record_is_wrong(op):
    def tilted(*values, **attrs):
        exact = op.derivative.of(*values, **attrs)
        return [constant(1.0, DType.F64) if p is None else p + 1e-9 for p in exact]

    wrong = replace(op, derivative=Partials(tilted))
    assert {p.standing for p in prove_record(wrong)} == {Standing.WRONG}


def test_the_reason_names_op_and_operand():
    wrong = replace(OPS["mul"], derivative=Partials(lambda x, y, z: [y, y]))
    assert prove_record(wrong)[0].reason == "the partial of mul with respect to operand 1 is wrong"
    unknown = replace(OPS["sin"], sympy=None)
    assert prove_record(unknown)[0].reason == "op sin has no symbolic form"
    assert prove_record(unknown)[0].standing is Standing.UNDECIDED
