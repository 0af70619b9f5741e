"""What is compiled for plans: programs whose size depends on no number, and that stay as planned."""

from contextvars import ContextVar

import numpy as np
import pytest
from counted_evaluations import counted_loop, counted_while, taping

from adcompiler import (
    Budget,
    MaxExtra,
    Online,
    PlanError,
    Snapshots,
    adjoint,
    checkpointed,
    compilations,
    pipeline,
    planned,
)
from adcompiler.ir.graph import count, walk

X = np.linspace(-1.0, 1.0, 300)

pytestmark = pytest.mark.filterwarnings("ignore:.* is compiled for the 8th time, as the guard that `policy`")


@pytest.fixture(autouse=True)
def unwatched(monkeypatch):
    """A round trip of the text after every pass would take most of the time."""
    monkeypatch.setattr(pipeline, "_WATCHERS", ContextVar("watchers", default=()))


def compiled_functions(call):
    """The Functions that are compiled in a call."""
    found = []
    with pipeline.watching(
        lambda name, function: found.append(function) if name == "factorisations" else None
    ):
        call()
    return found


def evaluated(function):
    """How often arctan stands in a program."""
    return [eqn.op.name for eqn in walk(function.body)].count("arctan")


def unmarked(x, n):
    s = x
    for _ in range(n):
        s = 0.9 * np.arctan(s) + 0.1 * x
    return np.sum(s)


# ---- no pass undoes a plan ----


@pytest.mark.parametrize("plan", ["recompute_all", "sqrt", MaxExtra(0.33), Budget("100 kB")], ids=str)
def test_the_program_that_runs_is_the_one_that_was_planned(plan):
    """On the way forward, where it advances and where it tapes, a trip is evaluated; nothing is stacked."""
    g = adjoint(unmarked, plan=plan, backend="numpy")
    program, operands = g.specialised((X, 100), {})
    running, _ = program.compiled("gradient").chosen((operands.values[0], *operands.sizes))
    assert evaluated(running.function) == 3
    loops = [eqn for eqn in walk(running.function.body) if eqn.op.loop]
    trips = {"m", "moves"}
    stacked = [o for eqn in loops for o in eqn.outputs if o.type.rank and o.type.shape[0].names() & trips]
    assert stacked == []


def test_storing_all_evaluates_a_trip_once_and_stacks_it():
    (function,) = compiled_functions(lambda: adjoint(unmarked, plan="store_all", backend="numpy")(X, 100))
    assert evaluated(function) == 1
    shapes = [str(o.type) for eqn in walk(function.body) if eqn.op.loop for o in eqn.outputs]
    assert "f64[m, n]" in shapes


# ---- sizes ----


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_code_depends_on_no_trip_count(backend):
    for f in (counted_loop(Snapshots(9)), counted_while(Online(9))):
        g = adjoint(f, backend=backend)
        assert g.source(0.3, 10) == g.source(0.3, 10**6)


@pytest.mark.parametrize("loop", [counted_loop, counted_while, taping])
def test_code_depends_on_no_number_of_slots(loop):
    policies = [Online(k) if loop is counted_while else Snapshots(k) for k in (0, 1, 10, 500)]
    gradients = [adjoint(loop(p), backend="numpy") for p in policies]
    planners = [g.programs(0.3, 20).compiled("gradient").planner for g in gradients]
    assert [len(planner.candidates) for planner in planners] == [1, 1, 1, 1]
    assert len({count(planner.candidates[0].scheduled.function.body) for planner in planners}) == 1
    assert len({adjoint(loop(p), backend="numpy").source(0.3, 20) for p in policies}) == 1


def test_fifty_sizes_compile_nothing_new():
    g = adjoint(counted_loop(Snapshots(9)), backend="numba")
    h = adjoint(unmarked, plan=Budget("60 kB"), backend="numba")
    for n in (100, 1):  # both of the variants that the budget needs
        g(0.3, n), h(X, n)
    before = compilations()
    for n in range(2, 52):
        g(0.3, n), h(X, n)
    h(X[:7], 19)
    assert compilations() == before


def test_a_budget_compiles_at_most_four_variants():
    g = adjoint(unmarked, plan=Budget("40 kB"), backend="numpy")
    g(X, 50)
    assert 1 < len(g.programs(X, 50).compiled("gradient").variants) <= 4


# ---- planning ----


def test_sizes_that_were_seen_are_planned_once(monkeypatch):
    g = adjoint(unmarked, plan=Budget("40 kB"), backend="numpy")
    sizes = [(X, 20), (X, 60), (X[:50], 60)]
    expected = [g(*args) for args in sizes]
    made = []

    def choosing(*args):
        made.append(args)
        return choose(*args)

    choose = planned.choose
    monkeypatch.setattr(planned, "choose", choosing)
    for args, gradient in zip(sizes, expected, strict=True):
        assert np.array_equal(g(*args), gradient)
    assert made == []
    g(X, 61)
    assert len(made) == 1


# ---- loops that cannot be as asked ----


def ragged(x, n):
    s = x
    for i in range(n):
        for _ in checkpointed(range(i), Snapshots(2)):
            s = np.sin(s) * x
    return np.sum(s)


def ragged_unmarked(x, n):
    s = x
    for i in range(n):
        for _ in range(i):
            s = np.sin(s) * x
    return np.sum(s)


def test_loops_whose_trips_follow_an_index_have_the_gradient_and_no_policy():
    with pytest.raises(PlanError, match="this loop cannot follow its policy: how many trips it makes is not"):
        adjoint(ragged, backend="numpy")(X, 6)
    expected = adjoint(ragged_unmarked, backend="numpy")(X, 6)
    for plan in ("sqrt", "recompute_all", Budget("200 kB")):
        planned = adjoint(ragged_unmarked, plan=plan, backend="numpy")(X, 6)
        np.testing.assert_array_equal(planned, expected)


def inner_and_outer(x, n):
    s = x
    for _ in checkpointed(range(n), Snapshots(2)):
        for _ in checkpointed(range(n), Snapshots(2)):
            s = np.sin(s) * x
    return np.sum(s)


def inner_and_outer_unmarked(x, n):
    s = x
    for _ in range(n):
        for _ in range(n):
            s = np.sin(s) * x
    return np.sum(s)


@pytest.mark.parametrize("plan", ["auto", "sqrt", "recompute_all"])
def test_marked_loops_in_marked_loops_have_the_gradient(plan):
    expected = adjoint(inner_and_outer_unmarked, backend="numpy")(X, 12)
    np.testing.assert_array_equal(adjoint(inner_and_outer, plan=plan, backend="numpy")(X, 12), expected)
