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
    ("old", "new", "difference_"),
    [
        ("power_vjp", "power", "name power_vjp and power"),
        ("[n]", "[n, m]", "sizes [n] and [n, m]"),
        ("n - 2", "n - 1", "guards [n - 2 >= 0] and [n - 1 >= 0]"),
        (" {\n  p", " writes 0 -> x {\n  p", "written () and ((0, 0),)"),
        ("p_bar: f64)", "p_bar: f64, q: f64)", "types [f64, f64] and [f64, f64, f64]"),
        ("sin x ", "cos x ", "op sin and cos"),
        ("mul sj, z_bar", "mul z_bar, sj", "operands sj and z_bar"),
        ("for 1.0", "for -1.0", "operands 1.0 and -1.0"),
        ("0.0, ys", "-0.0, ys", "operands 0.0 and -0.0"),
        (", reverse=True", "", "attribute reverse is in one only"),
        ("reverse=True", "reverse=False", "attribute reverse"),
        ("return p, x_bar", "return x_bar, p", "operands p and x_bar"),
        ("yield z, y\n", "yield z, z\n", "operands y and z"),
        ('"ValueError"', '"IndexError"', "attribute kind"),
        ("  return", "  check False {}\n  return", "number of equations 3 and 4"),
    ],
)
def test_differences_are_named(old, new, difference_):
    assert old in POWER
    new = new.replace("{}", '{kind="ValueError", message=""}')
    found = difference(parse(POWER, OPS), parse(POWER.replace(old, new, 1), OPS))
    assert found is not None and found.rpartition(": ")[2] == difference_


def test_operands_are_counted():
    text = "func f(x: f64[2]) -> (f64[{n}]) {{\n  y: f64[{n}] = concatenate {xs} {{axis=0}}\n  return y\n}}"
    one, two = (parse(text.format(n=n, xs=xs), OPS) for n, xs in ((2, "x"), (4, "x, x")))
    assert difference(one, two).endswith(": number of operands 1 and 2")


def test_a_difference_shows_both_equations():
    other = parse(POWER.replace("sin x ", "cos x ", 1), OPS)
    assert difference(parse(POWER, OPS), other) == "s: f64 = sin x and s: f64 = cos x: op sin and cos"
    renamed = parse(POWER.replace("p_bar: f64)", "p_bar: i64)").replace("p_bar, 0.0", "1.0, 0.0"), OPS)
    assert difference(parse(POWER, OPS), renamed) == "parameters: types [f64, f64] and [f64, i64]"


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
