"""Scalars of the device as arrays of one element: the same numbers to the last bit, and nothing left over."""

import random
from contextvars import ContextVar

import numpy as np
import pytest
from affine_programs import random_program
from device_programs import chosen, kernel_and_arguments, kernels, programs
from hypothesis import given, settings
from loop_oracle import arguments
from modes import floats
from op_cases import cases
from random_functions import functions
from roundtrip import argument, assert_round_trip, outcome
from scheduled_runs import Planned, marked
from user_programs import PROGRAMS

from adcompiler import pipeline
from adcompiler.backends.cuda.passes.lifting import lifted
from adcompiler.backends.cuda.passes.placement import Runs, placed
from adcompiler.checkpointing.choice import choose
from adcompiler.ir.check import verify
from adcompiler.ir.graph import Function, walk
from adcompiler.ir.loops import loop_body, state_count
from adcompiler.ir.op import Scalar


@pytest.fixture(autouse=True)
def unwatched(monkeypatch):
    """Verifying and printing after every pass would take most of the time."""
    monkeypatch.setattr(pipeline, "_WATCHERS", ContextVar("watchers", default=()))
    monkeypatch.setenv("ADCOMPILER_CHECK", "0")


SIZES = [{"n": 5, "m": 2}, {"n": 0, "m": 0}, {"n": 1, "m": 1}]


def assert_lifted(function: Function, *calls) -> Function:
    """The Function lifted: it verifies, reads as it prints, obeys the rules, and gives the same bits."""
    after = lifted(function)
    verify(after)
    assert_round_trip(after, evaluated=False)
    assert [r.type for r in after.body.results] == [r.type for r in function.body.results]
    assert left_over(after) == []
    assert kinds(after) == kinds(function)
    for args, sizes in calls:
        assert outcome(after, args, sizes) == outcome(function, args, sizes)
    return after


def left_over(function: Function) -> list[str]:
    """What host-level blocks do with numbers of the device, but for reading them."""
    where = placed(function)

    def numbers(values):
        return [v for v in values if not v.type.rank and not where.knows(v)]

    def block(source):
        for eqn in source.eqns:
            if isinstance(eqn.op.lowering, Scalar) and numbers(eqn.outputs):
                yield f"{eqn.op.name} computes with a number of the device"
            if eqn.blocks and where.on_host(eqn):
                states = state_count(eqn.attrs) if eqn.op.loop else len(eqn.outputs)
                handed = loop_body(eqn).params[1 + states :] if eqn.op.loop else ()
                items = loop_body(eqn).results[states:] if eqn.op.loop else ()
                if numbers([*eqn.outputs[:states], *handed]) or any(not r.type.rank for r in items):
                    yield f"{eqn.op.name} hands on a number of the device"
                for inner in eqn.blocks:
                    yield from block(inner)

    return list(block(function.body))


def kinds(function: Function) -> list[tuple[str, Runs, int]]:
    """Where the regions of a Function run, in program order."""
    regions = placed(function).regions
    found = (regions[eqn] for eqn in walk(function.body) if eqn in regions)
    return [(region.eqns[0].op.name, region.runs, len(region.grid)) for region in found]


# ---- the same numbers ----


@pytest.mark.parametrize("case", list(cases()), ids=lambda case: case.id)
def test_every_op(case):
    assert_lifted(case.function, (case.inputs, {}))


@pytest.mark.parametrize("name", kernels.NAMES)
def test_loop_kernels(name):
    kernel, args = kernel_and_arguments(name)
    for function, operands, sizes in programs(kernel.function, kernel.argnums, args):
        assert_lifted(function, (operands, sizes))


@pytest.mark.parametrize("seed", range(16))
def test_random_loops_and_their_adjoints(seed):
    primal = random_program(seed).function
    for f in (primal, pipeline.finished(pipeline.adjoint(primal, floats(primal), "auto"))):
        assert_lifted(f, *((arguments(f, seed, sizes), sizes) for sizes in SIZES))


@given(functions())
@settings(max_examples=60)
def test_random_functions(function):
    sizes = {"n": 3, "m": 2}
    rng = np.random.default_rng(0)
    assert_lifted(function, ([argument(p.type, sizes, rng) for p in function.body.params], sizes))


@pytest.mark.parametrize("program", PROGRAMS[::6], ids=lambda program: program.name)
def test_programs_of_users(program):
    args = program.arguments(program.sizes[0], np.random.default_rng(0))
    for function, operands, sizes in programs(program.function, chosen(args), args):
        assert_lifted(function, (operands, sizes))


@pytest.mark.parametrize("seed", range(6))
def test_scheduled_programs(seed):
    rng = random.Random(seed)
    primal = marked(random_program(seed).function, rng)
    adjoint = pipeline.adjoint(primal, floats(primal), "auto")
    scheduled = pipeline.scheduled(adjoint, len(primal.body.params), True, pipeline.Options())
    planned = Planned(None, scheduled, None)
    sizes = SIZES[0]
    found = choose([planned.variant(False)], planned.random_plan(rng, sizes), sizes, 100.0)
    args = arguments(adjoint, seed, sizes)
    operands = [*args[: scheduled.first], *found.plans, *args[scheduled.first :]]
    every = {**sizes, **dict(zip(scheduled.function.sizes[len(sizes) :], found.sizes, strict=True))}
    assert_lifted(pipeline.finished(scheduled.function), (operands, every))
