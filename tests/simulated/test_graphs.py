"""Calls as graphs, with a recorder that stands in for the driver: it runs the program again at each start."""

from types import SimpleNamespace

import numpy as np
import pytest

from adcompiler import ArgumentError, adjoint, value_and_grad
from adcompiler.backends.cuda.device import arrays, graphs, pool, recording, streams, toolkit
from adcompiler.backends.cuda.device.graphs import KEPT, LARGE, PATIENCE, Graphs
from adcompiler.backends.cuda.device.interchange import is_foreign

pytestmark = pytest.mark.simulator


class Again:
    """A graph that does what the program did, with the same arguments and into the same results."""

    def __init__(self, program, arguments, results):
        self.program, self.arguments, self.results = program, arguments, results
        self.starts = 0

    def start(self):
        self.starts += 1
        for old, new in zip(self.results, self.program(*self.arguments), strict=True):
            if is_foreign(old):
                arrays.overwrite(old, new)


@pytest.fixture
def made(monkeypatch):
    """The graphs that were recorded."""
    found = []

    def recorded(program, arguments):
        results = program(*arguments)
        found.append(Again(program, arguments, results))
        for result in results:  # the driver only records
            if is_foreign(result):
                result.fill(-1)
        return found[-1], results

    monkeypatch.setattr(recording, "recorded", recorded)
    return found


class Program:
    """y = scale * x, and how often it ran."""

    def __init__(self):
        self.runs = 0

    def __call__(self, x, scale, n):
        self.runs += 1
        assert x.shape == (n,)
        return arrays.to_device(float(scale) * arrays.to_host(x)), scale, None


def call(program, x, scale=2.0):
    there = arrays.to_device(x)
    result, number, nothing = program(there, np.float64(scale), len(x))
    assert nothing is None and number == scale
    np.testing.assert_array_equal(arrays.to_host(result), scale * x)
    np.testing.assert_array_equal(arrays.to_host(there), x)
    return result


def test_the_second_call_is_recorded_and_later_ones_start_it(made):
    program = Program()
    mine = Graphs(program)
    call(mine, np.arange(4.0))
    assert made == []
    for k in range(5):
        call(mine, np.arange(4.0) + k)
    assert [graph.starts for graph in made] == [5]
    assert program.runs == 2 + 5  # the stand-in for the driver runs it as well


def test_results_are_apart(made):
    mine = Graphs(Program())
    first, second, third = (call(mine, np.full(3, float(k))) for k in range(3))
    assert [arrays.to_host(r)[0] for r in (first, second, third)] == [0.0, 2.0, 4.0]


@pytest.mark.parametrize("change", [(np.arange(5.0), 2.0), (np.arange(4.0), 3.0), (np.arange(4.0), -2.0)])
def test_other_sizes_and_numbers_are_other_graphs(made, change):
    mine = Graphs(Program())
    for _ in range(2):
        call(mine, np.arange(4.0))
    for _ in range(2):
        call(mine, *change)
    call(mine, np.arange(4.0))
    assert [graph.starts for graph in made] == [2, 1]


def test_zeros_of_both_signs_are_different_numbers(made):
    mine = Graphs(Program())
    for scale in (0.0, -0.0, 0.0, -0.0):
        there = arrays.to_device(np.ones(3))
        found = arrays.to_host(mine(there, np.float64(scale), 3)[0])
        assert np.signbit(found).all() == np.signbit(scale)
    assert len(made) == 2


def test_few_graphs_are_kept(made):
    mine = Graphs(Program())
    for n in range(1, KEPT + 2):
        for _ in range(2):
            call(mine, np.arange(float(n)))
    call(mine, np.arange(float(KEPT + 1)))
    assert len(made) == KEPT + 1
    call(mine, np.arange(1.0))  # the oldest: recorded anew, as it ran before
    assert len(made) == KEPT + 2


def test_a_program_whose_numbers_change_has_no_graphs(made):
    program = Program()
    mine = Graphs(program)
    for k in range(PATIENCE):
        call(mine, np.arange(4.0), scale=k + 1.0)
    for _ in range(3):
        call(mine, np.arange(4.0))
    assert made == [] and program.runs == PATIENCE + 3


def test_a_program_that_cannot_be_recorded_is_not_tried_again(monkeypatch):
    tried = []

    def refused(program, arguments):
        tried.append(program)
        raise recording.NotRecorded

    monkeypatch.setattr(recording, "recorded", refused)
    program = Program()
    mine = Graphs(program)
    for _ in range(4):
        call(mine, np.arange(4.0))
    assert (len(tried), program.runs) == (1, 4)


def test_large_programs_are_not_held(made, monkeypatch):
    monkeypatch.setattr(graphs, "LARGE", 1024)
    mine = Graphs(Program())
    for _ in range(3):
        call(mine, np.arange(200.0))
    assert [graph.starts for graph in made] == [0] and LARGE > 2**20


def test_memory_of_a_graph_serves_nobody_else(made):
    mine = Graphs(Program())
    for _ in range(2):
        call(mine, np.arange(4.0))
    held = [arrays.to_device(np.full(4, -1.0)) for _ in range(8)]
    call(mine, np.arange(4.0) + 7)
    assert all((arrays.to_host(array) == -1.0).all() for array in held)


def test_an_arena_lets_go_of_nothing(monkeypatch):
    monkeypatch.setattr(pool, "most_kept", lambda: 0)
    arena = graphs.Arena()
    with arrays.memory_from(arena):
        temporary = arrays.empty((100,), np.float64)
    del temporary
    arrays.SHARED.give_back(arrays.SHARED.take(1))
    arena.make_room()
    assert (arena.idle_bytes, arena.made_bytes, arrays.SHARED.idle_bytes) == (1024, 1024, 0)


# ---- the driver ----


class Driver:
    """What the driver is asked, in order; `broken` says that something unrecordable was done."""

    def __init__(self):
        self.asked, self.broken = [], False

    def __getattr__(self, name):
        def call(*args):
            self.asked.append(name)
            if name == "cuStreamEndCapture" and self.broken:
                raise RefusedError
            return name

        return call


class RefusedError(Exception):
    pass


@pytest.fixture
def driver(monkeypatch):
    found = Driver()
    monkeypatch.setattr(recording, "_driver", lambda: found)
    monkeypatch.setattr(recording.driver_memory, "api_error", lambda: RefusedError)
    return found


STREAM = SimpleNamespace(handle=17)


def test_what_the_driver_is_asked(driver):
    seen = []

    def program(x):
        seen.append(streams.current())
        return (x,)

    graph, results = recording._recorded(driver, STREAM, program, (3,))
    assert (seen, results, streams.current()) == ([STREAM], (3,), streams.DEFAULT)
    graph.start()
    del graph
    assert driver.asked == [
        "cuStreamBeginCapture",
        "cuStreamEndCapture",
        "cuGraphInstantiate",
        "cuGraphDestroy",
        "cuGraphLaunch",
        "cuGraphExecDestroy",
    ]


@pytest.mark.parametrize("broken", [True, False])
def test_a_program_that_fails_leaves_nothing_behind(driver, broken):
    driver.broken = broken

    def program(x):
        raise ZeroDivisionError

    with pytest.raises(recording.NotRecorded):
        recording._recorded(driver, STREAM, program, (3,))
    assert streams.current() == streams.DEFAULT
    assert driver.asked[-1] == ("cuStreamEndCapture" if broken else "cuGraphDestroy")
    assert "cuGraphInstantiate" not in driver.asked


def test_what_a_recorded_copy_reads_stays_as_it_was(driver):
    data = np.arange(3.0)
    copied = []

    def program():
        copied.append(streams.lasting(data))
        return ()

    graph, _ = recording._recorded(driver, STREAM, program, ())
    data[0] = 100.0
    assert graph._held[0] is copied[0] and copied[0][0] == 0.0
    assert streams.lasting(data) is data


def test_the_simulator_records_nothing():
    assert toolkit.simulated()
    with pytest.raises(recording.NotRecorded):
        recording.recorded(lambda: (), ())


# ---- users ----


def chain(x, y):
    for _ in range(3):
        y = np.sin(x) * y
    return np.sum(y)


def test_users_ask_for_graphs(made):
    x, y = np.arange(1.0, 7.0), np.ones(6)
    plain, mine = (
        value_and_grad(chain, argnums=(0, 1), backend="cuda", graphs=graphs) for graphs in (False, True)
    )
    for k in range(4):
        (value, gradients), (other, others) = plain(x + k, y), mine(x + k, y)
        assert value == other and type(value) is np.float64
        for gradient, expected in zip(others, gradients, strict=True):
            np.testing.assert_array_equal(gradient, expected)
    assert [graph.starts for graph in made] == [3]


def test_checks_are_read_behind_a_graph(made):
    def checked(x):
        assert np.sum(x) > 0, "positive"
        return np.sum(np.sqrt(x))

    g = adjoint(checked, backend="cuda", graphs=True)
    x = np.arange(1.0, 5.0)
    for _ in range(3):
        np.testing.assert_allclose(g(x), 0.5 / np.sqrt(x))
    for _ in range(2):
        with pytest.raises(AssertionError, match="positive"):
            g(-x)
    assert [graph.starts for graph in made] == [4]


def test_graphs_are_for_gpus():
    with pytest.raises(ArgumentError) as caught:
        adjoint(chain, backend="numba", graphs=True)
    assert str(caught.value) == (
        "graphs=True is for GPUs, and the backend is 'numba'\nhint: choose backend=\"cuda\""
    )
