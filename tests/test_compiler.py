"""Kernels come out of our pipeline as out of Numba's own: every result is the same to the bit."""

import sys

import numpy as np
import pytest
from numba.core.compiler import Compiler

from adcompiler import adjoint, compilations
from adcompiler.backends import compiler, numba_backend
from adcompiler.backends.compiled import Options
from adcompiler.ir.types import Dim


def layer_norm(x, gamma):
    mean = np.mean(x, axis=1, keepdims=True)
    variance = np.mean((x - mean) ** 2, axis=1, keepdims=True)
    return np.sum(((x - mean) / np.sqrt(variance + 1e-5) * gamma) ** 3)


def filter_of_three_axes(x):
    total = 0.0
    for i in range(1, x.shape[0]):
        for j in range(x.shape[1]):
            for k in range(x.shape[2] - 1):
                total += np.tanh(x[i, j, k] * x[i - 1, -1, k + 1]) ** 5 - x[i, j, -2] / (1 + k)
    return total


def recurrence(x):
    state = np.zeros(x.shape[1])
    for t in range(x.shape[0]):
        state = 0.5 * state + np.where(x[t] > 0.0, x[t] ** 2, -x[t])
    return np.sum(state * np.exp(-state))


def search(x):
    y = x[0]
    while y * y > 2.0 and y > 1.0:
        y = 0.5 * (y + x[1] / y)
    return y**4 + y**-2


def singles(x):
    return np.sum(np.maximum(x, np.float32(0.25)) ** 2 * x)


CASES = [
    (layer_norm, lambda r: (r.normal(size=(5, 19)), r.normal(size=19))),
    (filter_of_three_axes, lambda r: (r.normal(size=(4, 3, 5)),)),
    (recurrence, lambda r: (r.normal(size=(9, 11)),)),
    (search, lambda r: (np.array([3.0, 1.5]),)),
    (singles, lambda r: (r.normal(size=301).astype(np.float32),)),
]


def results(program, operands, folder, monkeypatch):
    """Those of a program, by machine code that is made anew."""
    monkeypatch.setenv("ADCOMPILER_CACHE_DIR", str(folder))
    for name in [name for name in sys.modules if name.startswith("adcompiler_generated_")]:
        monkeypatch.delitem(sys.modules, name)
    before = compilations()
    found = numba_backend.compile_function(program, Options()).call(*operands)
    assert compilations() > before
    return found


@pytest.mark.parametrize(("function", "arguments"), CASES, ids=lambda case: getattr(case, "__name__", ""))
def test_results_are_those_of_numbas_own_pipeline(function, arguments, tmp_path, monkeypatch):
    given = arguments(np.random.default_rng(7))
    compiled = adjoint(function, argnums=tuple(range(len(given)))).programs(*given).compiled("gradient")
    program = compiled.function
    sizes = {
        d: n
        for p, x in zip(program.body.params, given, strict=True)
        for d, n in zip(p.type.shape, x.shape, strict=True)
    }
    operands = (*given, *(sizes[Dim.of(name)] for name in program.sizes))
    written = []
    init = compiler.Writer.init
    monkeypatch.setattr(compiler.Writer, "init", lambda self: (written.append(self), init(self)))
    ours = results(program, operands, tmp_path / "ours", monkeypatch)
    assert written
    written.clear()
    monkeypatch.setattr(compiler, "Kernels", Compiler)
    theirs = results(program, operands, tmp_path / "theirs", monkeypatch)
    assert not written
    for mine, other in zip(ours, theirs, strict=True):
        assert mine.dtype == other.dtype
        np.testing.assert_array_equal(mine, other)
