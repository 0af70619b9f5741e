"""Trips that are counted before: the same results, and threads where there were none."""

from contextvars import ContextVar

import numpy as np
import placed_programs as users
import pytest
from affine_programs import random_program
from device_programs import kernels, programs
from loop_oracle import arguments
from modes import floats
from roundtrip import assert_round_trip, outcome

from adcompiler import pipeline
from adcompiler.backends.cuda import counting
from adcompiler.backends.cuda.counting import MORE, counted
from adcompiler.backends.cuda.lifting import lifted
from adcompiler.backends.cuda.placement import Runs, placed
from adcompiler.ir.check import verify
from adcompiler.ir.equality import same
from adcompiler.ir.graph import walk

NUMBERS = np.linspace(0.5, 40.0, 6)
SIZES = [{"n": 5, "m": 2}, {"n": 0, "m": 0}, {"n": 1, "m": 1}]
CONSTRUCTS = ["while", "open_while", "branch", "nest", "time", "items", "data", "sum", "local"]
SEEDS = [19, 43, 44, 54, 71, 78, 130]
"""Of random programs that have something to be counted."""


@pytest.fixture(autouse=True)
def unwatched(monkeypatch):
    """Verifying and printing after every pass would take most of the time."""
    monkeypatch.setattr(pipeline, "_WATCHERS", ContextVar("watchers", default=()))
    monkeypatch.setenv("ADCOMPILER_CHECK", "0")


def assert_counted(function, *calls):
    """The Function with counts: none of its loops that keep something is without a limit, nor on the host."""
    after = counted(function)
    verify(after)
    assert_round_trip(after, evaluated=False)
    where = placed(after).regions
    assert not any(region.runs is Runs.HOST for eqn, region in where.items() if eqn.op.name == "while")
    assert not same(after, function)
    for args, sizes in calls:
        expected = outcome(function, args, sizes)
        assert outcome(after, args, sizes) == expected
        assert outcome(lifted(after), args, sizes) == expected


@pytest.mark.parametrize("seed", SEEDS)
def test_random_loops(seed):
    primal = random_program(seed, CONSTRUCTS).function
    adjoint = pipeline.finished(pipeline.adjoint(primal, floats(primal), "auto"))
    assert_counted(adjoint, *((arguments(adjoint, seed, sizes), sizes) for sizes in SIZES))


def adjoint_of(function, argnums, *args):
    ((program, operands, sizes),) = programs(function, argnums, args, ["adjoint"])
    return program, operands, sizes


@pytest.mark.parametrize(("name", "number"), [("roots", NUMBERS), ("roots", NUMBERS[:5]), ("root", 2.0)])
def test_roots(name, number):
    program, operands, sizes = adjoint_of(getattr(users, name), 0, number)
    assert_counted(program, (operands, sizes))


def test_the_kernel_of_newton():
    kernel = kernels.load("newton")
    program, operands, sizes = adjoint_of(kernel.function, kernel.argnums, *kernel.arguments(6))
    assert_counted(program, (operands, sizes))


def test_a_loop_that_makes_more_trips_than_were_counted_does_not_end_early(monkeypatch):
    program, operands, sizes = adjoint_of(users.roots, 0, NUMBERS)
    expected = outcome(program, operands, sizes)
    for spare, found in [(-2, (RuntimeError, MORE)), (0, (RuntimeError, MORE)), (1, expected)]:
        monkeypatch.setattr(counting, "SPARE", spare)
        assert outcome(counted(program), operands, sizes) == found


def test_what_may_fail_is_not_run_before():
    def checked(x, places):
        y, k = 1.0, 0
        while y > 0.1:
            y = 0.9 * y * np.sin(x[k])
            k = places[k]
        return y

    program, *_ = adjoint_of(checked, 0, NUMBERS, np.arange(6))
    assert "check" in {eqn.op.name for eqn in walk(program.body)}
    assert same(counted(program), program)


def test_a_program_without_such_loops_stays_as_it_is():
    program, *_ = adjoint_of(users.orbits, 0, NUMBERS, 0.3, 9)
    assert same(counted(program), program)
