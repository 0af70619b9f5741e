"""Plans for whole programs: straight-line code, and loops inside it, in the memory that a budget gives them."""

import functools
import json
import os
import subprocess
import sys

import numpy as np
import optree
import planned_programs
import pytest
from peak_memory import measured_peak
from planned_programs import PROGRAMS, attention, gradient, least_budget, normal, work

from adcompiler import Budget, MaxExtra, PlanError, adjoint
from adcompiler.planned import PROGRAMS as MOST

PYTHON = 8192
"""Bytes of Python's and NumPy's own objects, which are not predicted."""

MEASURED = {"numpy": ["mlp", "attention", "deep", "residual"], "numba": ["small mlp", "attention"]}
EACH = [(backend, name) for backend, names in MEASURED.items() for name in names]
SAVED = {"mlp": 0.6, "attention": 0.8, "deep": 0.13, "residual": 0.56, "small mlp": 0.54}
"""What the least is of what `plan="auto"` takes."""


@functools.cache
def everything(backend):
    """What a process of its own finds out of a backend's programs."""
    program = [sys.executable, planned_programs.__file__, backend, *MEASURED[backend]]
    alone = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    return json.loads(subprocess.run(program, capture_output=True, text=True, check=True, env=alone).stdout)


@pytest.fixture(params=EACH, ids=" ".join)
def found(request):
    """Of one program: name, backend, and what was found out."""
    backend, name = request.param
    return backend, name, everything(backend)[name]


def test_what_is_measured_is_what_was_planned(found):
    _, _, of = found
    assert of["runs"]
    for run in of["runs"]:
        assert run["peak"] <= run["budget"]
        assert 0.98 * run["peak"] <= run["cold"] <= run["peak"] + PYTHON


def test_the_gradient_is_that_of_auto(found):
    """To the last bit, but for multiplications that Numba contracts with additions in other places."""
    backend, _, of = found
    assert all(run["off"] <= (0.0 if backend == "numpy" else 1e-14) for run in of["runs"])


def test_more_memory_never_costs_more_and_less_never_peaks_higher(found):
    _, _, of = found
    works, peaks = [one["work"] for one in of["sweep"]], [one["peak"] for one in of["sweep"]]
    assert works == sorted(works, reverse=True)
    assert peaks == sorted(peaks)
    assert all(one["peak"] <= one["budget"] for one in of["sweep"])
    assert 2 < len(set(peaks)) <= MOST
    assert peaks[-1] == of["full"]


def test_one_byte_less_than_the_least_is_an_error(found):
    _, name, of = found
    least = of["sweep"][0]
    assert least["peak"] == least["budget"] == of["least"] == of["lowest"]
    assert of["least"] <= SAVED[name] * of["full"]
    said = f"a budget of {of['least'] - 1:,} bytes is too small: the least that a call takes is {of['least']:,}"
    assert of["below"] == f"{said}\nhint: Budget({of['least']}) is feasible"


def test_so_much_more_work_and_no_more():
    f, *args = PROGRAMS["attention"]
    auto = adjoint(f, backend="numpy", argnums=(0, 1, 2, 3, 4)).memory(*args).peak
    peaks, works = [], []
    for fraction in (0, 0.5, 1.0, 5.0):
        g = gradient(f, args, MaxExtra(fraction), "numpy")
        peaks.append(g.memory(*args).peak)
        works.append(work(g, args))
    assert auto > peaks[0] > peaks[2] > peaks[3]
    assert peaks == sorted(peaks, reverse=True)
    assert works == sorted(works) and works[0] < works[2] < works[3]
    assert peaks[-1] == least_budget(f, args, "numpy")
