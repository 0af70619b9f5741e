"""Threads: the same bits for every number of them, from several Python threads at once, and after a fork.

What needs a process of its own is asked of `threaded_programs.py`, once with each threading layer that Numba
has here; a layer that aborts the process, as the work queue does where two threads enter it, fails the test.
"""

import os
import subprocess
import sys
import threading
from importlib import import_module
from pathlib import Path

import numba
import numpy as np
import pytest
import threaded_programs
from numba.core.config import THREADING_LAYER_PRIORITY

from adcompiler import ArgumentError, compilations, grad, value_and_grad
from adcompiler.backends import cuts, threads
from adcompiler.backends.spreading import spread
from adcompiler.backends.threads import ALONE, MODULES, Layer, Team


def _there(name: str) -> bool:
    try:
        import_module(f"numba.np.ufunc.{MODULES[name]}")
    except ImportError:
        return False
    return True


LAYERS = [name for name in THREADING_LAYER_PRIORITY if _there(name)]


def ask(question: str, layer: str, folder: Path | None = None) -> str:
    """What a process of its own answers that has five threads of a layer."""
    env = {**os.environ, "NUMBA_NUM_THREADS": "5", "NUMBA_THREADING_LAYER": layer, "OMP_THREAD_LIMIT": "100"}
    if folder is not None:
        env["ADCOMPILER_CACHE_DIR"] = str(folder)
    command = [sys.executable, "-W", "error", threaded_programs.__file__, question]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_layer_is_there():
    assert "workqueue" in LAYERS


@pytest.mark.parametrize("layer", LAYERS)
def test_every_number_of_threads_gives_the_same_bits(layer):
    assert ask("same_bits", layer) == layer


@pytest.mark.parametrize("layer", LAYERS)
def test_options_are_honoured_and_change_no_bit(layer):
    assert ask("options", layer) == layer


@pytest.mark.parametrize("layer", LAYERS)
def test_calls_from_several_threads_at_once(layer, tmp_path):
    assert ask("at_once", layer, tmp_path) == layer


@pytest.mark.parametrize("layer", LAYERS)
def test_children_run_everything_by_themselves(layer):
    assert ask("forked", layer) == layer


def test_the_interpreter_is_released_while_a_kernel_runs():
    assert ask("released", "workqueue") == "workqueue"


# ---- who may enter ----


@pytest.fixture
def queue(monkeypatch):
    """A work queue that nobody enters, of a Numba with four threads."""
    found = Layer("workqueue", 4711, threading.Lock())
    monkeypatch.setattr(threads, "_state", threads._State(asked=True, layer=found))
    monkeypatch.setattr(numba, "get_num_threads", lambda: 4)
    monkeypatch.setattr(numba.config, "NUMBA_NUM_THREADS", 4)
    return found


def test_one_call_at_a_time_is_in_the_work_queue(queue):
    first = Team().enter()
    assert first == (4711, 4)
    assert Team().enter() == ALONE
    Team().leave(ALONE)
    assert queue.lock.locked()
    Team().leave(first)
    assert Team(3).enter() == (4711, 3)


def test_one_thread_needs_no_layer(queue):
    assert Team(1).enter() == ALONE
    assert not queue.lock.locked()


def test_any_number_of_calls_is_in_other_layers(monkeypatch, queue):
    monkeypatch.setattr(threads, "_state", threads._State(asked=True, layer=Layer("omp", 4711)))
    assert Team().enter() == Team().enter() == (4711, 4)


def test_without_a_layer_calls_run_by_themselves(monkeypatch):
    monkeypatch.setattr(threads, "_state", threads._State(asked=True))
    assert Team().enter() == ALONE


def test_a_failing_kernel_leaves_the_layer(queue, monkeypatch):
    monkeypatch.setattr(cuts, "WORTH", 1)

    def total(x):
        return np.sum(np.exp(x))

    gradient = value_and_grad(total)
    program = gradient.gradient.programs(np.ones(7)).compiled("value_and_grad").large()
    program.compile()

    def failing(*args):
        assert queue.lock.locked()
        raise MemoryError

    call = program.call.func
    monkeypatch.setitem(call.__globals__, "total_grad_kernel", failing)
    with pytest.raises(MemoryError):
        gradient(np.ones(7))
    assert not queue.lock.locked()


# ---- what is compiled ----


def source(function, *args) -> str:
    return value_and_grad(function, (0, 1)).gradient.programs(*args).compiled("value_and_grad").large().source


def test_small_calls_run_the_loops_as_they_stand():
    def total(x, y):
        return np.sum(x * y)

    program = value_and_grad(total).gradient.programs(np.ones(7), np.ones(7)).compiled("value_and_grad")
    assert "spread" not in program.source
    assert program.source.count(">= 1048576:  # worth threads") == 1


def test_a_call_compiles_what_it_needs(monkeypatch):
    monkeypatch.setattr(cuts, "WORTH", 10_000)

    def total(x, y):
        return np.sum(np.exp(x) * y)

    gradient = value_and_grad(total)
    program = gradient.gradient.programs(np.ones(7), np.ones(7)).compiled("value_and_grad")
    big = (np.ones(5_000), np.ones(5_000))
    program.compile(*big, 5_000)
    assert program.kernel is None and program.large().kernel is not None
    before = compilations()
    assert gradient(*big)[0] == pytest.approx(5_000 * np.e, rel=1e-14)
    assert program.kernel is None and compilations() == before
    gradient(np.ones(7), np.ones(7))
    assert program.kernel is not None and compilations() == before + 1


def test_chunks_have_rows_of_their_own():
    x = np.ones((7, 9))
    text = source(threaded_programs.columns, x, x)
    assert "_parts = empty((chunks, m + 16))" in text
    text = source(threaded_programs.normalised, x, x)
    assert text.count("spread(normalised_grad_loop") == 1


def test_updates_at_places_that_data_decide_are_not_cut():
    x = np.ones((7, 9))
    text = source(threaded_programs.gathered, x, x)
    loops, kernel = text.split("def gathered_grad_kernel")
    assert "spread(" in kernel and "] += " in kernel and "] += " not in loops


def test_python_reads_spread_as_a_loop():
    seen = []
    spread(lambda *args: seen.append(args), 10, 4, 0, 1, ("a",))
    assert seen == [(0, 0, 0, 4, "a"), (1, 0, 4, 8, "a"), (2, 0, 8, 10, "a")]


# ---- what is refused ----


@pytest.mark.parametrize("count", [0, -1, True, 2.0, "2"])
def test_a_number_of_threads_is_a_positive_integer(count):
    with pytest.raises(ArgumentError) as caught:
        grad(threaded_programs.squares, threads=count)
    assert caught.value.message == f"threads={count!r} is no number of threads"
    assert (
        caught.value.hint == "pass a positive int, or None for as many as there are; parallel=False for one"
    )
