"""Accesses of arrays and contractions, drawn at random: NumPy is the oracle."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from op_cases import Strict, applied, f64, read, type_of

from adcompiler.ir.build import function
from adcompiler.ir.errors import ShapeError
from adcompiler.ir.evaluate import evaluate
from adcompiler.ir.graph import Value
from adcompiler.ir.ops import OPS
from adcompiler.ir.ops.indexing import element_indices, selected
from adcompiler.ir.ops.products import Contraction, product
from adcompiler.transforms.reverse import reverse

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
