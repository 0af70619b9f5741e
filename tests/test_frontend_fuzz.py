"""Random programs as plain Python and as captured: right, or refused for a known reason; never wrong.

`make fuzz` tries as many programs as FUZZ_PROGRAMS says, at more sizes, and prints what became of them.
"""

import os
import random
from contextvars import ContextVar

import frontend_runs
import pytest
from frontend_plants import PLANTS
from frontend_programs import random_program
from frontend_report import as_data, of_data, tally

from adcompiler import pipeline

LONG = "FUZZ_PROGRAMS" in os.environ
PROGRAMS = int(os.environ.get("FUZZ_PROGRAMS", 300))
CHUNK = min(2500, PROGRAMS // 2) if LONG else 25
SIZES = len(frontend_runs.SIZES) if LONG else 3


@pytest.fixture(autouse=True)
def unwatched(monkeypatch):
    """A round trip of the text after every pass would take ten times as long as all the rest."""
    monkeypatch.setattr(pipeline, "_WATCHERS", ContextVar("watchers", default=()))


def chunks():
    return [range(start, start + CHUNK) for start in range(0, PROGRAMS // 2, CHUNK)]


@pytest.mark.parametrize("seeds", chunks(), ids=str)
def test_programs_whose_arrays_have_one_name(seeds, record_property):
    found = tally(seeds, False, SIZES)
    record_property("tally", as_data(found))
    assert not found.silent, "\n".join(found.silent)
    assert found.right >= 0.99 - 0.04 * (not LONG), found


@pytest.mark.parametrize("seeds", chunks(), ids=str)
def test_programs_whose_arrays_have_several_names(seeds, record_property):
    found = tally(seeds, True, SIZES)
    record_property("tally", as_data(found))
    assert not found.silent, "\n".join(found.silent)
    assert found.right >= 0.75 - 0.1 * (not LONG), found


@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_error_is_found(name, monkeypatch):
    plant = PLANTS[name]
    plant.put(monkeypatch)
    seeds = range(2000) if LONG else plant.known
    for seed in seeds:
        program = random_program(random.Random(seed), True)
        if frontend_runs.outcome(program, seed, sizes=3, gradients=False).kind == "silent":
            return
    pytest.fail(f"{len(seeds)} programs did not find it")


def test_a_tally_comes_back_as_it_was():
    found = tally(range(3), True, 1)
    assert of_data(as_data(found)) == found
    assert found.constructs["all"].total() == 3
    assert "right" in str(found)
