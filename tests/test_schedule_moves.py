"""Plans, followed as programs follow them: all that is read is there, and what is needed is kept."""

import time

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba.core import types

from adcompiler.backends.moves import lowered
from adcompiler.checkpointing.sized import Loop, written
from adcompiler.ir.types import F64, I64
from adcompiler.schedules import moves
from adcompiler.schedules.binomial import Binomial, recompute_all, sqrt, store_all
from adcompiler.schedules.moves import next_move, of_actions, of_binomial
from adcompiler.schedules.multilevel import Chunked, Price, TwoLevel
from adcompiler.schedules.online import Online
from adcompiler.schedules.tapes import Planned, bundled, plan

STATE, TAPE = 1, 2
PLAN = types.Array(types.int64, 1, "C")


class Pool:
    """The elements of a pool: what each holds, as pairs of STATE or TAPE and a trip."""

    def __init__(self, size, state, tape):
        self.held = np.zeros((size, 2), np.int64)
        self.state, self.tape = state, tape

    def part(self, number, kind):
        """The elements under a number; none of them lies outside."""
        width = self.state if kind == STATE else self.tape
        first = number * width if kind == STATE else len(self.held) - (number + 1) * width
        assert 0 <= first and first + width <= len(self.held)
        return self.held[first : first + width]

    def put(self, number, kind, trip):
        part = self.part(number, kind)
        assert not np.any(part[:, 0] == TAPE), "a tape that is still needed"
        part[:] = kind, trip

    def get(self, number, kind, trip):
        part = self.part(number, kind)
        assert np.array_equal(part, np.broadcast_to((kind, trip), part.shape)), "what was put there"
        if kind == TAPE:
            part[:] = 0


class Program:
    """A loop of so many trips and its adjoint, as `checkpointing.lowering` writes them."""

    def __init__(self, pools, following=next_move, disk=None):
        self.pools, self.following, self.disk = pools, following, disk
        self.state, self.evaluations = 0, 0

    def run(self, plan, steps):
        """Follow a plan; the number of moves on the way back, and the evaluations of the body."""
        plan = plan.copy()
        for trip in range(steps):
            if trip == plan[moves.FROM]:
                self.following(plan)
                self.store([int(column) for column in plan[: moves.WIDTH]])
            self.evaluate(trip, plan[moves.BEFORE] + trip - plan[moves.TRIP] if plan[moves.TAPED] else None)
        plan[moves.ENDED] = 1
        left, count = steps, 0
        self.following(plan)
        while plan[moves.MORE]:
            left = self.move([int(column) for column in plan[: moves.WIDTH]], left)
            count += 1
            self.following(plan)
        assert left == 0
        return count, self.evaluations

    def move(self, move, left):
        if move[moves.RESTART]:
            self.state = 0
        if move[moves.LOAD_STORED] or move[moves.LOAD_DISK]:
            for pool in [self.disk] if move[moves.LOAD_DISK] else self.pools:
                pool.get(move[moves.SLOT], STATE, move[moves.TRIP])
            self.state = move[moves.TRIP]
        for k in range(move[moves.ADVANCED]):
            self.evaluate(move[moves.TRIP] + k)
        self.store(move)
        for k in range(move[moves.TAPED]):
            self.evaluate(move[moves.TRIP] + move[moves.ADVANCED] + k, move[moves.BEFORE] + k)
        for k in range(move[moves.REVERSED]):
            left -= 1
            assert move[moves.FROM] - 1 - k == left
            for pool in self.pools:
                pool.get(move[moves.HELD] - 1 - k, TAPE, left)
        return left

    def store(self, move):
        if move[moves.STORED]:
            self.put(move[moves.INTO], STATE, self.state)
        if move[moves.STORED_DISK]:
            self.disk.put(move[moves.INTO], STATE, self.state)

    def put(self, number, kind, trip):
        for pool in self.pools:
            pool.put(number, kind, trip)

    def evaluate(self, trip, tape=None):
        assert self.state == trip
        if tape is not None:
            self.put(tape, TAPE, trip)
        self.state, self.evaluations = trip + 1, self.evaluations + 1


class Written:
    """What `choice` needs to know of a loop in a program."""

    lent = ()

    def __init__(self, online):
        self.online = online


def followed(schedule, state, tape, following=next_move):
    """Follow the plan that a program is given, with its pools, of which the second one holds tapes only."""
    elements = {F64: (state, tape), I64: (0, tape)}
    scheduled = Written(isinstance(schedule, Online))
    loop = Loop(scheduled, schedule.steps, 1, state, tape, elements, 1.0, False)
    found, sizes = written(loop, schedule)
    pools = [Pool(size, *parts) for size, parts in zip(sizes, elements.values(), strict=True)]
    count, evaluations = Program(pools, following).run(found, schedule.steps)
    assert evaluations == schedule.evaluations
    return count


SIZES = st.integers(1, 4), st.integers(1, 4)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 60), st.integers(0, 9), st.integers(1, 9), st.booleans(), *SIZES)
def test_binomial_plans(steps, slots, bundle, two_phase, state, tape):
    schedule = Binomial(steps, slots, bundle, two_phase)
    followed(schedule, state, tape)
    assert_same_moves(of_binomial(schedule), of_actions(schedule.actions()), steps)


def assert_same_moves(ours, theirs, steps):
    """Two plans of a loop make the same moves."""
    while ours[moves.FROM] < steps:
        next_move(ours)
        next_move(theirs)
        assert np.array_equal(ours[: moves.WIDTH], theirs[: moves.WIDTH])
    ours[moves.ENDED] = theirs[moves.ENDED] = 1
    more = True
    while more:
        next_move(ours)
        next_move(theirs)
        more = ours[moves.MORE] == 1
        assert theirs[moves.MORE] == more
        assert not more or np.array_equal(ours[: moves.WIDTH], theirs[: moves.WIDTH])


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_plans_of_the_fewest_evaluations(data):
    state, tape = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 4))
    steps, budget = data.draw(st.integers(0, 60)), data.draw(st.integers(tape, 40))
    followed(Planned(steps, state, tape, budget), state, tape)
    followed(bundled(steps, state, tape, budget), state, tape)
    followed(plan(steps, state, tape, budget), state, tape)


@pytest.mark.parametrize("two_phase", [False, True])
@pytest.mark.parametrize("named", [store_all, recompute_all, sqrt])
def test_named_plans(named, two_phase):
    for steps in (0, 1, 2, 3, 10, 50):
        followed(named(steps, two_phase), 3, 2)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 150), st.integers(0, 9), st.integers(1, 4), *SIZES)
def test_plans_that_are_made_while_the_loop_goes_on(steps, slots, bundle, state, tape):
    followed(Online(steps, slots, bundle), state, tape)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 40), st.integers(1, 3), st.integers(0, 4), st.integers(1, 3), st.booleans(), st.data())
def test_plans_of_two_levels(steps, memory, disk, bundle, two_phase, data):
    kind, price = data.draw(st.sampled_from([TwoLevel, Chunked])), Price(1, data.draw(st.integers(0, 3)), 1)
    schedule = kind(steps, memory, disk, price, bundle, two_phase)
    pool, elsewhere = Pool(memory * 2 + bundle * 3, 2, 3), Pool(disk * 2, 2, 3)
    Program([pool], disk=elsewhere).run(of_actions(schedule.actions()), steps)


@pytest.fixture(scope="module")
def compiled():
    """`next_move` as kernels call it."""
    following = lowered(next_move)
    return numba.njit(lambda plan: following(plan))


def test_numba_makes_the_same_moves(compiled):
    binomial = Binomial(300, 4), Binomial(300, 4, 7, two_phase=True)
    for schedule in (*binomial, Online(90, 4), Online(40, 0), Online(3, 5, 2)):
        assert followed(schedule, 2, 3, compiled) == followed(schedule, 2, 3)
    followed(Planned(100, 2, 3, 20), 2, 3, compiled)


def test_numba_compiles_the_machine_in_little_time(compiled):
    compiled(of_binomial(Binomial(3, 1)))  # so that Numba has come to know all that it needs
    lowered.cache_clear()
    began = time.process_time()
    lowered(next_move).compile((PLAN,))
    assert time.process_time() - began < 2


def test_a_million_trips_need_no_list(compiled):
    @numba.njit
    def counted(plan, steps):
        evaluations = steps
        while plan[moves.FROM] < steps:
            compiled(plan)
        plan[moves.ENDED] = 1
        compiled(plan)
        while plan[moves.MORE]:
            evaluations += plan[moves.ADVANCED] + plan[moves.TAPED]
            compiled(plan)
        return evaluations

    schedule = Binomial(10**6, 10)
    loop = Loop(Written(False), 10**6, 1, 1, 1, {F64: (1, 1)}, 1.0, False)
    began = time.process_time()
    machine, pools = written(loop, schedule)
    assert time.process_time() - began < 0.1
    assert machine.nbytes < 2000
    assert pools == [11]
    assert counted(machine, 10**6) == schedule.evaluations
