"""Reductions, shapes, indexed access, linear algebra: what the tests of all records do not ask of them."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from op_cases import Case, cases, type_of

from adcompiler.ir.build import function
from adcompiler.ir.errors import AdcompilerError, DTypeError, ShapeError, VerifierError
from adcompiler.ir.evaluate import evaluate, resolved
from adcompiler.ir.graph import Function, Value
from adcompiler.ir.op import Element, Reduction, Rule, Scan, Whole
from adcompiler.ir.ops import OPS, arrays, assembly, indexing, linear_algebra, products, reductions, shape
from adcompiler.ir.ops.attributes import canonical_axes
from adcompiler.ir.ops.indexing import element_indices, selected
from adcompiler.ir.ops.products import Contraction, product
from adcompiler.ir.types import BOOL, F32, F64, I64, ArrayType, Dim, array_type
from adcompiler.transforms.forward import forward
from adcompiler.transforms.reverse import reverse

FAMILIES = (arrays, assembly, indexing, linear_algebra, products, reductions, shape)
NAMES = {op.name for family in FAMILIES for op in family.OPS}
CASES = [case for case in cases() if case.op.name in NAMES]
n, m, k = Dim.of("n"), Dim.of("m"), Dim.of("k")


def each(chosen: list[Case]):
    return pytest.mark.parametrize("case", chosen, ids=[case.id for case in chosen])


def with_lowering(kind: type) -> list[Case]:
    return [case for case in CASES if isinstance(case.op.lowering, kind)]


def f64(*sizes: Any) -> ArrayType:
    return array_type("f64", *sizes)


INDEX = ArrayType(I64)

# ---- types with symbolic sizes ----

SPAN = ("span", n - 1, 1)
SYMBOLIC = [
    ("reshape", [f64(n, m)], {"shape": (m, n)}, "f64[m, n]"),
    ("reshape", [f64(n, n - 1)], {"shape": (n * n - n, 1)}, "f64[n*n - n, 1]"),
    ("transpose", [f64(n, m, 3)], {"axes": (2, 0, 1)}, "f64[3, n, m]"),
    ("broadcast", [f64(1, n)], {"shape": (m, m + 1, n)}, "f64[m, m + 1, n]"),
    ("flip", [f64(n, m)], {"axes": (1,)}, "f64[n, m]"),
    ("roll", [f64(n)], {"axis": 0, "shift": m}, "f64[n]"),
    ("concatenate", [f64(2, n), f64(2, m), f64(2, 3)], {"axis": 1}, "f64[2, m + n + 3]"),
    ("pad", [f64(n, m)], {"widths": ((1, k), (0, 2))}, "f64[k + n + 1, m + 2]"),
    ("tril", [f64(n, m)], {"k": m}, "f64[n, m]"),
    ("diagonal", [f64(n, n)], {"k": 0}, "f64[n]"),
    ("diagonal", [f64(n, n)], {"k": -2}, "f64[max(n - 2, 0)]"),
    ("diagonal", [f64(n, n + m)], {"k": 0}, "f64[n]"),
    ("diag", [f64(n)], {"k": -2}, "f64[n + 2, n + 2]"),
    ("sum", [f64(n, m, 3)], {"axes": (0, 2)}, "f64[m]"),
    ("max", [f64(n, m)], {"axes": (0, 1)}, "f64"),
    ("argmax", [f64(n, m)], {"axis": 0}, "i64[m]"),
    ("argmin", [f64(n, m)], {"axis": None}, "i64"),
    ("all", [array_type("bool", n, 2)], {"axes": (1,)}, "bool[n]"),
    ("cumsum", [f64(n, m)], {"axis": 1}, "f64[n, m]"),
    ("index", [f64(n, m), INDEX], {}, "f64[m]"),
    ("index", [f64(n + 1, m), INDEX], {"at": (("span", n - 1, 1),)}, "f64[n - 1, m]"),
    ("index", [f64(n, m), array_type("i64", k)], {"at": ("all", "gather")}, "f64[n, k]"),
    ("put", [f64(n + 1), f64(n - 1), INDEX], {"at": (SPAN,)}, "f64[n + 1]"),
    ("add_at", [f64(n, m), f64(k, m), array_type("i64", k)], {"at": ("gather",)}, "f64[n, m]"),
    ("zeros", [], {"shape": (n, 3), "dtype": F32}, "f32[n, 3]"),
    ("iota", [], {"length": n + 1}, "i64[n + 1]"),
    ("dim", [], {"size": n * m}, "i64"),
    ("matmul", [f64(n, m), f64(m, k)], {}, "f64[n, k]"),
    ("matmul", [f64(n), f64(n)], {}, "f64"),
    ("einsum", [f64(n, m), f64(m, k)], {"subscripts": "ij,jk->ki"}, "f64[k, n]"),
    ("solve", [f64(n, n), f64(n, m)], {}, "f64[n, m]"),
    ("logabsdet", [f64(n, n)], {}, "f64"),
]


@pytest.mark.parametrize(("name", "types", "attrs", "expected"), SYMBOLIC)
def test_symbolic_sizes_give_symbolic_results(name: str, types: Any, attrs: Any, expected: str) -> None:
    (result,) = OPS[name].infer(types, attrs, ())
    assert str(result) == expected


@pytest.mark.parametrize(("name", "types", "attrs", "expected"), SYMBOLIC)
def test_symbolic_and_concrete_sizes_agree(name: str, types: Any, attrs: Any, expected: str) -> None:
    """The type at sizes 5, 3, 4 is that of what NumPy makes of arrays of these sizes."""
    sizes = {"n": 5, "m": 3, "k": 4}
    inputs = [example(t, sizes) for t in types]
    output = OPS[name].numpy(*inputs, **{key: resolved(attr, sizes) for key, attr in attrs.items()})
    (result,) = OPS[name].infer(types, attrs, ())
    assert type_of(output) == result.substitute({size: Dim.of(value) for size, value in sizes.items()})


def example(t: ArrayType, sizes: dict[str, int]) -> Any:
    """A regular matrix where the array is square, else ones; zeros as indices."""
    shape = [d.value(sizes) for d in t.shape]
    if len(shape) == 2 and shape[0] == shape[1]:
        return np.eye(shape[0])
    return np.full(shape, 1 if t.dtype.is_float or t.dtype is BOOL else 0, t.dtype.numpy)[()]


# ---- messages ----

GATHER = array_type("i64", 3)
MISTAKES = [
    ("sum", [f64(2, 3)], {"axes": (2,)}, ShapeError, "axis 2 is out of bounds for array of dimension 2"),
    ("sum", [f64(2, 3)], {"axes": (0, 0)}, ShapeError, "duplicate value in 'axis'"),
    (
        "sum",
        [f64(2, 3)],
        {"axes": (-1,)},
        VerifierError,
        "axes (-1,) are not sorted and counted from the front",
    ),
    ("sum", [array_type("bool", 3)], {"axes": (0,)}, DTypeError, "sum is not defined for bool"),
    ("any", [f64(3)], {"axes": (0,)}, DTypeError, "any is not defined for float64"),
    (
        "max",
        [f64(0, 2)],
        {"axes": (0,)},
        ShapeError,
        "zero-size array to reduction operation maximum which has no identity",
    ),
    (
        "min",
        [f64(0)],
        {"axes": (0,)},
        ShapeError,
        "zero-size array to reduction operation minimum which has no identity",
    ),
    ("argmax", [f64(0)], {"axis": None}, ShapeError, "attempt to get argmax of an empty sequence"),
    ("reshape", [f64(6)], {"shape": (4,)}, ShapeError, "cannot reshape array of size 6 into shape (4,)"),
    (
        "reshape",
        [f64(n, 2)],
        {"shape": (n, 3)},
        ShapeError,
        "cannot reshape array of size 2*n into shape (n, 3)",
    ),
    ("transpose", [f64(2, 3)], {"axes": (0,)}, ShapeError, "axes don't match array"),
    ("transpose", [f64(2, 3)], {"axes": (0, 0)}, ShapeError, "repeated axis in transpose"),
    (
        "broadcast",
        [f64(3)],
        {"shape": (4,)},
        ShapeError,
        "cannot broadcast an array of shape (3,) to shape (4,)",
    ),
    ("broadcast", [f64(n)], {"shape": ()}, ShapeError, "cannot broadcast an array of shape (n,) to shape ()"),
    ("zeros", [], {"shape": (-1,), "dtype": F64}, ShapeError, "negative dimensions are not allowed"),
    (
        "concatenate",
        [f64(), f64()],
        {"axis": 0},
        ShapeError,
        "zero-dimensional arrays cannot be concatenated",
    ),
    (
        "concatenate",
        [f64(2, 3), f64(n, 2)],
        {"axis": 1},
        ShapeError,
        "all the input array dimensions except for the concatenation axis must match exactly, "
        "but along dimension 0, the array at index 0 has size 2 and the array at index 1 has size n",
    ),
    (
        "concatenate",
        [f64(2), f64(2, 2)],
        {"axis": 0},
        ShapeError,
        "all the input arrays must have same number of dimensions, "
        "but the array at index 0 has 1 dimension(s) and the array at index 1 has 2 dimension(s)",
    ),
    (
        "diagonal",
        [f64(n, m)],
        {"k": 0},
        ShapeError,
        "the length of a diagonal of shape (n, m) depends on which size is smaller",
    ),
    (
        "index",
        [f64(n), INDEX, INDEX],
        {},
        ShapeError,
        "too many indices for array: array is 1-dimensional, but 2 were indexed",
    ),
    (
        "index",
        [f64(4, 4), array_type("i64", 2), GATHER],
        {"at": ("gather", "gather")},
        ShapeError,
        "shape mismatch: indexing arrays could not be broadcast together with shapes (2,) (3,)",
    ),
    ("index", [f64(4), f64()], {}, DTypeError, "indices must be i64, not f64"),
    ("index", [f64(4), INDEX], {"at": ("all",)}, VerifierError, "at=('all',) takes 0 index operands, not 1"),
    (
        "index",
        [f64(4), INDEX],
        {"at": (("span", 2, 0),)},
        VerifierError,
        "('span', 2, 0) does not say what to take of an axis",
    ),
    ("index", [f64(4), GATHER], {}, VerifierError, "a point takes a scalar, not i64[3]"),
    (
        "put",
        [f64(4, 3), f64(4), INDEX],
        {},
        ShapeError,
        "could not broadcast input array from shape (4,) into shape (3,)",
    ),
    ("put", [f64(4), array_type("f32"), INDEX], {}, DTypeError, "cannot store f32 in an array of f64"),
    (
        "put",
        [f64(4), f64(3), GATHER],
        {"at": ("gather",)},
        VerifierError,
        "put does not take index arrays: what is stored twice at one place has no order",
    ),
    (
        "matmul",
        [f64(2, 3), f64(n, 2)],
        {},
        ShapeError,
        "matmul: Input operand 1 has a mismatch in its core dimension 0, "
        "with gufunc signature (n?,k),(k,m?)->(n?,m?) (size n is different from 3)",
    ),
    (
        "matmul",
        [f64(3), f64()],
        {},
        ShapeError,
        "matmul: Input operand 1 does not have enough dimensions (has 0, gufunc core with signature "
        "(n?,k),(k,m?)->(n?,m?) requires 1)",
    ),
    (
        "matmul",
        [array_type("i64", 2), array_type("i64", 2)],
        {},
        DTypeError,
        "matmul is not defined for int64",
    ),
    ("solve", [f64(2, 3), f64(2)], {}, ShapeError, "Last 2 dimensions of the array must be square"),
    ("inv", [f64(n)], {}, ShapeError, "1-dimensional array given. Array must be at least two-dimensional"),
    (
        "solve",
        [f64(3, 3), f64(4)],
        {},
        ShapeError,
        "solve1: Input operand 1 has a mismatch in its core dimension 0, "
        "with gufunc signature (m,m),(m)->(m) (size 4 is different from 3)",
    ),
    (
        "einsum",
        [f64(2, 3), f64(4, 3)],
        {"subscripts": "ij,jk->ik"},
        ShapeError,
        "Size of label 'j' for operand 1 (4) does not match previous terms (3).",
    ),
    (
        "einsum",
        [f64(2, 3)],
        {"subscripts": "ij->k"},
        ShapeError,
        "einstein sum subscripts string included output subscript 'k' which never appeared in an input",
    ),
    (
        "einsum",
        [f64(2, 3)],
        {"subscripts": "ij->ii"},
        ShapeError,
        "einstein sum subscripts string includes output subscript 'i' multiple times",
    ),
    (
        "einsum",
        [f64(3, 3)],
        {"subscripts": "ii->i"},
        ShapeError,
        "einsum of ii: a label stands once an operand; take the diagonal before",
    ),
    (
        "einsum",
        [f64(3)],
        {"subscripts": "i"},
        ShapeError,
        "einsum takes subscripts with their result, ij,jk->ik, not i",
    ),
    (
        "check",
        [ArrayType(BOOL)],
        {"kind": "Mistake", "message": ""},
        VerifierError,
        "'Mistake' is not the name of a built-in exception",
    ),
    ("bind", [f64()], {"size": "k"}, DTypeError, "bind takes one i64 scalar, not f64"),
]


@pytest.mark.parametrize(("name", "types", "attrs", "kind", "message"), MISTAKES)
def test_a_mistake_is_named(
    name: str, types: Any, attrs: Any, kind: type[AdcompilerError], message: str
) -> None:
    with pytest.raises(AdcompilerError) as error:
        OPS[name].infer(types, attrs, ())
    assert (type(error.value), error.value.message) == (kind, message)


def test_a_failed_check_raises_its_exception() -> None:
    with pytest.raises(IndexError, match="^index 3 is out of bounds$"):
        OPS["check"].numpy(np.array([True, False]), kind="IndexError", message="index 3 is out of bounds")


def test_a_place_outside_is_never_read() -> None:
    with pytest.raises(IndexError, match="^index -1 is out of bounds for axis with size 3$"):
        OPS["index"].numpy(np.zeros(3), np.int64(-1))
    with pytest.raises(IndexError, match="^index 4 is out of bounds for axis with size 3$"):
        OPS["put"].numpy(np.zeros(3), np.ones(3), np.int64(0), at=(("span", 3, 2),))


@pytest.mark.parametrize(
    ("axes", "expected"), [(None, (0, 1, 2)), (-1, (2,)), ((2, 0), (0, 2)), ((), ()), ((-1, 1), (1, 2))]
)
def test_axes_as_users_write_them(axes: Any, expected: tuple[int, ...]) -> None:
    assert canonical_axes(axes, 3) == expected


# ---- lowerings, run as the Python that they are ----


class Strict:
    """An array that is only read inside, and never from its end."""

    def __init__(self, array: Any) -> None:
        self.array = np.asarray(array)

    def __getitem__(self, key: tuple[int, ...]) -> Any:
        assert all(0 <= i < size for i, size in zip(key, self.array.shape, strict=True))
        return self.array[key]


def read(operand: int, indices: Any) -> str:
    return f"x{operand}[({''.join(f'{i}, ' for i in indices)})]"


def names_of(case: Case) -> dict[str, Any]:
    return {"np": np, **{f"x{j}": Strict(x) for j, x in enumerate(case.inputs)}}


@each(with_lowering(Element))
def test_element_sources_read_what_numpy_gives(case: Case) -> None:
    (eqn,) = case.function.body.eqns
    (output,) = case.outputs
    indices = [f"i{axis}" for axis in range(np.ndim(output))]
    source = eqn.op.lowering.source(eqn, read, indices)
    code = compile(source, case.id, "eval")
    for place in np.ndindex(np.shape(output)):
        assert eval(code, names_of(case), dict(zip(indices, place, strict=True))) == np.asarray(output)[place]


def test_element_sources_take_expressions_as_indices() -> None:
    x = np.arange(60.0).reshape(3, 4, 5)
    for name, attrs in (
        ("flip", {"axes": (0, 1)}),
        ("roll", {"axis": 1, "shift": 3}),
        ("tril", {"k": -1}),
        ("reshape", {"shape": (6, 2, 5)}),
        ("reshape", {"shape": (60,)}),
        ("reshape", {"shape": (5, 4, 3)}),
    ):
        params = [Value(type_of(x), "x")]
        (eqn,) = function(name, params, lambda v, op=OPS[name], a=attrs: [op(v, **a)], ops=OPS).body.eqns
        output = eqn.op.numpy(x, **attrs)
        indices = [f"i{axis} - j" for axis in range(output.ndim)]
        code = compile(eqn.op.lowering.source(eqn, read, indices), name, "eval")
        for place in np.ndindex(output.shape):
            values = {f"i{axis}": i + 7 for axis, i in enumerate(place)}
            assert eval(code, {"np": np, "x0": Strict(x), "j": 7, **values}) == output[place]


def test_a_reshape_that_inserts_axes_computes_nothing() -> None:
    (eqn,) = function(
        "f", [Value(f64(n, m), "x")], lambda x: [OPS["reshape"](x, shape=(n, 1, m, 1))], ops=OPS
    ).body.eqns
    assert eqn.op.lowering.source(eqn, read, ["i", "a", "j", "b"]) == "x0[(i, j, )]"


@each(with_lowering(Whole))
def test_whole_sources_give_fresh_contiguous_arrays(case: Case) -> None:
    (eqn,) = case.function.body.eqns
    operands = [f"x{j}" for j in range(len(case.inputs))]
    source = eqn.op.lowering.source(eqn, operands)
    found = eval(source, {"np": np, **dict(zip(operands, case.inputs, strict=True))})
    np.testing.assert_array_equal(found, case.outputs[0])
    assert np.ndim(found) == 0 or found.flags.c_contiguous
    assert not any(np.shares_memory(found, x) for x in case.inputs if np.ndim(x))


def started(init: str, step: str, dtype: np.dtype) -> tuple[Any, Any]:
    """The start value of a reduction, and its step as a function."""
    floating = dtype.kind == "f"
    words = (
        {
            "zero": dtype.type(0),
            "one": dtype.type(1),
            "lowest": -np.inf if floating else np.iinfo(dtype).min,
            "highest": np.inf if floating else np.iinfo(dtype).max,
        }
        if dtype.kind != "b"
        else {"zero": False, "one": True}
    )
    code = compile(step.format(acc="acc", x="x"), "step", "eval")
    return eval(init.format(**{word: word for word in words}), words), lambda acc, x: eval(
        code, {"acc": acc, "x": x}
    )


@each(with_lowering(Reduction))
def test_reductions_accumulate_to_what_numpy_gives(case: Case) -> None:
    (x,), (output,), axes = case.inputs, case.outputs, case.sample.attrs["axes"]
    start, step = started(case.op.lowering.init, case.op.lowering.step, np.asarray(output).dtype)
    found = np.full(np.shape(output), start, np.asarray(output).dtype)
    for place in np.ndindex(np.shape(x)):
        target = tuple(i for axis, i in enumerate(place) if axis not in axes)
        found[target] = step(found[target], np.asarray(x)[place])
    np.testing.assert_allclose(found, output, rtol=1e-14)


@each(with_lowering(Scan))
def test_scans_keep_what_numpy_gives(case: Case) -> None:
    (x,), (output,), attrs = case.inputs, case.outputs, case.sample.attrs
    start, step = started(case.op.lowering.init, case.op.lowering.step, output.dtype)
    lines = np.moveaxis(x, attrs["axis"], 0)
    expected = np.moveaxis(output, attrs["axis"], 0)
    so_far = np.full(lines.shape[1:], start)
    for i in reversed(range(len(lines))) if attrs.get("reverse") else range(len(lines)):
        so_far = step(so_far, lines[i])
        np.testing.assert_allclose(so_far, expected[i], rtol=1e-14)


@pytest.mark.parametrize("name", ["max", "min"])
@pytest.mark.parametrize("line", list(itertools.permutations([1.0, np.nan, 2.0])))
def test_extrema_keep_nan(name: str, line: tuple[float, ...]) -> None:
    op = OPS[name]
    start, step = started(op.lowering.init, op.lowering.step, np.dtype(np.float64))
    for x in line:
        start = step(start, x)
    assert math.isnan(start)
    assert math.isnan(op.numpy(np.array(line), axes=(0,)))


# ---- SymPy ----


@each([case for case in CASES if case.op.sympy is not None and not any(t.dtype is F32 for t in case.types)])
def test_sympy_forms_agree_with_numpy(case: Case) -> None:
    floats = [
        np.vectorize(lambda x: sympy.Rational(float(x)), otypes=[object])(x)[()] if t.dtype.is_float else x
        for x, t in zip(case.inputs, case.types, strict=True)
    ]
    found = case.op.sympy(*floats, **case.sample.attrs)
    assert np.shape(found) == np.shape(case.outputs[0])
    np.testing.assert_allclose(np.asarray(found, dtype=float), case.outputs[0], rtol=1e-12, atol=1e-14)


# ---- indexed access ----


@st.composite
def accesses(draw: st.DrawFn, gathers: bool) -> tuple[tuple[int, ...], tuple[Any, ...], list[Any], list[Any]]:
    """A shape, the items of `at`, their operands, and the places that each item takes, written out."""
    sizes = tuple(draw(st.lists(st.integers(1, 5), min_size=1, max_size=4)))
    broadcast = tuple(draw(st.lists(st.integers(0, 3), max_size=2)))
    kinds = ["point", "span", "all", *(["gather"] if gathers else [])]
    at: list[Any] = []
    operands: list[Any] = []
    places: list[Any] = []
    for size in sizes[: draw(st.integers(1, len(sizes)))]:
        kind = draw(st.sampled_from(kinds))
        inside = st.integers(0, size - 1)
        if kind == "gather":
            found = draw(st.lists(inside, min_size=math.prod(broadcast), max_size=math.prod(broadcast)))
            places.append(np.array(found, np.int64).reshape(broadcast))
            operands.append(places[-1])
        elif kind == "span":
            step = draw(st.sampled_from([-3, -2, -1, 1, 2, 3]))
            start = draw(inside)
            room = start // -step if step < 0 else (size - 1 - start) // step
            length = draw(st.integers(0, room + 1))
            places.append([start + step * i for i in range(length)])
            operands.append(np.int64(start))
            kind = ("span", length, step)
        elif kind == "point":
            places.append(draw(inside))
            operands.append(np.int64(places[-1]))
        else:
            places.append(list(range(size)))
        at.append(kind)
    return sizes, tuple(at), operands, places


def taken(x: Any, at: tuple[Any, ...], places: list[Any]) -> Any:
    """The elements by NumPy's own rule: spans are taken first, each along its axis."""
    for axis, (item, found) in enumerate(zip(at, places, strict=True)):
        if item not in ("point", "gather"):
            x = np.take(x, np.array(found, np.int64), axis)
    return x[
        tuple(
            found if item in ("point", "gather") else slice(None)
            for item, found in zip(at, places, strict=True)
        )
    ]


@given(accesses(gathers=True))
def test_index_is_numpys(access: Any) -> None:
    sizes, at, operands, places = access
    x = np.arange(float(math.prod(sizes))).reshape(sizes)
    expected = taken(x, at, places)
    np.testing.assert_array_equal(OPS["index"].numpy(x, *operands, at=at), expected)
    assert selected(type_of(x), [type_of(o) for o in operands], {"at": at}) == type_of(expected)


@given(accesses(gathers=True))
def test_element_indices_are_where_the_element_lies(access: Any) -> None:
    sizes, at, operands, places = access
    x = np.arange(float(math.prod(sizes))).reshape(sizes)
    expected = np.asarray(taken(x, at, places))
    types = [type_of(o) for o in operands]
    indices = [f"i{axis}" for axis in range(expected.ndim)]
    found = element_indices(type_of(x), types, {"at": at}, read, indices)
    code = compile(f"({', '.join(found)},)", "indices", "eval")
    names = {f"x{j}": Strict(o) for j, o in enumerate(operands)}
    for place in np.ndindex(expected.shape):
        assert x[eval(code, names, dict(zip(indices, place, strict=True)))] == expected[place]


def flat_places(sizes: tuple[int, ...], at: tuple[Any, ...], places: list[Any]) -> Any:
    """The positions in the flat array of what is taken."""
    return taken(np.arange(math.prod(sizes)).reshape(sizes), at, places)


@given(accesses(gathers=False))
def test_put_is_numpys(access: Any) -> None:
    sizes, at, operands, places = access
    flat = flat_places(sizes, at, places)
    x, value = np.zeros(sizes), 1.0 + np.arange(float(np.size(flat))).reshape(np.shape(flat))
    expected = x.copy()
    expected.flat[np.ravel(flat)] = value.ravel()
    np.testing.assert_array_equal(OPS["put"].numpy(x, value, *operands, at=at), expected)
    assert not x.any()


@given(accesses(gathers=True))
def test_add_at_adds_at_a_place_as_often_as_it_is_named(access: Any) -> None:
    sizes, at, operands, places = access
    flat = flat_places(sizes, at, places)
    x, value = np.ones(sizes), 1.0 + np.arange(float(np.size(flat))).reshape(np.shape(flat))
    expected = x + np.bincount(np.ravel(flat), value.ravel(), x.size).reshape(sizes)
    np.testing.assert_array_equal(OPS["add_at"].numpy(x, value, *operands, at=at), expected)
    assert (x == 1).all()


# ---- products ----


@st.composite
def contractions(draw: st.DrawFn) -> tuple[str, list[Any]]:
    """Subscripts of one to three operands, and operands of these shapes."""
    sizes = {label: draw(st.integers(0, 4)) for label in "ijkl"}
    labels = st.lists(st.sampled_from("ijkl"), max_size=3, unique=True).map("".join)
    operands = draw(st.lists(labels, min_size=1, max_size=3))
    result = draw(st.lists(st.sampled_from(sorted(set("".join(operands))) or ["i"]), unique=True))
    result = [label for label in result if label in "".join(operands)]
    random = np.random.default_rng(draw(st.integers(0, 99)))
    arrays = [random.uniform(-1, 1, [sizes[c] for c in labels])[()] for labels in operands]
    return f"{','.join(operands)}->{''.join(result)}", arrays


def applied(name: str, arrays: list[Any], **attrs: Any) -> Function:
    params = [Value(type_of(x), f"x{j}") for j, x in enumerate(arrays)]
    return function(name, params, lambda *p: [OPS[name](*p, **attrs)], ops=OPS)


@given(contractions())
def test_einsum_is_numpys(contraction: tuple[str, list[Any]]) -> None:
    subscripts, arrays = contraction
    (found,) = evaluate(applied("einsum", arrays, subscripts=subscripts), arrays)
    np.testing.assert_allclose(found, np.einsum(subscripts, *arrays), rtol=1e-12, atol=1e-14)
    parsed = Contraction.parse(subscripts)
    assert f"{','.join(parsed.operands)}->{parsed.result}" == subscripts


@given(contractions())
def test_einsum_and_its_adjoint_are_transposes(contraction: tuple[str, list[Any]]) -> None:
    """The sum over operands of ⟨cotangent, operand⟩ is ⟨result, result⟩ once an operand: Euler's theorem."""
    subscripts, arrays = contraction
    source = applied("einsum", arrays, subscripts=subscripts)
    adjoint = reverse(source, range(len(arrays)))
    (y,) = evaluate(source, arrays)
    _, *cotangents = evaluate(adjoint, [*arrays, y])
    for x, cotangent in zip(arrays, cotangents, strict=True):
        assert np.shape(cotangent) == np.shape(x)
        np.testing.assert_allclose(np.sum(cotangent * x), np.sum(y * y), rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ((2, 3), (3, 4)),
        ((3,), (3,)),
        ((5, 2, 3), (5, 3, 4)),
        ((5, 2, 3), (3, 4)),
        ((2, 3), (5, 3, 4)),
        ((5, 2, 3), (3,)),
        ((3,), (5, 3, 4)),
        ((6, 1, 2, 3), (5, 3, 4)),
        ((1, 2, 3), (1, 3, 1)),
        ((5, 1, 1, 3), (1, 6, 3, 1)),
        ((0, 2, 3), (3, 4)),
    ],
)
def test_products_of_stacks_are_numpys(left: tuple[int, ...], right: tuple[int, ...]) -> None:
    random = np.random.default_rng(0)
    arrays = [random.uniform(-1, 1, left), random.uniform(-1, 1, right)]
    params = [Value(type_of(x), name) for x, name in zip(arrays, "ab", strict=True)]
    (found,) = evaluate(function("product", params, lambda a, b: [product(a, b)], ops=OPS), arrays)
    np.testing.assert_allclose(found, arrays[0] @ arrays[1], rtol=1e-13, strict=True)


def test_stacks_of_matrices_that_do_not_fit() -> None:
    params = [Value(f64(5, 2, 3), "a"), Value(f64(5, 4, 2), "b")]
    with pytest.raises(
        ShapeError, match=r"^matmul: Input operand 1 has a mismatch .* \(size 4 is different from 3\)$"
    ):
        function("product", params, lambda a, b: [product(a, b)], ops=OPS)


# ---- derivatives of what is not linear ----

RULES = [case for case in CASES if isinstance(case.op.derivative, Rule) and case.sample.smooth]


def directions(values: Any, seed: int) -> list[Any]:
    random = np.random.default_rng(seed)
    return [random.uniform(-1, 1, np.shape(x)) for x in values]


def differences(f: Any, inputs: Any, tangents: Any) -> Any:
    """The derivative of `f` along tangents: central differences of fourth order."""
    h = 1e-3
    at = {s: f(*(x + s * h * t for x, t in zip(inputs, tangents, strict=True))) for s in (-2, -1, 1, 2)}
    return (8 * (at[1] - at[-1]) - (at[2] - at[-2])) / (12 * h)


@each(RULES)
def test_forward_agrees_with_differences(case: Case) -> None:
    tangents = directions(case.inputs, 0)
    value, tangent = evaluate(forward(case.function, range(len(case.inputs))), [*case.inputs, *tangents])
    np.testing.assert_array_equal(value, case.outputs[0])
    expected = differences(lambda *x: case.evaluate(*x)[0], case.inputs, tangents)
    np.testing.assert_allclose(tangent, expected, rtol=1e-8, atol=1e-9)


@each(RULES)
def test_reverse_is_the_transpose_of_forward(case: Case) -> None:
    tangents, (cotangent,) = directions(case.inputs, 0), directions(case.outputs, 1)
    everything = range(len(case.inputs))
    _, tangent = evaluate(forward(case.function, everything), [*case.inputs, *tangents])
    _, *cotangents = evaluate(reverse(case.function, everything), [*case.inputs, cotangent])
    pulled = sum(np.sum(c * t) for c, t in zip(cotangents, tangents, strict=True))
    np.testing.assert_allclose(pulled, np.sum(cotangent * tangent), rtol=1e-11, atol=1e-12)


@each(RULES)
def test_second_order_agrees_with_differences(case: Case) -> None:
    """Forward over reverse, against differences of reverse."""
    everything = range(len(case.inputs))
    (cotangent,) = directions(case.outputs, 1)
    tangents = directions(case.inputs, 2)
    adjoint = reverse(case.function, everything)
    twice = evaluate(forward(adjoint, everything), [*case.inputs, cotangent, *tangents])[
        1 + len(case.inputs) + 1 :
    ]
    for j, found in enumerate(twice):
        expected = differences(
            lambda *x, j=j: evaluate(adjoint, [*x, cotangent])[1 + j], case.inputs, tangents
        )
        np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize(("name", "types", "attrs", "expected"), SYMBOLIC)
def test_derivatives_take_symbolic_sizes(name: str, types: Any, attrs: Any, expected: str) -> None:
    """⟨cotangent, J t⟩ = ⟨Jᵀ cotangent, t⟩ for programs that serve all sizes; nothing moves an integer."""
    sizes = {"n": 5, "m": 3, "k": 4}
    params = [Value(t, f"x{j}") for j, t in enumerate(types)]
    source = function(name, params, lambda *p: [OPS[name](*p, **attrs)], ops=OPS, sizes=list(sizes))
    inputs = [example(t, sizes) for t in types]
    wrt = [j for j, t in enumerate(types) if t.dtype.is_float]
    outputs = [x for x in evaluate(source, inputs, sizes) if np.asarray(x).dtype.kind == "f"]
    tangents, cotangents = directions([inputs[j] for j in wrt], 0), directions(outputs, 1)
    images = evaluate(forward(source, wrt), [*inputs, *tangents], sizes)[1:]
    pulled = evaluate(reverse(source, wrt), [*inputs, *cotangents], sizes)[1:]
    assert len(images) == len(outputs)
    left = sum(np.sum(c * image) for c, image in zip(cotangents, images, strict=True))
    right = sum(np.sum(c * t) for c, t in zip(pulled, tangents, strict=True))
    np.testing.assert_allclose(left, right, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize(
    ("name", "x", "expected"),
    [
        ("max", [2.0, 5.0, 5.0], [0.0, 0.5, 0.5]),
        ("min", [7.0, 1.0, 7.0], [0.0, 1.0, 0.0]),
        ("min", [3.0, 3.0, 3.0, 3.0], [0.25] * 4),
        ("max", [-np.inf, np.inf], [0.0, 1.0]),
        ("max", [1.0, np.nan], [np.nan, np.nan]),
        ("prod", [0.0, 2.0, 3.0], [6.0, 0.0, 0.0]),
        ("prod", [0.0, 2.0, 0.0], [0.0, 0.0, 0.0]),
        ("prod", [-4.0], [1.0]),
    ],
)
def test_gradients_where_formulas_go_wrong(name: str, x: list[float], expected: list[float]) -> None:
    inputs = [np.array(x)]
    adjoint = reverse(applied(name, inputs, axes=(0,)), [0])
    with np.errstate(invalid="ignore"):
        _, gradient = evaluate(adjoint, [*inputs, np.float64(1.0)])
    np.testing.assert_array_equal(gradient, expected)


def test_the_cotangent_is_read_before_its_place_is_cleared() -> None:
    """So that the place may be cleared in place."""
    params = [Value(f64(n), "x"), Value(f64(), "v"), Value(INDEX, "i")]
    source = function("store", params, lambda x, v, i: [OPS["put"](x, v, i)], ops=OPS, sizes=["n"])
    names = [eqn.op.name for eqn in reverse(source, [0, 1]).body.eqns]
    assert names.index("index") < len(names) - 1 - names[::-1].index("put")
