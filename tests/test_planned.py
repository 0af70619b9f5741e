"""Plans for whole programs: straight-line code, and loops inside it, in the memory of a budget."""

import functools
import json
import os
import subprocess
import sys

import numpy as np
import planned_programs
import pytest
from peak_memory import measured_peak
from planned_programs import PROGRAMS, gradient, least_budget, normal, off, work

from adcompiler import Budget, MaxExtra, PlanError, adjoint
from adcompiler.checkpointing.choice import choose
from adcompiler.planned import PROGRAMS as MOST

PYTHON = 10240
"""Bytes of Python's and NumPy's own objects, which are not predicted: a gradient has up to fifty arrays."""

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
    measured = [one for one in of["sweep"] if "cold" in one]
    assert len(measured) > 2
    for one in measured:
        assert one["peak"] <= one["budget"]
        assert 0.98 * one["peak"] <= one["cold"] <= one["peak"] + PYTHON


def test_the_gradient_is_that_of_auto(found):
    """To the last bit, but for multiplications that Numba contracts with additions in other places."""
    backend, _, of = found
    assert max(one.get("off", 0.0) for one in of["sweep"]) <= (0.0 if backend == "numpy" else 1e-14)


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
    assert least["peak"] == least["budget"] == of["least"]
    assert of["least"] <= SAVED[name] * of["full"]
    said = (
        f"a budget of {of['least'] - 1:,} bytes is too small: the least that a call takes is {of['least']:,}"
    )
    assert of["below"].startswith(f"{said}, of which ")
    assert of["below"].endswith(f"\nhint: Budget({of['least']}) is feasible")


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
    lowest = gradient(f, args, "recompute_all", "numpy").memory(*args).peak
    assert peaks[-1] == lowest == least_budget(f, args, "numpy")


# ---- other sizes ----


def two_chains(x, y):
    """The values of one are dead where those of the other are alive."""
    for _ in range(4):
        x = np.sin(x) * x
    y = y * np.sum(x)
    for _ in range(4):
        y = np.sin(y) * y
    return np.sum(y)


def test_variants_serve_other_sizes_and_are_planned_anew_where_nothing_fits():
    sizes = {"first": (9000, 50), "fits": (9100, 20), "anew": (50, 9000), "small": (300, 300)}
    args = {name: (normal(n), normal(m)) for name, (n, m) in sizes.items()}
    budget = least_budget(two_chains, args["first"], "numpy") * 21 // 20
    g = gradient(two_chains, args["first"], Budget(budget), "numpy")
    planner = g.programs(*args["first"]).compiled("gradient").planner
    plain = gradient(two_chains, args["first"], "auto", "numpy")
    for name, plans in [("small", 0), ("first", 1), ("fits", 1), ("anew", 2), ("first", 2), ("small", 2)]:
        expected, found = plain(*args[name]), g(*args[name])
        assert off(expected, found) == 0.0
        assert len(planner._planned) == plans
        assert g.memory(*args[name]).peak <= budget
        assert name == "small" or plain.memory(*args[name]).peak > budget
    assert g.specialisations == 1
    large = normal(20_000), normal(50)
    with pytest.raises(PlanError, match=f"a budget of {budget:,} bytes is too small"):
        g(*large)


# ---- with loops ----


def loop_between(x, ws, vs, steps):
    h = x
    for w in ws:
        h = np.tanh(h * w)
    u = h[:64]
    for _ in range(steps):
        u = u + 0.01 * np.sin(u) * np.cos(u)
    out = np.sum(u) * h
    for v in vs:
        out = np.sin(out * v)
    return np.sum(out)


def loop_behind(x, ws, a, steps):
    h = x
    for w in ws:
        h = np.tanh(h @ w)
    u = np.mean(h, axis=0)
    for _ in range(steps):
        u = np.sin(a @ u)
    return np.sum(u * u)


def loop_before(x, ws, steps):
    u = x[:64]
    for _ in range(steps):
        u = u + 0.01 * np.exp(-u * u)
    h = np.mean(u) * x
    for w in ws:
        h = np.sin(h * w)
    return np.sum(h)


LOOPS = {
    "between": (
        loop_between,
        normal(1000),
        [normal(1000) for _ in range(6)],
        [normal(1000) for _ in range(4)],
        150,
    ),
    "behind": (
        loop_behind,
        normal(200, 20),
        [normal(20, 20) for _ in range(6)],
        np.linalg.qr(normal(20, 20))[0],
        500,
    ),
    "before": (loop_before, normal(1000), [normal(1000) for _ in range(8)], 150),
}


@pytest.mark.parametrize("name", LOOPS)
def test_a_loop_and_what_is_around_it_are_planned_together(name):
    """Less work than with loops alone, where what is around the loop has too little memory by itself."""
    f, *args = LOOPS[name]
    auto = gradient(f, args, "auto", "numpy")
    loops, rest = planned_apart(f, args, auto.memory(*args).peak - 1)
    budget = rest(MaxExtra(0)).peak * 19 // 20
    g = gradient(f, args, Budget(budget), "numpy")
    assert g.memory(*args).peak <= budget
    assert off(auto(*args), g(*args)) == 0.0
    assert measured_peak(functools.partial(g, *args)) <= budget + PYTHON
    try:
        apart = loops(Budget(budget)).work
    except PlanError:
        apart = np.inf
    assert work(g, args) < apart


def planned_apart(f, args, memory):
    """What plans come to where only loops are planned, and where only the equations around them are."""
    g = gradient(f, args, Budget(memory), "numpy")
    g.memory(*args)
    program = g.programs(*args).compiled("gradient")
    planner = program.planner
    sizes = dict(zip(planner.function.sizes, next(iter(planner._choices)), strict=True))
    variants = planner.variants(program.variants)
    loops, rest = variants[: planner._fixed], variants[planner._fixed :]
    return lambda plan: choose(loops, plan, sizes, 0.0), lambda plan: choose(rest[:1], plan, sizes, 0.0)
