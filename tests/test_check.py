"""The verifier: a broken Function for every rule, and the proof that each rule is needed."""

import ast
import types
from pathlib import Path

import numpy as np
import pytest

from adcompiler.ir import check
from adcompiler.ir.check import verify
from adcompiler.ir.errors import Location, VerifierError
from adcompiler.ir.graph import Block, Constant, Eqn, Function, Value, constant
from adcompiler.ir.ops import OPS
from adcompiler.ir.parse import parse
from adcompiler.ir.types import BOOL, F32, F64, I64, ArrayType, Dim, Guard, Relation, array_type

SCALAR = ArrayType(F64)
X, Y, Z = (Value(SCALAR, name) for name in "xyz")
TRUE = constant(True)
NEG_X = Eqn(OPS["neg"], (X,), (Y,))


def of(*eqns, params=(X,), results=(), **fields):
    """The Function f of these equations."""
    return Function("f", Block(tuple(params), eqns, tuple(results)), **fields)


def eqn(op, inputs=(), outputs=(), blocks=(), **attrs):
    return Eqn(OPS[op], tuple(inputs), tuple(outputs), attrs, tuple(blocks))


def loop(eqns=(), results=(), params=(), inputs=(), outputs=(), **attrs):
    """A `for` of this body, three trips."""
    index = Value(ArrayType(I64), "i")
    body = Block((index, *params), tuple(eqns), tuple(results))
    return eqn("for", inputs, outputs, [body], length=3, **attrs)


def repeated(test=(TRUE,), params=(), results=(), inputs=(), outputs=(), **attrs):
    """A `while` with this test and body."""
    asked = Block((Value(ArrayType(I64), "i"), *params), (), tuple(test))
    body = Block((Value(ArrayType(I64), "k"), *(Value(p.type, "c") for p in params)), (), tuple(results))
    return eqn("while", inputs, outputs, [asked, body], **({"trips": "t"} | attrs))


def text(*lines, params="x: f64, a: f64[n], j: i64", results="", returned=""):
    """The Function of these lines."""
    return parse(
        "\n".join([f"func f[n]({params}) -> ({results}) {{", *lines, f"return {returned}", "}"]), OPS
    )


def summed(*lines, starts="0.0", params="s: f64", yields="t", sums=1):
    """A loop with sums."""
    outputs = ", ".join(f"r{k}: f64" for k in range(sums))
    head = f"{outputs} = for {starts} {{length=n, sums={sums}}} (i: i64, {params}) {{"
    return text(head, *lines, f"yield {yields}", "}")


SUM = "f: s is a sum: only added to, and then yielded in its place\n    r0: f64 = for 0.0 {length=n, sums=1}"
TWO_SUMS = SUM.replace(
    "r0: f64 = for 0.0 {length=n, sums=1}", "r0: f64, r1: f64 = for 0.0, 0.0 {length=n, sums=2}"
)
BOXED = Value(array_type("f64", 3), "b")
OTHER = Value(array_type("f64", 4), "c")


def constant_of(kind, data):
    """An equation with a constant that is not what its type says."""
    return of(eqn("neg", [Constant(kind, None, data)], [Value(kind, "y")]))


def carried(**types_of):
    """A loop with one carry, whose types before, inside and after a trip may be given."""
    kinds = {"before": SCALAR, "inside": SCALAR, "after": SCALAR} | types_of
    start, state, end = (Value(kinds[k], k) for k in ("before", "inside", "after"))
    body = [eqn("zeros", outputs=[end], shape=(), dtype=end.type.dtype)]
    return of(loop(body, [end], [state], [start], [Value(SCALAR, "r")], carry=1), params=[start])


WRITEABLE = np.zeros(3)
BROKEN = {
    # values
    "defined twice": (of(NEG_X, NEG_X), "f: y is defined twice\n    y: f64 = neg x"),
    "parameter twice": (of(params=[X, X]), "f: x is defined twice"),
    "constant defined": (of(params=[constant(2.0)]), "f: the constant 2.0 is defined like a value"),
    "used too early": (
        of(eqn("neg", [Y], [Z]), NEG_X),
        "f: y is used but not defined before\n    z: f64 = neg y",
    ),
    "never defined": (of(results=[Y]), "f: y is used but not defined before"),
    "used outside": (
        of(loop([NEG_X]), eqn("neg", [Y], [Z])),
        "f: y is used outside of the block that defines it\n    z: f64 = neg y",
    ),
    "parameter used outside": (
        of(loop(params=[Y], inputs=[BOXED]), params=[BOXED], results=[Y]),
        "f: y is used outside of the block that defines it",
    ),
    "yielded outside": (
        of(loop([eqn("if", [TRUE], [], [Block((), (), ()), Block((), (NEG_X,), ())])], [Y], outputs=[Z])),
        "f: y is used outside of the block that defines it\n    z: f64 = for {length=3}",
    ),
    # constants
    "no array": (constant_of(SCALAR, 2.0), "f: a constant of type f64 holds a float\n    neg ..."),
    "other dtype": (
        constant_of(SCALAR, np.float32(2)),
        "f: a constant of type f64 holds a float32\n    neg ...",
    ),
    "other array": (
        constant_of(BOXED.type, np.zeros(3, "i8")),
        "f: a constant of type f64[3] holds a ndarray of int64\n    neg ...",
    ),
    "other shape": (
        constant_of(BOXED.type, constant(np.zeros(4)).data),
        "f: a constant of type f64[3] holds data of shape (4,)\n    neg ...",
    ),
    "writeable": (
        constant_of(BOXED.type, WRITEABLE),
        "f: the data of a constant of type f64[3] can be written to or is not contiguous\n"
        "    y: f64[3] = neg [0.0, 0.0, 0.0]:f64[3]",
    ),
    # sizes
    "size name": (of(sizes=("max",)), "f: 'max' cannot name a size"),
    "size twice": (of(sizes=("n", "n")), "f: the size n is in scope already"),
    "size of a parameter": (
        of(params=[Value(array_type("f64", "m"), "a")], sizes=("n",)),
        "f: a mentions the size m, which is not in scope",
    ),
    "size of a guard": (
        of(guards=(Guard(Dim.of("m"), Relation.ZERO),)),
        "f: a guard mentions the size m, which is not in scope",
    ),
    "size in an attribute": (
        text("k: i64 = dim {size=n + m}"),
        "f: attribute size mentions the size m, which is not in scope\n    k: i64 = dim {size=m + n}",
    ),
    "size in a nested attribute": (
        of(eqn("dim", extra=((Dim.of("m"),),), size=1)),
        "f: attribute extra mentions the size m, which is not in scope\n    dim {extra=((m,),), size=1}",
    ),
    "negative size": (
        of(params=[Value(array_type("f64", -2), "a")]),
        "f: a has a negative size: f64[-2]",
    ),
    "bound twice": (
        text('bind j {size="k"}', 'bind j {size="k"}'),
        'f: the size k is in scope already\n    bind j {size="k"}',
    ),
    "bound inside": (
        text(
            "if True () {",
            'bind j {size="k"}',
            "yield",
            "} () {",
            "yield",
            "}",
            "b: i64[k] = iota {length=k}",
        ),
        "f: attribute length mentions the size k, which is not in scope\n    b: i64[k] = iota {length=k}",
    ),
    "index is taken": (
        text('for {length=n, index="n"} (i: i64) {', "yield", "}"),
        'f: the size n is in scope already\n    for {length=n, index="n"}',
    ),
    "index after the loop": (
        text('for {length=n, index="k"} (i: i64) {', "yield", "}", "b: i64[k] = iota {length=k}"),
        "f: attribute length mentions the size k, which is not in scope\n    b: i64[k] = iota {length=k}",
    ),
    "ragged items": (
        text(
            'c: i64[n, k] = for {length=n, index="k"} (i: i64) {',
            "b: i64[k] = iota {length=k}",
            "yield b",
            "}",
        ),
        'f: c mentions the size k, which is not in scope\n    c: i64[n, k] = for {length=n, index="k"}',
    ),
    # written arguments
    "no such result": (
        of(written=((0, 0),)),
        "f: written says that result 0 is parameter 0: there is none",
    ),
    "no such parameter": (
        of(results=[X], written=((0, -1),)),
        "f: written says that result 0 is parameter -1: there is none",
    ),
    "written with another type": (
        of(results=[constant(1)], written=((0, 0),)),
        "f: result 0 is i64: not what x can hold afterwards",
    ),
    "written twice": (
        of(results=[X, X], written=((0, 0), (1, 0))),
        "f: written names a result or a parameter twice",
    ),
    # attributes, types
    "attribute of no kind": (of(eqn("dim", [], [], size=[1])), "f: attribute size is a list\n    dim ..."),
    "another type": (
        of(eqn("neg", [X], [Value(ArrayType(F32), "y")])),
        "f: y is f64, not f32\n    y: f32 = neg x",
    ),
    "another number of results": (of(eqn("neg", [X])), "f: neg has 1 results, not 0\n    neg x"),
    "the op's own rule": (
        of(eqn("add", [X, constant(1)], [Y])),
        "f: add takes operands of one dtype, not f64, i64\n    y: f64 = add x, 1",
    ),
    "number of operands": (of(eqn("add", [X], [Y])), "f: add takes 2 operands, not 1\n    y: f64 = add x"),
    "no attribute": (of(eqn("ipow", [X], [Y])), "f: ipow needs the attribute n\n    y: f64 = ipow x"),
    "operands that no rule takes": (
        of(eqn("where", [X], [Y]), params=[X]),
        "f: where takes 3 operands, not 1\n    y: f64 = where x",
    ),
    "unpackable operands": (of(eqn("bind", [X], size=3)), "f: expected a string, got 3\n    bind x {size=3}"),
    "rule that fails": (
        of(eqn("index", [], [Y])),
        "f: index does not take these operands and attributes\n    y: f64 = index",
    ),
    "blocks": (of(eqn("if", [TRUE], [], [Block((), (), ())])), "f: if has 2 blocks, not 1\n    if True"),
    "blocks of others": (
        of(eqn("neg", [X], [Y], [Block((), (), ())])),
        "f: neg has 0 blocks, not 1\n    y: f64 = neg x",
    ),
    "branches": (
        of(eqn("if", [TRUE], [Y], [Block((), (), (X,)), Block((), (), (constant(1),))])),
        "f: the branches of an if yield f64 and i64\n    y: f64 = if True",
    ),
    "predicate": (
        of(eqn("if", [X], [], [Block((), (), ())] * 2)),
        "f: an if takes one bool scalar, and its blocks no parameters\n    if x",
    ),
    "call that captures": (
        of(eqn("call", [], [Y], [Block((), (), (X,))], name="g")),
        'f: the block of the call of g captures values\n    y: f64 = call {name="g"}',
    ),
    "call without a name": (
        of(eqn("call", [], [], [Block((), (), ())])),
        "f: call needs the name of what it calls\n    call",
    ),
    # loops
    "carry count": (
        of(loop(carry=-1)),
        "f: carry of a for is a number, not -1\n    for {length=3, carry=-1}",
    ),
    "sums count": (
        of(loop(sums=True)),
        "f: sums of a for is a number, not True\n    for {length=3, sums=True}",
    ),
    "more carries than operands": (
        of(loop(results=[X], carry=1)),
        "f: a for of 1 carries and sums takes and yields at least 1 values\n    for {length=3, carry=1}",
    ),
    "direction": (
        of(loop(reverse=1)),
        "f: reverse of a for is True or False, not 1\n    for {length=3, reverse=1}",
    ),
    "index name": (
        of(loop(index=3)),
        "f: index of a for names a size, 3 cannot\n    for {length=3, index=3}",
    ),
    "index with a reserved name": (
        of(loop(index="max")),
        "f: 'max' cannot name a size\n    for {length=3, index=\"max\"}",
    ),
    "no length": (
        of(eqn("for", blocks=[Block((Value(ArrayType(I64), "i"),), (), ())])),
        "f: for needs the attribute length\n    for",
    ),
    "carry before": (
        carried(before=ArrayType(F32)),
        "f: carry 0 of a for is f32 before it, f64 inside and f64 after a trip\n"
        "    r: f64 = for before {length=3, carry=1}",
    ),
    "carry inside": (
        carried(inside=ArrayType(F32)),
        "f: carry 0 of a for is f64 before it, f32 inside and f64 after a trip\n"
        "    r: f64 = for before {length=3, carry=1}",
    ),
    "carry after": (
        carried(after=ArrayType(F32)),
        "f: carry 0 of a for is f64 before it, f64 inside and f32 after a trip\n"
        "    r: f64 = for before {length=3, carry=1}",
    ),
    "slices of another length": (
        of(loop(params=[Y], inputs=[OTHER]), params=[OTHER]),
        "f: a for of 3 trips cannot take f64 from slices of f64[4]\n    for c {length=3}",
    ),
    "test that is no truth": (
        of(repeated(test=[X])),
        'f: the test of a while yields one bool scalar\n    while {trips="t"}',
    ),
    "test of another carry": (
        of(repeated(params=[Y], inputs=[BOXED], results=[BOXED], carry=1), params=[BOXED]),
        "f: the test of a while takes an i64 index and one parameter an operand\n"
        '    while b {trips="t", carry=1}',
    ),
    "carry of a while lost": (
        of(repeated(params=[Y], inputs=[X], carry=1)),
        "f: a while of 1 carries and sums takes and yields at least 1 values\n"
        '    while x {trips="t", carry=1}',
    ),
    "carry of a while after": (
        of(repeated(params=[Y], inputs=[X], results=[constant(1, I64)], carry=1)),
        'f: carry 0 of a while is f64 before it and i64 after a trip\n    while x {trips="t", carry=1}',
    ),
    "operand of a while that is no carry": (
        of(repeated(params=[Y], inputs=[X])),
        'f: a while of 0 carries takes 1 operands\n    while x {trips="t"}',
    ),
    "trips that name nothing": (
        of(repeated(trips=3)),
        "f: trips of a while names a size, 3 cannot\n    while {trips=3}",
    ),
    "trips named like a size": (
        of(repeated(trips="n"), sizes=("n",)),
        'f: the size n is in scope already\n    while {trips="n"}',
    ),
    # sums
    "sum read": (summed("t: f64 = add s, 1.0", "u: f64 = neg s"), SUM),
    "sum computed": (summed("t: f64 = neg s"), SUM),
    "sum multiplied": (summed("t: f64 = mul s, 1.0"), SUM),
    "sum as the second operand": (summed("t: f64 = add 1.0, s"), SUM),
    "sum twice": (summed("t: f64 = add s, s"), SUM),
    "sum dropped": (summed(yields="0.0"), SUM),
    "sum captured": (
        summed("u: f64[3] = for {length=3} (k: i64) {", "v: f64 = neg s", "yield v", "}", yields="s"),
        SUM,
    ),
    "sum carried": (
        summed("t: f64 = for s {length=3, carry=1} (k: i64, v: f64) {", "yield v", "}"),
        SUM,
    ),
    "sum in one branch": (
        summed("t: f64 = if True () {", "yield s", "} () {", "yield 0.0", "}"),
        SUM,
    ),
    "sum read in a branch": (
        summed("t: f64 = if True () {", "yield s", "} () {", "u: f64 = neg s", "yield u", "}"),
        SUM,
    ),
    "sum in other places of the branches": (
        summed("t: f64, u: f64 = if True () {", "yield s, 0.0", "} () {", "yield 0.0, s", "}"),
        SUM,
    ),
    "sums crossed": (summed(starts="0.0, 0.0", params="s: f64, t: f64", yields="t, s", sums=2), TWO_SUMS),
    # undefined values
    "undefined": (
        text("u: f64 = undefined {shape=(), dtype=f64}", "v: f64 = neg u"),
        "f: u is undefined and computed with\n    v: f64 = neg u",
    ),
    "undefined reduced": (
        text("u: f64[n] = undefined {shape=(n,), dtype=f64}", "v: f64 = sum u {axes=(0,), keepdims=False}"),
        "f: u is undefined and computed with\n    v: f64 = sum u {axes=(0,), keepdims=False}",
    ),
    "undefined sum": (
        text(
            "u: f64 = undefined {shape=(), dtype=f64}",
            "v: f64 = for u {length=n, sums=1} (i: i64, s: f64) {",
            "yield s",
            "}",
        ),
        "f: u is undefined and computed with\n    v: f64 = for u {length=n, sums=1}",
    ),
    "undefined predicate": (
        text("u: bool = undefined {shape=(), dtype=bool}", "if u () {", "yield", "} () {", "yield", "}"),
        "f: u is undefined and computed with\n    if u",
    ),
    "undefined index": (
        text("u: i64 = undefined {shape=(), dtype=i64}", "v: f64 = index a, u"),
        "f: u is undefined and computed with\n    v: f64 = index a, u",
    ),
    "undefined place": (
        text("u: i64 = undefined {shape=(), dtype=i64}", "v: f64[n] = put a, x, u"),
        "f: u is undefined and computed with\n    v: f64[n] = put a, x, u",
    ),
    # memory that is lent
    "lent and read": (
        text("u: f64[n] = undefined a {shape=(n,), dtype=f64}", "v: f64 = index a, j"),
        "f: a is lent as memory and used elsewhere\n    u: f64[n] = undefined a {shape=(n,), dtype=f64}",
    ),
    "lent and returned": (
        text(
            "u: f64[n] = undefined a {shape=(n,), dtype=f64}",
            *("v: f64[n] = if True () {", "yield u", "} () {", "yield a", "}"),
        ),
        "f: a is lent as memory and used elsewhere\n    u: f64[n] = undefined a {shape=(n,), dtype=f64}",
    ),
    "lent but nobody's": (
        text("b: f64[n] = neg a", "u: f64[n] = undefined b {shape=(n,), dtype=f64}"),
        "f: b is not a parameter, whose memory is lent\n    u: f64[n] = undefined b {shape=(n,), dtype=f64}",
    ),
}


def outcome(verify, function):
    """The message of the verifier; None where it has none."""
    try:
        verify(function)
    except Exception as error:
        return error.message if isinstance(error, VerifierError) else repr(error)
    return None


@pytest.mark.parametrize("rule", BROKEN)
def test_broken_functions(rule):
    function, message = BROKEN[rule]
    assert outcome(verify, function) == message


SOUND = {
    "sum of sums": summed("u: f64 = add s, x", "t: f64 = add u, 1.0"),
    "unused sum": summed(yields="s"),
    "inner loop": summed(
        "t: f64 = for s {length=3, sums=1} (k: i64, u: f64) {", "v: f64 = add u, x", "yield v", "}"
    ),
    "branches": summed(
        "t: f64 = if True () {", "u: f64 = add s, x", "yield u", "} () {", "yield s", "}"
    ),
    "nested branches": summed(
        "t: f64 = if True () {",
        *("u: f64 = if False () {", "yield s", "} () {", "v: f64 = add s, x", "yield v", "}", "yield u"),
        *("} () {", "yield s", "}"),
    ),
    "added at": text(
        "b: f64[n] = for a {length=n, sums=1} (i: i64, s: f64[n]) {",
        *("t: f64[n] = add_at s, x, i", "yield t", "}"),
    ),
    "undefined stored": text(
        "u: f64[n] = undefined {shape=(n,), dtype=f64}",
        "v: f64[n] = put u, x, j",
        "w: f64 = undefined {shape=(), dtype=f64}",
        "y: f64[n] = put v, w, j",
        "z: f64[n] = for u {length=n, carry=1} (i: i64, c: f64[n]) {",
        "d: f64[n] = put c, x, i",
        "yield d",
        "}",
        "e: f64 = if True () {",
        "yield w",
        "} () {",
        "yield x",
        "}",
        returned="u, e",
        results="f64[n], f64",
    ),
    "sizes": text(
        'bind j {size="k"}',
        'for {length=k, index="i"} (i: i64) {',
        'bind i {size="m"}',
        "b: i64[i + m] = iota {length=i + m}",
        "yield",
        "}",
        'for {length=k, index="i"} (i: i64) {',
        'bind i {size="m"}',
        "yield",
        "}",
        "b: i64[k] = iota {length=k}",
        returned="b",
        results="i64[k]",
    ),
    "trips": text(
        'y: f64, s: f64[t] = while x {trips="t", carry=1, limit=n, index="k"} (i: i64, c: f64) {',
        "p: bool = less c, 1.0",
        "yield p",
        "} (i: i64, c: f64) {",
        "d: f64 = index a, i",
        "yield d, c",
        "}",
        "b: i64[t] = iota {length=t}",
        returned="s, b",
        results="f64[t], i64[t]",
    ),
    "written": of(results=[X], written=((0, 0),)),
    "guards": of(sizes=("n",), guards=(Guard(Dim.of("n") // 2, Relation.NONZERO),)),
}  # fmt: skip


@pytest.mark.parametrize("name", SOUND)
def test_sound_functions(name):
    assert outcome(verify, SOUND[name]) is None


def test_the_error_names_the_users_line(tmp_path):
    source = tmp_path / "loss.py"
    source.write_text("y = -x\n")
    broken = Eqn(OPS["neg"], (X,), (Value(ArrayType(BOOL), "y"),), location=Location(str(source), 1))
    with pytest.raises(VerifierError) as caught:
        verify(of(broken))
    assert str(caught.value) == f"{source}:1: f: y is f64, not bool\n    y: bool = neg x\n    y = -x"


# ---- every rule is needed ----

SOURCE = Path(check.__file__).read_text()


class Without(ast.NodeTransformer):
    """Leaves out one statement that raises; counts them all."""

    def __init__(self, dropped):
        self.dropped = dropped
        self.lines = []

    def leave_out(self, node):
        self.lines.append(node.lineno)
        return ast.Pass() if len(self.lines) - 1 == self.dropped else node

    def visit_Raise(self, node):
        return self.leave_out(node) if node.exc else node

    def visit_Expr(self, node):
        call = node.value
        failing = isinstance(call, ast.Call) and ast.unparse(call.func) == "self.fail"
        return self.leave_out(node) if failing else node


def rules():
    """The number of statements of the verifier that raise."""
    counter = Without(None)
    counter.visit(ast.parse(SOURCE))
    return len(counter.lines)


@pytest.mark.parametrize("dropped", range(rules()))
def test_no_rule_can_be_dropped(dropped):
    tree = ast.fix_missing_locations(Without(dropped).visit(ast.parse(SOURCE)))
    mutant = types.ModuleType("adcompiler.ir.mutant")
    mutant.__package__ = "adcompiler.ir"
    exec(compile(tree, "mutant", "exec"), vars(mutant))
    assert [rule for rule, (f, message) in BROKEN.items() if outcome(mutant.verify, f) != message]
