"""The bytes that a call takes, known before it, against what Python's allocators hand out."""

import json
import subprocess
import sys

import memory_programs
import numpy as np
import pytest
from memory_programs import PROGRAMS, running

from adcompiler import ArgumentError, adjoint

PYTHON = 4096
"""Bytes of Python's own objects: the arrays' headers, tuples, numbers."""


@pytest.fixture(scope="module")
def found():
    """Predicted and measured bytes of every program and stage, from a process whose Numba allocates as Python
    does."""
    program = [sys.executable, memory_programs.__file__]
    out = subprocess.run(program, capture_output=True, text=True, check=True)
    return json.loads(out.stdout)


@pytest.mark.parametrize("stage", ["gradient", "value_and_grad", "primal"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_call_takes_what_was_said(name, stage, found):
    predicted, measured, unknown = found[f"{name} {stage}"]
    assert not unknown
    assert 0.98 * predicted <= measured <= predicted + PYTHON


def squares(x):
    return np.sum(x * x)


def walked(x):
    y = x[0]
    while y > 0.1:
        y = y * y / (1.0 + y)
    return y * np.sum(x)


def test_what_is_counted():
    x = np.linspace(0.5, 1.5, 10_000)
    memory = adjoint(running).memory(x)
    assert (memory.results, memory.workspace, memory.inside, memory.copies) == (80_000, 160_000, 0, 0)
    assert memory.peak == 240_000
    assert str(memory) == "240,000 bytes: results 80,000, workspace 160,000"
    strided = adjoint(squares).memory(x[::2])
    assert (strided.results, strided.copies) == (40_000, 40_000)
    assert adjoint(squares).memory(2.0).peak == 0


def test_what_only_the_call_finds_out_is_named():
    memory = adjoint(walked).memory(np.ones(6))
    assert memory.results == 48
    assert [what.partition(":")[0] for what in memory.unknown] == ["tapes that double when they are full"]
    solved = adjoint(lambda a: np.sum(np.linalg.solve(a, a[0]))).memory(np.eye(6))
    assert {what.partition(":")[0] for what in solved.unknown} == {"what the library takes for itself"}
    numpy = adjoint(lambda a: np.sum(np.linalg.solve(a, a[0])), backend="numpy").memory(np.eye(6))
    assert {what.partition(":")[0] for what in numpy.unknown} == {"what the library takes for itself"}
    grown = adjoint(walked, backend="numpy").memory(np.ones(6))
    assert [what.partition(":")[0] for what in grown.unknown] == ["tapes that double when they are full"]


def test_there_are_no_other_stages():
    with pytest.raises(ArgumentError, match="there is no program 'adjoint'"):
        adjoint(squares).memory(np.ones(6), stage="adjoint")
