"""Random loop programs: gradients in both modes and orders, generated source, cost; and planted errors."""

import os
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import replace

import pytest
from affine_programs import CONSTRUCTS, random_program
from loop_oracle import Wrong, at_differences, at_second_order, examine, modes_agree

from adcompiler import pipeline
from adcompiler.ir import accesses
from adcompiler.transforms import nest

PROGRAMS = int(os.environ.get("FUZZ_LOOP_PROGRAMS", "200"))
CHUNKS = range(0, PROGRAMS, 20)


@pytest.fixture(autouse=True)
def unwatched(monkeypatch):
    """Verifying and printing after every pass would take most of the time."""
    monkeypatch.setattr(pipeline, "_WATCHERS", ContextVar("watchers", default=()))
    monkeypatch.setenv("ADCOMPILER_CHECK", "0")


def failures(check, seeds: Iterable[int]) -> dict[int, str]:
    """What is wrong, by the seed of the program."""
    found = {}
    for seed in seeds:
        try:
            check(random_program(seed), seed)
        except Exception as error:
            found[seed] = f"{type(error).__name__}: {error}"
    return found


def chunk(start: int, step: int = 1) -> range:
    return range(start, min(start + 20, PROGRAMS), step)


@pytest.mark.parametrize("start", CHUNKS)
def test_gradients_of_random_loops(start):
    def check(program, seed):
        assert examine(program, seed, "store_all" if seed % 4 == 3 else "auto") == "right"

    assert failures(check, chunk(start)) == {}


@pytest.mark.parametrize("start", CHUNKS)
def test_tangents_of_random_loops_are_what_differences_say(start):
    assert failures(at_differences, chunk(start, 2)) == {}


@pytest.mark.parametrize("start", CHUNKS)
def test_second_order_of_random_loops(start):
    assert failures(at_second_order, chunk(start, 4)) == {}


@pytest.mark.parametrize("start", range(0, PROGRAMS, 100))
def test_machine_code_of_random_loops(start):
    assert failures(lambda program, seed: examine(program, seed, backend="numba"), [start + 1]) == {}


def test_random_loops_have_every_construct():
    used = set().union(*(random_program(seed).used for seed in range(200)))
    assert used == CONSTRUCTS


# ---- planted errors in what decides where an element may be read again ----


def _with_distances(change):
    def planted(original):
        def never_meet(write, read, index, varies, apart, known):
            return original(write, read, index, varies, change(index, apart), known)

        return never_meet

    return planted


def _forget_inner_indices(original):
    def never_meet(write, read, index, varies, apart, known):
        return original(write, read, index, (lambda integer: False) if index else varies, apart, known)

    return never_meet


def _forward_always(original):
    def same_element(survey, known, eqn, versions, read, site):
        straight = {name: attr for name, attr in eqn.attrs.items() if name != "reverse"}
        return original(survey, known, replace(eqn, attrs=straight), versions, read, site)

    return same_element


MUTANTS = {
    "always": (nest, "never_meet", lambda original: lambda *_: True),
    "forget the same trip": (
        nest,
        "never_meet",
        _with_distances(lambda index, apart: [a for a in apart if a or index is None]),
    ),
    "forget other trips": (
        nest,
        "never_meet",
        _with_distances(lambda index, apart: [0] if 0 in apart else []),
    ),
    "forget inner indices": (nest, "never_meet", _forget_inner_indices),
    "reversed loops run forwards": (nest, "_same_element", _forward_always),
    "branches write nothing": (
        accesses,
        "_branch_updates",
        lambda original: lambda eqn: [(old, new, []) for old, new, _ in original(eqn)],
    ),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_random_loops_see_a_planted_error(name, monkeypatch):
    module, function, planted = MUTANTS[name]
    monkeypatch.setattr(module, function, planted(getattr(module, function)))
    with pytest.raises(Wrong, match="forward .*, reverse"):
        for seed in range(200):
            modes_agree(random_program(seed), seed)
