"""Snapshots in the memory of the host: what users ask for, what is moved, what is left of a call."""

from types import SimpleNamespace

import numpy as np
import pytest

from adcompiler import ArgumentError, Budget, adjoint, checkpointed, vjp
from adcompiler.backends.cuda.device import arrays, driver_memory
from adcompiler.backends.cuda.device.pinned import Pinned
from adcompiler.checkpointing.choice import _too_small
from adcompiler.checkpointing.stores import Request, lent
from adcompiler.ir.errors import PlanError
from adcompiler.ir.types import F32, F64

N, TRIPS = 8, 20
X = np.linspace(0.1, 1.0, N)


def grown(x, n):
    u = x.copy()
    for _ in range(n):
        u = u - 0.1 * np.exp(u) * u
    return np.sum(u * u)


def marked(x, n):
    """So much work a trip that a state is moved rather than computed again."""
    u = x.copy()
    for _ in checkpointed(range(n), Budget(200, host=True)):
        u = u - 0.1 * np.sin(np.exp(np.cos(np.tanh(u)))) * u
    return np.sum(u * u)


def unmarked(x, n):
    u = x.copy()
    for _ in range(n):
        u = u - 0.1 * np.sin(np.exp(np.cos(np.tanh(u)))) * u
    return np.sum(u * u)


EXPECTED = adjoint(unmarked, backend="numpy")(X, TRIPS)


@pytest.fixture
def pinned(monkeypatch):
    """The arrays in the host's memory that calls were lent."""
    made = []
    pin = driver_memory.pinned

    def recorded(elements, dtype):
        made.append(pin(elements, dtype))
        return made[-1]

    monkeypatch.setattr(driver_memory, "pinned", recorded)
    return made


@pytest.mark.parametrize("kind", [np.array, arrays.to_device])
def test_a_program_works_there_and_gives_the_same(kind, pinned):
    found = adjoint(marked, backend="cuda")(kind(X), TRIPS)
    assert type(found) is type(kind(X))
    np.testing.assert_allclose(found if kind is np.array else arrays.to_host(found), EXPECTED, rtol=1e-13)
    (pool,) = pinned
    states = arrays.to_host(pool).reshape(-1, N)
    assert len(states) > 1 and np.isfinite(states).all()
    np.testing.assert_array_less(states[1], states[0])  # states of later trips, in order


def test_it_is_not_counted_and_said():
    large, trips, memory = np.linspace(0.1, 1.0, 500), 100, 41_000
    g = adjoint(grown, backend="cuda", plan=Budget(memory, host=True))
    found = g.explain(large, trips)
    run = found.loops[0].schedule.run
    assert run.to_disk > 2
    assert f"and {run.to_disk} to the host;" in str(found)
    assert "plan=Budget(41000, host=True)" in str(found)
    assert g.memory(large, trips).peak == found.peak <= memory


def test_a_policy_at_a_loop_of_the_cpu():
    with pytest.raises(PlanError, match=r"test_pinned.py:\d+: host=True is for programs on a GPU"):
        adjoint(marked, backend="numpy")(X, TRIPS)


def test_arrays_of_the_store():
    with lent([Request(Pinned(), F64, 3), Request(Pinned(), F32, 0)]) as (some, none):
        assert (some.shape, some.dtype, none.shape) == ((3,), np.float64, (0,))
        assert some.is_lent and none.is_lent


def test_the_device_is_done_with_them_when_the_call_ends(monkeypatch):
    waited = []
    monkeypatch.setattr(driver_memory, "synchronize", lambda: waited.append(1))
    with pytest.raises(ZeroDivisionError), Pinned().array(F64, 3):
        raise ZeroDivisionError
    assert waited == [1]


def test_no_memory_of_the_host(monkeypatch):
    def full(elements, dtype):
        raise driver_memory.NoRoom

    monkeypatch.setattr(driver_memory, "pinned", full)
    with pytest.raises(PlanError) as caught, Pinned().array(F64, 1000):
        pass
    assert str(caught.value) == (
        "snapshots take 8,000 bytes of the host's memory, which cannot be pinned\n"
        "hint: allow more memory on the GPU"
    )


# ---- refused ----


def refused(call):
    with pytest.raises((ArgumentError, PlanError)) as caught:
        call()
    return str(caught.value)


def test_programs_of_the_cpu():
    plan = Budget("12 kB", host=True)
    assert refused(lambda: adjoint(grown, backend="numpy", plan=plan)(X, TRIPS)) == (
        "host=True is for programs on a GPU, and this one runs in the memory of the host\n"
        'hint: choose backend="cuda", or name a folder by disk='
    )


def test_disks_of_the_gpu(tmp_path):
    plan = Budget("12 kB", disk=tmp_path)
    assert refused(lambda: adjoint(grown, backend="cuda", plan=plan)(X, TRIPS)) == (
        "a program on a GPU keeps no snapshots on disk\n"
        "hint: host=True in place of disk= keeps them in the memory of the host"
    )


def test_pullbacks():
    plan = Budget("12 kB", host=True)
    message = refused(lambda: vjp(lambda x: grown(x, TRIPS), X, backend="cuda", plan=plan))
    assert "a pullback cannot have snapshots on the host: they last for one call" in message
    assert "or leave host=True out" in message


def test_too_small():
    tried = SimpleNamespace(least=SimpleNamespace(peak=100, variant=0), largest=lambda _: "all for `u`")
    message = str(_too_small(Budget(10, host=True), [tried]))
    assert message.endswith("hint: Budget(100, host=True) is feasible")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"host": 1}, "host=1 is neither True nor False"),
        ({"host": True, "disk": "/tmp"}, "a budget has one more place for snapshots: host or disk, not both"),
    ],
)
def test_budgets_that_are_none(options, message):
    assert refused(lambda: Budget("1 MB", **options)) == message
