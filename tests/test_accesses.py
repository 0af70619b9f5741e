"""Accesses of arrays inside loops: how indices are taken apart, and which accesses can never meet."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcompiler.ir.accesses import access, form, linear_forms, never_meet
from adcompiler.ir.build import emit, function
from adcompiler.ir.graph import Function, Value, constant
from adcompiler.ir.ops import OPS
from adcompiler.ir.ops.control import loop
from adcompiler.ir.types import I64, ArrayType, Dim, array_type

X, K = Value(array_type("f64", "n", "n"), "x"), Value(ArrayType(I64), "k")


def program(body) -> Function:
    return function("f", [X, K], body, ops=OPS, sizes=["n"])


def test_points_count_as_indices_and_all_else_as_whole_axes() -> None:
    at = (("span", 2, 1), "point")
    f = program(lambda x, k: [OPS["index"](x, k, k, at=at), OPS["index"](x, k, at=("all", "point"))])
    assert [access(eqn) for eqn in f.body.eqns] == [(None, K), (None, K)]
    (eqn,) = program(lambda x, k: [OPS["index"](x, k)]).body.eqns
    assert access(eqn) == (K,)


def test_what_is_linear_in_integers_is_taken_apart() -> None:
    def body(x: Value, k: Value):
        emit(OPS["bind"], [k], {"size": "m"})
        size = OPS["dim"](size=Dim.of("m") * 2 + Dim.of("n") + 1)
        return [3 * (k - size), -k, k * k]

    f = program(body)
    forms = linear_forms(f.body)
    tripled, negated, squared = (form(r, forms) for r in f.body.results)
    assert tripled == {K: -3, ("n",): -3, (): -3}
    assert negated == {K: -1}
    assert squared == {f.body.results[2]: 1}


@pytest.mark.parametrize("named", [True, False])
def test_a_size_under_the_name_of_an_index_is_the_index(named: bool) -> None:
    def trip(i: Value, x: Value):
        return [OPS["put"](x, constant(0.0), OPS["dim"](size=Dim.of("i")) if named else i + 0, i)]

    f = program(lambda x, k: loop("n", trip, [x], index="i"))
    (body,) = f.body.eqns[0].blocks
    (first, second) = access(body.eqns[-1])
    assert first is not second
    assert form(first, linear_forms(f.body)) == form(second, linear_forms(f.body)) == {second: 1}


@given(st.tuples(*[st.integers(-3, 3)] * 4), st.sampled_from([-1, 0, 1]))
def test_what_never_meets_does_not_meet(c: tuple[int, ...], apart: int) -> None:
    """A write at a i + b, a read at c i + d in trips before, in, or after that of the write."""
    i, w, r = (Value(ArrayType(I64), name) for name in "iwr")
    forms = {w: {i: c[0], (): c[1]}, r: {i: c[2], (): c[3]}}
    trips = range(-12, 13)
    meet = any(
        c[0] * at + c[1] == c[2] * now + c[3]
        for at in trips
        for now in trips
        if (at > now) - (at < now) == apart
    )
    shown = never_meet((w,), (r,), i, lambda key: False, [apart], forms)
    assert not (shown and meet)
    assert shown or meet or c[0] != c[2]
