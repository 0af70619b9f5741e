"""Linear systems, factorisations, determinants and norms of NumPy and SciPy, in terms of ops."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from adcompiler.ir.ops import determinants, linear_algebra, triangular
from adcompiler.ir.types import F64, DType

from .extents import same_dim
from .frames import refuse
from .numpy_creation import joint, operand_array
from .numpy_reductions import max_, min_, sum_
from .numpy_shapes import axes_of, transpose
from .scalars import cast, promotes_as
from .values import TracedArray, wrap

Array = TracedArray

# ---- systems, inverses, determinants ----


def _floats(*arrays: Array) -> DType:
    """LAPACK's dtype: integers become float64."""
    kind = joint(arrays)
    if kind.is_half:
        refuse(f"LAPACK does not compute with {kind.numpy}", "convert the arrays: x.astype(np.float32)")
    return kind if kind.is_float else F64


def solve(a: Any, b: Any) -> Any:
    """`np.linalg.solve`."""
    x, y = operand_array(a), operand_array(b)
    if x.ndim == 2 and same_dim(*x.type.shape) and y.ndim:
        same_dim(x.type.shape[0], y.type.shape[0])
    kind = _floats(x, y)
    return wrap(linear_algebra.solve(cast(x.read(), kind), cast(y.read(), kind)))


def inv(a: Any) -> Any:
    """`np.linalg.inv`."""
    x = _square(a)
    return wrap(linear_algebra.inv(cast(x.read(), _floats(x))))


def slogdet(a: Any) -> Any:
    """`np.linalg.slogdet`: sign and logarithm."""
    x = _square(a)
    matrix = cast(x.read(), _floats(x))
    sign, log = wrap(determinants.detsign(matrix)), wrap(determinants.logabsdet(matrix))
    return _SlogdetResult(sign, log)


def det(a: Any) -> Any:
    """`np.linalg.det`."""
    sign, log = slogdet(a)
    return sign * np.exp(log)


_SlogdetResult = type(np.linalg.slogdet(np.eye(1)))


def _square(a: Any) -> Array:
    x = operand_array(a)
    if x.ndim == 2:
        same_dim(*x.type.shape)
    return x


# ---- triangles ----


def cholesky(a: Any, /, *, upper: bool = False) -> Any:
    """`np.linalg.cholesky`: of the upper triangle, the transpose of that of the transpose."""
    x = _square(transpose(a) if upper else a)
    found = wrap(triangular.cholesky(cast(x.read(), _floats(x))))
    return transpose(found) if upper else found


def scipy_cholesky(a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """`scipy.linalg.cholesky`."""
    return cholesky(a, upper=not lower)


def cho_factor(a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """`scipy.linalg.cho_factor`; the other triangle, which SciPy fills with anything, is zero."""
    return cholesky(a, upper=not lower), lower


def cho_solve(c_and_lower: Any, b: Any, overwrite_b: bool = False, check_finite: bool = True) -> Any:
    """`scipy.linalg.cho_solve`: two triangular systems."""
    c, lower = c_and_lower
    first = solve_triangular(c, b, trans=0 if lower else 1, lower=lower)
    return solve_triangular(c, first, trans=1 if lower else 0, lower=lower)


def solve_triangular(
    a: Any,
    b: Any,
    trans: Any = 0,
    lower: bool = False,
    unit_diagonal: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
) -> Any:
    """`scipy.linalg.solve_triangular`; what is not finite gives what is not finite, and no ValueError."""
    if trans not in (0, 1, 2, "N", "T", "C"):
        raise ValueError("trans must be 0, 1, 2, 'N', 'T' or 'C'")
    transposed = trans not in (0, "N")
    x, y = _square(transpose(a) if transposed else a), operand_array(b)
    if x.ndim == 2 and y.ndim:
        same_dim(x.type.shape[0], y.type.shape[0])
    kind = _floats(x, y)
    options = {"lower": bool(lower) != transposed, "unit": bool(unit_diagonal)}
    return wrap(triangular.solve_triangular(cast(x.read(), kind), cast(y.read(), kind), **options))


# ---- norms ----


def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """`np.linalg.norm` of vectors, and the Frobenius norm of matrices."""
    a = operand_array(x)
    if a.dtype == np.float16:  # whose squares would overflow, or vanish
        return norm(a.astype(np.float32), ord, axis, keepdims).astype(np.float16)
    a = a if np.issubdtype(a.dtype, np.inexact) else a.astype(float)
    if axis is None and (ord is None or (ord == 2 and a.ndim == 1) or (ord in ("fro", "f") and a.ndim == 2)):
        return np.sqrt(sum_(a * a, None, keepdims=keepdims))
    axes = axes_of(axis, a.ndim)
    if len(axes) == 2 and ord in (None, "fro", "f"):
        return np.sqrt(sum_(a * a, axes, keepdims=keepdims))
    if len(axes) != 1:
        refuse(f"np.linalg.norm of a matrix with ord={ord!r} is not supported", "use the Frobenius norm")
    return _vector_norm(a, ord, axes, keepdims)


def _vector_norm(a: Array, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    if ord is None or ord == 2:
        return np.sqrt(sum_(a * a, axes, keepdims=keepdims))
    if ord == np.inf:
        return max_(np.abs(a), axes, keepdims=keepdims)
    if ord == -np.inf:
        return min_(np.abs(a), axes, keepdims=keepdims)
    if ord == 0:
        return sum_((a != 0).astype(a.dtype), axes, keepdims=keepdims)
    if ord == 1:
        return sum_(np.abs(a), axes, keepdims=keepdims)
    if promotes_as(ord) not in (int, float):
        raise ValueError(f"Invalid norm order '{ord}' for vectors")
    return sum_(np.abs(a) ** ord, axes, keepdims=keepdims) ** (1.0 / ord)


FUNCTIONS: Mapping[Any, Any] = MappingProxyType(
    {
        np.linalg.solve: solve,
        np.linalg.inv: inv,
        np.linalg.det: det,
        np.linalg.slogdet: slogdet,
        np.linalg.cholesky: cholesky,
        np.linalg.norm: norm,
        np.linalg.matrix_norm: lambda x, keepdims=False, ord="fro": norm(x, ord, (-2, -1), keepdims),
    }
)

NAMED: Mapping[str, Any] = MappingProxyType(
    {
        "scipy.linalg.cholesky": scipy_cholesky,
        "scipy.linalg.cho_factor": cho_factor,
        "scipy.linalg.cho_solve": cho_solve,
        "scipy.linalg.solve_triangular": solve_triangular,
    }
)
"""Functions of modules that are not imported here."""
