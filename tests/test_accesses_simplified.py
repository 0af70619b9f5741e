"""Accesses of one element that `simplify` has more cheaply, and those that it must leave alone."""

from adcompiler.ir.build import function, origin
from adcompiler.ir.check import verify
from adcompiler.ir.graph import Function, Value, constant
from adcompiler.ir.ops import OPS
from adcompiler.ir.ops.control import branch
from adcompiler.ir.types import I64, ArrayType, array_type
from adcompiler.transforms.dce import dce
from adcompiler.transforms.simplify import simplify

index, put, add_at, less = (OPS[name] for name in ("index", "put", "add_at", "less"))
X, V = Value(array_type("f64", "n"), "x"), Value(array_type("f64"), "v")
ROW, COLUMN = Value(ArrayType(I64), "i"), Value(ArrayType(I64), "j")


def ops(body) -> list[str]:
    """The ops that are left of what `body(x, v, i, j)` writes."""
    f: Function = dce(simplify(function("f", [X, V, ROW, COLUMN], body, ops=OPS, sizes=["n"])))
    verify(f)
    return [eqn.op.name for eqn in f.body.eqns]


def test_what_was_stored_is_not_read_again() -> None:
    assert ops(lambda x, v, i, j: [index(put(x, v, i), i)]) == []
    assert ops(lambda x, v, i, j: [index(put(x, v, constant(3)), constant(3))]) == []


def test_another_place_is_read() -> None:
    assert ops(lambda x, v, i, j: [index(put(x, v, i), j)]) == ["put", "index"]
    assert ops(lambda x, v, i, j: [index(add_at(x, v, i), i)]) == ["add_at", "index"]


def test_what_was_read_is_not_stored_in_its_place() -> None:
    assert ops(lambda x, v, i, j: [put(x, index(x, i), i)]) == []
    assert ops(lambda x, v, i, j: [put(x, index(x, i), j)]) == ["index", "put"]


def test_adding_in_place() -> None:
    assert ops(lambda x, v, i, j: [put(x, index(x, i) + v, i)]) == ["add_at"]
    assert ops(lambda x, v, i, j: [put(x, v + index(x, i), i)]) == ["add_at"]
    assert ops(lambda x, v, i, j: [put(x, index(x, i) - v, i)]) == ["neg", "add_at"]
    assert ops(lambda x, v, i, j: [put(x, v - index(x, i), i)]) == ["index", "sub", "put"]


def test_a_sum_that_is_read_elsewhere_stays() -> None:
    def body(x: Value, v: Value, i: Value, j: Value):
        total = index(x, i) + v
        return [put(x, total, i), total]

    assert ops(body) == ["index", "add", "put"]


def test_the_last_store_counts() -> None:
    assert ops(lambda x, v, i, j: [put(put(x, 2.0 * v, i), v, i)]) == ["put"]


def test_a_version_that_is_read_elsewhere_stays() -> None:
    def twice(x: Value, v: Value, i: Value, j: Value):
        first = put(x, 2.0 * v, i)
        return [put(first, v, i), index(first, j)]

    def in_a_branch(x: Value, v: Value, i: Value, j: Value):
        first = put(x, 2.0 * v, i)
        return branch(less(v, 1.0), lambda: [put(first, v, i)], lambda: [first])

    assert ops(twice) == ["mul", "put", "put", "index"]
    assert ops(in_a_branch) == ["mul", "put", "less", "if"]


def test_zero_and_an_addition_are_a_store_in_an_adjoint_only() -> None:
    """Where the user wrote it, -0 added to 0 is 0."""

    def body(x: Value, v: Value, i: Value, j: Value):
        return [add_at(put(x, constant(0.0), i), v, i)]

    def derived(*args: Value):
        with origin(None, "adjoint of x"):
            return body(*args)

    assert ops(body) == ["put", "add_at"]
    assert ops(derived) == ["put"]
