"""Structural ops: lowerings run as Python, SymPy forms, and derivatives of what is not linear."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
import sympy
from op_cases import Case, Strict, applied, cases, directions, f64, read, type_of

from adcompiler.ir.build import function
from adcompiler.ir.evaluate import evaluate
from adcompiler.ir.graph import Value
from adcompiler.ir.op import Element, Reduction, Rule, Scan, Whole
from adcompiler.ir.ops import (
    OPS,
    arrays,
    assembly,
    indexing,
    linear_algebra,
    products,
    reductions,
    shape,
    triangular,
)
from adcompiler.ir.types import F32, Dim, array_type
from adcompiler.transforms.forward import forward
from adcompiler.transforms.reverse import reverse

FAMILIES = (arrays, assembly, indexing, linear_algebra, products, reductions, shape, triangular)
NAMES = {op.name for family in FAMILIES for op in family.OPS}
CASES = [case for case in cases() if case.op.name in NAMES]
n, m = Dim.of("n"), Dim.of("m")


def each(chosen: list[Case]):
    return pytest.mark.parametrize("case", chosen, ids=[case.id for case in chosen])


def with_lowering(kind: type) -> list[Case]:
    return [case for case in CASES if isinstance(case.op.lowering, kind)]


# ---- lowerings, run as the Python that they are ----


def names_of(case: Case) -> dict[str, Any]:
    return {"np": np, **{f"x{j}": Strict(x) for j, x in enumerate(case.inputs)}}


@each(with_lowering(Element))
def test_element_sources_read_what_numpy_gives(case: Case) -> None:
    (eqn,) = case.function.body.eqns
    (output,) = case.outputs
    indices = [f"i{axis}" for axis in range(np.ndim(output))]
    source = eqn.op.lowering.source(eqn, read, indices)
    code = compile(source, case.id, "eval")
    for place in np.ndindex(np.shape(output)):
        assert eval(code, names_of(case), dict(zip(indices, place, strict=True))) == np.asarray(output)[place]


def test_element_sources_take_expressions_as_indices() -> None:
    x = np.arange(60.0).reshape(3, 4, 5)
    for name, attrs in (
        ("flip", {"axes": (0, 1)}),
        ("roll", {"axis": 1, "shift": 3}),
        ("tril", {"k": -1}),
        ("reshape", {"shape": (6, 2, 5)}),
        ("reshape", {"shape": (60,)}),
        ("reshape", {"shape": (5, 4, 3)}),
    ):
        params = [Value(type_of(x), "x")]
        (eqn,) = function(name, params, lambda v, op=OPS[name], a=attrs: [op(v, **a)], ops=OPS).body.eqns
        output = eqn.op.numpy(x, **attrs)
        indices = [f"i{axis} - j" for axis in range(output.ndim)]
        code = compile(eqn.op.lowering.source(eqn, read, indices), name, "eval")
        for place in np.ndindex(output.shape):
            values = {f"i{axis}": i + 7 for axis, i in enumerate(place)}
            assert eval(code, {"np": np, "x0": Strict(x), "j": 7, **values}) == output[place]


def test_a_reshape_that_inserts_axes_computes_nothing() -> None:
    (eqn,) = function(
        "f", [Value(f64(n, m), "x")], lambda x: [OPS["reshape"](x, shape=(n, 1, m, 1))], ops=OPS
    ).body.eqns
    assert eqn.op.lowering.source(eqn, read, ["i", "a", "j", "b"]) == "x0[(i, j, )]"


@each(with_lowering(Whole))
def test_whole_sources_give_fresh_contiguous_arrays(case: Case) -> None:
    (eqn,) = case.function.body.eqns
    operands = [f"x{j}" for j in range(len(case.inputs))]
    source = eqn.op.lowering.source(eqn, operands)
    found = eval(source, {"np": np, **dict(zip(operands, case.inputs, strict=True))})
    np.testing.assert_array_equal(found, case.outputs[0])
    assert np.ndim(found) == 0 or found.flags.c_contiguous
    assert not any(np.shares_memory(found, x) for x in case.inputs if np.ndim(x))


def started(init: str, step: str, dtype: np.dtype) -> tuple[Any, Any]:
    """The start value of a reduction, and its step as a function."""
    floating = dtype.kind == "f"
    words = (
        {
            "zero": dtype.type(0),
            "one": dtype.type(1),
            "lowest": -np.inf if floating else np.iinfo(dtype).min,
            "highest": np.inf if floating else np.iinfo(dtype).max,
        }
        if dtype.kind != "b"
        else {"zero": False, "one": True}
    )
    code = compile(step.format(acc="acc", x="x"), "step", "eval")
    return eval(init.format(**{word: word for word in words}), words), lambda acc, x: eval(
        code, {"acc": acc, "x": x}
    )


@each(with_lowering(Reduction))
def test_reductions_accumulate_to_what_numpy_gives(case: Case) -> None:
    (x,), (output,), axes = case.inputs, case.outputs, case.sample.attrs["axes"]
    start, step = started(case.op.lowering.init, case.op.lowering.step, np.asarray(output).dtype)
    found = np.full(np.shape(output), start, np.asarray(output).dtype)
    for place in np.ndindex(np.shape(x)):
        target = tuple(i for axis, i in enumerate(place) if axis not in axes)
        found[target] = step(found[target], np.asarray(x)[place])
    np.testing.assert_allclose(found, output, rtol=1e-14)


@each(with_lowering(Scan))
def test_scans_keep_what_numpy_gives(case: Case) -> None:
    (x,), (output,), attrs = case.inputs, case.outputs, case.sample.attrs
    start, step = started(case.op.lowering.init, case.op.lowering.step, output.dtype)
    lines = np.moveaxis(x, attrs["axis"], 0)
    expected = np.moveaxis(output, attrs["axis"], 0)
    so_far = np.full(lines.shape[1:], start)
    for i in reversed(range(len(lines))) if attrs.get("reverse") else range(len(lines)):
        so_far = step(so_far, lines[i])
        np.testing.assert_allclose(so_far, expected[i], rtol=1e-14)


@pytest.mark.parametrize("name", ["max", "min"])
@pytest.mark.parametrize("line", list(itertools.permutations([1.0, np.nan, 2.0])))
def test_extrema_keep_nan(name: str, line: tuple[float, ...]) -> None:
    op = OPS[name]
    start, step = started(op.lowering.init, op.lowering.step, np.dtype(np.float64))
    for x in line:
        start = step(start, x)
    assert math.isnan(start)
    assert math.isnan(op.numpy(np.array(line), axes=(0,)))


# ---- SymPy ----


@each([case for case in CASES if case.op.sympy is not None and not any(t.dtype is F32 for t in case.types)])
def test_sympy_forms_agree_with_numpy(case: Case) -> None:
    floats = [
        np.vectorize(lambda x: sympy.Rational(float(x)), otypes=[object])(x)[()] if t.dtype.is_float else x
        for x, t in zip(case.inputs, case.types, strict=True)
    ]
    found = case.op.sympy(*floats, **case.sample.attrs)
    assert np.shape(found) == np.shape(case.outputs[0])
    np.testing.assert_allclose(np.asarray(found, dtype=float), case.outputs[0], rtol=1e-12, atol=1e-14)


# ---- derivatives of what is not linear ----

RULES = [case for case in CASES if isinstance(case.op.derivative, Rule) and case.sample.smooth]


def differences(f: Any, inputs: Any, tangents: Any) -> Any:
    """The derivative of `f` along tangents: central differences of fourth order."""
    h = 1e-3
    at = {s: f(*(x + s * h * t for x, t in zip(inputs, tangents, strict=True))) for s in (-2, -1, 1, 2)}
    return (8 * (at[1] - at[-1]) - (at[2] - at[-2])) / (12 * h)


@each(RULES)
def test_forward_agrees_with_differences(case: Case) -> None:
    tangents = directions(case.inputs, 0)
    value, tangent = evaluate(forward(case.function, range(len(case.inputs))), [*case.inputs, *tangents])
    np.testing.assert_array_equal(value, case.outputs[0])
    expected = differences(lambda *x: case.evaluate(*x)[0], case.inputs, tangents)
    np.testing.assert_allclose(tangent, expected, rtol=1e-8, atol=1e-9)


@each(RULES)
def test_reverse_is_the_transpose_of_forward(case: Case) -> None:
    tangents, (cotangent,) = directions(case.inputs, 0), directions(case.outputs, 1)
    everything = range(len(case.inputs))
    _, tangent = evaluate(forward(case.function, everything), [*case.inputs, *tangents])
    _, *cotangents = evaluate(reverse(case.function, everything), [*case.inputs, cotangent])
    pulled = sum(np.sum(c * t) for c, t in zip(cotangents, tangents, strict=True))
    np.testing.assert_allclose(pulled, np.sum(cotangent * tangent), rtol=1e-11, atol=1e-12)


@each(RULES)
def test_second_order_agrees_with_differences(case: Case) -> None:
    """Forward over reverse, against differences of reverse."""
    everything = range(len(case.inputs))
    (cotangent,) = directions(case.outputs, 1)
    tangents = directions(case.inputs, 2)
    adjoint = reverse(case.function, everything)
    twice = evaluate(forward(adjoint, everything), [*case.inputs, cotangent, *tangents])[
        1 + len(case.inputs) + 1 :
    ]
    for j, found in enumerate(twice):
        expected = differences(
            lambda *x, j=j: evaluate(adjoint, [*x, cotangent])[1 + j], case.inputs, tangents
        )
        np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize(
    ("name", "x", "expected"),
    [
        ("max", [2.0, 5.0, 5.0], [0.0, 0.5, 0.5]),
        ("min", [7.0, 1.0, 7.0], [0.0, 1.0, 0.0]),
        ("min", [3.0, 3.0, 3.0, 3.0], [0.25] * 4),
        ("max", [-np.inf, np.inf], [0.0, 1.0]),
        ("max", [1.0, np.nan], [np.nan, np.nan]),
        ("prod", [0.0, 2.0, 3.0], [6.0, 0.0, 0.0]),
        ("prod", [0.0, 2.0, 0.0], [0.0, 0.0, 0.0]),
        ("prod", [-4.0], [1.0]),
    ],
)
def test_gradients_where_formulas_go_wrong(name: str, x: list[float], expected: list[float]) -> None:
    inputs = [np.array(x)]
    adjoint = reverse(applied(name, inputs, axes=(0,)), [0])
    with np.errstate(divide="ignore", invalid="ignore"):
        _, gradient = evaluate(adjoint, [*inputs, np.float64(1.0)])
    np.testing.assert_array_equal(gradient, expected)


def test_the_cotangent_is_read_before_its_place_is_cleared() -> None:
    """So that the place may be cleared in place."""
    params = [Value(f64(n), "x"), Value(f64(), "v"), Value(array_type("i64"), "i")]
    source = function("store", params, lambda x, v, i: [OPS["put"](x, v, i)], ops=OPS, sizes=["n"])
    names = [eqn.op.name for eqn in reverse(source, [0, 1]).body.eqns]
    assert names.index("index") < len(names) - 1 - names[::-1].index("put")
