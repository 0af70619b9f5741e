"""How calls are measured: functions on another library, comparisons, patience, ceilings."""

import math
import sys
from functools import partial
from math import exp
from types import ModuleType, SimpleNamespace

import numba
import numpy as np
import pytest
from numpy import cos as cosine

from adcompiler import adjoint
from adcompiler.benchmarking import backends, clock, machine, measure, peers
from adcompiler.benchmarking.transplant import Transplant
from adcompiler.benchmarking.workload import Impossible, Missing, Ready, Workload, leaves
from adcompiler.ir.cost import Cost
from adcompiler.ir.errors import DerivativeError

TABLE = np.array([1.0, 2.0])

# ---- a function on another library ----


class Other(ModuleType):
    """A library with NumPy's names, whose functions write down that they were called."""

    def __init__(self, path="other"):
        super().__init__(path)
        self.calls = []

    def __getattr__(self, name):
        if name == "linalg":
            self.linalg = Other("other.linalg")
            return self.linalg
        return lambda *args: self.calls.append(name) or 1.0


def double(x):
    return np.tanh(x) * 2.0


@numba.njit
def compiled(x):
    return np.sinh(x)


@adjoint
def decorated(x):
    return np.log(x)


def recursive(x, depth=2, *, step=1):
    return x if depth == 0 else np.sqrt(recursive(x, depth - step))


def everything(x):
    y = np.sin(x) + cosine(x) + math.log1p(x) + exp(x) + math.pi
    return y + double(x) + compiled(x) + np.linalg.norm(x) + recursive(x)


@pytest.fixture
def other():
    return Other()


def test_numpy_in_the_globals_of_a_function_is_exchanged(other):
    Transplant({"numpy": other})(everything)(0.5)
    assert other.calls == ["sin", "cos", "log1p", "exp", "tanh", "sinh", "sqrt", "sqrt"]
    assert other.linalg.calls == ["norm"]
    assert everything.__globals__["np"] is np


def test_what_numba_or_adjoint_made_is_taken_as_python(other):
    for function, name in ((compiled, "sinh"), (decorated, "log")):
        assert Transplant({"numpy": other})(function)(0.5) == 1.0
        assert other.calls.pop() == name


def test_in_its_own_body_alone_a_decorated_function_is_the_function(other):
    @adjoint
    def shrunk(x):
        return x if x < 1.0 else shrunk(x / 2.0) + np.sin(x)

    assert Transplant({"numpy": other})(shrunk)(1.5) == 1.75
    with pytest.raises(Impossible, match=r"^cannot run it: it calls a gradient function of adcompiler's$"):
        Transplant({"numpy": other})(lambda x: decorated(x) + 1.0)(0.5)


def test_closures_are_exchanged(other):
    library, helper = np, double

    def outer(x, n):
        return x if n == 0 else outer(library.cbrt(x), n - 1) + helper(x) + len(TABLE)

    Transplant({"numpy": other})(outer)(0.5, 2)
    assert other.calls == ["cbrt", "cbrt", "tanh", "tanh"]


def test_arrays_among_the_globals(other):
    assert Transplant({"numpy": other}, lambda array: array.tolist())(lambda: TABLE)() == [1.0, 2.0]
    assert Transplant({"numpy": other})(lambda: TABLE)() is TABLE


def test_modules_of_the_user_are_seen_through(other, tmp_path, monkeypatch):
    (tmp_path / "users_helpers.py").write_text(
        "import numpy as np\ndef f(x):\n    return np.arctan(x)\nK = 3\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    import users_helpers

    function = Transplant({"numpy": other})(lambda x: users_helpers.f(x) * users_helpers.K)
    assert (function(0.5), other.calls) == (3.0, ["arctan"])


def test_libraries_are_left_alone(other):
    function = Transplant({"numpy": other})(lambda: (sys.maxsize, SimpleNamespace, partial))
    assert function() == (sys.maxsize, SimpleNamespace, partial)


def test_what_has_no_globals_cannot_be_given_others(other):
    with pytest.raises(Impossible, match=r"^ufunc objects cannot be given another numpy$"):
        Transplant({"numpy": other})(np.sin)


# ---- runners ----


def loss(x, k, scale):
    return np.sum(np.sin(x) * x) * k * scale


POINT = Workload(loss, ("x", "k", "scale"), (np.linspace(0.3, 0.7, 6), 3, 2.0), ("scale", "x"), 6)


def gradient_by_hand(x, k, scale):
    return [np.sum(np.sin(x) * x) * k, (np.cos(x) * x + np.sin(x)) * k * scale]


def results(runner, program):
    return [ready.arrays(ready.call()) for ready in runner.prepare(POINT, program)]


def test_floats_and_arrays_vary_the_rest_is_constant():
    assert POINT.dynamic == ["scale", "x"]
    x, _, scale = POINT.values
    assert POINT.of(loss)(2 * scale, x) == 2 * loss(*POINT.values)


@pytest.mark.parametrize("name", ["numpy", "numba"])
def test_a_backend_has_primal_and_gradient(name):
    backend = backends.Backend(name, loss, POINT.wrt)
    ((value,),) = results(backend, "primal")
    assert value == pytest.approx(loss(*POINT.values))
    (found,) = results(backend, "gradient")
    for mine, theirs in zip(found, gradient_by_hand(*POINT.values), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-14)
    (again,) = backend.prepare(POINT, "gradient")
    assert again.trace is again.compile is None


def test_python_has_no_gradient():
    assert results(backends.Python(), "primal") == [[loss(*POINT.values)]]
    assert results(backends.Python(), "gradient") == []


def test_autograd():
    runner = peers.Autograd()
    assert results(runner, "primal") == [[pytest.approx(loss(*POINT.values))]]
    (found,) = results(runner, "gradient")
    for mine, theirs in zip(found, gradient_by_hand(*POINT.values), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-14)


def test_jax_is_traced_compiled_and_called_with_both_kinds_of_arrays(monkeypatch):
    """With a stand-in for JAX, which differentiates as autograd does."""
    import autograd
    import autograd.numpy
    import autograd.scipy

    updated, called = [], []

    def jit(function):
        def call(*args):
            called.append([type(arg).__name__ for arg in args])
            return function(*map(np.asarray, args))

        return SimpleNamespace(lower=lambda *args: SimpleNamespace(compile=lambda: call), __call__=call)

    class Jitted(SimpleNamespace):
        def __call__(self, *args):
            return None

    stand_in = SimpleNamespace(
        config=SimpleNamespace(update=lambda *setting: updated.append(setting)),
        jit=lambda function: Jitted(**vars(jit(function))),
        grad=autograd.grad,
        device_put=lambda args: [OnDevice(arg) for arg in args],
        block_until_ready=lambda x: x,
        scipy=autograd.scipy,
    )
    for name in ("jax", "jax.scipy.special", "jax.scipy.linalg"):
        monkeypatch.setitem(sys.modules, name, stand_in)
    monkeypatch.setitem(sys.modules, "jax.numpy", autograd.numpy)
    monkeypatch.setattr(autograd.numpy, "asarray", np.asarray, raising=False)
    runner = peers.Jax()
    ways = runner.prepare(POINT, "gradient")
    assert updated == [("jax_enable_x64", True)]
    assert [way.variant for way in ways] == ["(NumPy)", "(device)"]
    assert all(way.trace is not None and way.compile is not None for way in ways)
    for way in ways:
        for mine, theirs in zip(way.arrays(way.call()), gradient_by_hand(*POINT.values), strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=1e-14)
    assert called == [["ndarray", "ndarray"], ["OnDevice", "OnDevice"]]


class OnDevice:
    """An array that is not NumPy's."""

    def __init__(self, array):
        self._array = array

    def __array__(self, dtype=None, copy=None):
        return self._array


# ---- measuring ----

COSTS = dict.fromkeys(("primal", "gradient"), Cost(flops=3e9, bytes=2 * 10**9, alive=0, exact=True))


class Fixed:
    """A runner whose programs return what they are told to."""

    def __init__(self, name, *results):
        self.name, self.results = name, results

    def prepare(self, workload, program):
        if program == "gradient":
            return []
        return [Ready(partial(self._call, result), f"({k})") for k, result in enumerate(self.results)]

    @staticmethod
    def _call(result):
        if isinstance(result, Exception):
            raise result
        return result


def rows(*runners):
    return list(measure.measured(POINT, runners, COSTS, 0.01, measure.Patience()))


def test_results_are_compared_with_the_first():
    found = rows(
        Fixed("python", np.array([1.0, 2.0])),
        Fixed("same", np.array([1.0, 2.0 + 1e-9])),
        Fixed("single", np.array([1.0, 2.0001], np.float32)),
        Fixed("off", np.array([1.0, 2.5])),
        Fixed("nan", np.array([np.nan, 2.0])),
        Fixed("longer", np.ones(3)),
    )
    assert [(row.runner, row.note) for row in found] == [
        ("python", ""),
        ("same", ""),
        ("single", ""),
        ("off", "differs from python by 0.2"),
        ("nan", "differs from python by inf"),
        ("longer", "differs from python: shapes [(3,)], not [(2,)]"),
    ]


def test_equal_nans_and_infinities_agree():
    odd = np.array([np.nan, np.inf, -np.inf, 1.0])
    assert [row.note for row in rows(Fixed("python", odd), Fixed("same", odd.copy()))] == ["", ""]


def test_what_fails_is_a_row_that_says_why():
    found = rows(
        Fixed("python", 1.0),
        Fixed("broken", ValueError("bad\nvery bad")),
        Fixed("silent", MemoryError()),
        Fixed("long", TypeError("x" * 200)),
        Missing("cuda", "no device"),
    )
    assert {row.runner: row.problem for row in found if row.program == "primal"} == {
        "python": "",
        "broken": "cannot run it: ValueError: bad",
        "silent": "cannot run it: MemoryError",
        "long": "cannot run it: TypeError: " + "x" * 97 + "...",
        "cuda": "no device",
    }
    assert [(row.runner, row.problem) for row in found if row.program == "gradient"] == [
        ("cuda", "no device")
    ]


def test_what_cannot_be_compiled_is_an_error():
    with pytest.raises(DerivativeError):
        rows(backends.Backend("numpy", lambda x, k, scale: x * scale, POINT.wrt))
    (row,) = rows(Fixed("peer", DerivativeError("no")))
    assert row.problem == "cannot run it: DerivativeError: no"


def test_of_several_ways_the_fastest_counts(monkeypatch):
    times = {1.0: 3.0, 2.0: 2.0, 3.0: 4.0}
    monkeypatch.setattr(
        measure,
        "steady",
        lambda calls, seconds: [clock.Timing(times[ready.call()], 0.0, 0.0) for ready, _ in calls],
    )
    (row,) = rows(Fixed("several", 1.0, 2.0, 3.0))
    assert (row.variant, row.steady.median) == ("(1)", 2.0)
    assert (row.bandwidth, row.arithmetic) == (1.0, 1.5)


def test_each_runner_has_arrays_of_its_own_where_they_are_written():
    written = Workload(loss, POINT.parameters, POINT.values, POINT.wrt, 6, writes=True)
    assert written.copied().values[0] is not written.values[0]
    assert POINT.copied() is POINT


def test_slow_calls_are_timed_alone_and_few_times(monkeypatch):
    now = [0.0]
    counts = {"slow": 0, "quick": 0}

    def calls(name, seconds):
        counts[name] += 1
        now[0] += seconds

    monkeypatch.setattr("time.perf_counter", lambda: now[0])
    slow, quick = partial(calls, "slow", 10.0), partial(calls, "quick", 1e-3)
    times = measure.steady([(Ready(slow), 10.0), (Ready(quick), 50.0)], 2.0)
    assert times[0].median == pytest.approx(10.0)
    assert times[1].median == pytest.approx(1e-3)
    assert counts["slow"] == 1 + measure.FEW
    assert counts["quick"] > clock.MOST


def test_calls_that_only_start_what_they_compute_are_waited_for_once_a_sample():
    now, started, waits = [0.0], [], []

    def start():
        now[0] += 1e-5
        started.append(1e-4)
        return len(started)

    def wait(result):
        assert result == len(started) + sum(waits)
        now[0] += sum(started)
        waits.append(len(started))
        started.clear()

    def start_more():
        return start() + sum(waits)

    found = clock.in_turn({"device": start_more}, 0.1, lambda: now[0], {"device": wait})
    assert found["device"].median == pytest.approx(1.1e-4)
    assert set(waits) == {1, 9}  # the call before each sample, and those of a sample


@pytest.mark.parametrize(
    ("taken", "size", "seconds"),
    [
        ([], 100, 0.0),
        ([(10, 3.0, 1.0)], 100, 3.0 + 10.0),
        ([(10, 3.0, 1.0)], None, 0.0),
        ([(10, 0.1, 0.1), (100, 1.0, 10.0)], 1000, 10.0 + 1000.0),
        ([(10, 4.0, 1.0), (100, 2.0, 1.0)], 1000, 2.0 + 10.0),
    ],
)
def test_what_a_larger_size_will_take(taken, size, seconds):
    patience = measure.Patience()
    for entry in taken:
        patience.took("jax", "gradient", *entry)
    assert patience.expected("jax", "gradient", size) == pytest.approx(seconds)
    assert patience.expected("jax", "primal", size) == 0.0


def test_a_runner_that_would_take_too_long_is_left_out():
    patience = measure.Patience(longest=5.0)
    patience.took("python", "primal", 1, 0.0, 1.0)
    found = list(measure.measured(POINT, [Fixed("python", 1.0)], COSTS, 0.01, patience))
    assert [row.problem for row in found] == ["left out: it would need about 6 s before it can be timed"]


def test_leaves_are_numbers_in_order():
    assert leaves({"b": (1.0, None), "a": [np.ones(2), "text", True]})[1:] == [True, 1.0]


# ---- the machine ----


def test_rates_are_bytes_and_operations_over_the_time_of_a_call(monkeypatch):
    ticks = iter(range(10**6))
    found = machine.measured(seconds=1.0, now=lambda: float(next(ticks)), copied=8000, order=16)
    assert found == machine.Ceilings(1, 8000, 2 * 8000 / 1e9, 2 * 8000 / 1e9, 2 * 16**3 / 1e9)
    assert found.bandwidth == 2 * 8000 / 1e9


def test_the_copy_loop_copies():
    source = np.arange(100.0)
    for threads in (1, 2):
        target = np.zeros(100)
        machine.copy_loop(min(threads, machine.cores()))(target, source)
        np.testing.assert_array_equal(target, source)


def test_the_machine_has_no_name_of_its_host():
    import platform

    found = machine.describe(("numpy", "no-such-package"))
    assert found.versions == {"python": platform.python_version(), "numpy": np.__version__}
    assert found.cores == machine.cores() >= 1
    assert platform.node() not in found.cpu or not platform.node()
    assert found.cpu


def test_arrays_to_copy_lie_beyond_the_caches(monkeypatch):
    monkeypatch.setattr(machine, "available", lambda: 2**40)
    monkeypatch.setattr(machine, "_last_cache", lambda: 2**26)
    assert machine._beyond_caches() == 4 * 2**26
    monkeypatch.setattr(machine, "available", lambda: 2**30)
    assert machine._beyond_caches() == 2**27
