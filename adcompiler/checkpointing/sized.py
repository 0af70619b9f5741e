"""Loops that run by schedules at given sizes: bytes and work, and the schedules that they may have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isqrt

import numpy as np

from adcompiler.ir.cost import Counter
from adcompiler.ir.errors import PlanError
from adcompiler.ir.types import Dim, DType, Sizes
from adcompiler.schedules import online
from adcompiler.schedules.actions import DISK, DROP, MEMORY, REVERSE, STORE, TAKE, TAPE
from adcompiler.schedules.binomial import Binomial, sqrt, store_all
from adcompiler.schedules.moves import Integers, of_actions, of_binomial, of_online
from adcompiler.schedules.multilevel import Chunked, Price, TwoLevel
from adcompiler.schedules.on_disk import spilling
from adcompiler.schedules.tapes import Planned
from adcompiler.schedules.tapes import plan as cheapest

from .plans import Budget, Online, Policy, Snapshots, Sqrt, StoreAll
from .scheduled import Scheduled
from .stores import Request

Schedule = Planned | Binomial | online.Online | TwoLevel | Chunked

GUESS = 1000
"""What the trips of a loop count for that are found out by running it."""


@dataclass(frozen=True, eq=False)
class Loop:
    """A scheduled loop at given sizes.

    Attributes
    ----------
    trips, times
        Its trips, or a guess where they are found out by running it, and how often it runs in a call.
    state, tape
        Bytes of a snapshot, and of the tape of a trip.
    elements
        The elements of both, for each pool.
    work
        Floating-point operations of a trip.
    two_phase
        Whether its result is returned before the cotangent comes.
    """

    scheduled: Scheduled
    trips: int
    times: int
    state: int
    tape: int
    elements: Mapping[DType, tuple[int, int]]
    work: float
    two_phase: bool

    @staticmethod
    def of(scheduled: Scheduled, sizes: Sizes, two_phase: bool) -> Loop:
        """The loop at these sizes of the program."""
        elements = {
            d: (_value(scheduled.state, d, sizes), _value(scheduled.tape, d, sizes)) for d in scheduled.pools
        }
        return Loop(
            scheduled,
            GUESS if scheduled.online else scheduled.trips.value(sizes),
            scheduled.times.value(sizes),
            max(sum(state * d.itemsize for d, (state, _) in elements.items()), 1),
            max(sum(tape * d.itemsize for d, (_, tape) in elements.items()), 1),
            elements,
            _work(scheduled, sizes),
            two_phase,
        )

    @property
    def least(self) -> int:
        """The least bytes that it can run with: the tape of one trip."""
        return self.tape if self.trips else 0

    @property
    def most(self) -> int:
        """The bytes with which no trip is evaluated twice."""
        return self.tape * self.trips

    @property
    def price(self) -> Price:
        """What moving a state to the store and back counts as, beside a trip."""
        moved = self.state * (self.scheduled.store.price if self.scheduled.store else 1)
        return Price(max(round(self.work), 1), moved, moved)

    def within(self, memory: int) -> Schedule:
        """The schedule of the least work."""
        alone = self.alone(memory)
        if not self.scheduled.lent:
            return alone
        both = spilling(self.trips, self.state, self.tape, memory, self.price)
        return alone if both is None or self.again(alone) <= self.again(both) else both

    def alone(self, memory: int) -> Schedule:
        """The schedule of the fewest evaluations that leaves the disk alone."""
        if self.scheduled.online:
            return online.Online(self.trips, max(memory - self.tape, 0) // self.state)
        return cheapest(self.trips, self.state, self.tape, memory)

    def sqrt(self) -> Schedule:
        """Chen's schedule; where the trips are not known, as many snapshots as it has for the guess."""
        if self.scheduled.online:
            return online.Online(self.trips, isqrt(self.trips))
        return sqrt(self.trips, self.two_phase)

    def following(self, policy: Policy) -> Schedule:
        """The schedule that was asked for at the loop."""
        match policy:
            case Online(slots) if self.scheduled.online:
                return online.Online(self.trips, slots)
            case Snapshots(slots) | Online(slots):
                return Binomial(self.trips, slots, 1, self.two_phase)
            case Sqrt():
                return self.sqrt()
            case StoreAll():
                return store_all(self.trips, self.two_phase)
            case Budget():
                if policy.bytes < self.least:
                    raise PlanError(
                        f"{policy.bytes:,} bytes are too few for this loop: one trip keeps {self.tape:,}",
                        self.scheduled.location,
                        hint="give it more memory",
                    )
                return self.within(policy.bytes)

    def again(self, schedule: Schedule) -> float:
        """The work of evaluations beyond the first of each trip, and of moving states to disk and back."""
        if isinstance(schedule, TwoLevel | Chunked):
            return float(self.times * (schedule.cost - self.trips * self.price.evaluation))
        if isinstance(schedule, online.Online):  # the trips are a guess: one that knew them is near enough
            schedule = Binomial(self.trips, schedule.slots, schedule.bundle, two_phase=True)
        return self.times * self.work * (schedule.evaluations - self.trips)


def _work(scheduled: Scheduled, sizes: Sizes) -> float:
    """The operations of a trip, halfway through the loops whose indices are sizes in it."""
    halfway = {
        name: 1 if count is None else count.value(sizes) // 2 for name, count in scheduled.around.items()
    }
    return Counter({**halfway, **sizes}).flops(scheduled.trip)


def _value(elements: Mapping[DType, Dim], dtype: DType, sizes: Sizes) -> int:
    return elements[dtype].value(sizes) if dtype in elements else 0


def pools_within(loop: Loop, memory: int) -> list[int]:
    """The elements of each pool, at most, of a schedule in so much memory; those on disk are left out."""
    shares = (max(state / loop.state, tape / loop.tape) for state, tape in loop.elements.values())
    return [*(int(memory * share) for share in shares), *(0 for _ in loop.scheduled.lent)]


def requests(loop: Loop, elements: Sequence[int]) -> list[Request]:
    """The last of the pools of a loop, which lie on disk."""
    scheduled = loop.scheduled
    store = scheduled.store
    if store is None:
        return []
    found = zip(scheduled.lent, elements[len(scheduled.pools) :], strict=True)
    return [Request(store, dtype, count) for dtype, count in found]


def written(loop: Loop, schedule: Schedule) -> tuple[Integers, list[int]]:
    """The plan of a schedule, and the elements of each pool that it takes."""
    match schedule:
        case Binomial():
            plan, slots, tapes = of_binomial(schedule), min(schedule.slots, loop.trips), schedule.tapes
        case online.Online():
            plan, slots, tapes = of_online(schedule.slots, schedule.bundle), schedule.slots, schedule.bundle
        case _:
            actions = schedule.actions()
            return of_actions(actions), _used(loop, actions)
    pools = [slots * state + tapes * tape for state, tape in loop.elements.values()]
    return plan, [*pools, *(0 for _ in loop.scheduled.lent)]


def _used(loop: Loop, actions: Integers) -> list[int]:
    """The elements of each pool that actions take."""
    kinds, counts, levels = actions[:, 0], actions[:, 2] - actions[:, 1], actions[:, 4]
    moved = (kinds == STORE).astype(np.int64) - np.isin(kinds, (TAKE, DROP))
    stored, on_disk = np.cumsum(moved * (levels == MEMORY)), np.cumsum(moved * (levels == DISK))
    taped = np.cumsum(counts * ((kinds == TAPE).astype(np.int64) - (kinds == REVERSE)))
    weights = loop.elements.values()
    pools = [int((stored * state + taped * tape).max(initial=0)) for state, tape in weights]
    return [*pools, *(int(on_disk.max(initial=0)) * loop.elements[d][0] for d in loop.scheduled.lent)]
