"""The tracing half of the frontend against NumPy: every expression, at the sizes traced and at others."""

from __future__ import annotations

import inspect
import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.linalg
import scipy.special
from ml_dtypes import bfloat16
from traced_functions import agree, call, compare, served, served_program, trace

from adcompiler.ir.errors import CaptureError


def pool(n: int, k: int) -> dict[str, Any]:
    """Arguments by name; those of one program agree in their sizes n and k."""
    random = np.random.default_rng(n * 100 + k)
    return {
        "x": random.uniform(0.1, 2.0, n),
        "y": random.uniform(0.5, 3.0, n),
        "z": random.uniform(-2.0, 2.0, n),
        "a": random.uniform(0.1, 2.0, (n, k)),
        "b": random.uniform(0.1, 2.0, (n, k)),
        "c": random.uniform(0.1, 2.0, (k, n)),
        "v": random.uniform(0.1, 2.0, k),
        "q": random.uniform(-1.0, 1.0, (n, n)) + 5.0 * np.eye(n),
        "t": random.uniform(0.1, 2.0, (2, n, k)),
        "p": random.uniform(0.1, 2.0, (n, 3)),
        "f": random.uniform(0.1, 2.0, n).astype(np.float32),
        "h": np.float32(1.25),
        "d": np.float64(0.75),
        "s": 1.5,
        "i": random.integers(-9, 9, n),
        "j": random.integers(1, 9, n).astype(np.int32),
        "u": random.integers(0, 9, n).astype(np.uint8),
        "m": random.uniform(0, 1, n) < 0.5,
        "e": random.integers(0, max(n, 1), 4),
        "w": np.array(2.5),
        "n": n,
    }


EXPRESSIONS: list[Callable[..., Any]] = [
    # operators and promotion
    lambda x, y: x + y,
    lambda x, y: x - y * 2,
    lambda x, y: (x / y, x // y, x % y, divmod(x, y)),
    lambda x: (2 - x, 2.0 / x, 3 // x, 5 % x, 2**x),
    lambda x: (x**2, x**3, x**-1, x**0.5, x**2.5, x**1.0, x**0),
    lambda x, y: x**y,
    lambda i: (i**2, i**3.0, i**0, abs(i) ** 0.5),
    lambda j: (j + 1, j * 2.0, j / 2, j // 2, j % 3, -j, abs(j), ~j),
    lambda j, i: (j + i, j * i, j & i, j | i, j ^ i, j << 2, j >> 1),
    lambda u: (u + 1, u * 2, u / 2, u.sum(), u.mean(), u**2),
    lambda u, j: (u + j, u * j, np.maximum(u, j)),
    lambda f: (f + 1, f * 2.0, f / 3, f**2, f**0.5, np.sqrt(f), f.mean(), f.sum(), f.var()),
    lambda f, x: (f + x, f * x, np.maximum(f, x)),
    lambda f, s: (f * s, f + s, np.sin(f) * s, s / f),
    lambda f, d: (f * d, d + f),
    lambda f, h: (f * h, h + f, h * 2, h + 1.0),
    lambda h, s: (h * s, h + 1, h / s, h**2),
    lambda s: (s + 1, s * s, s**2, s**-2, s / 3, s // 1, s % 1, -s, +s, abs(s)),
    lambda s: (
        np.sin(s),
        call(math.sin, s),
        call(math.atan2, s, 2.0),
        call(math.log, s, 2.0),
        call(math.floor, s),
    ),
    lambda s, f: (np.sin(s) * f, call(math.sin, s) * f, call(math.sqrt, 2.0) * s),
    lambda d, s: (d + s, d * 2, d < s, d == s),
    lambda m, x: (m * x, m + 1, m + 1.0, m & m, m | (x > 1), ~m, m ^ m),
    lambda m: (m.sum(), m.mean(), m.any(), m.all(), m.max(), m.min(), np.count_nonzero(m)),
    lambda x, y: (x < y, x <= y, x > y, x >= y, x == y, x != y, x < 1, 1 < x),
    lambda i, u: (i < 3, u < i, i == u, u != 2),
    lambda x, i: (x * i, x + i, i / 2, i * 0.5),
    lambda n: (n + 1, n * n - 3, n // 2, n % 3, n / 2, -n, n**2),
    lambda x, n: (x * n, x / n, x + n, n - x),
    lambda f, n: (f * n, f / n, f ** (n * 0 + 2)),
    lambda w: (w + 1, w * 2.0, np.sin(w), w[()], w.copy() * 2),
    lambda w, x: (w * x, x + w),
    # broadcasting
    lambda a, v: (a + v, a * v, v - a),
    lambda a, x: (a + x[:, None], a * x.reshape(-1, 1), x[:, None] * a.T.T),
    lambda x, v: (x[:, None] * v, x[:, None] + v[None, :], np.outer(x, v), np.multiply.outer(x, v)),
    lambda t, v: (t * v, t + v[None, None, :], t[0] + t[1]),
    lambda a, h: (a * h, a + 1, 1 - a),
    # elementwise functions
    lambda z: (np.sin(z), np.cos(z), np.tan(z), np.arctan(z), np.sinh(z), np.cosh(z), np.tanh(z)),
    lambda x: (np.exp(x), np.exp2(x), np.expm1(x), np.log(x), np.log2(x), np.log10(x), np.log1p(x)),
    lambda x: (np.sqrt(x), np.cbrt(x), np.square(x), np.reciprocal(x), np.positive(x), np.negative(x)),
    lambda z: (np.abs(z), np.fabs(z), np.sign(z), np.floor(z), np.ceil(z), np.trunc(z), np.rint(z)),
    lambda x, y: (np.hypot(x, y), np.arctan2(x, y), np.logaddexp(x, y), np.copysign(x, -y)),
    lambda z: (np.arcsinh(z), np.arcsin(z / 2), np.arccos(z / 2), np.arctanh(z / 3), np.arccosh(z * z + 1)),
    lambda x, y: (np.maximum(x, y), np.minimum(x, y), np.fmax(x, y), np.fmin(x, 1.0)),
    lambda x, y: (np.power(x, y), np.float_power(x, 2), np.fmod(x, y), np.remainder(x, y)),
    lambda z: (np.deg2rad(z), np.rad2deg(z), np.degrees(z), np.radians(z), np.heaviside(z, 0.5)),
    lambda z: (np.isnan(z), np.isinf(z), np.isfinite(z), np.nan_to_num(z), np.logical_not(z)),
    lambda x, z: (np.logical_and(x > 1, z), np.logical_or(x, z), np.logical_xor(x > 1, z > 0)),
    lambda i: (np.sin(i), np.sqrt(abs(i)), np.exp(i * 0.1), np.abs(i), np.sign(i), np.floor(i / 2)),
    lambda u: (np.isnan(u), np.isfinite(u), np.square(u)),
    lambda z: (np.clip(z, -1, 1), np.clip(z, 0, None), np.clip(z, None, 0.5), z.clip(-1.0, 1.0)),
    lambda f: (np.clip(f, 0.5, 1), np.where(f > 1, f, 0), np.where(f > 1, 1.0, 2.0)),
    lambda x, y, m: (np.where(m, x, y), np.where(x > y, x, 0), np.where(m, 1, 2), np.where(m, x, 1)),
    lambda z: (np.round(z), np.round(z, 2), z.round(1), np.around(z, -1), np.fix(z)),
    lambda i: (np.round(i), i.round()),
    lambda x: (
        scipy.special.expit(x),
        scipy.special.gammaln(x),
        scipy.special.erf(x),
        scipy.special.digamma(x),
    ),
    lambda x, y: (np.add(x, y), np.subtract(x, y), np.multiply(x, y), np.true_divide(x, y)),
    lambda z: np.select([z > 1, z > 0], [z, 2 * z], -1.0),
    lambda x, y: (np.isclose(x, y), np.allclose(x, x), np.modf(x)),
    lambda x: np.polyval([1.0, -2.0, 3.0], x),
    # reductions
    lambda x: (x.sum(), x.mean(), x.prod(), x.var(), x.std(), np.sum(x), np.mean(x)),
    lambda a: (a.sum(0), a.sum(1), a.sum(-1), a.sum((0, 1)), a.sum(axis=1, keepdims=True)),
    lambda a: (a.mean(0), a.mean(1), a.std(0), a.var(1), a.var(0, ddof=1), np.std(a, axis=1, keepdims=True)),
    lambda a: (a.prod(0), np.prod(a, 1), np.sum(a, dtype=np.float32), np.sum(a, initial=2.0)),
    lambda t: (t.sum((0, 2)), t.mean((1, 2)), np.sum(t, 1, keepdims=True), t.sum(axis=(0, 1, 2))),
    lambda x, m: (np.sum(x, where=m), np.mean(x, where=m | (x > 0)), np.any(x > 1), np.all(x > 0)),
    lambda j: (j.sum(), j.prod(), j.cumsum(), j.mean(), j.max(), np.sum(j, dtype=float)),
    lambda x: (x.cumsum(), np.cumsum(x), np.cumprod(x), np.diff(x), np.diff(x, 2)),
    lambda a: (a.cumsum(0), a.cumsum(1), np.cumsum(a), np.cumprod(a, 1), np.diff(a, axis=0), np.diff(a)),
    lambda x, y: (np.average(x), np.average(x, weights=y), np.trapezoid(x), np.trapezoid(x, y), np.nansum(x)),
    lambda a, v: (
        np.average(a, axis=1, weights=v),
        np.average(a, 0),
        np.trapezoid(a, v),
        np.trapezoid(a, axis=0),
    ),
    lambda x: (np.add.reduce(x), np.multiply.reduce(x), np.add.accumulate(x)),
    lambda a: (np.add.reduce(a), np.add.reduce(a, axis=1), np.add.accumulate(a, 1)),
    lambda x: (np.linalg.norm(x), np.linalg.norm(x, 1), np.linalg.norm(x, 3), np.linalg.norm(x, 0)),
    lambda a: (
        np.linalg.norm(a),
        np.linalg.norm(a, axis=1),
        np.linalg.norm(a, "fro"),
        np.linalg.norm(a, 1, axis=0),
    ),
    # shapes
    lambda a: (
        a.T,
        a.transpose(),
        np.transpose(a),
        a.transpose(1, 0),
        a.swapaxes(0, 1),
        np.swapaxes(a, 0, -1),
    ),
    lambda t: (
        t.T,
        t.transpose(2, 0, 1),
        np.moveaxis(t, 0, -1),
        np.moveaxis(t, [0, 1], [1, 2]),
        t.swapaxes(1, 2),
    ),
    lambda a: (a.reshape(-1), a.ravel(), a.flatten(), np.ravel(a.T), a.reshape(a.size), np.ravel(a, "F")),
    lambda a: (a.reshape(a.shape[1], a.shape[0]), a.reshape(-1, a.shape[0]), np.reshape(a, (1, -1))),
    lambda t: (t.reshape(2, -1), t.reshape(-1, t.shape[2]), t.reshape((t.shape[0] * t.shape[1], -1))),
    lambda x: (x[None], x[:, None], np.expand_dims(x, 0), np.expand_dims(x, (0, 2)), x[None].squeeze()),
    lambda x: (np.squeeze(x[:, None]), np.squeeze(x[None, :, None], 0), np.atleast_1d(x), np.atleast_2d(x)),
    lambda s: (np.atleast_1d(s), np.atleast_2d(s)),
    lambda x, y: (np.concatenate([x, y]), np.stack([x, y]), np.stack([x, y], -1), np.hstack([x, y])),
    lambda x, y: (np.vstack([x, y]), np.column_stack([x, y]), np.append(x, y), call(np.array, [x, y])),
    lambda a, b: (
        np.concatenate((a, b), 1),
        np.concatenate([a, b], axis=None),
        np.hstack((a, b)),
        np.vstack((a, b)),
    ),
    lambda x, f: (np.concatenate([x, f]), np.stack([f, f])),
    lambda x, i: np.concatenate([x, i, [1, 2]]),
    lambda x: (np.flip(x), x[::-1], np.roll(x, 2), np.roll(x, -1), np.tile(x, 2), np.repeat(x, 3)),
    lambda a: (np.flip(a), np.flip(a, 0), np.fliplr(a), np.flipud(a), np.roll(a, 1, 0), np.roll(a, 1)),
    lambda a: (np.tile(a, (2, 3)), np.tile(a, 2), np.repeat(a, 2, 0), np.repeat(a, 2, 1), np.repeat(a, 2)),
    lambda a: (np.pad(a, 1), np.pad(a, ((1, 2), (0, 1))), np.tril(a), np.triu(a, 1), np.tril(a, -1)),
    lambda x: (np.pad(x, (1, 2)), np.pad(x, 2), np.diag(x), np.diag(x, 1)),
    lambda q: (np.diag(q), np.diagonal(q, 1), np.trace(q), np.trace(q, -1), np.einsum("ii->i", q)),
    lambda t: (np.split(t, 2), np.split(t, [1, 2], axis=2), np.broadcast_to(t[0, 0], t.shape)),
    lambda x, v: (np.meshgrid(x, v), np.meshgrid(x, v, indexing="ij"), np.broadcast_arrays(x[:, None], v)),
    lambda x: (x.shape[0], x.size, x.ndim, np.shape(x)[0], np.size(x), np.ndim(x)),
    lambda x: (x.astype(np.float32), x.astype(int), x.astype("i4"), x.astype(bool), x.copy(), np.copy(x)),
    lambda i: (i.astype(float), i.astype(np.int8), i.astype(bool)),
    # creation
    lambda x: (np.zeros_like(x), np.ones_like(x), np.full_like(x, 2), np.zeros_like(x, dtype=int)),
    lambda j: (np.zeros_like(j), np.full_like(j, 2.7), np.ones_like(j, float)),
    lambda x, s: (
        call(np.array, [s, 1.0, 2.0 * s]),
        call(np.array, [[s, 1], [2, s]]),
        call(np.array, [x[0], s]),
    ),
    lambda h, s: (call(np.array, [h, s]), call(np.array, [h, h]), call(np.asarray, s)),
    lambda n: (
        call(np.zeros, n),
        call(np.ones, (n, 2)),
        call(np.full, n, 1.5),
        call(np.eye, n),
        call(np.empty, 0),
    ),
    lambda n: (
        call(np.arange, n),
        call(np.arange, 1, n),
        call(np.arange, n, 0, -2),
        call(np.arange, 0, 9, 2),
    ),
    lambda n, s: (call(np.linspace, 0, s, n), call(np.linspace, s, 1.0, 5), call(np.linspace, 0.0, 1.0, 3)),
    lambda n, x: (
        call(np.zeros, n) + x,
        call(np.arange, n) * x,
        call(np.eye, n, k=1) @ x,
        call(np.zeros, n - 1),
    ),
    lambda n, x: (
        call(np.zeros, n - 1) + x[1:],
        call(np.identity, n),
        call(np.linspace, 0, 1, n, endpoint=False),
    ),
    # products
    lambda a, v: (a @ v, np.dot(a, v), a.dot(v), np.matmul(a, v), np.inner(a, v)),
    lambda a, c: (
        a @ c,
        c @ a,
        np.dot(a, c),
        np.matmul(c, a),
        np.tensordot(a, c, 1),
        np.einsum("ij,jk->ik", a, c),
    ),
    lambda x, y: (
        x @ y,
        np.dot(x, y),
        np.inner(x, y),
        np.vdot(x, y),
        np.einsum("i,i->", x, y),
        np.einsum("i,i", x, y),
    ),
    lambda a, b: (
        np.einsum("ij,ij->i", a, b),
        np.einsum("ij,kj", a, b),
        np.tensordot(a, b, ([0], [0])),
        np.inner(a, b),
    ),
    lambda a, b: (np.tensordot(a, b), np.tensordot(a, b, ((0, 1), (0, 1))), np.vdot(a, b)),
    lambda t, c: (t @ c, np.matmul(t, c), np.dot(t, c), np.tensordot(t, c, ([2], [0]))),
    lambda t, v: (t @ v, np.einsum("aij,j->ai", t, v), np.einsum("aij->ji", t)),
    lambda f, x: (f @ x, f @ f),
    lambda a, b, x: (np.vecdot(a, b), np.vecdot(x, x), np.linalg.vecdot(a, b), np.linalg.outer(x, x)),
    lambda a, c, q: (np.linalg.matmul(a, c), np.linalg.tensordot(a, c, axes=1), np.linalg.trace(q)),
    lambda p, a: (np.linalg.cross(p, p[:, ::-1]), np.linalg.matrix_norm(a)),
    lambda i, j: (i @ j, np.dot(i, i)),
    lambda q, x: (np.linalg.solve(q, x), np.linalg.inv(q), q @ x),
    lambda q: (np.linalg.det(q), np.linalg.slogdet(q), np.linalg.solve(q, q.T)),
    lambda q: (
        np.linalg.cholesky(q @ q.T),
        np.linalg.cholesky(q @ q.T, upper=True),
        call(scipy.linalg.cholesky, q @ q.T),
        call(scipy.linalg.cholesky, q @ q.T, lower=True),
    ),
    lambda q, x: (
        call(scipy.linalg.solve_triangular, q, x),
        call(scipy.linalg.solve_triangular, q, q.T, lower=True, unit_diagonal=True, trans=1),
        call(scipy.linalg.solve_triangular, q, x, "T", unit_diagonal=True, check_finite=False),
        call(scipy.linalg.cho_solve, call(scipy.linalg.cho_factor, q @ q.T), x),
        call(scipy.linalg.cho_solve, call(scipy.linalg.cho_factor, q @ q.T, lower=True), q),
    ),
    lambda p: (np.cross(p, p[:, ::-1]), np.cross(p[0], p[1]), p @ p.T, np.einsum("ij,kj->ik", p, p)),
    lambda x, s: (np.multiply(x, s), np.outer(x, x), np.dot(x, s), np.inner(s, x)),
    # indexing
    lambda x: (x[0], x[1], x[-1], x[-2], x[2:], x[:-2], x[1:-1], x[::2], x[::-2], x[1::3], x[-3:]),
    lambda x: (x[:3], x[3:1], x[2:4], x[-4:-1], x[4:1:-1], x[-1:-4:-1], x[...], x[:], x[5::-1]),
    lambda a: (
        a[0],
        a[-1, 2],
        a[1:, :-1],
        a[:, 0],
        a[..., -1],
        a[1, ...],
        a[::2, ::-1],
        a[None, 1],
        a[:, None, 2:],
    ),
    lambda t: (t[1, 2, 3], t[0, 1:], t[:, :, 0], t[..., 1, :], t[-1][2][1:], t[:, None].shape[1], t[0].T[1]),
    lambda x: (x[[0, 2, 1]], x[np.array([[0, 1], [-1, 2]])], x[[-1, -2]]),
    lambda x, e: (x[e], x[e[::-1]], x[e - 1], x[e][1:], np.take(x, e)),
    lambda a, e: (
        a[e],
        a[e, 1],
        a[:, [1, 0, 3]],
        a[e, e * 0],
        a[e[:, None], [0, 1]],
        a[e, None, :2],
        a[1:, [0, 2]],
    ),
    lambda a, e: (np.take(a, e, 0), np.take(a, [2, 0], axis=1), np.take(a, 3)),
    lambda t, e: (t[0, e], t[:, e, 1], t[1, :, [0, 2]], t[..., [0, 1]], t[[0, 1], :, [2, 3]]),
    lambda x, n: (x[n - 1], x[: n - 1], x[n - 3 :], x[n // 2], x[: n // 2], x[n - 1 :: -1], x[-n]),
    lambda x: [row * 2 for row in x[:4]],
    lambda p: [row.sum() for row in p.T],
]


def identity(function: Callable[..., Any]) -> str:
    return f"line{function.__code__.co_firstlineno}"


def chosen(function: Callable[..., Any], n: int, k: int) -> list[Any]:
    values = pool(n, k)
    return [values[name] for name in inspect.signature(function).parameters]


@pytest.mark.parametrize("function", EXPRESSIONS, ids=identity)
def test_an_expression_gives_what_numpy_gives_at_two_sizes(function: Callable[..., Any]) -> None:
    compare(function, chosen(function, 8, 6), chosen(function, 13, 9))


@pytest.mark.parametrize("function", EXPRESSIONS, ids=identity)
@pytest.mark.parametrize("sizes", [(0, 6), (5, 5), (3, 7), (1, 4)], ids=str)
def test_an_expression_at_special_sizes_gives_what_numpy_gives(function: Any, sizes: tuple[int, int]) -> None:
    """Either the program serves them, or it says that it does not and one more serves; errors are NumPy's."""
    program = trace(function, *chosen(function, 8, 6))
    args = chosen(function, *sizes)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            function(*args)
        except Exception as expected:
            with pytest.raises(type(expected)):
                served(program, function, args)
        else:
            agree(function, served_program(program, function, args), args)


# ---- promotion: every pair of kinds ----

KINDS = [
    *(np.array([1, 0, 1]).astype(d) for d in "? i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8".split()),
    *(np.dtype(d).type(1) for d in ("i1", "i8", "u1", "f2", "f4", "f8")),
    np.ones(3, bfloat16),
    bfloat16(1),
    1.5,
]
CONCRETE = [True, 2, 0.5, np.float32(0.5), bfloat16(0.5), np.int8(3), np.array([1.0, 2.0, 3.0], np.float32)]
UFUNCS = [
    np.add,
    np.subtract,
    np.multiply,
    np.true_divide,
    np.maximum,
    np.less,
    np.hypot,
    np.logical_and,
    np.bitwise_or,
    np.power,
]


@pytest.mark.parametrize("ufunc", UFUNCS, ids=lambda u: u.__name__)
def test_promotion_is_numpys(ufunc: np.ufunc) -> None:
    """Also beside concrete operands and Python numbers, on both sides; what NumPy refuses is refused."""
    pairs = [(a, b) for a in KINDS for b in KINDS]
    for a, b in pairs:
        _same_type(lambda x, y: ufunc(x, y), a, b)
    for a, b in [(a, b) for a in KINDS for b in CONCRETE]:
        _same_type(lambda x, b=b: ufunc(x, b), a)
        _same_type(lambda x, b=b: ufunc(b, x), a)


def mixed_comparison(function: Callable[..., Any], *args: Any) -> bool:
    """Of uint64 and signed integers, for which no dtype serves both: refused."""
    try:
        trace(function, *args)
    except CaptureError as error:
        return "uint64" in error.message and "int64 and" in error.message
    return False


def _same_type(function: Callable[..., Any], *args: Any) -> None:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            expected = function(*args)
        except (TypeError, ValueError, OverflowError):
            with pytest.raises((TypeError, ValueError, OverflowError)):
                trace(function, *args)(*args)
            return
        if mixed_comparison(function, *args):
            with pytest.raises(CaptureError):
                trace(function, *args)
            return
        (found,) = trace(function, *args)(*args)
    assert (np.asarray(found).dtype, np.shape(found)) == (np.asarray(expected).dtype, np.shape(expected))
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_python_numbers_stay_python_numbers() -> None:
    """What Python's operators make of Python numbers is weak; what NumPy's functions make of them is not."""

    def f(s, n, x):
        return s + 1, s * n, n / 2, n // 2, abs(s), s**2, np.sin(s), s + x[0], call(math.sin, s), s < 1, x[0]

    program = trace(f, 1.5, 7, np.ones(8))
    assert program.weak == ("float",) * 3 + ("int", "float", "float", None, None, "float", None, None)


def test_an_integer_that_a_dtype_cannot_hold_is_numpys_error() -> None:
    def f(x, n):
        x[0] = n
        return x + n

    program = trace(f, np.zeros(8, np.uint8), 100)
    assert program(np.zeros(8, np.uint8), 200)[0][0] == 144
    with pytest.raises(OverflowError, match="^Python integer out of bounds for uint8$"):
        program(np.zeros(8, np.uint8), 300)


def test_integers_are_not_divided_by_zero() -> None:
    program = trace(lambda i, j: (i // j, i % j), np.arange(8), np.arange(1, 9))
    agree(lambda i, j: (i // j, i % j), program, (np.arange(8) - 4, np.arange(8) - 9))
    with pytest.raises(ZeroDivisionError, match="^integer division or modulo by zero$"):
        program(np.arange(8), np.arange(8))


def test_every_equation_knows_the_users_line() -> None:
    def f(x):
        y = np.sin(x)
        return y * y

    first = f.__code__.co_firstlineno
    locations = [e.location for e in trace(f, np.ones(8)).function.body.eqns]
    assert [(at.file, at.line, at.function) for at in locations] == [
        (__file__, first + 1, "f"),
        (__file__, first + 2, "f"),
    ]
    assert [at.source[at.column - 8 : at.end_column - 8] for at in locations] == ["np.sin(x)", "y * y"]
