"""Products of matrices and contractions, in terms of the ops matmul and einsum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from adcompiler.ir.ops import products
from adcompiler.ir.types import DType

from .extents import common_shape, hint, same_dim
from .frames import refuse
from .numpy_creation import joint, number_or_array, operand_array
from .numpy_reductions import elements, sum_
from .numpy_shapes import (
    axis_of,
    diagonal,
    ravel,
    readonly,
    reshape,
    static_int,
    transpose,
)
from .scalars import cast, dtype_of
from .ufuncs import boxed, into
from .values import TracedArray, wrap

Array = TracedArray

# ---- products ----


def matmul(a: Any, b: Any, out: Any = None) -> Any:
    """`np.matmul`; of integers, which BLAS does not have, a sum of products."""
    x, y = operand_array(a), operand_array(b)
    return into(out, _product(x, y, _resolved(np.matmul, x, y)), np.matmul)


def _resolved(ufunc: np.ufunc, x: Array, y: Array) -> DType:
    """The dtype in which a ufunc multiplies: of bfloat16 it makes float32."""
    return dtype_of(ufunc.resolve_dtypes((x.dtype, y.dtype, None))[0])


def _product(x: Array, y: Array, kind: DType) -> Any:
    for k, operand in enumerate((x, y)):
        if not operand.ndim:
            raise ValueError(
                f"matmul: Input operand {k} does not have enough dimensions "
                "(has 0, gufunc core with signature (n?,k),(k,m?)->(n?,m?) requires 1)"
            )
    same_dim(x.type.shape[-1], y.type.shape[0 if y.ndim == 1 else -2])
    common_shape([x.type.shape[:-2], y.type.shape[:-2]])
    if not kind.is_float:
        return _integer_product(x, y)
    return wrap(products.product(cast(x.read(), kind), cast(y.read(), kind)))


def _integer_product(x: Array, y: Array) -> Any:
    rows = x[..., :, None] if x.ndim > 1 else x[:, None]
    columns = y if y.ndim > 1 else y[:, None]
    bools = x.dtype == bool and y.dtype == bool
    product = rows * (columns[..., None, :, :] if x.ndim > 1 else columns)
    found = np.any(product, -2) if bools else sum_(product, -2, np.result_type(x.dtype, y.dtype))
    return found[..., 0] if y.ndim == 1 and found.ndim > 1 else found[0] if y.ndim == 1 else found


def dot(a: Any, b: Any, out: Any = None) -> Any:
    """`np.dot`: the last axis of one with the last but one of the other."""
    x, y = operand_array(a), operand_array(b)
    if not x.ndim or not y.ndim:
        found = np.multiply(a, b)
    elif x.ndim <= 2 and y.ndim <= 2:
        found = _product(x, y, joint((x, y)))
    else:
        found = tensordot(x, y, ([-1], [-1 if y.ndim == 1 else -2]))
    return into(out, found, np.multiply)


def vdot(a: Any, b: Any) -> Any:
    """`np.vdot`."""
    return dot(ravel(a), ravel(b))


def inner(a: Any, b: Any) -> Any:
    """`np.inner`."""
    x, y = operand_array(a), operand_array(b)
    return np.multiply(a, b) if not x.ndim or not y.ndim else tensordot(x, y, ([-1], [-1]))


def outer(a: Any, b: Any, out: Any = None) -> Any:
    """`np.outer`."""
    return np.multiply(ravel(a)[:, None], ravel(b)[None, :], out=out)


def vecdot(a: Any, b: Any) -> Any:
    """`np.vecdot`: scalar products along the last axis."""
    x, y = operand_array(a), operand_array(b)
    kind = _resolved(np.vecdot, x, y)
    if not (x.type.dtype.is_half and y.type.dtype.is_half):
        return sum_(np.multiply(x, y), -1)
    return sum_(np.multiply(x.astype(np.float32), y.astype(np.float32)), -1).astype(kind.numpy)


def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """`np.tensordot`: as one product of matrices."""
    x, y = operand_array(a), operand_array(b)
    if isinstance(axes, list | tuple):
        left, right = (list(k) if isinstance(k, list | tuple) else [k] for k in axes)
    else:
        count = static_int(axes, "the number of axes of tensordot")
        left, right = list(range(x.ndim - count, x.ndim)), list(range(count))
    left, right = [axis_of(k, x.ndim) for k in left], [axis_of(k, y.ndim) for k in right]
    if len(left) != len(right) or not all(
        same_dim(x.type.shape[i], y.type.shape[j]) for i, j in zip(left, right, strict=True)
    ):
        raise ValueError("shape-mismatch for sum")
    free_left = [k for k in range(x.ndim) if k not in left]
    free_right = [k for k in range(y.ndim) if k not in right]
    shape = (*(x.shape[k] for k in free_left), *(y.shape[k] for k in free_right))
    inside = elements(x, left)
    rows = reshape(transpose(x, (*free_left, *left)), (elements(x, free_left), inside))
    columns = reshape(transpose(y, (*right, *free_right)), (inside, elements(y, free_right)))
    return boxed(number_or_array(reshape(_product(rows, columns, joint((x, y))), shape)))


def einsum(
    subscripts: Any, /, *operands: Any, out: Any = None, optimize: Any = False, dtype: Any = None
) -> Any:
    """`np.einsum` with letters; the implicit form is made explicit."""
    if not isinstance(subscripts, str) or "." in subscripts:
        refuse("np.einsum with axis lists or an ellipsis is not supported", "write the subscripts as letters")
    arrays = [operand_array(x) for x in operands]
    inputs, arrow, result = subscripts.replace(" ", "").partition("->")
    if not arrow:
        letters = inputs.replace(",", "")
        result = "".join(sorted(c for c in set(letters) if letters.count(c) == 1))
    terms = inputs.split(",")
    for k, (labels, x) in enumerate(zip(terms, arrays, strict=False)):
        if len(labels) == 2 and labels[0] == labels[1]:
            same_dim(*x.type.shape)
            terms[k], arrays[k] = labels[0], diagonal(x)
    _unify_labels(terms, arrays)
    kind = joint(arrays) if dtype is None else joint([np.empty(0, dtype)])
    if not kind.is_float:
        refuse("np.einsum of integers is not supported", "convert the operands: x.astype(float)")
    values = [cast(x.read(), kind) for x in arrays]
    found = wrap(products.einsum(*values, subscripts=f"{','.join(terms)}->{result}"))
    if len(arrays) == 1 and sorted(terms[0]) == sorted(result):
        found = readonly(operand_array(operands[0]), found.read(), "it is a view that np.einsum gave")
    return into(out, found, np.multiply)


def _unify_labels(terms: Sequence[str], arrays: Sequence[Array]) -> None:
    """Axes of one label are one size."""
    sizes: dict[str, Any] = {}
    for labels, x in zip(terms, arrays, strict=False):
        for label, d in zip(labels, x.type.shape, strict=False):
            same_dim(sizes.setdefault(label, d), d)


def trace(a: Any, offset: Any = 0, axis1: Any = 0, axis2: Any = 1, dtype: Any = None, out: Any = None) -> Any:
    """`np.trace` of a matrix."""
    return sum_(diagonal(a, offset, axis1, axis2), None, dtype, out)


def cross(a: Any, b: Any, axisa: Any = -1, axisb: Any = -1, axisc: Any = -1, axis: Any = None) -> Any:
    """`np.cross` of vectors of length 3 along the last axis."""
    x, y = operand_array(a), operand_array(b)
    if (axisa, axisb, axisc, axis) != (-1, -1, -1, None) or hint(x.type.shape[-1]) != 3 != hint(
        y.type.shape[-1]
    ):
        refuse("np.cross is supported along the last axis, of length 3", "write its three components out")
    p, q = ([v[..., k] for k in range(3)] for v in (x, y))
    return np.stack([p[i] * q[j] - p[j] * q[i] for i, j in ((1, 2), (2, 0), (0, 1))], -1)


FUNCTIONS: Mapping[Any, Any] = MappingProxyType(
    {
        np.matmul: matmul,
        np.dot: dot,
        np.vdot: vdot,
        np.inner: inner,
        np.outer: outer,
        np.tensordot: tensordot,
        np.einsum: einsum,
        np.trace: trace,
        np.cross: cross,
        np.vecdot: vecdot,
        np.linalg.matmul: lambda x1, x2: matmul(x1, x2),
        np.linalg.outer: lambda x1, x2: outer(x1, x2),
        np.linalg.tensordot: lambda x1, x2, axes=2: tensordot(x1, x2, axes),
        np.linalg.vecdot: lambda x1, x2: vecdot(x1, x2),
        np.linalg.cross: lambda x1, x2: cross(x1, x2),
        np.linalg.trace: lambda x, offset=0: trace(x, offset, -2, -1),
    }
)
