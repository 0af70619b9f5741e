"""Products of matrices, factorisations and linear systems in compiled code, against NumPy and SciPy."""

import itertools
import os
import re
import subprocess
import sys

import numpy as np
import pytest
import scipy.linalg
from backend_cases import assert_same, call_plain, evaluated, op, program, size_values

from adcompiler import grad
from adcompiler.backends import blas, compile_function, fortran, lapack, numba_backend
from adcompiler.backends.compiled import Options
from adcompiler.backends.products import library_product
from adcompiler.ir.build import emit, function
from adcompiler.ir.graph import Value
from adcompiler.ir.ops import OPS
from adcompiler.ir.ops.loops import loop
from adcompiler.ir.types import Dim, array_type

# ---- products ----

PRODUCTS = {
    "ij,jk->ik": "matmul(x, y, t)",
    "ji,jk->ik": "matmul(x.T, y, t)",
    "ij,kj->ik": "matmul(x, y.T, t)",
    "ji,kj->ik": "matmul(x.T, y.T, t)",
    "ij,jk->ki": "matmul(y.T, x.T, t)",
    "ji,kj->ki": "matmul(y, x, t)",
    "ij,j->i": "matvec(x, y, t)",
    "ji,j->i": "matvec(x.T, y, t)",
    "j,ij->i": "matvec(y, x, t)",
    "bij,bjk->bik": "matmul(x[i1], y[i1], t[i1])",
    "bji,bkj->bik": "matmul(x[i1].T, y[i1].T, t[i1])",
    "bij,jk->bik": "matmul(strided(x, 0, (b*i, j), (j, 1)), y, strided(t, 0, (b*i, k), (k, 1)))",
    "bij,bik->jk": "matmul(strided(x, 0, (j, b*i), (1, j)), strided(y, 0, (b*i, k), (k, 1)), t)",
    "bij,bj->bi": "matvec(x[i1], y[i1], t[i1])",
    "nkd,kde->nke": "matmul(strided(x, i*d, (n, d), (d*k, 1)), y[i], strided(t, i*e, (n, e), (e*k, 1)))",
    "bqhd,bkhd->bhqk": "matmul(strided(x, i*(d*h*q) + j*d, (q, d), (d*h, 1)), "
    "strided(y, i*(d*h*k) + j*d, (d, k), (1, d*h)), t[i, j])",
    "abij,jk->abki": "matmul(y.T, x[i1, j1].T, t[i1, j1])",
    "ij,ij->i": None,  # a scalar product for each row
    "ij,ij->": None,
    "i,j->ij": None,
    "ij,k->i": None,
    "ijb,jkb->ikb": None,  # no matrix has neighbours
    "ijl,lji->": None,
}


def einsum(subscripts, dtype="f64", name="product"):
    """The program of an einsum of two operands, each label a size."""
    left, right = subscripts.partition("->")[0].split(",")
    params = [Value(array_type(dtype, *own), p) for own, p in ((left, "x"), (right, "y"))]
    sizes = tuple(dict.fromkeys(left + right))
    return function(
        name,
        params,
        lambda x, y: emit(OPS["einsum"], (x, y), {"subscripts": subscripts}),
        ops=OPS,
        sizes=sizes,
    )


def operands(f, extents, seed=0):
    """Random arguments of a Function whose sizes have these values."""
    rng = np.random.default_rng(seed)
    return [
        rng.uniform(-1, 1, [d.value(extents) for d in p.type.shape]).astype(p.type.dtype.numpy)
        for p in f.body.params
    ]


def assert_products(f, call, tolerance):
    """A Function of two arrays against its definition, sizes 0 and 1 among others."""
    for lengths in ((4, 5, 3, 7, 2), (1, 6, 1, 9, 3), (0, 3, 4, 2, 1), (5, 0, 2, 3, 4), (6, 8, 0, 3, 2)):
        extents = dict(zip(f.sizes, lengths, strict=False))
        args = operands(f, extents)
        (found,) = call(f, args, [extents[s] for s in f.sizes])
        (expected,) = evaluated(f, args, extents)
        np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)
        assert found.dtype == expected.dtype and found.shape == expected.shape


@pytest.mark.parametrize("subscripts", PRODUCTS)
def test_products_are_recognised_and_handed_over_as_they_lie(subscripts):
    f = einsum(subscripts)
    source = compile_function(f, "numba").source
    calls = re.findall(r"^ *(mat(?:mul|vec)\(.*)$", source, re.MULTILINE)
    expected = PRODUCTS[subscripts]
    assert [re.sub(r"\s+#.*", "", call) for call in calls] == ([] if expected is None else [expected])
    assert "copy" not in source and "contiguous" not in source
    assert_products(f, call_plain, 1e-13)


@pytest.mark.parametrize("dtype", ["f64", "f32"])
def test_products_in_machine_code(dtype):
    chosen = [s for s, call in PRODUCTS.items() if call]
    programs = [einsum(s, dtype, f"product{k}") for k, s in enumerate(chosen)]
    compiled = numba_backend.compile_functions(programs, Options())
    for f, code in zip(programs, compiled, strict=True):
        assert_products(
            f, lambda f, args, sizes, code=code: code.call(*args, *sizes), {"f64": 1e-13, "f32": 1e-5}[dtype]
        )


def random_subscripts(seed):
    """Two operands and a result; most labels stand in two of them or in all."""
    rng = np.random.default_rng(seed)
    labels = list("abcde")[: rng.integers(2, 6)]
    homes = dict(
        zip(
            labels,
            rng.choice(["lr", "lrt", "lt", "rt", "l"], len(labels), p=[0.3, 0.15, 0.3, 0.2, 0.05]),
            strict=True,
        )
    )
    orders = {place: rng.permutation(labels) if rng.random() < 0.3 else labels for place in "lrt"}
    left, right, result = ("".join(c for c in orders[p] if p in homes[c]) for p in "lrt")
    return f"{left},{right}->{result}"


@pytest.mark.parametrize("start", range(0, 120, 30))
def test_random_contractions(start):
    found = 0
    for seed in range(start, start + 30):
        f = einsum(random_subscripts(seed))
        found += library_product(f.body.eqns[0]) is not None
        assert_products(f, call_plain, 1e-12)
    assert found >= 5


@pytest.mark.parametrize("axes", list(itertools.permutations(range(3))))
def test_transposes_of_stacks_are_not_written_out_where_a_product_can_do_without(axes):
    def body(x, y):
        t = op("transpose", x, axes=axes)
        return [op("einsum", t, y, subscripts="bij,bjk->bik")]

    n = [Dim.of(s) for s in "nml"]
    shape = [None, None, None]
    for k, axis in enumerate(axes):
        shape[axis] = n[k]
    f = program("moved", body, sizes=("n", "m", "l"), x=("f64", *shape), y=("f64", "n", "l", 5))
    source = compile_function(f, "numba").source
    neighbours = axes.index(2) != 0  # else the last axis is the one that is looped over
    assert ("for j in" in source) == (not neighbours)
    args = operands(f, {"n": 3, "m": 4, "l": 6})
    assert_same(call_plain(f, args, [3, 4, 6]), evaluated(f, args))


def test_gradients_of_transposes_are_products_that_need_none():
    def matrices(w, x):
        return np.sum(np.tanh(w.T @ x))

    def stacks(a, b):
        return np.sum(np.tanh(np.swapaxes(a, 1, 2) @ b))

    rng = np.random.default_rng(0)
    w, x, a, b = (rng.random(s) for s in ((7, 5), (7, 9), (6, 7, 5), (6, 7, 8)))
    slope = grad(matrices)
    assert "matmul(x, t.T, w_bar)" in slope.source(w, x) and slope.source(w, x).count("for i") == 1
    np.testing.assert_allclose(slope(w, x), x @ (1 - np.tanh(w.T @ x) ** 2).T, rtol=1e-13)
    slope = grad(stacks)
    assert "], t[i].T, a_bar[i])" in slope.source(a, b)
    expected = b @ np.swapaxes(1 - np.tanh(np.swapaxes(a, 1, 2) @ b) ** 2, 1, 2)
    np.testing.assert_allclose(slope(a, b), expected, rtol=1e-13)


def test_small_matrices_are_loops():
    for shapes in (
        (("f64", 3, 3), ("f64", 3)),
        (("f64", "n", 3), ("f64", 3, 3)),
        (("f64", 5, 5), ("f64", 5, 5)),
    ):
        f = program("small", lambda x, y: [op("matmul", x, y)], x=shapes[0], y=shapes[1])
        source = compile_function(f, "numba").source
        assert "matmul(" not in source and "matvec(" not in source
        args = operands(f, {"n": 4})
        assert_same(call_plain(f, args, [4]), evaluated(f, args))


def test_a_product_in_a_loop_is_written_into_its_row():
    def body(x, w):
        zero = op("zeros", shape=(Dim.of("m"), Dim.of("m")), dtype=w.type.dtype)
        return loop(
            "n",
            lambda i, a, row: [op("tanh", op("matmul", row, w)), op("matmul", a, w)],
            [op("add", zero, w)],
            [],
            [x],
        )

    f = program("stacked", body, sizes=("n", "m"), x=("f64", "n", "m", "m"), w=("f64", "m", "m"))
    source = compile_function(f, "numba").source
    assert "matmul(t1, w, t2[i1])" in source
    args = operands(f, {"n": 3, "m": 5})
    assert_same(call_plain(f, args, [3, 5]), evaluated(f, args))


def test_sizes_that_fortran_cannot_count_are_loops(monkeypatch):
    monkeypatch.setattr(blas, "MOST", 4)
    monkeypatch.setattr(blas, "gemm", None)
    monkeypatch.setattr(blas, "gemv", None)
    rng = np.random.default_rng(0)
    a, b, out = rng.random((5, 6)), rng.random((6, 7)), np.full((5, 7), np.nan)
    blas.matmul(a, b, out)
    np.testing.assert_allclose(out, a @ b, rtol=1e-14)
    blas.matvec(a[:, :], b[:, 0].copy(), out[:, 0])
    np.testing.assert_allclose(out[:, 0], a @ b[:, 0], rtol=1e-14)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_products_of_views(dtype):
    """Rows and columns of larger arrays; what was in the result before does not matter."""
    rng = np.random.default_rng(1)
    big = rng.random((9, 8, 7)).astype(dtype)
    for a, b in (
        (big[:, 2, :5], big[0, :5, :]),
        (big[:, 2, :5], big[0, :, :5].T),
        (big[3, :, :5].T, big[0, :, 1:]),
        (big[3:4, 0, :], big[0, :7, :]),
        (big[:, 1, :1], big[:1, 1, :]),
    ):
        wide = np.full((2, a.shape[0], b.shape[1] + 2), np.nan, dtype)
        blas.matmul(a, b, wide[1, :, : b.shape[1]])
        np.testing.assert_allclose(wide[1, :, : b.shape[1]], a @ b, rtol=100 * np.finfo(dtype).eps)
        assert np.isnan(wide[0]).all() and np.isnan(wide[1, :, b.shape[1] :]).all()
        for vector in (b[:, 0], b[:, 0].copy()):
            blas.matvec(a, vector, wide[1, :, 0])
            np.testing.assert_allclose(wide[1, :, 0], a @ vector, rtol=100 * np.finfo(dtype).eps)


# ---- factorisations and systems ----


def general(n, dtype, seed=0):
    """A matrix whose rows have to change places."""
    rng = np.random.default_rng(seed)
    return (rng.uniform(-1, 1, (n, n)) + 3 * np.eye(n)[rng.permutation(n)]).astype(dtype)


DTYPES = {np.float64: 1e-11, np.float32: 2e-4}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [0, 1, 2, 7])
def test_systems_as_their_matrix_lies(n, dtype):
    a = general(n, dtype)
    for m in (0, 1, 3):
        b = np.random.default_rng(m).random((n, m)).astype(dtype)
        for matrix in (a, a.T):
            out = np.full_like(b, np.nan)
            assert lapack.solve(matrix, b, out)
            np.testing.assert_allclose(matrix @ out, b, atol=DTYPES[dtype])
            if m:
                x = np.full(n, np.nan, dtype)
                assert lapack.solve_vector(matrix, b[:, 0].copy(), x)
                np.testing.assert_allclose(matrix @ x, b[:, 0], atol=DTYPES[dtype])
    for matrix in (a, a.T):
        inverse = np.full_like(a, np.nan)
        assert lapack.inverse(matrix, inverse)
        np.testing.assert_allclose(matrix @ inverse, np.eye(n), atol=DTYPES[dtype])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("lower", [True, False])
@pytest.mark.parametrize("unit", [True, False])
def test_triangles_as_their_matrix_lies(unit, lower, dtype):
    for n in (0, 1, 6):
        a = general(n, dtype) + 3 * np.eye(n, dtype=dtype)
        b = np.random.default_rng(1).random((n, 4)).astype(dtype)
        for matrix in (a, a.T):
            expected = scipy.linalg.solve_triangular(matrix, b, lower=lower, unit_diagonal=unit) if n else b
            out, x = np.full_like(b, np.nan), np.full(n, np.nan, dtype)
            assert lapack.solve_triangular(matrix, b, out, lower, unit)
            assert lapack.solve_triangular_vector(matrix, b[:, 0].copy(), x, lower, unit)
            np.testing.assert_allclose(out, expected, rtol=DTYPES[dtype])
            np.testing.assert_allclose(x, expected[:, 0], rtol=DTYPES[dtype])


@pytest.mark.parametrize("dtype", DTYPES)
def test_cholesky_reads_one_triangle(dtype):
    for n in (0, 1, 6):
        a = general(n, dtype)
        a = (a @ a.T).astype(dtype)
        for matrix in (a, np.asfortranarray(a), np.tril(a) + np.triu(np.full_like(a, np.nan), 1)):
            out = np.full_like(a, np.nan)
            assert lapack.cholesky(matrix, out)
            np.testing.assert_allclose(out, np.linalg.cholesky(a), rtol=DTYPES[dtype], atol=DTYPES[dtype])


def test_what_cannot_be_computed_is_told():
    zero, out, x = np.zeros((3, 3)), np.empty((3, 3)), np.empty(3)
    assert not lapack.solve(zero, zero, out)
    assert not lapack.solve_vector(zero, x, x.copy())
    assert not lapack.inverse(zero, out)
    assert not lapack.cholesky(zero, out)
    assert not lapack.solve_triangular(zero, zero, out, True, False)
    assert not lapack.solve_triangular_vector(zero, x, x.copy(), True, False)
    assert lapack.solve_triangular(zero, np.eye(3), out, True, True) and np.array_equal(out, np.eye(3))


def linear_algebra(name, transposed, rank, dtype="f64"):
    """The program of an op of linear algebra on a matrix, or on the transpose of one."""

    def body(a, b):
        a = op("transpose", a, axes=(1, 0)) if transposed else a
        attrs = {"lower": True, "unit": False} if name == "solve_triangular" else {}
        return [op(name, a, b, **attrs) if "solve" in name else op(name, a)]

    b = ("n",) if rank == 1 else ("n", "m")
    label = f"{name}_{transposed}_{rank}_{dtype}"
    return program(label, body, sizes=("n", "m")[:rank], a=(dtype, "n", "n"), b=(dtype, *b))


def test_linear_algebra_in_machine_code():
    kinds = [
        (name, transposed, rank, dtype)
        for name in ("solve", "solve_triangular", "cholesky", "inv")
        for transposed in (False, True)
        for rank in ((1, 2) if "solve" in name else (1,))
        for dtype in ("f64", "f32")
    ]
    programs = [linear_algebra(*kind) for kind in kinds]
    for kind, f, code in zip(
        kinds, programs, numba_backend.compile_functions(programs, Options()), strict=True
    ):
        assert "copy" not in code.source.partition("def ")[2] and "contiguous" not in code.source
        dtype = np.float32 if kind[3] == "f32" else np.float64
        for n in (1, 6):
            a = general(n, dtype) + 4 * np.eye(n, dtype=dtype)
            a = (a @ a.T).astype(dtype)
            b = np.random.default_rng(2).random((n, 3)[: kind[2]]).astype(dtype)
            (found,) = code.call(a, b, *size_values(f, (a, b)))
            (expected,) = evaluated(f, (a, b))
            assert found.dtype == expected.dtype
            np.testing.assert_allclose(found, expected, rtol=DTYPES[dtype], atol=DTYPES[dtype])


FAILING = {
    "cholesky": (np.linalg.cholesky, "Matrix is not positive definite"),
    "inverse": (np.linalg.inv, "Singular matrix"),
    "solve": (lambda a: np.linalg.solve(a, np.ones(3)), "Singular matrix"),
    "triangle": (lambda a: scipy.linalg.solve_triangular(a, np.ones(3)), "singular matrix"),
}


@pytest.mark.parametrize("name", FAILING)
@pytest.mark.parametrize("backend", ["numba", "numpy"])
def test_a_failure_is_the_error_that_numpy_raises(name, backend):
    compute, message = FAILING[name]

    def once(a):
        return np.sum(compute(a))

    def in_a_loop(a, n):
        total = 0.0
        for i in range(n):
            total += np.sum(compute(a * (2.0 - i)))
        return total

    with pytest.raises(np.linalg.LinAlgError, match=f"^{message}"):
        once(np.zeros((3, 3)))
    with pytest.raises(np.linalg.LinAlgError, match=f"^{message}") as raised:
        grad(once, backend=backend)(np.zeros((3, 3)))
    if backend == "numba":
        (line,) = raised.value.__notes__
        assert "test_library_calls.py" in line
    slope = grad(in_a_loop, backend=backend)
    assert np.isfinite(slope(np.eye(3), 2)).all()
    with pytest.raises(np.linalg.LinAlgError, match=f"^{message}"):
        slope(np.eye(3), 3)
    with pytest.raises(np.linalg.LinAlgError, match=f"^{message}"):
        slope(np.eye(3), 4)


# ---- calls ----


def test_routines_are_called_alike_from_python_and_machine_code():
    import numba

    fortran.bind()
    getrf = fortran.getrf
    factor = numba.njit(lambda a, pivots: getrf(len(a), len(a), a, len(a), pivots, 0))
    for dtype in DTYPES:
        a = general(5, dtype)
        here, there = a.copy(), a.copy()
        pivots = np.zeros((2, 5), np.int32)
        assert getrf(5, 5, here, 5, pivots[0], 0) == factor(there, pivots[1]) == 0
        assert np.array_equal(here, there) and np.array_equal(*pivots) and pivots.any()
        a[0] = a[1] = 0
        assert getrf(5, 5, a.copy(), 5, pivots[0], 0) == factor(a.copy(), pivots[1]) > 0


SCRIPT = """
import numpy as np
import scipy.linalg
from adcompiler import compilations, grad

def f(a, b, w):
    c = np.tanh(a.T @ b)
    p = c.T @ c + 3 * np.eye(c.shape[1])
    z = scipy.linalg.solve_triangular(np.linalg.cholesky(p), w, lower=True)
    return z @ z + np.sum(np.linalg.solve(p, w)) + np.sum(c @ w)

a, b, w = (np.cos(np.arange(np.prod(s)).reshape(s)) for s in ((20, 9), (20, 8), (8,)))
print(repr(float(np.sum(grad(f)(a, b, w) ** 2))), compilations())
"""


def test_another_process_finds_the_machine_code_and_the_symbols(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    runs = [
        subprocess.run(
            [sys.executable, str(tmp_path / "script.py")],
            env={**os.environ, "ADCOMPILER_CACHE_DIR": str(tmp_path / "cache")},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        for _ in range(2)
    ]
    assert [compiled for _, compiled in runs] == ["1", "0"]
    assert runs[0][0] == runs[1][0] != "0.0"
