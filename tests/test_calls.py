"""Calls in programs: what AD makes of them, and what is left of that when they are inlined."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mixed_functions import mixed_function
from modes import floats, mismatch, optimised, random_args, random_like

from adcompiler.frontend.loop_equations import substituted
from adcompiler.ir.build import block, emit, function
from adcompiler.ir.check import verify
from adcompiler.ir.errors import VerifierError
from adcompiler.ir.evaluate import evaluate
from adcompiler.ir.graph import Block, Eqn, Function, Value, captured, walk
from adcompiler.ir.ops import OPS
from adcompiler.ir.ops.control import call
from adcompiler.ir.ops.loops import loop, loop_while
from adcompiler.ir.types import Dim, DType, array_type
from adcompiler.transforms.forward import forward
from adcompiler.transforms.inline import inline
from adcompiler.transforms.partition import partition
from adcompiler.transforms.reverse import reverse

SCALAR, VECTOR = array_type("f64"), array_type("f64", "n")


def op(name, *operands, **attrs):
    return OPS[name](*operands, **attrs)


def called(body, *operands, name="f"):
    """A call of what `body` writes."""
    inner = block([Value(x.type, x.name) for x in operands], lambda *args: body(*args))
    return emit(call, operands, {"name": name}, [inner])


def names(block):
    return [eqn.op.name for eqn in walk(block)]


# ---- random programs ----


def wrapped(source: Block, choose: random.Random) -> Block:
    """The same block, with runs of its equations, and of those of blocks inside, in calls."""
    eqns = [
        Eqn(e.op, e.inputs, e.outputs, e.attrs, tuple(wrapped(b, choose) for b in e.blocks))
        for e in source.eqns
    ]
    if len(eqns) > 1 and choose.random() < 0.8:
        first, last = sorted(choose.sample(range(len(eqns) + 1), 2))
        chosen = eqns[first:last]
        outputs = tuple(o for e in chosen for o in e.outputs)
        if outputs and not any(e.op.binds for e in chosen):
            body = Block((), tuple(chosen), outputs)
            renamed = {v: Value(v.type, v.name) for v in (*captured(body), *outputs)}
            free = captured(body)
            inner = renewed_outputs(substituted(body, {v: renamed[v] for v in free}), renamed)
            inner = Block(tuple(renamed[v] for v in free), inner.eqns, inner.results)
            eqns[first:last] = [Eqn(call, tuple(free), outputs, {"name": "part"}, (inner,))]
    return Block(source.params, tuple(eqns), source.results)


def renewed_outputs(source: Block, names: dict[Value, Value]) -> Block:
    """The block with other values in the place of those that it makes."""
    moved = substituted(source, names)
    eqns = (Eqn(e.op, e.inputs, tuple(names[o] for o in e.outputs), e.attrs, e.blocks) for e in moved.eqns)
    return Block(moved.params, tuple(eqns), moved.results)


@given(st.integers(0, 10**6), st.sampled_from(["auto", "store_all"]))
@settings(max_examples=20)
def test_random_programs_have_the_derivatives_that_they_have_without_calls(seed, plan):
    f = mixed_function(seed)
    g = Function(f.name, wrapped(f.body, random.Random(seed)), f.sizes, f.guards)
    verify(g)
    args, sizes = random_args(f, seed, 3), {"n": 3, "m": 3}
    rng = np.random.default_rng(seed)
    bars, dots = random_like(evaluate(f, args, sizes), rng), random_like(args, rng)
    back, onward = ([transform(h) for h in (f, g)] for transform in (backwards(plan), forwards))
    for (plain, again), more in ((back, bars), (onward, dots)):
        flat = inline(again)
        verify(flat)
        assert "call" not in names(flat.body)
        with np.errstate(all="ignore"):
            expected = evaluate(plain, [*args, *more], sizes)
            for found in (evaluate(h, [*args, *more], sizes) for h in (again, flat)):
                for a, b in zip(found, expected, strict=True):
                    np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)


def backwards(plan):
    return lambda f: optimised(reverse(f, floats(f), plan))


def forwards(f):
    return optimised(forward(f, floats(f)))


# ---- what is kept ----


def deep(x):
    return [op("sin", op("exp", op("sin", x)))]


def test_what_runs_again_is_there_twice():
    f = function("f", [Value(VECTOR, "x")], lambda x: called(deep, *called(deep, x)), ops=OPS, sizes=["n"])
    adjoint = inline(optimised(reverse(f, [0])))
    found = names(adjoint.body)
    assert (found.count("exp"), found.count("barrier")) == (4, 2)
    assert names(optimised(reverse(inline(f), [0])).body).count("exp") == 2


def test_in_a_loop_the_operands_are_kept_and_nothing_else():
    def trip(i, x):
        return called(deep, x)

    f = function("f", [Value(VECTOR, "x")], lambda x: loop(9, trip, [x]), ops=OPS, sizes=["n"])
    first, second = (e for e in optimised(reverse(f, [0])).body.eqns if e.op.loop)
    assert [str(o.type) for o in first.outputs] == ["f64[n]", "f64[9, n]"]
    assert len(second.inputs) == 2


def test_a_sum_of_a_loop_goes_through_a_call():
    """The cotangent of an array that each trip reads in a call is one array, added to in place."""

    def trip(i, s, w):
        (y,) = called(lambda w, s: [op("mul", s, op("sum", op("sin", w), axes=(0,)))], w, s)
        return [y]

    def body(s, w):
        return loop(9, lambda i, s: trip(i, s, w), [s])

    f = function("f", [Value(SCALAR, "s"), Value(VECTOR, "w")], body, ops=OPS, sizes=["n"])
    adjoint = optimised(reverse(f, [0, 1]))
    (back,) = (e for e in adjoint.body.eqns if e.attrs.get("reverse"))
    assert back.attrs["sums"] == 1
    assert mismatch(f, random_args(f, 0)) < 1e-12


def test_a_sum_that_a_call_does_more_with_is_refused():
    def body(w):
        return loop(3, lambda i, s: called(lambda s: [op("mul", s, 2.0)], s), [], [w])

    with pytest.raises(VerifierError, match="^f: s_1 is a sum: only added to, and then yielded in its place"):
        verify(function("f", [Value(SCALAR, "s")], body, ops=OPS))


def test_a_pullback_is_handed_the_operands():
    f = function("f", [Value(VECTOR, "x")], lambda x: called(deep, *called(deep, x)), ops=OPS, sizes=["n"])
    parts = partition(optimised(reverse(f, [0])), 1, 1)
    assert parts.residuals == 2
    assert names(parts.forward.body).count("exp") == 2
    assert names(parts.pullback.body).count("exp") == 2


def test_checks_are_made_once():
    def small(x):
        emit(OPS["check"], [op("less", x, 9.0)], {"kind": "ValueError", "message": "too big"})
        return [op("sin", x)]

    def body(x):
        return loop(5, lambda i, x: small(x), small(x))

    f = function("f", [Value(SCALAR, "x")], lambda x: called(body, x), ops=OPS)
    assert names(reverse(f, [0]).body).count("check") == 2
    assert "check" in names(optimised(f).body)


def test_what_nobody_reads_is_no_operand_and_no_result():
    def body(x, y):
        return called(lambda x, y: [op("sin", x), op("cos", y)], x, y)[:1]

    f = function("f", [Value(SCALAR, "x"), Value(SCALAR, "y")], body, ops=OPS)
    (eqn,) = optimised(f).body.eqns
    assert (len(eqn.inputs), len(eqn.outputs), names(eqn.blocks[0])) == (1, 1, ["sin"])


def test_sizes_that_run_again_get_names_of_their_own():
    def body(x):
        def test(i, x):
            return op("greater", x, 0.1)

        end, items = loop_while(test, lambda i, x: [op("mul", x, 0.7), op("sin", x)], [x], "t")
        total = op("sum", items, axes=(0,))
        return [op("mul", end, op("mul", total, op("cast", op("dim", size=Dim.of("t")), dtype=x.type.dtype)))]

    f = function("f", [Value(SCALAR, "x")], lambda x: called(body, *called(body, x)), ops=OPS)
    adjoint = inline(reverse(f, [0]))
    verify(adjoint)
    bound = [e.attrs["trips"] for e in walk(adjoint.body) if e.op.name == "while"]
    assert len(bound) == len(set(bound)) == 4
    assert mismatch(f, [np.float64(3.0)]) < 1e-12
    again = reverse(reverse(f, [0]), [0, 1])
    verify(inline(again))
    assert mismatch(reverse(f, [0]), [np.float64(3.0), np.float64(0.5)]) < 1e-12


def test_blocks_of_calls_stay_closed():
    """An equation of sizes alone is not that of the block around."""

    def counted(x):
        return op("mul", x, op("cast", op("iota", length=Dim.of("n")), dtype=DType.F64))

    def body(x):
        return called(lambda y: [counted(y)], counted(x))

    f = function("f", [Value(VECTOR, "x")], body, ops=OPS, sizes=["n"])
    assert names(optimised(f).body).count("iota") == 2
    verify(optimised(reverse(f, [0])))
