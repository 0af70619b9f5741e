"""Structural equality: what counts, and how a difference is named."""

import numpy as np
import pytest
from programs_in_text import POWER

from adcompiler.ir.equality import difference, same
from adcompiler.ir.graph import Block, Eqn, Function, constant
from adcompiler.ir.ops import OPS
from adcompiler.ir.parse import parse
from adcompiler.ir.types import F64, Dim


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("power_vjp", "power", "name power_vjp and power"),
        ("[n]", "[n, m]", "sizes [n] and [n, m]"),
        ("n - 2", "n - 1", "guards [n - 2 >= 0] and [n - 1 >= 0]"),
        (" {\n  p", " writes 0 -> x {\n  p", "written () and ((0, 0),)"),
        ("p_bar: f64)", "p_bar: f64, q: f64)", "parameters: types [f64, f64] and [f64, f64, f64]"),
        ("sin x ", "cos x ", "s: f64 = sin x and s: f64 = cos x: op sin and cos"),
        ("mul sj, z_bar", "mul z_bar, sj", "y_bar: f64 = mul sj, z_bar and y_bar: f64 = mul z_bar, sj: operands sj and z_bar"),
        ("for 1.0", "for -1.0", None),
        ("0.0, ys", "-0.0, ys", None),
        (", reverse=True", "", None),
        ("carry=1}", "carry=1, reverse=False}", None),
        ("return p, x_bar", "return x_bar, p", "results: operands p and x_bar"),
        ("yield z, y\n", "yield z, z\n", "results: operands y and z"),
        ('"ValueError"', '"IndexError"', None),
        ('  check True {kind="ValueError", message="a # that is no comment"}\n', "", "number of equations: 3 and 2"),
    ],
)  # fmt: skip
def test_differences_are_named(old, new, message):
    assert old in POWER
    found = difference(parse(POWER, OPS), parse(POWER.replace(old, new, 1), OPS))
    assert found is not None
    assert message is None or found == message


def test_names_places_and_notes_do_not_count():
    renamed = (
        POWER.replace("x_acc", "total").replace("# replayed", "").replace("power.py:5", "elsewhere.py:1")
    )
    assert same(parse(POWER, OPS), parse(renamed, OPS))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1.0, 1),
        (True, 1),
        (0.0, -0.0),
        (None, False),
        ((1,), 1),
        ("f64", F64),
        (Dim.of("n"), "n"),
        (Dim.of(2), 2.0),
    ],
)
def test_attributes_that_python_holds_equal_are_not(one, other):
    f, g = (Function("f", Block((), (Eqn(OPS["zeros"], (), (), {"extra": a}),), ())) for a in (one, other))
    assert same(f, f)
    assert difference(f, g).endswith("attribute extra")


def test_constants_are_compared_with_type_and_bits():
    data = [
        0.0,
        -0.0,
        np.nan,
        -np.nan,
        np.float32(0.0),
        0,
        np.zeros(1),
        np.zeros((1, 1)),
        np.zeros(0),
        np.zeros((0, 1)),
    ]
    all_of = [Function("f", Block((), (), (constant(x),))) for x in data]
    for k, f in enumerate(all_of):
        assert [same(f, g) for g in all_of] == [k == j for j in range(len(all_of))]
