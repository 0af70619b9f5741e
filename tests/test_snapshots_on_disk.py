"""Snapshots in files: schedules, results, memory, and what is left of a call however it ends."""

import errno
import gc
import os
import re
import tracemalloc
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from roundtrip import assert_round_trip

from adcompiler import ArgumentError, Budget, StoreAll, adjoint, checkpointed, clear_buffers
from adcompiler.backends import Options, compile_function
from adcompiler.checkpointing import sized
from adcompiler.checkpointing.stores import Disk, Request, lent
from adcompiler.ir.errors import PlanError
from adcompiler.ir.evaluate import evaluate
from adcompiler.ir.ops import OPS
from adcompiler.ir.parse import parse
from adcompiler.ir.types import F64
from adcompiler.schedules import moves
from adcompiler.schedules.actions import (
    ADVANCE,
    DISK,
    DROP,
    INPUT,
    LOAD,
    MEMORY,
    RETURN,
    REVERSE,
    STORE,
    TAKE,
    TAPE,
    replay,
)
from adcompiler.schedules.multilevel import Price, TwoLevel
from adcompiler.schedules.on_disk import spilling
from adcompiler.schedules.tapes import plan as in_memory

# each test has a folder of its own, so these functions have many policies
pytestmark = pytest.mark.filterwarnings("ignore:`f` is compiled for the 8th time")

BACKENDS = ("numpy", "numba")
N = 2000
BYTES = 8 * N
X = np.linspace(0.1, 1.0, N)


def same(one, other, backend):
    """To the bit; Numba may contract a product and a sum in one program, and not in another."""
    for a, b in zip(one, other, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=0 if backend == "numpy" else 1e-13, atol=0)


def held(folder):
    """The open files and mappings of this process that lie in a folder."""
    links = [os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd") if _open(fd)]
    maps = Path("/proc/self/maps").read_text().splitlines()
    return [line for line in (*links, *maps) if f"{folder}/" in line]


def _open(fd):
    return os.path.islink(f"/proc/self/fd/{fd}")


def grown(policy):
    """A loop with a policy: a trip calls `np.exp` once, and once more where the adjoint walks back."""

    def f(x, n):
        u = x.copy()
        for _ in checkpointed(range(n), policy):
            u = u - 0.1 * np.exp(u) * u
        return np.sum(u * u)

    return f


# ---- schedules ----


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 60), st.integers(1, 4), st.integers(1, 8), st.integers(0, 80), st.integers(0, 20))
def test_schedules_cost_what_they_say_and_fit(steps, state, tape, memory, moved):
    price = Price(4, moved, moved)
    plan = spilling(steps, state, tape, memory, price)
    if plan is None:
        assert steps < 2 or memory < tape
        return
    counts = replay(plan.actions(), steps)
    transfers = (counts.writes[DISK] + counts.reads[DISK]) * moved
    assert counts.evaluations * price.evaluation + transfers == plan.cost
    assert counts.peak(state, tape) <= memory
    assert counts.profile[:, 1].max(initial=0) <= steps


@pytest.mark.parametrize("steps", [30, 1000])
@pytest.mark.parametrize("moved", [0, 5, 100])
def test_more_memory_never_costs_more(steps, moved):
    plans = [spilling(steps, 2, 5, memory, Price(4, moved, moved)) for memory in range(5, 300, 5)]
    costs = [plan.cost for plan in plans]
    assert costs == sorted(costs, reverse=True) and costs[0] > costs[-1]


def test_with_little_memory_a_disk_saves_most_evaluations():
    alone = in_memory(1000, 1, 4, 6)
    both = spilling(1000, 1, 4, 6, Price(10, 10, 10))
    assert alone.evaluations > 12_000
    assert replay(both.actions(), 1000).evaluations < 3000


def done(row, forward):
    """The actions that a move stands for."""
    found = []
    trip = row[moves.TRIP]
    for column, level in ((moves.RESTART, INPUT), (moves.LOAD_STORED, MEMORY), (moves.LOAD_DISK, DISK)):
        if row[column]:
            found.append((LOAD, trip, row[moves.SLOT] if level != INPUT else 0, level))
    stored = [(STORE, trip + row[moves.ADVANCED], row[moves.INTO], level) for level in (MEMORY, DISK)]
    stored = [s for s, column in zip(stored, (moves.STORED, moves.STORED_DISK), strict=True) if row[column]]
    if forward:
        kind = TAPE if row[moves.TAPED] else ADVANCE
        return [*stored, (kind, trip, row[moves.FROM], row[moves.BEFORE] if kind == TAPE else 0)]
    if row[moves.ADVANCED]:
        found.append((ADVANCE, trip, trip + row[moves.ADVANCED], 0))
    found += stored
    first = trip + row[moves.ADVANCED]
    if row[moves.TAPED]:
        found.append((TAPE, first, first + row[moves.TAPED], row[moves.BEFORE]))
    if row[moves.REVERSED]:
        last, count = row[moves.FROM], row[moves.REVERSED]
        found.append((REVERSE, last - count, last, row[moves.HELD] - count))
    return found


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 50), st.integers(0, 3), st.integers(0, 6), st.integers(1, 3), st.data())
def test_moves_are_the_actions(steps, memory, disk, bundle, data):
    price = Price(2, data.draw(st.integers(0, 6)), data.draw(st.integers(0, 6)))
    actions = TwoLevel(steps, memory, disk, price, bundle).actions()
    expected, turn = [], 0
    for kind, first, last, place, level in actions.tolist():
        if kind == RETURN:
            turn = len(expected)
        elif kind in (LOAD, TAKE, STORE):
            expected.append((LOAD if kind == TAKE else kind, first, place, level))
        elif kind != DROP:
            expected.append((kind, first, last, place))
    rows = moves.of_actions(actions)[moves.FIRST_MOVE :].reshape(-1, moves.WIDTH).tolist()
    found = []
    for row in rows:
        found += done(row, forward=len(found) < turn)
    assert found == expected


# ---- what runs ----


@pytest.mark.parametrize(("memory", "trips"), [(5, 40), (9, 40), (4, 300), (3, 20)])
def test_the_body_is_evaluated_as_often_as_planned(tmp_path, monkeypatch, memory, trips):
    plans, requests, calls = [], [], []

    def spied(*args):
        plans.append(spilling(*args))
        return plans[-1]

    def given(self, dtype, elements):
        requests.append(elements)
        return array(self, dtype, elements)

    def counted(x):
        calls.append(0)
        return exp(x)

    array, exp = Disk.array, np.exp
    monkeypatch.setattr(sized, "spilling", spied)
    monkeypatch.setattr(Disk, "array", given)
    every = adjoint(grown(StoreAll()), backend="numpy")
    some = adjoint(grown(Budget(memory * BYTES, disk=tmp_path)), backend="numpy")
    same([some(X, trips)], [every(X, trips)], "numpy")
    requests.clear()
    monkeypatch.setattr(np, "exp", counted)
    every(X, trips)
    others, calls[:] = len(calls) - trips, []
    some(X, trips)
    counts = replay(plans[0].actions(), trips)
    assert len(calls) - others == counts.evaluations
    assert requests == [counts.profile[:, 1].max() * N]
    assert requests[0] > 0


def looped(policy):
    def f(x, n):
        u = x.copy()
        for i in checkpointed(range(n - 1, -1, -1), policy):
            u[1:] = u[1:] + 0.1 * np.sin(u[:-1]) * i
        return np.sum(u * u)

    return f


def mixed(policy):
    """States of three dtypes, one of which the trips only read."""

    def f(x, n):
        single, double, count = x.astype(np.float32), np.float64(1.5), 0
        for i in checkpointed(range(n), policy):
            single = single * np.float32(0.9) + np.sin(single) * single
            double = double * np.cos(double) + single[0]
            if double > 0.5:
                count = count + i
        return np.sum(single) * double + count * double

    return f


def nested(policy):
    """The inner loop runs in each trip of a loop that is not scheduled."""

    def f(x, n):
        total = 0.0
        u = x.copy()
        for _ in range(3):
            for _ in checkpointed(range(n), policy):
                u = np.sin(u) * u + 0.1
            total = total + np.sum(u * u)
            u = u * 1.5
        return total

    return f


def in_turn(policy):
    """Two loops, each of which reads its file when both have written theirs."""

    def f(x, n):
        u = x.copy()
        for _ in checkpointed(range(n), policy):
            u = u + 0.1 * np.sin(u) * u
        v = u * u
        for _ in checkpointed(range(2 * n), policy):
            v = v - 0.1 * np.sin(v) * v
        return np.sum(u * v)

    return f


@pytest.mark.parametrize(
    ("program", "backend"),
    [
        *((p, "numpy") for p in (looped, mixed, nested, in_turn)),
        (mixed, "numba"),
        (nested, "numba"),
    ],
)
def test_gradients_are_those_of_all_stored(tmp_path, program, backend):
    x = X[:50]
    reference = backend if program is mixed else "numpy"
    every = adjoint(program(StoreAll()), backend=reference).value_and_grad
    some = adjoint(program(Budget(2500, disk=tmp_path)), backend=backend).value_and_grad
    for n in (23, 23, 0):
        same(some(x, n), every(x, n), backend)
    assert held(tmp_path) == os.listdir(tmp_path) == []


@pytest.mark.parametrize("backend", BACKENDS)
def test_states_do_lie_in_what_the_store_gives(tmp_path, monkeypatch, backend):
    """They are there after the call, each another one."""
    kept = []

    @contextmanager
    def remembered(self, dtype, elements):
        kept.append(np.empty(elements, dtype.numpy))
        yield kept[-1]

    monkeypatch.setattr(Disk, "array", remembered)
    adjoint(grown(Budget(5 * BYTES, disk=tmp_path)), backend=backend)(X, 40)
    states = kept[-1].reshape(-1, N)
    u, made = X.copy(), []
    for _ in range(40):
        made.append(u)
        u = u - 0.1 * np.exp(u) * u
    near = [sum(np.allclose(state, u) for u in made) for state in states]
    assert len(states) > 3 and set(near) == {1}


def test_the_memory_of_a_call_stays_within_its_budget(tmp_path):
    """Of the file nothing is counted: its pages belong to the system."""
    x, trips = np.linspace(0.1, 1.0, 20_000), 60

    def f(x, n):
        u = x.copy()
        for _ in range(n):
            u = u - 0.1 * np.exp(u) * u
        return np.sum(u * u)

    expected = adjoint(f, plan="store_all", backend="numpy")(x, trips)
    budget = Budget("1.4 MiB", disk=tmp_path)
    gradient = adjoint(f, plan=budget, backend="numba")
    gradient(x, trips)
    clear_buffers()
    tracemalloc.start()
    found = gradient(x, trips)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    same([found], [expected], "numba")
    assert gradient.memory(x, trips).peak <= budget.bytes
    assert peak <= budget.bytes
    assert peak + 4 * x.nbytes > gradient.memory(x, trips).peak


def test_what_lies_on_disk_takes_no_memory(tmp_path):
    alone = adjoint(grown(Budget(5 * BYTES))).memory(X, 40)
    both = adjoint(grown(Budget(5 * BYTES, disk=tmp_path))).memory(X, 40)
    assert both.peak - both.plans <= alone.peak - alone.plans


@pytest.mark.parametrize("warmup", ["call", "background"])
def test_while_it_compiles(tmp_path, warmup):
    gradient = adjoint(grown(Budget(5 * BYTES, disk=tmp_path)), warmup=warmup)
    same([gradient(X, 40)], [adjoint(grown(StoreAll()), backend="numpy")(X, 40)], "numba")
    assert held(tmp_path) == []


# ---- however a call ends ----


def looked_up(policy):
    def f(x, places):
        u = x.copy()
        for i in checkpointed(range(len(places)), policy):
            u = u + 0.1 * np.sin(u) * x[places[i]]
        return np.sum(u * u)

    return f


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_check_fails_in_the_middle(tmp_path, backend):
    gradient = adjoint(looked_up(Budget(5 * BYTES, disk=tmp_path)), backend=backend)
    places = np.arange(40)
    wrong = places.copy()
    wrong[20] = N
    with pytest.raises(IndexError):
        gradient(X, wrong)
    gc.collect()
    assert held(tmp_path) == []
    same([gradient(X, places)], [adjoint(looked_up(StoreAll()), backend="numpy")(X, places)], backend)


def test_interrupts(tmp_path, monkeypatch):
    """Wherever it comes: the next call works, and the error holds no space as long as it is kept."""
    exp, calls = np.exp, []
    gradient = adjoint(grown(Budget(5 * BYTES, disk=tmp_path)), backend="numpy")
    expected = gradient(X, 40)

    def interrupted(x):
        calls.append(0)
        if len(calls) == last:
            raise KeyboardInterrupt
        return exp(x)

    for last in (1, 20, 60, 90):
        calls.clear()
        monkeypatch.setattr(np, "exp", interrupted)
        with pytest.raises(KeyboardInterrupt) as kept:
            gradient(X, 40)
        monkeypatch.setattr(np, "exp", exp)
        assert len(calls) == last
        files = [f"/proc/self/fd/{fd}" for fd in os.listdir("/proc/self/fd") if _open(fd)]
        files = [file for file in files if os.readlink(file).startswith(f"{tmp_path}/")]
        assert files and all(os.stat(file).st_blocks == 0 for file in files)
        del kept
        gc.collect()
        assert held(tmp_path) == []
        same([gradient(X, 40)], [expected], "numpy")
    assert os.listdir(tmp_path) == []


def refused(call):
    with pytest.raises(PlanError) as caught:
        call()
    return str(caught.value)


def full(fd, start, length):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_full_disk(tmp_path, monkeypatch, backend):
    gradient = adjoint(grown(Budget(5 * BYTES, disk=tmp_path)), backend=backend)
    expected = gradient(X, 40)
    with monkeypatch.context() as patch:
        patch.setattr(os, "posix_fallocate", full)
        message = refused(lambda: gradient(X, 40))
    taken = int(re.search(r"take ([\d,]+) bytes", message)[1].replace(",", ""))
    assert taken % BYTES == 0 < taken
    assert message == (
        f"snapshots take {taken:,} bytes on disk, and {tmp_path} has no room for them\n"
        "hint: make room, name a folder on another disk, or allow more memory"
    )
    assert held(tmp_path) == os.listdir(tmp_path) == []
    same([gradient(X, 40)], [expected], backend)


def test_space_is_there_before_it_is_used(tmp_path):
    with lent([Request(Disk(tmp_path), F64, 10**6), Request(Disk(tmp_path), F64, 0)]) as (large, none):
        (file,) = {line for line in held(tmp_path) if not re.match(r"[0-9a-f]+-", line)}
        fd = next(
            fd
            for fd in os.listdir("/proc/self/fd")
            if _open(fd) and os.readlink(f"/proc/self/fd/{fd}") == file
        )
        assert os.stat(f"/proc/self/fd/{fd}").st_blocks * 512 >= 8 * 10**6
        assert large.shape == (10**6,) and none.shape == (0,) and os.listdir(tmp_path) == []


def test_of_several_files_all_or_none(tmp_path, monkeypatch):
    reserve, calls = os.posix_fallocate, []

    def second_fails(fd, start, length):
        calls.append(length)
        (full if len(calls) == 2 else reserve)(fd, start, length)

    monkeypatch.setattr(os, "posix_fallocate", second_fails)
    gradient = adjoint(in_turn(Budget(5 * BYTES, disk=tmp_path)), backend="numpy")
    assert "has no room for them" in refused(lambda: gradient(X, 40))
    gc.collect()
    assert len(calls) == 2 and held(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "what"), [("missing", "No such file or directory"), ("file", "Not a directory")]
)
def test_folders_that_are_none(tmp_path, name, what):
    (tmp_path / "file").write_text("")
    gradient = adjoint(grown(Budget(5 * BYTES, disk=tmp_path / name)), backend="numpy")
    message = refused(lambda: gradient(X, 40))
    head, hint = message.split("\n")
    assert re.fullmatch(
        rf"snapshots of [\d,]+ bytes cannot be kept in {re.escape(str(tmp_path / name))}: {what}", head
    )
    assert hint == "hint: disk= names a folder that exists and that this process may write to"


def test_budgets_that_are_too_small(tmp_path):
    def f(x, n):
        u = x.copy()
        for _ in range(n):
            u = u - 0.1 * np.exp(u) * u
        return np.sum(u * u)

    message = refused(lambda: adjoint(f, plan=Budget(BYTES, disk=tmp_path)).memory(X, 40))
    least = int(re.search(r"Budget\((\d+)", message)[1])
    head, hint = message.split("\n")
    assert head.startswith(
        f"a budget of {BYTES:,} bytes is too small: the least that a call takes is {least:,}, "
    )
    assert hint == f"hint: Budget({least}, disk={str(tmp_path)!r}) is feasible"
    assert adjoint(f, plan=Budget(least, disk=tmp_path)).memory(X, 40).peak <= least
    assert f"Budget({least})" in refused(lambda: adjoint(f, plan=Budget(BYTES)).memory(X, 40))
    assert refused(lambda: adjoint(f, plan=Budget(least - 1, disk=tmp_path)).memory(X, 40))


def test_folders_that_are_no_paths():
    with pytest.raises(ArgumentError) as caught:
        Budget("1 MiB", disk=3)
    assert str(caught.value) == "disk=3 is no folder\nhint: pass its path, a str or Path"


def test_pullbacks_are_refused(tmp_path):
    f = grown(Budget(5 * BYTES, disk=tmp_path))
    message = refused(lambda: adjoint(f).vjp(X, 40))
    assert message == (
        f"{__file__}:{f.__code__.co_firstlineno + 2}: a pullback cannot have snapshots on disk: "
        "they last for one call, and it is called later\n"
        "    for _ in checkpointed(range(n), policy):\n"
        "             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n"
        "hint: use grad or value_and_grad, which are one call, or leave disk= out"
    )


# ---- memory that is lent ----

LENT = """
func f[n](pool: f64[n], x: f64, i: i64) -> (f64[n], f64) {
  u: f64[n] = undefined pool {shape=(n,), dtype=f64}
  v: f64[n] = for u {length=n, carry=1} (k: i64, c: f64[n]) {
    d: f64[n] = put c, x, k
    yield d
  }
  y: f64 = index v, i
  return v, y
}
"""


@pytest.mark.parametrize("backend", BACKENDS)
def test_lent_memory_is_written_and_never_returned(backend):
    function = parse(LENT, OPS)
    assert_round_trip(function)
    pool = np.zeros(5)
    compiled = compile_function(function, backend, Options())
    array, number = compiled.call(pool, 2.5, 3, 5)
    assert (pool == 2.5).all() and (array == 2.5).all() and number == 2.5
    assert not np.shares_memory(array, pool)
    expected, _ = evaluate(function, [np.zeros(5), 2.5, 3], {"n": 5})
    assert (array == expected).all()
