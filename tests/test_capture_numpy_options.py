"""Options of NumPy functions that are rarely given: what NumPy gives, or a refusal that names the option."""

import re

import numpy as np
import pytest
from captured_programs import assert_captured, load

from adcompiler.frontend.capture import capture
from adcompiler.ir.errors import CaptureError

X, Y = np.array([0.3, -1.7, 2.5, 0.4]), np.array([4.2, 0.1, -0.6, 1.9])
A, B = np.arange(12.0).reshape(4, 3) / 7.0, np.cos(np.arange(12.0)).reshape(4, 3)

GIVEN = [
    "np.concatenate([x, x], out=np.zeros(8))",
    "np.concatenate([a, a], axis=None)",
    "np.diff(x, prepend=x[:1], append=x[1:3])",
    "np.diff(x > 0)",
    "np.prod(a, axis=0, initial=2.0)",
    "np.sum(a, initial=1.5, where=a > 0.2)",
    "np.cumprod(a, axis=1, out=np.zeros_like(a))",
    "np.mean(a, axis=0, where=a > -1.0)",
    "np.average(a, axis=1, weights=[1.0, 2.0, 3.0])",
    "np.average(np.arange(4), weights=np.arange(4) + 1)",
    "np.nansum(np.arange(4))",
    "np.ptp(a, axis=1)",
    "np.linalg.norm(x, np.inf), np.linalg.norm(x, -np.inf), np.linalg.norm(x, 0), np.linalg.norm(x, 1)",
    "np.linalg.norm(x, 3), np.linalg.norm(a, axis=(0, 1)), np.linalg.norm(np.arange(3))",
    "np.einsum('ii', a[:3, :3]), np.einsum('ij->ji', a), np.einsum('i,i', x[:3], a[0], dtype=np.float64)",
    "np.inner(x, x), np.inner(2.0, x), np.vdot(a, a), np.dot(2.0, x), np.dot(a[None], a[0])",
    "np.tensordot(a, a, 2), np.tensordot(a, a, ([0], [0]))",
    "np.matmul(np.arange(3), np.arange(3)), np.matmul(a, a[0], out=np.zeros(a.shape[0]))",
    "np.roll(x, 1), np.roll(a, (1, 2), (0, 1)), np.roll(a, 2)",
    "np.pad(x, 1), np.pad(a, 1), np.pad(a, (1, 2)), np.pad(x, (1, 2))",
    "np.pad(a, [[1], [2]]), np.pad(a, ((0, 1), (2, 0))), np.pad(a, ((1, 2),))",
    "np.take(x, [0, 2]), np.take(a, 1, axis=1), np.take(a, [5, 2])",
    "np.tile(x, (2, 2)), np.repeat(a, 2, axis=1), np.repeat(a, 3)",
    "np.add.reduce(a), np.multiply.accumulate(x), np.subtract.outer(x, a[0]), np.logical_or.reduce(x > 0)",
    "np.add(x, 1.0, where=x > 0, out=np.zeros_like(x)), np.modf(x), np.frexp(1.0)[1], np.fmod(x, 0.7)",
    "np.round(x, 1), np.round(x, -1), np.round(np.arange(3)), np.fix(x), np.round(x, out=np.zeros_like(x))",
    "np.nan_to_num(x / 0.0), np.nan_to_num(np.arange(3)), np.isclose(x, x + 1e-12), np.allclose(x, 1.0)",
    "np.trapezoid(a, dx=0.5), np.trapezoid(x, a[:4, 0] * 1.0), np.trapezoid(a, a, axis=0)",
    "np.linspace(x[0], 2.0, 5), np.linspace(0.0, x[1], 4, endpoint=False), np.linspace(x[0], 1.0, 1)",
    "np.eye(len(x), 3, k=1), np.full_like(x, 2), np.ones_like(a, dtype=int), np.identity(2) * x[0]",
    "np.select([x > 1.0, x > 0.0], [x, -x], 9.0), np.polyval([1.0, 2.0, 3.0], x), np.clip(x, None, 1.0)",
    "np.meshgrid(x, a[0], sparse=True), np.meshgrid(x, a[0], indexing='ij')",
    "np.split(a, [1, 2], axis=1), np.moveaxis(a, 0, -1), np.flip(a), np.fliplr(a), np.squeeze(a[:1])",
    "np.ravel(a, 'F'), np.count_nonzero(a > 0.3, axis=0), np.copy(x), np.size(a, 1), np.shape(x)",
    "np.var(a, axis=1, ddof=1), np.var(a, correction=1), np.std(x, out=np.zeros(())), np.cross(a, a[::-1])",
]


@pytest.mark.parametrize("expression", GIVEN)
def test_options_do_what_numpy_does(expression):
    with np.errstate(all="ignore"):
        assert_captured(load(f"def f(x, a):\n    return {expression}")["f"], (X, A), (Y, B))


REFUSED = {
    "np.repeat(x, [1, 2, 3, 4])": "np.repeat with one number an element is not supported",
    "np.pad(x, 1, mode='edge')": "np.pad is supported with zeros alone",
    "np.take(x, [9], mode='clip')": "np.take with mode='clip' is not supported",
    "np.average(x, returned=True)": "np.average with returned=True is not supported",
    "np.max(x, initial=1.0)": "np.max with initial= or where= is not supported",
    "np.diff(x, prepend=0.0)": "np.diff with a number before or behind is not supported",
    "np.linalg.norm(a, 2)": "np.linalg.norm of a matrix with ord=2 is not supported",
    "np.einsum('i...', x)": "np.einsum with axis lists or an ellipsis is not supported",
    "np.einsum('i->', np.arange(3) + 0 * len(x))": "np.einsum of integers is not supported",
    "np.cross(x[:2], x[2:])": "np.cross is supported along the last axis, of length 3",
    "np.round(np.arange(3), -1)": "np.round of integers to tens is not supported",
    "np.arange(x[0], 1.0)": "np.arange of traced floats has a length that depends on their rounding",
    "np.where(x > 0)": "np.where of a condition alone has a result whose size depends on the data",
    "np.add(x, 1.0, where=x > 0)": "np.add with where= leaves elements undefined",
    "np.subtract.reduce(x)": "np.subtract.reduce is not supported",
    "np.reshape(a, (3, 4), order='F')": "reshape in order 'F' is not supported",
    "np.diagonal(a[None])": "np.diagonal of an array of 3 axes is not supported",
    "np.sort(x)": "np.sort of traced values is not supported",
    "np.sum(x, 0, None, None, False, 0.0, True, 3)": "np.sum does not take these arguments here",
}


@pytest.mark.parametrize("expression", REFUSED)
def test_options_that_are_not_supported_are_named(expression):
    function = load(f"def f(x, a):\n    return {expression}")["f"]
    with pytest.raises(CaptureError, match=":2: " + re.escape(REFUSED[expression])):
        capture(function, (X, A))
