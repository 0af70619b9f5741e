"""Types of the results of structural ops: sizes that have names, and what each mistake is told."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from op_cases import directions, f64, type_of

from adcompiler.ir.build import function
from adcompiler.ir.errors import AdcompilerError, DTypeError, ShapeError, VerifierError
from adcompiler.ir.evaluate import evaluate, resolved
from adcompiler.ir.graph import Value
from adcompiler.ir.ops import OPS
from adcompiler.ir.ops.attributes import canonical_axes
from adcompiler.ir.types import BOOL, F32, F64, I64, ArrayType, Dim, array_type
from adcompiler.transforms.forward import forward
from adcompiler.transforms.reverse import reverse

n, m, k = Dim.of("n"), Dim.of("m"), Dim.of("k")
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
    ("barrier", [f64()], {}, ShapeError, "barrier takes no operands, not f64"),
    (
        "check",
        [f64()],
        {"kind": "ValueError", "message": ""},
        DTypeError,
        "check takes one bool operand, not f64",
    ),
    ("concatenate", [], {"axis": 0}, ShapeError, "need at least one array to concatenate"),
    (
        "concatenate",
        [f64(2), array_type("f32", 2)],
        {"axis": 0},
        DTypeError,
        "concatenate takes operands of one dtype, not f64, f32",
    ),
    ("pad", [f64(2)], {"widths": ((1, 2, 3),)}, VerifierError, "widths are pairs of sizes, not ((1, 2, 3),)"),
    ("pad", [f64(2)], {"widths": ()}, ShapeError, "0 pairs of widths do not pad an array of dimension 1"),
    ("tril", [f64(3)], {"k": 0}, ShapeError, "a triangle is taken of an array of at least two dimensions"),
    (
        "diagonal",
        [f64(3)],
        {"k": 0},
        ShapeError,
        "a diagonal is taken of an array of two dimensions, not of 1",
    ),
    (
        "diag",
        [f64(3, 3)],
        {"k": 0},
        ShapeError,
        "a diagonal matrix is made of an array of one dimension, not of 2",
    ),
    (
        "inv",
        [f64(2, 3, 3)],
        {},
        ShapeError,
        "stacks of matrices are not supported here: loop over the first axis",
    ),
    (
        "solve",
        [f64(3, 3), f64(3, 1, 1)],
        {},
        ShapeError,
        "solve takes a vector or a matrix of right-hand sides, not an array of dimension 3",
    ),
    (
        "matmul",
        [f64(2, 3, 3), f64(3)],
        {},
        ShapeError,
        "matmul takes vectors and matrices; a product of stacks of matrices is an einsum",
    ),
    (
        "einsum",
        [f64(3), f64(3)],
        {"subscripts": "i->i"},
        ShapeError,
        "more operands provided to einstein sum function than specified in the subscripts string",
    ),
    (
        "einsum",
        [f64(3)],
        {"subscripts": "ij->i"},
        ShapeError,
        "einstein sum subscripts string contains too many subscripts for operand 0",
    ),
    (
        "einsum",
        [f64(3, 3)],
        {"subscripts": "i->i"},
        ShapeError,
        "operand has more dimensions than subscripts given in einstein sum",
    ),
    (
        "einsum",
        [f64(3)],
        {"subscripts": "1->1"},
        ShapeError,
        "invalid subscript '1' in einstein sum subscripts string, subscripts must be letters",
    ),
    ("zeros", [], {"shape": (2,), "dtype": "f64"}, VerifierError, "expected a dtype, got 'f64'"),
    ("zeros", [], {"shape": 2, "dtype": F64}, VerifierError, "expected a tuple, got 2"),
    ("cumsum", [f64(3)], {"axis": n}, VerifierError, "expected an integer, got n"),
    ("cumsum", [f64(3)], {"axis": -1}, VerifierError, "axis -1 is not counted from the front"),
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
