"""Accesses of arrays inside loops: how indices are taken apart, and which accesses can never meet."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adcompiler.ir.accesses import access
from adcompiler.ir.build import emit, function
from adcompiler.ir.graph import Function, Value, constant
from adcompiler.ir.indices import never_meet
from adcompiler.ir.integers import Integers, integers
from adcompiler.ir.ops import OPS
from adcompiler.ir.ops.loops import loop
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


def test_an_integer_is_a_polynomial() -> None:
    def body(x: Value, k: Value):
        emit(OPS["bind"], [k], {"size": "m"})
        size = OPS["dim"](size=Dim.of("m") * 2 + Dim.of("n") + 1)
        return [3 * (k - size), -k, k * k, OPS["floor_divide"](k, constant(2))]

    f = program(body)
    known = integers(f.body)
    k = known.of(K)
    tripled, negated, squared, halved = (known.of(r) for r in f.body.results)
    assert tripled == k * -3 - Dim.of("n") * 3 - 3
    assert negated == -k
    assert squared == k * k
    assert known.stands_for[str(halved)] is f.body.results[3]
    assert known.ranges == {str(k): (Dim(), None)}


@pytest.mark.parametrize("named", [True, False])
def test_a_size_under_the_name_of_an_index_is_the_index(named: bool) -> None:
    def trip(i: Value, x: Value):
        return [OPS["put"](x, constant(0.0), OPS["dim"](size=Dim.of("i")) if named else i + 0, i)]

    f = program(lambda x, k: loop("n", trip, [x], index="i"))
    (body,) = f.body.eqns[0].blocks
    (first, second) = access(body.eqns[-1])
    assert first is not second
    known = integers(f.body)
    assert known.of(first) == known.of(second) == Dim.of("#0")
    assert known.ranges == {"#0": (Dim(), Dim.of("n") - 1)}


@given(st.tuples(*[st.integers(-3, 3)] * 4), st.sampled_from([-1, 0, 1]))
def test_what_never_meets_does_not_meet(c: tuple[int, ...], apart: int) -> None:
    """A write at a i + b, a read at c i + d in trips before, in, or after that of the write."""
    i, w, r = (Value(ArrayType(I64), name) for name in "iwr")
    known = Integers(
        {w: Dim.of("#0") * c[0] + c[1], r: Dim.of("#0") * c[2] + c[3], i: Dim.of("#0")}, {"#0": i}
    )
    trips = range(-12, 13)
    meet = any(
        c[0] * at + c[1] == c[2] * now + c[3]
        for at in trips
        for now in trips
        if (at > now) - (at < now) == apart
    )
    shown = never_meet((w,), (r,), i, lambda integer: False, [apart], known)
    assert not (shown and meet)
    assert shown or meet or c[0] != c[2]


TERMS = st.tuples(*[st.integers(-2, 2)] * 5)


@settings(max_examples=1000)
@given(TERMS, TERMS, st.sampled_from([-1, 0, 1]), st.sampled_from(["n", "i", "n - i - 1"]))
def test_what_never_meets_in_a_nest_does_not_meet(
    write: tuple[int, ...], read: tuple[int, ...], apart: int, inner: str
) -> None:
    """Indices a i + b j + c n + d i n + e, in a loop over i < n with a loop over j < n, i or n - i - 1."""
    i, j, w, r = (Value(ArrayType(I64), name) for name in "ijwr")
    n, p, q = Dim.of("n"), Dim.of("#0"), Dim.of("#1")
    lengths = {"n": n, "i": p, "n - i - 1": n - p - 1}

    def index(c: tuple[int, ...], i, j, n):
        return i * c[0] + j * c[1] + n * c[2] + i * n * c[3] + c[4]

    known = Integers(
        {i: p, j: q, w: index(write, p, q, n), r: index(read, p, q, n)},
        {"#0": i, "#1": j},
        {"#0": (Dim(), n - 1), "#1": (Dim(), lengths[inner] - 1)},
    )
    shown = never_meet((w,), (r,), i, lambda integer: integer is j, [apart], known)
    sizes = [(at, {"n": at, "i": k, "n - i - 1": at - k - 1}) for at in range(6) for k in range(at)]

    def places(c: tuple[int, ...]):
        """In the inner loop, or, if j is not in the index, in the outer one."""
        return [(n, at["i"], k) for n, at in sizes for k in range(at[inner] if c[1] else 1)]

    meet = any(
        index(write, at, k, n) == index(read, now, m, n)
        for (n, at, k), (size, now, m) in itertools.product(places(write), places(read))
        if n == size and (at > now) - (at < now) == apart
    )
    assert not (shown and meet)


@pytest.mark.parametrize(
    ("write", "read", "apart", "inner"),
    [
        ("i", "j", [0, 1], "i"),  # Cholesky: column i is written, columns before it are read
        ("i + j + 1", "i", [0, 1], "n - i - 1"),  # elimination: rows below row i are written
        ("i*n + j", "i*n + j", [1, -1], "n"),  # rows one after the other in one axis
        ("n - 1 - i", "n + i", [-1, 0, 1], "n"),
    ],
)
def test_ranges_keep_accesses_apart(write: str, read: str, apart: list[int], inner: str) -> None:
    i, j, w, r = (Value(ArrayType(I64), name) for name in "ijwr")
    names = {"i": Dim.of("#0"), "j": Dim.of("#1"), "n": Dim.of("n")}
    known = Integers(
        {i: names["i"], j: names["j"], w: eval(write, names), r: eval(read, names)},
        {"#0": i, "#1": j},
        {"#0": (Dim(), Dim.of("n") - 1), "#1": (Dim(), eval(inner, names) - 1)},
    )
    assert never_meet((w,), (r,), i, lambda integer: integer is j, apart, known)


def test_a_loop_inside_says_nothing_of_the_trips_around_it() -> None:
    """`x[0]` and `x[i]` are one element in the first trip, though the loop over j < i makes none there."""
    i, j, w, r = (Value(ArrayType(I64), name) for name in "ijwr")
    n, p, q = Dim.of("n"), Dim.of("#0"), Dim.of("#1")
    known = Integers(
        {i: p, j: q, w: Dim(), r: p}, {"#0": i, "#1": j}, {"#0": (Dim(), n - 1), "#1": (Dim(), p - 1)}
    )
    assert not never_meet((w,), (r,), i, lambda integer: integer is j, [0], known)
    assert never_meet((w,), (r,), i, lambda integer: integer is j, [-1], known)
