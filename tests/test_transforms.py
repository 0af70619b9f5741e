"""Forward and reverse mode on loops: agreement of the two, with differences, and among orders."""

import numpy as np
import pytest
from loop_programs import N
from modes import directional, floats, mismatch, optimised, random_args, random_like

from adcompiler.ir.build import block, emit, function
from adcompiler.ir.check import verify
from adcompiler.ir.evaluate import evaluate
from adcompiler.ir.graph import Function, Value, constant, count, walk
from adcompiler.ir.ops import OPS
from adcompiler.ir.ops.control import branch, call
from adcompiler.ir.ops.loops import loop
from adcompiler.ir.types import F64, array_type
from adcompiler.transforms.cse import cse
from adcompiler.transforms.forward import forward
from adcompiler.transforms.inline import inline
from adcompiler.transforms.partition import partition
from adcompiler.transforms.reverse import reverse
from adcompiler.transforms.select import select

sin, index, put, zeros = (OPS[name] for name in ("sin", "index", "put", "zeros"))


# ---- what is kept ----


def vector(name: str) -> Value:
    return Value(array_type("f64", "n"), name)


def scalar(name: str) -> Value:
    return Value(array_type("f64"), name)


def recurrence() -> Function:
    """out[0] = x[0]; out[i] = sin(out[i-1]) * x[i] + out[i-1]."""

    def body(x: Value):
        out = put(zeros(shape=(N,), dtype=F64), index(x, constant(0)), constant(0))

        def trip(k: Value, out: Value):
            previous = index(out, k)
            return [put(out, sin(previous) * index(x, k + 1) + previous, k + 1)]

        return loop(N - 1, trip, [out])

    return function("recurrence", [vector("x")], body, ops=OPS, sizes=["n"])


def power() -> Function:
    """y = y * sin(x), n times."""
    return function(
        "power",
        [scalar("x")],
        lambda x: loop(N, lambda i, y: [y * sin(x)], [constant(1.0)]),
        ops=OPS,
        sizes=["n"],
    )


def stacked(f: Function) -> list[str]:
    """The types of what the loops of a program stack."""
    found = []
    for eqn in walk(f.body):
        if eqn.op.name == "for":
            states = eqn.attrs.get("carry", 0) + eqn.attrs.get("sums", 0)
            found += [str(o.type) for o in eqn.outputs[states:]]
    return found


def test_a_recurrence_in_an_array_keeps_nothing() -> None:
    assert stacked(reverse(recurrence(), [0])) == []


def test_a_carried_scalar_is_kept_once_a_trip() -> None:
    assert stacked(reverse(power(), [0])) == ["f64[n]"]


def test_store_all_keeps_every_value_that_the_adjoint_reads() -> None:
    assert stacked(reverse(power(), [0], "store_all")) == ["f64[n]", "f64[n]"]


def test_the_adjoint_of_a_loop_does_not_grow_with_its_order_of_trips() -> None:
    backward = optimised(reverse(recurrence(), [0]))
    loops = [eqn for eqn in backward.body.eqns if eqn.op.name == "for"]
    assert [loop.attrs.get("reverse", False) for loop in loops] == [False, True]
    ops = {e.op.name for e in walk(loops[1].blocks[0])}
    assert "add" in ops and "zeros" not in ops and "broadcast" not in ops


# ---- branches and calls ----


def branching() -> Function:
    """A loop whose trips take one of two branches, and keep different values in each."""

    def trip(i: Value, y: Value, x: Value):
        positive = OPS["greater"](x, 0.5)
        (z,) = branch(positive, lambda: [sin(y * x) * x], lambda: [y * y + x])
        return [z, z * x]

    return function(
        "branching",
        [scalar("y"), vector("x")],
        lambda y, x: loop("n", trip, [y], slices=[x]),
        ops=OPS,
        sizes=["n"],
    )


@pytest.mark.parametrize("plan", ["auto", "store_all"])
def test_branches_inside_a_loop(plan: str) -> None:
    f = branching()
    args = random_args(f, 3, 6)
    assert mismatch(f, args, plan=plan) < 1e-12
    dots = random_like(args, np.random.default_rng(0))
    tangents = evaluate(forward(f, [0, 1]), [*args, *dots])[2:]
    for expected, actual in zip(directional(f, args, dots), tangents, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-8)
    backward = reverse(f, [0, 1], plan)
    bars = random_like(evaluate(f, args), np.random.default_rng(1))
    assert mismatch(backward, [*args, *bars]) < 1e-11


def test_calls_are_inlined() -> None:
    def body(x: Value):
        inner = block([scalar("a")], lambda a: [sin(a) * a])
        return [emit(call, [x], {"name": "helper"}, [inner])[0] * x]

    f = function("caller", [scalar("x")], body, ops=OPS)
    assert [e.op.name for e in inline(f).body.eqns] == ["sin", "mul", "mul"]
    assert mismatch(f, [np.float64(0.7)]) < 1e-14


def test_calls_inside_blocks_are_inlined() -> None:
    def trip(i: Value, s: Value):
        inner = block([scalar("a")], lambda a: [sin(a)])
        return emit(call, [s], {"name": "helper"}, [inner])

    f = function("f", [scalar("x")], lambda x: loop(3, trip, [x]), ops=OPS)
    g = inline(f)
    verify(g)
    assert [e.op.name for e in walk(g.body)] == ["for", "sin"]
    assert evaluate(g, [np.float64(0.7)]) == evaluate(f, [np.float64(0.7)])


def test_the_tangent_of_a_narrow_operand_is_broadcast() -> None:
    f = function("f", [scalar("x"), vector("y")], lambda x, y: [OPS["remainder"](x, y)], ops=OPS, sizes=["n"])
    args = [np.float64(5.3), np.array([2.0, -1.5])]
    _, tangent = evaluate(forward(f, [0]), [*args, np.float64(0.25)])
    np.testing.assert_array_equal(tangent, [0.25, 0.25])


# ---- cutting and selecting ----


@pytest.mark.parametrize("build", [recurrence, power, branching])
def test_a_partition_is_the_adjoint_in_two(build) -> None:
    f = build()
    args = random_args(f, 1, 6)
    sizes = {"n": 6}
    wrt = floats(f)
    whole = optimised(reverse(f, wrt))
    bars = random_like(evaluate(f, args, sizes), np.random.default_rng(2))
    expected = evaluate(whole, [*args, *bars], sizes)
    parts = partition(whole, len(args), len(f.body.results))
    verify(parts.forward)
    verify(parts.pullback)
    results = evaluate(parts.forward, args, sizes)
    n = len(f.body.results)
    residuals = results[n:]
    assert len(residuals) == parts.residuals
    for _ in range(2):
        cotangents = evaluate(parts.pullback, [*residuals, *bars], sizes)
        for a, b in zip((*results[:n], *cotangents), expected, strict=True):
            np.testing.assert_array_equal(a, b)


def test_a_pullback_is_handed_the_fewest_bytes() -> None:
    f = function("f", [vector("x")], lambda x: [OPS["exp"](sin(x)) * sin(x)], ops=OPS, sizes=["n"])
    parts = partition(optimised(reverse(f, [0])), 1, 1)
    assert [str(r.type) for r in parts.forward.body.results] == ["f64[n]", "f64[n]"]


def test_select_fixes_parameters_and_drops_what_is_not_asked_for() -> None:
    f = power()
    whole = reverse(f, [0])
    gradient = optimised(select(whole, [1], {1: 1.0}, "power_grad"))
    assert [p.name for p in gradient.body.params] == ["x"]
    (result,) = evaluate(gradient, [np.float64(0.7)], {"n": 3})
    np.testing.assert_allclose(result, 3 * np.sin(0.7) ** 2 * np.cos(0.7), rtol=1e-14)


def test_select_fills_an_array() -> None:
    f = function("f", [vector("x"), vector("y")], lambda x, y: [x * y], ops=OPS, sizes=["n"])
    (doubled,) = evaluate(select(f, [0], {1: 2.0}, "doubled"), [np.array([0.5, -3.0])])
    np.testing.assert_array_equal(doubled, [1.0, -6.0])


# ---- simplification ----


def twice_negated(x: Value) -> Value:
    negated = -x
    return -negated


def test_simplification_keeps_values() -> None:
    x = scalar("x")
    f = function("f", [x], lambda x: [twice_negated(x) * 1.0 + -(x * -1.0)], ops=OPS)
    g = optimised(f)
    assert [e.op.name for e in g.body.eqns] == ["mul", "sub"]
    assert evaluate(f, [np.float64(0.3)]) == evaluate(g, [np.float64(0.3)])


def test_an_element_of_a_row_is_an_element() -> None:
    def body(a: Value, i: Value, j: Value):
        return [index(index(a, i), j)]

    params = [Value(array_type("f64", "n", 3), "a"), *(Value(array_type("i64"), name) for name in "ij")]
    f = function("f", params, body, ops=OPS, sizes=["n"])
    g = optimised(f)
    assert [(e.op.name, len(e.inputs)) for e in g.body.eqns] == [("index", 3)]
    args = [np.arange(6.0).reshape(2, 3), np.int64(1), np.int64(2)]
    assert evaluate(g, args) == evaluate(f, args) == (5.0,)


def test_constants_are_folded() -> None:
    f = function("f", [scalar("x")], lambda x: [x * (constant(2.0) + 3.0)], ops=OPS)
    assert count(optimised(f).body) == 1


@pytest.mark.parametrize("value", [np.nan, -0.0, 0.0, np.inf])
def test_simplification_respects_special_values(value: float) -> None:
    f = function("f", [scalar("x")], lambda x: [x * 0.0, x + 0.0, 0.0 - x, x - 0.0, x * -1.0], ops=OPS)
    with np.errstate(invalid="ignore"):
        before, after = (evaluate(g, [np.float64(value)]) for g in (f, optimised(f)))
    assert [x.tobytes() for x in map(np.float64, before)] == [x.tobytes() for x in map(np.float64, after)]


def test_equal_equations_are_one_also_across_blocks() -> None:
    f = function(
        "f",
        [scalar("x")],
        lambda x: [sin(x), *loop(N, lambda i, y: [y * sin(x)], [constant(1.0)])],
        ops=OPS,
        sizes=["n"],
    )
    assert [e.op.name for e in walk(cse(f).body)].count("sin") == 1
