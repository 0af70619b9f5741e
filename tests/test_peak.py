"""The peak of a call, predicted from its sizes, against what Python's allocators hand out; where it is."""

import json
import os
import re
import subprocess
import sys

import numpy as np
import peak_programs
import pytest
from op_cases import Case, cases
from peak_memory import measured_peak
from peak_programs import COMPILED, PROGRAMS

from adcompiler import adjoint
from adcompiler.backends import numpy_backend
from adcompiler.backends.compiled import Options
from adcompiler.backends.peak import HEADER
from adcompiler.ir.errors import AdcompilerError
from adcompiler.ir.op import Library, Reduction, Scalar, Scan, nothing

PYTHON = 6144
"""Bytes of Python's and NumPy's own objects, which are not predicted: headers of arrays, tuples, numbers, and
the state of np.add.at, five kilobytes whatever the sizes are."""


@pytest.fixture(scope="module")
def measured():
    """What a process measures of a backend's programs, by backend."""
    found = {}

    def of(backend):
        if backend not in found:
            program = [sys.executable, peak_programs.__file__, backend]
            alone = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}  # its threads only wait for one another here
            out = subprocess.run(program, capture_output=True, text=True, check=True, env=alone)
            found[backend] = json.loads(out.stdout)
        return found[backend]

    return of


EACH = [*(("numpy", name) for name in PROGRAMS), *(("numba", name) for name in COMPILED)]


@pytest.mark.parametrize("stage", ["gradient", "value_and_grad"])
@pytest.mark.parametrize(("backend", "name"), EACH)
def test_the_peak_is_what_was_said(backend, name, stage, measured):
    for one in measured(backend)[f"{name} {stage}"]:
        assert not one["unknown"]
        assert 0.98 * one["peak"] <= one["cold"] <= one["peak"] + PYTHON
        warm = one["peak"] - one["kept"]
        assert 0.98 * warm <= one["warm"] <= warm + PYTHON


# ---- ops ----


def enlarged(case):
    """The case with each axis of its arrays many times as long; None where the op does not take that."""
    rank = max((np.ndim(x) for x in case.inputs), default=0)
    if rank == 0:
        return None
    times = {1: 20_000, 2: 120, 3: 25}.get(rank, 8)
    inputs = tuple(np.tile(x, [1 if n == 1 else times for n in np.shape(x)])[()] for x in case.inputs)
    large = Case(case.op, type(case.sample)(inputs, case.sample.attrs), case.id)
    try:
        assert large.function.body.results
    except AdcompilerError:
        return None
    return large if max(x.nbytes for x in inputs) > 100_000 else None


def counted():
    """Ops that compute, or say that they have scratch, where NumPy itself, and no library, does it."""
    for case in cases():
        own = case.op.scratch is not nothing and not isinstance(case.op.lowering, Library)
        if own or isinstance(case.op.lowering, Scalar | Reduction | Scan):
            large = enlarged(case)
            if large is not None:
                yield pytest.param(large, id=case.id)


@pytest.mark.parametrize("case", list(counted()))
def test_an_op_has_the_scratch_that_it_says(case):
    compiled = numpy_backend.compile_function(case.function, Options())
    predicted = compiled.needs.peak_bytes({})
    compiled.call(*case.inputs)
    measured = measured_peak(lambda: compiled.call(*case.inputs))
    buffers = 3 * np.getbufsize() * 8 if max(np.ndim(x) for x in case.inputs) > 1 else 0
    assert 0.98 * predicted - buffers <= measured <= 1.001 * predicted + PYTHON


# ---- where ----


def squares(x):
    y = np.sin(x)
    z = np.exp(y)
    return np.sum(y * z * z)


def carried(x):
    """Each trip makes an array that goes to the next one."""
    y = x
    for _ in range(40):
        new = np.zeros(x.shape[0])
        for i in range(1, x.shape[0]):
            new[i] = np.sin(y[i - 1])
        y = new
    return np.sum(y)


def at_peak(function, backend, x):
    program = adjoint(function, backend=backend).programs(x).compiled("gradient")
    return program.needs_at({"n": x.size}).at_peak({"n": x.size})


def anywhere(said):
    """What is said of a line, without its number."""
    return re.sub(r":\d+", "", said)


def test_where_the_peak_is_with_numpy():
    peak = at_peak(squares, "numpy", np.ones(1000))
    assert anywhere(peak.said) == "adjoint of mul, test_peak.py  return np.sum(y * z * z)"
    assert [(array.name, anywhere(array.said)) for array in peak.alive] == [
        ("z", "test_peak.py  z = np.exp(y)"),
        ("z_bar", "test_peak.py  return np.sum(y * z * z)"),
        ("y_bar", "adjoint of mul, test_peak.py  return np.sum(y * z * z)"),
        ("z_bar1", "adjoint of mul, test_peak.py  return np.sum(y * z * z)"),
    ]
    assert {array.bytes for array in peak.alive} == {8000 + HEADER}
    assert peak.bytes == 4 * (8000 + HEADER)


def test_where_the_peak_is_with_numba():
    peak = at_peak(carried, "numba", np.ones(10_000))
    assert anywhere(peak.said) == "test_peak.py  new = np.zeros(x.shape[0])"
    assert [(array.name, array.bytes, anywhere(array.said)) for array in peak.alive] == [
        ("v_tape", 40 * 8 * 9999, "test_peak.py  for _ in range(40):"),
        ("out", 80_000, ""),
        ("y", 80_000, "test_peak.py  for _ in range(40):"),
        ("new", 80_000, "test_peak.py  new = np.zeros(x.shape[0])"),
    ]
    assert peak.bytes == sum(array.bytes for array in peak.alive)
