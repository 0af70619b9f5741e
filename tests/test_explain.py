"""What `explain` says of a plan, against the schedules themselves, against other programs, and as text."""

import json
from functools import cache
from xml.etree import ElementTree

import explained_programs as programs
import numpy as np
import pytest

from adcompiler import ArgumentError, adjoint
from adcompiler.checkpointing.choice import choose
from adcompiler.checkpointing.front import front
from adcompiler.checkpointing.plans import Budget, MaxExtra
from adcompiler.ir.cost import static_cost
from adcompiler.ir.errors import PlanError
from adcompiler.schedules.actions import DISK, MEMORY, replay
from adcompiler.schedules.online import Online

Y = np.linspace(0.1, 0.9, 50)
CALLS = {
    "flow": (programs.flow, ("theta", "y"), (0.5, np.linspace(0.1, 0.9, 500), 60)),
    "layers": (programs.layers, ("y", "w"), (Y[:6], np.eye(6), 12, 10)),
    "twice": (programs.twice, ("y",), (Y, 25)),
    "walked": (programs.walked, ("x",), (Y,)),
    "counted": (programs.counted, ("x",), (Y, np.array([7]))),
    "triangle": (programs.triangle, ("x",), (Y[:20], 20)),
    "branching": (programs.branching, ("x",), (Y, 15)),
    "curved": (programs.curved, ("y",), (Y, 15)),
    "asked": (programs.asked, ("y",), (Y, 20)),
    "square": (programs.square, ("x",), (Y[::2],)),
}


BUDGETS = {"flow": Budget("60 kB"), "twice": Budget("20 kB")}
"""Budgets under which loops run by schedules."""


def gradient_of(name, plan, **options):
    function, names, args = CALLS[name]
    return adjoint(function, argnames=names, plan=plan, **options), args


@cache
def explained(name, plan, stage="gradient", backend="numba"):
    gradient, args = gradient_of(name, plan, backend=backend)
    return gradient.explain(*args, stage=stage)


@cache
def planned(name):
    """The variants of a program, its sizes, and the work of the function itself."""
    gradient, args = gradient_of(name, "recompute_all")
    programs, operands = gradient.specialised(args, {})
    program, _ = programs.explained("gradient")
    named = program.planner.named(tuple(operands.sizes))
    return program.planner.variants(program.variants), named, program.planner.forward(named)


# ---- the text ----


@pytest.mark.parametrize(
    ("golden_name", "name", "plan"),
    [
        ("explain_flow", "flow", BUDGETS["flow"]),
        ("explain_layers", "layers", "auto"),
        ("explain_walked", "walked", "store_all"),
    ],
)
def test_text(golden, golden_name, name, plan):
    golden(golden_name, str(explained(name, plan)))


def test_text_of_numpy(golden):
    golden("explain_flow_numpy", str(explained("flow", "sqrt", backend="numpy")))


# ---- the parts agree with one another, and with what they are read off ----


@pytest.mark.parametrize(
    ("name", "plan", "backend"),
    [
        *(("flow", BUDGETS["flow"], "numba"), ("twice", BUDGETS["twice"], "numba")),
        *((name, "recompute_all", "numba") for name in ("twice", "curved")),
        *(
            ("flow", "sqrt", "numpy"),
            ("asked", "auto", "numba"),
            ("walked", "store_all", "numba"),
            ("square", "auto", "numba"),
        ),
        *(("triangle", "auto", "numba"), ("branching", "auto", "numpy")),
    ],
)
def test_parts(name, plan, backend):
    found = explained(name, plan, backend=backend)
    gradient, args = gradient_of(name, plan, backend=backend)
    assert sum(array.bytes for array in found.alive) == found.peak == gradient.memory(*args).peak
    assert [a.bytes for a in found.alive] == sorted((a.bytes for a in found.alive), reverse=True)
    for loop in found.loops:
        assert (loop.schedule is None) == bool(loop.unscheduled)
        if loop.schedule is not None:
            check_schedule(loop)
    again = sum(loop.schedule.work for loop in found.loops if loop.schedule is not None)
    assert again + sum(row.work for row in found.recomputed) < found.work
    assert bool(again) == (name == "asked" or plan not in ("auto", "store_all"))


def check_schedule(loop):
    """A schedule, done action by action, and the tape, part by part."""
    told, counts = loop.schedule, replay(loop.schedule.schedule.actions(), loop.trips)
    slots, _, tapes = counts.profile.max(axis=0, initial=0)
    assert (told.run.plain, told.run.taped) == (counts.plain, counts.taped)
    assert told.run.evaluations == counts.evaluations
    assert (told.slots, told.snapshots, told.tapes) == (slots, slots + 1, tapes)
    assert (told.run.writes, told.run.to_disk) == (counts.writes[MEMORY], counts.writes[DISK])
    assert told.memory == counts.peak(told.state, told.tape)
    assert sum(kept.bytes for kept in loop.kept if kept.scheduled) == told.tape


@pytest.mark.parametrize("name", ["flow", "twice", "walked"])
def test_a_front_is_what_budgets_give(name):
    variants, sizes, forward = planned(name)
    points = front(variants, sizes)
    assert (len(points) == 10) == (name == "flow")
    for one, other in zip(points, points[1:], strict=False):
        assert one.peak < other.peak and one.cost > other.cost
    for point in points:
        chosen = choose(variants, Budget(point.peak), sizes, forward)
        assert chosen.peak <= point.peak and chosen.work <= point.cost
        extra = (point.cost - points[-1].cost) / forward
        chosen = choose(variants, MaxExtra(extra * (1 + 1e-12)), sizes, forward)
        assert chosen.peak <= point.peak
    assert choose(variants, Budget(10**12), sizes, forward).work == points[-1].cost
    assert choose(variants, MaxExtra(1e9), sizes, forward).peak == points[0].peak
    with pytest.raises(PlanError):
        choose(variants, Budget(points[0].peak - 1), sizes, forward)


def test_the_front_of_a_program_is_that_of_every_plan():
    fronts = {explained("twice", plan).front for plan in ("auto", "recompute_all", BUDGETS["twice"])}
    (points,) = fronts
    assert [offer.peak for offer in points] == [p.peak for p in front(*planned("twice")[:2])]
    assert points[-1].extra == 0.0


def test_an_infeasible_budget():
    gradient, args = gradient_of("twice", Budget(100))
    with pytest.raises(PlanError) as of_explain:
        gradient.explain(*args)
    with pytest.raises(PlanError) as of_call:
        gradient(*args)
    assert str(of_explain.value) == str(of_call.value)
    least = explained("twice", "auto").least
    assert str(of_call.value) == (
        f"a budget of 100 bytes is too small: the least that a call takes is {least:,}, of which "
        f"2,800 are for `pool_f64`, explained_programs.py:30  for _ in range(n):\n"
        f"hint: Budget({least}) is feasible"
    )


# ---- what is kept, why, and who reads it ----


def test_what_is_kept_and_why():
    place = "explained_programs.py"
    (outer,) = explained("layers", "auto").loops
    carry, cheaper = (
        "a carry, which only the trips before it give again",
        "to keep it costs less than to replay it",
    )
    assert [(kept.name, kept.type, kept.why, kept.readers) for kept in outer.kept] == [
        ("y", "f64[n]", carry, (f"adjoint of matmul, {place}:19",)),
        ("y", "f64[n]", cheaper, (f"adjoint of y, {place}:19",)),
        ("y", "f64[n]", "made by solve, which is dear and never replayed", (f"adjoint of y, {place}:24",)),
        ("z", "f64[q, n]", carry, (f"replayed, {place}:22", f"adjoint of z, {place}:22")),
    ]
    assert [kept.line.partition("  ")[0] for kept in outer.kept] == [f"{place}:{n}" for n in (18, 19, 24, 21)]
    assert [kept.bytes for kept in outer.kept] == [48, 48, 48, 480]
    (of_all,) = explained("flow", "store_all").loops
    assert "the plan keeps all that is read" in [kept.why for kept in of_all.kept]


@pytest.mark.parametrize(
    ("name", "plan", "number", "stage", "reason"),
    [
        ("twice", "auto", 0, "gradient", "the plan keeps every tape"),
        ("counted", "recompute_all", 0, "gradient", "its trips are known only when it has run"),
        ("triangle", "recompute_all", 1, "gradient", "its trips change in the loop around it"),
        ("branching", "auto", 0, "gradient", "it is in a branch, and its adjoint in another"),
    ],
)
def test_why_a_loop_has_no_schedule(name, plan, number, stage, reason):
    loop = explained(name, plan, stage=stage).loops[number]
    assert (loop.unscheduled, loop.schedule) == (reason, None)


def test_nothing_is_kept_of_a_trip():
    found = adjoint(programs.doubled, argnames="y").explain(Y, 30, stage="value_and_grad")
    assert [loop.unscheduled for loop in found.loops] == ["nothing is kept of a trip"]
    assert found.loops[0].kept == ()


def test_trips_that_change_are_unknown_and_counted():
    inner = explained("triangle", "auto").loops[1]
    assert (inner.trips, inner.times) == (None, 20)


def test_a_loop_that_asks_for_a_schedule():
    (loop,) = explained("asked", "auto").loops
    told = loop.schedule
    assert (told.asked, told.slots, told.snapshots, told.tapes) == ("Snapshots(3)", 3, 4, 1)
    assert told.run.evaluations == 59  # Griewank and Walther's t(20, 4) = 39, and 20 taped
    assert told.work == 39 * 50 * (15 + 1)
    assert "  20 trips; by a schedule, Snapshots(3)" in str(explained("asked", "auto")).splitlines()


def test_snapshots_on_disk(tmp_path):
    found = explained("flow", Budget("52 kB", disk=str(tmp_path)))
    (loop,) = found.loops
    check_schedule(loop)
    assert found.peak <= 52_000 and loop.schedule.run.to_disk > 0
    assert f"{loop.schedule.run.to_disk} to disk;" in str(found)
    assert list(tmp_path.iterdir()) == []


def test_a_loop_of_unknown_trips_by_a_schedule():
    (loop,) = explained("walked", "sqrt").loops
    told = loop.schedule
    assert (loop.trips, told.run, loop.unscheduled) == (None, None, "")
    assert isinstance(told.schedule, Online)
    assert (told.slots, told.tapes) == (31, 1)  # of the square root of 1000
    assert told.memory == 31 * told.state + told.tape
    assert "31 snapshots of 8 bytes" in str(explained("walked", "sqrt"))


# ---- what is computed again ----


def test_what_is_computed_again():
    (row,) = explained("flow", BUDGETS["flow"]).recomputed
    assert row.line.startswith("explained_programs.py:11  y = y + 0.01")
    assert (row.operations, row.times) == (("mul", "sin"), 60)
    assert row.work == 60 * 500 * (1 + 15 + 1)  # theta * y, its sine, theta times that
    (row,) = explained("triangle", "auto").recomputed
    assert (row.times, row.work) == (190, 190 * 16)  # 0 + 1 + ... + 19 trips


def test_the_function_itself_is_counted():
    gradient, args = gradient_of("twice", "auto")
    found = explained("twice", "auto")
    assert found.forward == static_cost(gradient.programs(*args).stage("primal"), {"n": 50, "m": 25}).flops
    assert found.extra == 0.0


# ---- other programs, JSON, pictures ----


def test_copies_of_arguments_are_alive():
    copies = [a.bytes for a in explained("square", "auto").alive if a.name == "copies of arguments"]
    assert copies == [200]


def test_json():
    found = explained("twice", "recompute_all", stage="value_and_grad")
    fields = json.loads(found.to_json())
    assert fields == found.fields()
    assert list(fields) == [
        *("function", "stage", "plan", "peak", "line", "memory", "alive", "loops", "recomputed"),
        *("forward", "work", "extra", "least", "front"),
    ]
    assert (fields["stage"], fields["plan"]) == ("value_and_grad", '"recompute_all"')
    memory = ["results", "workspace", "inside", "copies", "plans", "unknown"]
    assert list(fields["memory"]) == memory
    assert sum(fields["memory"][part] for part in memory[:-1]) == fields["peak"]
    assert list(fields["alive"][0]) == ["name", "bytes", "line"]
    loop = fields["loops"][0]
    assert list(loop) == ["line", "trips", "times", "kept", "schedule", "unscheduled"]
    assert list(loop["kept"][0]) == ["name", "type", "line", "bytes", "scheduled", "why", "readers"]
    assert list(loop["schedule"]) == [
        *("asked", "state", "tape", "memory", "slots", "snapshots", "tapes", "work", "run"),
    ]
    assert list(loop["schedule"]["run"]) == ["plain", "taped", "writes", "to_disk", "evaluations"]
    assert list(fields["recomputed"][0]) == ["line", "operations", "times", "work"]
    assert list(fields["front"][0]) == ["peak", "extra"]


@pytest.mark.parametrize("plan", ["auto", BUDGETS["twice"]], ids=["taped", "scheduled"])
def test_picture(plan, tmp_path):
    found = explained("twice", plan)
    found.picture(str(tmp_path / "plan.svg"))
    root = ElementTree.parse(tmp_path / "plan.svg").getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    groups = [g.get("id", "") for g in root.iter("{http://www.w3.org/2000/svg}g")]
    assert sum(g.startswith("axes_") for g in groups) == 4  # two loops, memory and trips of each
    found.picture(str(tmp_path / "plan.png"))
    assert (tmp_path / "plan.png").read_bytes().startswith(b"\x89PNG")


def test_no_picture_without_a_loop(tmp_path):
    with pytest.raises(ArgumentError) as error:
        explained("square", "auto").picture(str(tmp_path / "plan.png"))
    assert str(error.value) == (
        "there is nothing to draw: `square_grad` has no loop of known trips that keeps anything"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_stage_without_a_plan():
    with pytest.raises(ArgumentError) as error:
        explained("flow", "auto", stage="primal")
    assert str(error.value) == (
        "there is no plan of a program 'primal'\nhint: there is one of gradient, value_and_grad"
    )
