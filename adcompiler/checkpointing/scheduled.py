"""Programs whose loops run by schedules: what their arguments must be made for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from adcompiler.ir.errors import Location
from adcompiler.ir.graph import Block, Function, Value
from adcompiler.ir.types import Dim, DType

from .pairs import Pair
from .plans import Policy
from .stores import Store


@dataclass(frozen=True)
class Scheduled:
    """A loop that runs by a schedule: what its arguments must be made for.

    Attributes
    ----------
    pair
        The loop in the program without schedules, and its adjoint.
    trips
        The trip count.
    state, tape
        The elements of a state, and of what is taped of a trip, by dtype.
    plan, pools
        The sizes that are the lengths of the plan and of the pools.
    online
        Whether its trip count is found out by running it.
    times
        How often the loop runs.
    trip
        What is evaluated again of a trip.
    around
        The other sizes that a trip may mention: how many values a loop gives to it, None where data decide.
    policy
        What was asked for at the loop.
    store, lent
        Where states may be kept that the memory has no room for, and the sizes that are the lengths of the
        pools there.
    location
        Where the loop stands.
    """

    pair: Pair
    trips: Dim
    times: Dim
    trip: Block
    around: Mapping[str, Dim | None]
    policy: Policy | None
    state: Mapping[DType, Dim]
    tape: Mapping[DType, Dim]
    plan: str
    pools: Mapping[DType, str]
    store: Store | None
    lent: Mapping[DType, str]
    online: bool
    location: Location | None

    @property
    def sizes(self) -> tuple[str, ...]:
        """The sizes that the program has for this loop, in their order."""
        return (self.plan, *self.pools.values(), *self.lent.values())


@dataclass(frozen=True)
class ScheduledFunction:
    """A program with scheduled loops.

    For each loop it has one more parameter, from number `first` on: its plan, i64. Behind these stand, for
    each loop, the pools that are lent to it. Behind its other sizes it has, for each loop, the length of the
    plan and those of the pools.
    """

    function: Function
    loops: tuple[Scheduled, ...]
    first: int


@dataclass(frozen=True, eq=False)
class PlannedPair:
    """A pair, the parameters of its schedule, and where states and tapes lie in the pools."""

    pair: Pair
    scheduled: Scheduled
    plan: Value
    lent: Mapping[str, Value]
    """Pools of the caller, by the names of their lengths."""
