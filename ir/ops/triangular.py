"""Cholesky's factorisation, and systems with a triangular matrix.

Half of each matrix is not read, and has no derivative, as in NumPy and SciPy. The formulas: I. Murray,
Differentiation of the Cholesky decomposition (2016), section 3; M. Giles, Collected matrix derivative results
for forward and reverse mode algorithmic differentiation (2008), section 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..graph import Attrs, Block, Eqn, Value
from ..op import Forward, Library, Op, Reverse, Rule, Sample
from ..types import ArrayType
from .assembly import tril, triu
from .attributes import boolean
from .elementwise import common_dtype, floating, matrix, vector
from .linear_algebra import elimination, require_square
from .products import matmul, outer, transposed

# ---- Cholesky ----


def _cholesky_infer(
    types: Sequence[ArrayType], attrs: Attrs, blocks: Sequence[Block]
) -> tuple[ArrayType, ...]:
    common_dtype("cholesky", types, floating)
    require_square(types[0])
    return (types[0],)


def _half(a: Value) -> Value:
    """The lower triangle, its diagonal halved."""
    return (tril(a, k=0) + tril(a, k=-1)) * 0.5


def _left(lower: Value, b: Value) -> Value:
    """L⁻ᵀ b."""
    return solve_triangular(transposed(lower), b, lower=False, unit=False)


def _cholesky_jvp(forward: Forward, eqn: Eqn) -> tuple[Sequence[Value], Sequence[Value | None]]:
    """L Lᵀ = a, hence dL = L half(L⁻¹ da L⁻ᵀ), of the symmetric da with the given lower triangle."""
    (a,) = eqn.inputs
    lower, tangent = cholesky(forward.primal(a)), forward.tangent(a)
    if tangent is None:
        return [lower], [None]
    symmetric = tril(tangent, k=0) + transposed(tril(tangent, k=-1))
    left = solve_triangular(lower, symmetric, lower=True, unit=False)
    inside = solve_triangular(lower, transposed(left), lower=True, unit=False)
    return [lower], [matmul(lower, _half(inside))]


def _cholesky_vjp(reverse: Reverse, eqn: Eqn, cotangents: Sequence[Value | None]) -> None:
    """S = L⁻ᵀ half(Lᵀ L̄) L⁻¹; an element below the diagonal of a stands for two."""
    (ct,), lower = cotangents, eqn.output
    if ct is not None:
        right = _left(lower, _half(matmul(transposed(lower), tril(ct, k=0))))
        s = _left(lower, transposed(right))
        reverse.accumulate(eqn.inputs[0], _half(s + transposed(s)))


def _cholesky_sympy(a: Any) -> Any:
    import sympy

    lower = np.zeros(np.shape(a), dtype=object)
    for i in range(len(lower)):
        for j in range(i + 1):
            rest = a[i, j] - sum(lower[i, k] * lower[j, k] for k in range(j))
            lower[i, j] = sympy.sqrt(rest) if i == j else rest / lower[j, j]
    return lower


_LOWER = np.tril(matrix(-1, 1, 3, 3)) + 2.0 * np.eye(3)

cholesky = Op(
    name="cholesky",
    infer=_cholesky_infer,
    numpy=np.linalg.cholesky,
    derivative=Rule(_cholesky_jvp, _cholesky_vjp),
    lowering=Library(
        lambda eqn, operands, result: f"cholesky({operands[0]}, {result})", "Matrix is not positive definite"
    ),
    sympy=_cholesky_sympy,
    cost=2,
    terms=lambda types, attrs: elimination(types, attrs) // 2,
    dear=True,
    samples=(
        Sample((_LOWER @ _LOWER.T,)),
        Sample((np.tril(_LOWER @ _LOWER.T) + np.triu(np.full((3, 3), 7.0), 1),)),
        Sample((np.array([[2.0]]),)),
        Sample((np.zeros((0, 0)),)),
    ),
)

# ---- triangular systems ----


def _solve_infer(types: Sequence[ArrayType], attrs: Attrs, blocks: Sequence[Block]) -> tuple[ArrayType, ...]:
    common_dtype("solve_triangular", types, floating)
    for name in ("lower", "unit"):
        boolean(attrs[name])
    a, b = types
    if a.rank != 2 or a.shape[0] != a.shape[1]:
        raise ShapeError("expected square matrix")
    if b.rank not in (1, 2) or a.shape[0] != b.shape[0]:
        shapes = [f"({', '.join(map(str, t.shape))}{',' * (t.rank == 1)})" for t in types]
        raise ShapeError(f"shapes of a {shapes[0]} and b {shapes[1]} are incompatible")
    return (b,)


def _solve(a: Any, b: Any, lower: bool, unit: bool) -> Any:
    from scipy.linalg import solve_triangular as solve

    return solve(a, b, lower=lower, unit_diagonal=unit, check_finite=False)


def _triangle(a: Value, attrs: Attrs) -> Value:
    """What is read of a matrix."""
    inside = 1 if attrs["unit"] else 0
    return tril(a, k=-inside) if attrs["lower"] else triu(a, k=inside)


def _solve_jvp(forward: Forward, eqn: Eqn) -> tuple[Sequence[Value], Sequence[Value | None]]:
    """a x = b, hence a dx = db - da x."""
    a, b = (forward.primal(v) for v in eqn.inputs)
    da, db = (forward.tangent(v) for v in eqn.inputs)
    x = solve_triangular(a, b, **eqn.attrs)
    moved = None if da is None else matmul(_triangle(da, eqn.attrs), x)
    right = db if moved is None else -moved if db is None else db - moved
    return [x], [None if right is None else solve_triangular(a, right, **eqn.attrs)]


def _solve_vjp(reverse: Reverse, eqn: Eqn, cotangents: Sequence[Value | None]) -> None:
    (a, b), x, (ct,) = eqn.inputs, eqn.output, cotangents
    if ct is None:
        return
    b_ct = solve_triangular(transposed(a), ct, lower=not eqn.attrs["lower"], unit=eqn.attrs["unit"])
    reverse.accumulate(b, b_ct)
    if reverse.differentiable(a):
        a_ct = outer(b_ct, x) if x.type.rank == 1 else matmul(b_ct, transposed(x))
        reverse.accumulate(a, _triangle(-a_ct, eqn.attrs))


def _solve_source(eqn: Eqn, operands: Sequence[str], result: str) -> str:
    function = "solve_triangular" if eqn.output.type.rank == 2 else "solve_triangular_vector"
    arguments = (*operands, result, str(eqn.attrs["lower"]), str(eqn.attrs["unit"]))
    return f"{function}({', '.join(arguments)})"


def _solve_sympy(a: Any, b: Any, lower: bool, unit: bool) -> Any:
    x = np.array(b, dtype=object)
    n = len(x)
    for i in range(n) if lower else range(n - 1, -1, -1):
        for k in range(i) if lower else range(i + 1, n):
            x[i] = x[i] - a[i, k] * x[k]
        x[i] = x[i] if unit else x[i] / a[i, i]
    return x


_FULL = matrix(-1, 1, 3, 3) + 3.0 * np.eye(3)

solve_triangular = Op(
    name="solve_triangular",
    infer=_solve_infer,
    numpy=_solve,
    derivative=Rule(_solve_jvp, _solve_vjp),
    lowering=Library(_solve_source, "singular matrix"),
    sympy=_solve_sympy,
    cost=1,
    terms=lambda types, attrs: types[1].size * types[1].shape[0],
    dear=True,
    samples=(
        Sample((_FULL, vector(-1, 1, 3)), {"lower": True, "unit": False}),
        Sample((_FULL, vector(-1, 1, 3)), {"lower": False, "unit": True}),
        Sample((_FULL, matrix(-1, 1, 3, 2)), {"lower": True, "unit": True}),
        Sample((_FULL, matrix(-1, 1, 3, 2)), {"lower": False, "unit": False}),
        Sample((_FULL, np.zeros((3, 0))), {"lower": True, "unit": False}),
        Sample((np.zeros((0, 0)), np.zeros(0)), {"lower": True, "unit": False}),
    ),
)

OPS = (cholesky, solve_triangular)
