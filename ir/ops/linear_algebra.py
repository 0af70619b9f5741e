"""Linear systems and inverses.

Their derivatives: M. Giles, Collected matrix derivative results for forward and reverse mode algorithmic
differentiation (2008), section 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..graph import Attrs, Block, Eqn, Value
from ..op import Forward, Library, NoDerivative, Op, Reverse, Rule, Sample
from ..types import ArrayType, Dim
from .attributes import boolean
from .elementwise import common_dtype, floating, matrix, vector
from .products import matmul, outer, transposed

# ---- solve ----


def require_square(a: ArrayType) -> None:
    if a.rank < 2:
        raise ShapeError(f"{a.rank}-dimensional array given. Array must be at least two-dimensional")
    if a.rank > 2:
        raise ShapeError("stacks of matrices are not supported here: loop over the first axis")
    if a.shape[0] != a.shape[1]:
        raise ShapeError("Last 2 dimensions of the array must be square")


def _solve_infer(types: Sequence[ArrayType], attrs: Attrs, blocks: Sequence[Block]) -> tuple[ArrayType, ...]:
    common_dtype("solve", types, floating)
    a, b = types
    require_square(a)
    if b.rank not in (1, 2):
        raise ShapeError(
            f"solve takes a vector or a matrix of right-hand sides, not an array of dimension {b.rank}"
        )
    if a.shape[0] != b.shape[0]:
        name, signature = ("solve1", "(m,m),(m)->(m)") if b.rank == 1 else ("solve", "(m,m),(m,n)->(m,n)")
        raise ShapeError(
            f"{name}: Input operand 1 has a mismatch in its core dimension 0, "
            f"with gufunc signature {signature} (size {b.shape[0]} is different from {a.shape[0]})"
        )
    return (b,)


def _solve_jvp(forward: Forward, eqn: Eqn) -> tuple[Sequence[Value], Sequence[Value | None]]:
    """a x = b, hence a dx = db - da x."""
    a, b = (forward.primal(v) for v in eqn.inputs)
    da, db = (forward.tangent(v) for v in eqn.inputs)
    x = solve(a, b)
    moved = None if da is None else matmul(da, x)
    right = db if moved is None else -moved if db is None else db - moved
    return [x], [None if right is None else solve(a, right)]


def _solve_vjp(reverse: Reverse, eqn: Eqn, cotangents: Sequence[Value | None]) -> None:
    (a, b), x, (ct,) = eqn.inputs, eqn.output, cotangents
    if ct is None:
        return
    b_ct = solve(transposed(a), ct)
    reverse.accumulate(b, b_ct)
    if reverse.differentiable(a):
        reverse.accumulate(a, -(outer(b_ct, x) if x.type.rank == 1 else matmul(b_ct, transposed(x))))


def _solve_source(eqn: Eqn, operands: Sequence[str], result: str) -> str:
    function = "solve" if eqn.output.type.rank == 2 else "solve_vector"
    return f"{function}({', '.join((*operands, result))})"


SINGULAR = "Singular matrix"


def _solve_sympy(a: Any, b: Any) -> Any:
    import sympy

    return np.array(sympy.Matrix(a).LUsolve(sympy.Matrix(b)).tolist(), dtype=object).reshape(np.shape(b))


REGULAR = matrix(-1, 1, 3, 3) + 3.0 * np.eye(3)


def elimination(types: Sequence[ArrayType], attrs: Attrs) -> Dim:
    """A third of the cube: multiplications and additions of Gaussian elimination, in pairs."""
    return types[0].size * types[0].shape[0] // 3


def _solve_terms(types: Sequence[ArrayType], attrs: Attrs) -> Dim:
    """Elimination, and both substitutions for each right-hand side."""
    a, b = types
    return elimination(types, attrs) + a.shape[0] * b.size


solve = Op(
    name="solve",
    infer=_solve_infer,
    numpy=np.linalg.solve,
    derivative=Rule(_solve_jvp, _solve_vjp),
    lowering=Library(_solve_source, SINGULAR),
    sympy=_solve_sympy,
    dispatch=(np.linalg.solve,),
    cost=2,
    terms=_solve_terms,
    dear=True,
    samples=(
        Sample((REGULAR, vector(-1, 1, 3))),
        Sample((REGULAR, matrix(-1, 1, 3, 2))),
        Sample((np.array([[2.0]]), np.array([3.0]))),
        Sample((REGULAR, np.zeros((3, 0)))),
        Sample((np.zeros((0, 0)), np.zeros(0))),
    ),
)


# ---- several systems with one matrix ----

AFTERWARDS = NoDerivative("it is written after derivatives were taken")


def _lu_infer(types: Sequence[ArrayType], attrs: Attrs, blocks: Sequence[Block]) -> tuple[ArrayType, ...]:
    common_dtype("lu", types, floating)
    boolean(attrs.get("singular", False))
    (a,) = types
    require_square(a)
    return (a.with_shape([a.shape[0] + 1, a.shape[1]]),)


def _lu(a: Any, singular: bool = False) -> Any:
    from scipy.linalg import lapack

    if not len(a):
        return np.zeros((1, 0), a.dtype)
    result = np.concatenate([a, np.empty((1, len(a)), a.dtype)])
    factorised = lapack.sgetrf if a.dtype == np.float32 else lapack.dgetrf
    _, result[-1], info = factorised(result[:-1].T, overwrite_a=True)
    if info and not singular:
        raise np.linalg.LinAlgError(SINGULAR)
    return result


def _lu_source(eqn: Eqn, operands: Sequence[str], result: str) -> str:
    return f"lu({operands[0]}, {result}, {eqn.attrs.get('singular', False)})"


_RANK_ONE = np.array([[1.0, 2.0], [2.0, 4.0]])

lu = Op(
    name="lu",
    infer=_lu_infer,
    numpy=_lu,
    derivative=AFTERWARDS,
    lowering=Library(_lu_source, SINGULAR),
    cost=2,
    terms=elimination,
    dear=True,
    samples=(
        *(Sample((a,), smooth=False) for a in (REGULAR, REGULAR[::-1].copy(), np.zeros((0, 0)))),
        Sample((_RANK_ONE,), {"singular": True}, smooth=False),
    ),
)
"""The factors of aᵀ = P L U as they lie in memory, and in a last row how P exchanges rows.

A singular matrix is an error, or, with the attribute `singular`, has a zero on the diagonal of U.
"""


def _lu_solve_infer(
    types: Sequence[ArrayType], attrs: Attrs, blocks: Sequence[Block]
) -> tuple[ArrayType, ...]:
    boolean(attrs["transposed"])
    factors, b = types
    return _solve_infer([factors.with_shape([factors.shape[1], factors.shape[1]]), b], {}, ())


def _lu_solve(factors: Any, b: Any, transposed: bool) -> Any:
    from scipy.linalg import lu_solve as solve

    pivots = factors[-1].astype(np.int32)
    return solve((factors[:-1].T, pivots), b, trans=0 if transposed else 1, check_finite=False)


def _lu_solve_source(eqn: Eqn, operands: Sequence[str], result: str) -> str:
    function = "solve_factored" if eqn.output.type.rank == 2 else "solve_factored_vector"
    return f"{function}({', '.join((*operands, result, str(eqn.attrs['transposed'])))})"


_FACTORS = np.array([[4.0, 0.5, -0.25], [1.0, 3.0, 0.5], [-1.0, 2.0, 2.0], [2.0, 1.0, 2.0]])

lu_solve = Op(
    name="lu_solve",
    infer=_lu_solve_infer,
    numpy=_lu_solve,
    derivative=AFTERWARDS,
    lowering=Library(_lu_solve_source, SINGULAR),
    cost=2,
    terms=lambda types, attrs: types[1].size * types[1].shape[0],
    dear=True,
    samples=tuple(
        Sample((_FACTORS, b), {"transposed": transposed}, smooth=False)
        for transposed in (False, True)
        for b in (vector(-1, 1, 3), matrix(-1, 1, 3, 2))
    ),
)
"""a⁻¹ b, or a⁻ᵀ b, with what `lu` gives of a."""


# ---- inverse ----


def _square_infer(types: Sequence[ArrayType], attrs: Attrs, blocks: Sequence[Block]) -> tuple[ArrayType, ...]:
    common_dtype("inv", types, floating)
    require_square(types[0])
    return (types[0],)


def _inv_jvp(forward: Forward, eqn: Eqn) -> tuple[Sequence[Value], Sequence[Value | None]]:
    """a y = 1, hence dy = -y da y."""
    y, tangent = inv(forward.primal(eqn.inputs[0])), forward.tangent(eqn.inputs[0])
    return [y], [-matmul(matmul(y, tangent), y) if tangent is not None else None]


def _inv_vjp(reverse: Reverse, eqn: Eqn, cotangents: Sequence[Value | None]) -> None:
    (ct,) = cotangents
    if ct is not None:
        y = transposed(eqn.output)
        reverse.accumulate(eqn.inputs[0], -matmul(matmul(y, ct), y))


def _inv_sympy(a: Any) -> Any:
    import sympy

    return np.array(sympy.Matrix(a).inv().tolist(), dtype=object)


inv = Op(
    name="inv",
    infer=_square_infer,
    numpy=np.linalg.inv,
    derivative=Rule(_inv_jvp, _inv_vjp),
    lowering=Library(lambda eqn, operands, result: f"inverse({operands[0]}, {result})", SINGULAR),
    sympy=_inv_sympy,
    dispatch=(np.linalg.inv,),
    cost=2,
    terms=lambda types, attrs: types[0].size * types[0].shape[0],
    dear=True,
    samples=(Sample((REGULAR,)), Sample((np.array([[-0.5]]),))),
)

OPS = (solve, lu, lu_solve, inv)
