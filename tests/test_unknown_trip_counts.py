"""Derivatives of loops whose trip count is found while they run, and of ragged ones inside others."""

import numpy as np
import pytest
from modes import directional, floats, mismatch, optimised, random_like

from adcompiler.ir.build import function
from adcompiler.ir.check import verify
from adcompiler.ir.evaluate import evaluate
from adcompiler.ir.graph import Function, Value, constant, walk
from adcompiler.ir.ops import OPS
from adcompiler.ir.ops.control import branch
from adcompiler.ir.ops.loops import loop, loop_while
from adcompiler.ir.parse import parse
from adcompiler.ir.text import to_text
from adcompiler.ir.types import F64, Dim, array_type
from adcompiler.transforms.forward import forward
from adcompiler.transforms.partition import partition
from adcompiler.transforms.reverse import reverse

sin, cos, index, put, add_at = (OPS[name] for name in ("sin", "cos", "index", "put", "add_at"))
less, greater, zeros, absolute = (OPS[name] for name in ("less", "greater", "zeros", "abs"))
N = Dim.of("n")


def scalar(name: str) -> Value:
    return Value(array_type("f64"), name)


def vector(name: str) -> Value:
    return Value(array_type("f64", "n"), name)


def made(name: str, params: list[Value], body) -> Function:
    return function(name, params, body, ops=OPS, sizes=["n"])


def growth() -> Function:
    """while s < 10: s = s * (1 + x * x) + sin(s)."""

    def body(x: Value, v: Value):
        grown = loop_while(lambda i, s: less(s, 10.0), lambda i, s: [s * (1 + x * x) + sin(s)], [x], "t")
        return [grown[0] * index(v, constant(1))]

    return made("growth", [scalar("x"), vector("v")], body)


def zero_trips() -> Function:
    return made(
        "zero_trips",
        [scalar("x")],
        lambda x: loop_while(lambda i, s: less(s, -1.0), lambda i, s: [sin(s)], [x], "t"),
    )


def with_limit() -> Function:
    """A `for` over an array that breaks: u[i] = sin(u[i] * s); s = s + u[i]; stop when s > 1.5."""

    def body(x: Value, v: Value):
        def trip(i: Value, s: Value, u: Value):
            new = sin(index(u, i) * s)
            return [s + new, put(u, new, i)]

        s, u = loop_while(lambda i, s, u: less(s, 1.5), trip, [x, v], "t", limit=N, index="i")
        return [s, u]

    return made("with_limit", [scalar("x"), vector("v")], body)


def newton_each() -> Function:
    """For each element m of v: e = m; while |e - sin(e) / 2 - m| > 1e-3: a Newton step; sum of e * e * x."""

    def body(x: Value, v: Value):
        def solve(i: Value, s: Value):
            m = index(v, i)

            def step(k: Value, e: Value):
                return [e - (e - 0.5 * sin(e) - m) / (1.0 - 0.5 * cos(e))]

            def going_on(k: Value, e: Value):
                return greater(absolute(e - 0.5 * sin(e) - m), 1e-3)

            (e,) = loop_while(going_on, step, [m], "t")
            return [s + x * e * e]

        return loop(N, solve, [constant(0.0)])

    return made("newton_each", [scalar("x"), vector("v")], body)


def triangle() -> Function:
    """For i: s = x; for j in range(i): s = sin(s * v[j]); u[i] = s * v[i]."""

    def body(x: Value, v: Value):
        def row(i: Value, u: Value):
            (s,) = loop(Dim.of("i"), lambda j, s: [sin(s * index(v, j))], [x])
            return [put(u, s * index(v, i), i)]

        return loop(N, row, [zeros(shape=(N,), dtype=F64)], index="i")

    return made("triangle", [scalar("x"), vector("v")], body)


def pyramid() -> Function:
    """Three ragged loops inside each other, one carried number through all of them."""

    def body(x: Value, v: Value):
        def inner(j: Value, s: Value):
            (r,) = loop(Dim.of("j"), lambda k, r: [sin(r + index(v, k) * r)], [s])
            return [r * sin(r)]

        def outer(i: Value, s: Value):
            (r,) = loop(Dim.of("i"), inner, [sin(s)], index="j")
            return [s + r * r]

        return loop(N, outer, [x], index="i")

    return made("pyramid", [scalar("x"), vector("v")], body)


def in_a_branch() -> Function:
    """A `while` in one branch of an `if` in a loop, which writes an array from outside."""

    def body(x: Value, v: Value):
        def trip(i: Value, s: Value, u: Value):
            def then():
                def step(k: Value, r: Value, w: Value):
                    return [r * 1.5 + sin(r), add_at(w, r * r, i)]

                r, w = loop_while(lambda k, r, w: less(r, 5.0), step, [absolute(s) + 0.1, u], "t")
                return [sin(r), w]

            s, u = branch(less(s, 0.7), then, lambda: [s * 0.5, put(u, s * index(u, i), i)])
            return [s, u]

        return loop(N, trip, [x, v])

    return made("in_a_branch", [scalar("x"), vector("v")], body)


def loop_inside() -> Function:
    """A `for` over an array inside a `while`, two loops deep with what they keep."""

    def body(x: Value, v: Value):
        def step(k: Value, s: Value, u: Value):
            r, u = loop(N, lambda i, r, u: [sin(r) * index(u, i), put(u, sin(index(u, i) + r), i)], [s, u])
            return [s * 2.0 + r * r, u]

        return loop_while(lambda k, s, u: less(s, 6.0), step, [x, v], "t")

    return made("loop_inside", [scalar("x"), vector("v")], body)


def nested_whiles() -> Function:
    def body(x: Value, v: Value):
        def step(k: Value, s: Value):
            (r,) = loop_while(lambda j, r: less(r, 3.0), lambda j, r: [r + sin(r) * r + 0.1], [s * 0.5], "t2")
            return [s + r * r * 0.3]

        return loop_while(lambda k, s: less(s, 20.0), step, [x], "t1")

    return made("nested_whiles", [scalar("x"), vector("v")], body)


def elimination() -> Function:
    """Gaussian elimination as it is in books: the multiplier is read where it is overwritten afterwards."""

    def body(x: Value, v: Value, a: Value):
        def step(k: Value, a: Value):
            def row(i: Value, a: Value):
                below = k + i + 1
                factor = index(a, below, k) / (index(a, k, k) + x)

                def entry(j: Value, a: Value):
                    return [put(a, index(a, below, k + j) - factor * index(a, k, k + j), below, k + j)]

                return loop(N - Dim.of("k"), entry, [a])

            return loop(N - Dim.of("k") - 1, row, [a])

        return loop(N, step, [a], index="k")

    return made("elimination", [scalar("x"), vector("v"), Value(array_type("f64", "n", "n"), "a")], body)


PROGRAMS = (
    elimination,
    growth,
    zero_trips,
    with_limit,
    newton_each,
    triangle,
    pyramid,
    in_a_branch,
    loop_inside,
    nested_whiles,
)


def arguments(f: Function, n: int = 5) -> list:
    rng = np.random.default_rng(7)
    shapes = [[d.value({"n": n}) for d in p.type.shape] for p in f.body.params]
    return [np.asarray(rng.uniform(0.3, 0.9, shape))[()] for shape in shapes]


every = pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.__name__)


@every
@pytest.mark.parametrize("plan", ["auto", "store_all"])
def test_the_modes_agree(program, plan: str) -> None:
    f = program()
    verify(f)
    assert to_text(parse(to_text(f), OPS)) == to_text(f)
    assert mismatch(f, arguments(f), 1, plan, {"n": 5}) < 1e-12


@every
def test_forward_agrees_with_differences(program) -> None:
    f = program()
    args = arguments(f)
    dots = random_like(args, np.random.default_rng(3))
    tangents = evaluate(optimised(forward(f, floats(f))), [*args, *dots], {"n": 5})[len(f.body.results) :]
    for expected, actual in zip(directional(f, args, dots, {"n": 5}), tangents, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-6, atol=1e-8)


@every
def test_second_order(program) -> None:
    f = program()
    args = arguments(f)
    bars = random_like(evaluate(f, args, {"n": 5}), np.random.default_rng(4))
    backward = optimised(reverse(f, floats(f)))
    assert mismatch(backward, [*args, *bars], 2, "auto", {"n": 5}) < 1e-9


@every
def test_a_pullback_of_its_own(program) -> None:
    f = program()
    args, wrt = arguments(f), floats(f)
    whole = optimised(reverse(f, wrt))
    parts = partition(whole, len(f.body.params), len(f.body.results))
    verify(parts.forward)
    verify(parts.pullback)
    results = evaluate(parts.forward, args, {"n": 5})
    bars = random_like(results[: len(f.body.results)], np.random.default_rng(5))
    end = len(f.body.results) + parts.residuals
    sizes = dict(zip(parts.pullback.sizes, [5, *map(int, results[end:])], strict=True))
    pulled = evaluate(parts.pullback, [*results[len(f.body.results) : end], *bars], sizes)
    expected = evaluate(whole, [*args, *bars], {"n": 5})[len(f.body.results) :]
    for a, b in zip(pulled, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13)


def test_what_a_ragged_loop_keeps_is_stacked_when_it_runs_again() -> None:
    adjoint = optimised(reverse(triangle(), [0, 1]))
    outer, *_ = (e for e in adjoint.body.eqns if e.op.loop)
    assert len(outer.outputs) == 1  # nothing is kept of the trips of the outer loop
    last = [e for e in adjoint.body.eqns if e.op.loop][-1]
    inside = [e for e in walk(last.blocks[0]) if e.op.loop]
    assert [len(e.outputs) for e in inside] == [2, 2]  # run again with a stack, then walked back


def test_a_trip_count_is_kept_where_nothing_else_is() -> None:
    """v is only added up: the adjoint needs to know how often, not to run the loop over the array again."""

    def body(x: Value, v: Value):
        def search(i: Value, s: Value, u: Value):
            def step(k: Value, r: Value):
                return [r + index(u, k)]

            (r,) = loop_while(lambda k, r: less(r, x), step, [s * 0.1], "t", limit=N, index="k")
            return [s + r, put(u, sin(r), i)]

        return loop(N, search, [x, v])

    f = made("searches", [scalar("x"), vector("v")], body)
    assert mismatch(f, arguments(f), 1, "auto", {"n": 5}) < 1e-12
    adjoint = optimised(reverse(f, [0, 1]))
    outer, *_ = (e for e in adjoint.body.eqns if e.op.loop)
    assert sorted(str(o.type) for o in outer.outputs[2:]) == ["f64[n]", "i64[n]"]
    assert [e.op.name for e in walk(adjoint.body)].count("while") == 1


def test_rows_that_are_swapped_lie_below() -> None:
    """Elimination with pivots: the row that is found is not above the one it is swapped with."""

    def body(x: Value, v: Value, a: Value):
        def step(k: Value, a: Value):
            def find(i: Value, p: Value):
                new = k + i + 1
                better = greater(absolute(index(a, new, k)), absolute(index(a, p, k)))
                return branch(better, lambda: [new], lambda: [p])

            (p,) = loop(N - Dim.of("k") - 1, find, [k])

            def swap(j: Value, a: Value):
                one, other = index(a, k, j), index(a, p, j)
                return [put(put(a, other, k, j), one, p, j)]

            def row(i: Value, a: Value):
                below = k + i + 1
                factor = index(a, below, k) / (index(a, k, k) + x)

                def entry(j: Value, a: Value):
                    return [put(a, index(a, below, k + j) - factor * index(a, k, k + j), below, k + j)]

                return loop(N - Dim.of("k"), entry, [a])

            (a,) = loop(N, swap, [a])
            return loop(N - Dim.of("k") - 1, row, [a])

        return loop(N, step, [a], index="k")

    f = made("pivots", [scalar("x"), vector("v"), Value(array_type("f64", "n", "n"), "a")], body)
    assert mismatch(f, arguments(f), 1, "auto", {"n": 5}) < 1e-12
    adjoint = optimised(reverse(f, [0, 2]))
    outer, *_ = (e for e in adjoint.body.eqns if e.op.loop)
    assert sorted(str(o.type) for o in outer.outputs[1:]) == ["f64[n, max(n - 1, 0)]", "i64[n]"]


def test_padded_stacks_hold_less_than_whole_arrays() -> None:
    """To run the loop over rows again would take the matrix of each step; its multipliers take a row each."""
    adjoint = optimised(reverse(elimination(), [0, 2]))
    outer, *_ = (e for e in adjoint.body.eqns if e.op.loop)
    assert [str(o.type) for o in outer.outputs] == ["f64[n, n]", "f64[n, max(n - 1, 0)]"]
