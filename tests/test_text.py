"""The text of Functions: what it looks like, and that it reads back."""

import struct

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from programs_in_text import POWER
from random_functions import constants, dims, functions
from roundtrip import assert_round_trip

from adcompiler.ir.build import emit, function, origin
from adcompiler.ir.check import verify
from adcompiler.ir.equality import difference, same
from adcompiler.ir.errors import Location, VerifierError
from adcompiler.ir.evaluate import evaluate
from adcompiler.ir.graph import Block, Constant, Eqn, Function, Value, constant
from adcompiler.ir.ops import OPS
from adcompiler.ir.parse import parse
from adcompiler.ir.text import constant_text, constants_of, content_hash, to_text
from adcompiler.ir.types import F64, ArrayType, Dim, DType, Guard, Relation

# ---- what it looks like ----


def test_a_text_prints_as_it_was_read():
    read = parse(POWER, OPS)
    verify(read)
    assert to_text(read) == POWER
    assert [eqn.note for eqn in read.body.eqns[1].blocks[0].eqns[:3]] == ["replayed", "adjoint of z", None]
    assert_round_trip(read)


def test_a_parsed_loop_evaluates():
    p, x_bar = evaluate(parse(POWER, OPS), [0.3, 1.0], {"n": 4})
    assert p == pytest.approx(np.sin(0.3) ** 4, rel=1e-15)
    assert x_bar == pytest.approx(4 * np.sin(0.3) ** 3 * np.cos(0.3), rel=1e-15)


def test_without_locations_there_are_no_comments():
    plain = to_text(parse(POWER, OPS), locations=False)
    assert "# a" not in plain and "replayed" not in plain
    assert same(parse(plain, OPS), parse(POWER, OPS))


def test_lines_and_notes_are_shown_where_they_change(tmp_path):
    source = tmp_path / "loss.py"
    source.write_text("def f(a):\n    return a * a + 1.0\n")
    line = Location(str(source), 2)

    def body(a):
        with origin(line):
            v = a * a + 1.0
        with origin(line, "adjoint of v"):
            v = v * 2.0 + v
        with origin(Location(str(source), 1)):
            return [v, -v]

    written = function("f", [Value(ArrayType(F64), "a")], body, ops=OPS)
    assert to_text(written).split("\n") == [
        "func f(a: f64) -> (f64, f64) {",
        "  v0: f64 = mul a, a     # loss.py:2  return a * a + 1.0",
        "  v1: f64 = add v0, 1.0",
        "  v2: f64 = mul v1, 2.0  # adjoint of v",
        "  v3: f64 = add v2, v1",
        "  v4: f64 = neg v3       # loss.py:1  def f(a):",
        "  return v3, v4",
        "}",
    ]


def test_names_are_unique_and_hints_are_kept_where_they_are_free():
    scalar = ArrayType(F64)
    params = [Value(scalar, hint) for hint in ("x", "x", "x_1", "u[0]", "yield", "f64", None, "α", "x_7", "")]
    written = function("f", params, lambda *given: given, ops=OPS)
    assert to_text(written).split("(")[1].split(")")[0] == (
        "x: f64, x_1: f64, x_2: f64, u_0: f64, yield_1: f64, f64_1: f64, v0: f64, α: f64, x_7: f64, v1: f64"
    )


def test_head_with_guards_written_arguments_and_a_quoted_name():
    head = 'func "<lambda>"[n, m](x: f64[n], y: f64[m]) -> (f64[n], f64[m])'
    text = head + " where n - m == 0, n != 0 writes 1 -> y, 0 -> x {\n  return x, y\n}"
    read = parse(text, OPS)
    assert to_text(read) == text
    assert read.name == "<lambda>" and read.written == ((1, 1), (0, 0))
    assert read.guards[1] == Guard(Dim.of("n"), Relation.NONZERO)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (2.0, "2.0"),
        (3, "3"),
        (True, "True"),
        (-0.0, "-0.0"),
        (-np.inf, "-inf"),
        (np.nan, "nan"),
        (-np.nan, "nan(0xfff8000000000000)"),
        (np.array(0x7FF8000000000001, "u8").view("f8"), "nan(0x7ff8000000000001)"),
        (5e-324, "5e-324"),
        (np.float32(0.1), "0.1:f32"),
        (np.array(0xFFC00001, "u4").view("f4"), "nan(0xffc00001):f32"),
        (np.float32("nan"), "nan:f32"),
        (np.uint64(2**64 - 1), "18446744073709551615:u64"),
        (np.int8(-128), "-128:i8"),
        (np.array([[1.0, -0.0], [np.inf, 2.5]]), "[1.0, -0.0, inf, 2.5]:f64[2, 2]"),
        (np.array([True, False]), "[True, False]:bool[2]"),
        (np.zeros((2, 0, 3), np.int16), "[]:i16[2, 0, 3]"),
        (np.arange(17.0), "@" + content_hash(np.arange(17.0)) + ":f64[17]"),
    ],
)
def test_constants(data, text):
    assert constant_text(constant(data)) == text


def test_the_hash_is_of_contents_type_and_shape():
    arrays = [np.arange(20.0), np.arange(20), np.arange(20.0).reshape(4, 5), np.arange(20.0) + 0.0]
    hashes = [content_hash(a) for a in arrays]
    assert hashes[0] == hashes[3] and len(set(hashes)) == 3


@pytest.mark.parametrize(
    "attr",
    [True, 1, -3, 2.0, -0.0, 1e300, float("-inf"), 'a"b\\c\n#\u2028é', None, F64, (), (1,), (1, (2.5, "x"))]
    + [Dim.of("n"), (Dim.of("n") + 1) // 2, (Dim.of("n") - 1).positive() * -2, ("span", Dim.of("n") // 2, -1)]
    + [struct.unpack(">d", bytes.fromhex("7ff800000000abcd"))[0], ((Dim.of("n") + 1) // 2,)],
)
def test_attributes(attr):
    eqn = Eqn(OPS["zeros"], (), (Value(ArrayType(F64)),), {"shape": (), "dtype": F64, "extra": attr})
    written = Function("f", Block((), (eqn,), ()), ("n",))
    read = parse(to_text(written), OPS)
    assert difference(written, read) is None
    assert repr(read.body.eqns[0].attrs["extra"]) == repr(attr)
    assert to_text(read) == to_text(written)


def test_a_size_that_is_a_number_is_read_as_an_integer():
    one, other = ({"size": size} for size in (Dim.of(3), 3))
    eqns = [Eqn(OPS["dim"], (), (Value(ArrayType(DType.I64)),), attrs) for attrs in (one, other)]
    assert same(*(Function("f", Block((), (eqn,), ())) for eqn in eqns))
    assert (
        parse("func f() -> () {\n  k: i64 = dim {size=2 + 1}\n  return\n}", OPS).body.eqns[0].attrs == other
    )


def test_what_is_no_attribute_is_refused():
    eqn = Eqn(OPS["dim"], (), (Value(ArrayType(DType.I64)),), {"size": {1}})
    with pytest.raises(VerifierError, match="^\\{1\\} cannot be an attribute$"):
        to_text(Function("f", Block((), (eqn,), ())))


# ---- round trips ----


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(functions())
def test_random_functions_round_trip(written):
    verify(written)
    assert_round_trip(written)


@given(constants())
def test_constants_round_trip_bit_for_bit(value):
    written = Function("f", Block((), (), (value,)))
    (read,) = parse(to_text(written), OPS, constants_of(written)).body.results
    assert isinstance(read, Constant) and read.type == value.type
    assert np.asarray(read.data).tobytes() == np.asarray(value.data).tobytes()


@given(st.floats(width=32, allow_nan=False))
def test_short_decimals_of_f32_mean_the_same_bits(value):
    written = Function("f", Block((), (), (constant(np.float32(value)),)))
    assert same(parse(to_text(written), OPS), written)


@given(dims(depth=4))
def test_sizes_round_trip(size):
    written = Function("f", Block((), (), ()), ("n", "m"), (Guard(size, Relation.NONNEGATIVE),))
    assert parse(to_text(written), OPS).guards == written.guards


def test_every_sample_of_every_op_round_trips():
    seen = set()
    for op in OPS.values():
        for sample in op.samples:
            if op.name == "undefined" and sample.inputs:
                continue  # memory is lent by a parameter, and a Constant is none
            inputs = [constant(x) for x in sample.inputs]
            written = function(
                "f", [], lambda op=op, inputs=inputs, sample=sample: emit(op, inputs, sample.attrs), ops=OPS
            )
            verify(written)
            assert_round_trip(written)
            seen.add(op.name)
    assert seen == {op.name for op in OPS.values() if op.samples}


def test_deep_chains_need_no_recursion():
    def body(x):
        for _ in range(20_000):
            x = -x
        return [x]

    written = function("f", [Value(ArrayType(F64), "x")], body, ops=OPS)
    verify(written)
    assert same(parse(to_text(written), OPS), written)
