"""Trips that are counted before: the same results, and threads where there were none."""

from contextvars import ContextVar

import numpy as np
import placed_programs as users
import pytest
from affine_programs import random_program
from backend_cases import N, op
from device_programs import kernels, programs
from loop_oracle import arguments
from modes import floats
from roundtrip import assert_round_trip, outcome

from adcompiler import pipeline
from adcompiler.backends.cuda.passes import counting
from adcompiler.backends.cuda.passes.counting import MORE, counted
from adcompiler.backends.cuda.passes.lifting import lifted
from adcompiler.backends.cuda.passes.placement import placed
from adcompiler.ir.build import function
from adcompiler.ir.check import verify
from adcompiler.ir.equality import same
from adcompiler.ir.graph import Value, constant, walk
from adcompiler.ir.ops import OPS
from adcompiler.ir.ops.loops import loop, loop_while
from adcompiler.ir.types import Dim, array_type

NUMBERS = np.linspace(0.5, 40.0, 6)
SIZES = [{"n": 5, "m": 2}, {"n": 0, "m": 0}, {"n": 1, "m": 1}]
CONSTRUCTS = ["while", "open_while", "branch", "nest", "time", "items", "data", "sum", "local"]
SEEDS = [71, 101, 185]
"""Of random programs that have something to be counted."""


@pytest.fixture(autouse=True)
def unwatched(monkeypatch):
    """Verifying and printing after every pass would take most of the time."""
    monkeypatch.setattr(pipeline, "_WATCHERS", ContextVar("watchers", default=()))
    monkeypatch.setenv("ADCOMPILER_CHECK", "0")


def assert_counted(function, *calls):
    """The Function with counts: no loop of it is on the host for what it keeps."""
    after = counted(function)
    verify(after)
    assert_round_trip(after, evaluated=False)
    assert any("memory" in region.why for region in placed(function).regions.values())
    assert not any("memory" in region.why for region in placed(after).regions.values())
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


def test_roots():
    program, operands, sizes = adjoint_of(users.roots, 0, NUMBERS)
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


def halvings(checked=False, limit=None):
    """How often each number can be halved until it is below one, and the sum of what it was before."""

    def trip(i, *_):
        start = op("index", x, i)

        def halved(k, y):
            if checked:
                op("check", op("less", y, 1e9), kind="ValueError", message="too large")
            return [0.5 * y, y]

        test = lambda k, y: op("greater", y, 1.0)  # noqa: E731
        _, stack = loop_while(test, halved, [start], "t", limit=limit)
        (total,) = loop(Dim.of("t"), lambda k, s, y: [s + y], [constant(0.0)], slices=[stack])
        return [total]

    x = Value(array_type("f64", "n"), "x")
    return function("halvings", [x], lambda x: loop(N, trip), ops=OPS, sizes=["n"])


def test_what_may_fail_is_not_run_before():
    assert_counted(halvings(), ([NUMBERS], {"n": 6}))
    assert same(counted(halvings(checked=True)), halvings(checked=True))


@pytest.mark.parametrize("limit", [Dim.of(3), N])
def test_a_limit_needs_no_count(limit):
    program = halvings(limit=limit)
    assert_counted(program, ([NUMBERS], {"n": 6}))
    assert not {"max", "bind", "check"} & {eqn.op.name for eqn in walk(counted(program).body)}


def test_a_program_without_such_loops_stays_as_it_is():
    program, *_ = adjoint_of(users.orbits, 0, NUMBERS, 0.3, 9)
    assert same(counted(program), program)
