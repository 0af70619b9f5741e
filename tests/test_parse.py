"""Malformed IR text: each error names line and column, shows the line, and puts carets under the place.

In the tables below `«` and `»` enclose what the carets must stand under; they are not part of the text.
"""

from textwrap import dedent

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from programs_in_text import POWER

from adcompiler.ir.build import emit, function
from adcompiler.ir.equality import same
from adcompiler.ir.errors import TextError
from adcompiler.ir.graph import constant
from adcompiler.ir.ops import OPS
from adcompiler.ir.parse import parse
from adcompiler.ir.text import constants_of, content_hash, to_text
from adcompiler.ir.types import DType

FUNCTIONS = [
    ("«»", "expected 'func', found the end of the text", None),
    ("func«»", "expected the name of the function, found the end of the line", None),
    ("func f() -> () {«»", "expected an op, found the end of the text", None),
    ("func «max»() -> () {", "'max' means something else in the text", None),
    ("func f[«f64»]() -> () {", "'f64' cannot name a size", None),
    (
        "func f(x: «f65») -> () {",
        "expected a dtype, found 'f65'",
        "one of " + ", ".join(d.value for d in DType),
    ),
    ("func f(x: f64[«]») -> () {", "expected a size, found ']'", None),
    ("func f(x: f64[«2.5»]) -> () {", "'2.5' is not an integer", None),
    ("func f(x: f64[n // «0»]) -> () {", "a size is divided by positive integers only", None),
    ("func f(x: f64[max(n, «1»)]) -> () {", "expected '0', found '1'", None),
    ("func f(x: f64, «x»: f64) -> () {", "'x' is defined twice", None),
    ("func f() -> () where n «>» 0 {", "unexpected character '>'", None),
    ("func f() -> () where n «=» 0 {", "expected '==', '!=' or '>=', found '='", None),
    ("func f() -> () where n == «1» {", "expected '0', found '1'", None),
    ("func f() -> () writes 0 -> «x» {", "'x' is not a parameter", None),
    ("func f() -> () {\n  return\n}\n«func»", "expected the end of the text, found 'func'", None),
    ("func f() -> () {\n  return\n} «x»", "expected the end of the line, found 'x'", None),
    ("func f() «->» () {\n  return 1.0\n}", "0 results are declared, 1 are returned", None),
    ("func f() -> («f32») {\n  return 1.0\n}", "result 0 is f64, not f32", None),
    ("func f() -> () {\n  «yield»\n}", "expected 'return', found 'yield'", None),
    ("func f() -> () {\n  return «}»\n", "expected an operand, found '}'", None),
    ("func f[n]() -> () {\n  k: i64 = dim {size=(n + 1«»\n", "expected ')', found the end of the line", None),
]

LINES = [
    ("y: f64 = «sine» x", "there is no op 'sine'", "did you mean sin or sinh?"),
    ("y: f64 = «zzz» x", "there is no op 'zzz'", None),
    ("y: f64 = sin «xx»", "'xx' is not defined here", "did you mean x?"),
    ("y: f64 = sin «y»", "'y' is not defined here", None),
    ("y: «f32» = sin x", "'y' is f64, not f32", None),
    ("y: f64[n], z: f64 = «sin» a", "sin has 1 results, not 2", None),
    ("y: f64 = «mul» x", "mul takes 2 operands, not 1", None),
    ("y: f64 = «mul» x, k", "mul takes operands of one dtype, not f64, i64", None),
    ("y: f64 = «ipow» x", "ipow needs the attribute n", None),
    ("y: f64 = sin x «y»", "expected the end of the line, found 'y'", None),
    ("y: f64 = sin x,«»", "expected an operand, found the end of the line", None),
    ("y: f64 «sin» x", "expected '=', found 'sin'", None),
    ("«x»: f64 = sin x", "'x' is defined twice", None),
    ("return«:» f64 = sin x", "expected an operand, found ':'", None),
    ("y: f64 = ipow x {n=2, «n»=3}", "attribute 'n' is given twice", None),
    ("y: f64 = ipow x {n=«}»", "expected a size, found '}'", None),
    ("y: f64 = ipow x {n«}»", "expected '=', found '}'", None),
    ("y: f64 = ipow x {n=2«»", "expected '}', found the end of the line", None),
    ("y: f64 = ipow x {n=(1,«»", "expected a size, found the end of the line", None),
    ("y: f64 = ipow x {n=«0x10»}", "'0x10' is not an integer", None),
    ('check True {kind=«"»V', "a string without its end", None),
    ('check True {kind=«"\\q"»}', '"\\q" is not a string as JSON writes it', None),
    ("y: f64 = sin «1e999»", "1e999 does not fit f64", None),
    ("y: f32 = sin -«1e39»:f32", "-1e39 does not fit f32", None),
    ("y: i8 = neg «128»:i8", "128 does not fit i8", None),
    ("y: u8 = neg -«1»:u8", "-1 does not fit u8", None),
    ("y: f64 = sin «1»:f64", "'1' is not of dtype f64", None),
    ("y: i64 = neg «1.0»:i64", "'1.0' is not of dtype i64", None),
    ("y: i64 = neg «True»:i64", "'True' is not of dtype i64", None),
    ("y: f64 = sin «nan»(0x1)", "nan does not fit f64", None),
    ("y: f64 = sin nan(«1»)", "the bits of a NaN are hexadecimal, not '1'", None),
    ("y: f32 = sin «nan»(0x7ff8000000000000):f32", "nan does not fit f32", None),
    ("y: f64 = sin -«True»", "expected a constant, found 'True'", None),
    ("y: f64[2] = sin «[»1.0]:f64[2]", "f64[2] has 2 elements, 1 are given", None),
    ("y: f64[n] = sin [1.0]:«f64»[n]", "f64[n] is not the type of a constant array", None),
    ("y: f64[2] = sin [1.0, «x»]:f64[2]", "expected a constant, found 'x'", None),
    ("y: f64[20] = sin «@00ff»:f64[20]", "no data beside the text has the hash 00ff", None),
    ("y: f64 = sin «$»x", "unexpected character '$'", None),
    ("__import__(«'»os')", 'unexpected character "\'"', None),
    ("«__import__» k", "there is no op '__import__'", None),
    ("y: f64 = «sin» x () {\n yield\n}", "sin has 0 blocks, not 1", None),
    (
        "y: f64 = «for» x {length=n, carry=2} (i: i64, s: f64) {\n yield s\n}",
        "a for of 2 carries and sums takes and yields at least 2 values",
        None,
    ),
]


def wrapped(line):
    """A Function of this one line."""
    return f"func f[n](x: f64, a: f64[n], k: i64) -> () {{\n  {line}\n  return\n}}"


def refusal(marked, message):
    """The error of a text with marks: the place, the message, the line, the carets."""
    before, inside = marked.split("«")[0], marked.split("«")[1].split("»")[0]
    line, column = before.count("\n"), len(before.rpartition("\n")[2])
    shown = marked.replace("«", "").replace("»", "").split("\n")[line]
    carets = " " * column + "^" * max(len(inside), 1)
    return f"line {line + 1}, column {column + 1}: {message}\n    {shown}\n    {carets}"


@pytest.mark.parametrize(
    ("marked", "message", "hint"), [*FUNCTIONS, *((wrapped(line), *rest) for line, *rest in LINES)]
)
def test_malformed_text(marked, message, hint):
    with pytest.raises(TextError) as caught:
        parse(marked.replace("«", "").replace("»", ""), OPS)
    assert caught.value.message == refusal(marked, message)
    assert caught.value.hint == hint


def test_a_message_prints_with_line_caret_and_hint():
    with pytest.raises(TextError) as caught:
        parse(wrapped("y: f64 = sine x"), OPS)
    assert str(caught.value) == dedent("""\
        line 2, column 12: there is no op 'sine'
              y: f64 = sine x
                       ^^^^
        hint: did you mean sin or sinh?""")


@pytest.mark.parametrize(
    "line",
    [
        f"y: f64 = ipow x {{n={'(' * 5000}1{')' * 5000}}}",
        f"y: f64 = ipow x {{n={'max(' * 5000}n{', 0)' * 5000}}}",
        f"y: f64 = ipow x {{n={'(' * 5000}{',)' * 5000}}}",
        "y: f64 = if True () {\n" * 5000,
    ],
)
def test_deep_nesting_is_an_error_of_the_text(line):
    with pytest.raises(TextError, match="nested more than 100 deep"):
        parse(wrapped(line), OPS)


def test_numbers_of_many_digits_are_refused():
    with pytest.raises(TextError, match="is not an integer"):
        parse(wrapped(f"y: i64 = neg {'9' * 5000}"), OPS)


@given(st.integers(0, 10**6), st.sampled_from(POWER.split()), st.booleans())
def test_damaged_text_is_read_or_refused(place, word, remove):
    at = place % len(POWER)
    damaged = POWER[:at] + ("" if remove else word) + POWER[at + remove :]
    try:
        read = parse(damaged, OPS)
    except TextError as error:
        assert error.message.startswith("line ") and error.message.count("\n") == 2
    else:
        assert to_text(parse(to_text(read), OPS)) == to_text(read)


def test_data_beside_the_text_must_be_what_the_hash_says():
    data = np.arange(20.0)
    written = function("f", [], lambda: emit(OPS["sin"], [constant(data)]), ops=OPS)
    name = content_hash(data)
    assert set(constants_of(written)) == {name}
    assert same(parse(to_text(written), OPS, {name: data}), written)
    for wrong in (data + 1.0, data.astype("f4"), data.reshape(4, 5)):
        with pytest.raises(
            TextError, match=f"the data beside the text is not what @{name}:f64\\[20\\] stands for"
        ):
            parse(to_text(written), OPS, {name: wrong})
