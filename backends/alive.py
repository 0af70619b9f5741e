"""What arrays are alive while a generated function runs, at given sizes: it is walked, without its numbers.

Walking a function's steps (`lifetimes.py`) keeps for each variable the array that it holds; one that no
variable holds is freed. A loop is walked until a trip leaves things as they were. Where sizes in it follow
its index, the first and the last trips are walked: what is alive at a place is largest there, unless a size
is a product of such, and then all trips are. Of branches each is walked, and behind them a variable holds the
larger of what it may hold. So where data decide, the result is a bound from above; elsewhere it is exact.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ..ir.types import ArrayType
from .lifetimes import Branch, Drop, Leave, Loop, Make, Share, Step
from .source import Scratch

MOST = 8
"""Trips that a loop is walked at most before its state is taken to change no more."""


@dataclass(frozen=True)
class Alive:
    """An array that is alive: the variable that it was made for, its bytes, and the line that made it, as the
    remark beside it says: the user's line, and whose adjoint it is."""

    name: str
    bytes: int
    said: str


@dataclass(frozen=True)
class Peak:
    """The moment at which most is alive: its line, the bytes, and the arrays, the largest first.

    `kept` are those in the workspace, whose bytes are not counted.
    """

    bytes: int = 0
    said: str = ""
    alive: tuple[Alive, ...] = ()
    kept: tuple[Alive, ...] = ()


@dataclass(frozen=True, eq=False)
class _Array:
    alive: Alive
    kept: bool


State = Mapping[str, _Array]


def peak(
    body: Sequence[Step], first: Sequence[tuple[str, ArrayType]], sizes: Mapping[str, int], header: int
) -> Peak:
    """When most is alive, of arrays that take `header` bytes beside their elements; those that are there
    `first` stay, and have none."""
    walk = _Walk(dict(sizes), header)
    state = {name: _Array(Alive(name, nbytes(type_, sizes), ""), kept=False) for name, type_ in first}
    walk.look(state, "", ())
    walk.block(body, state)
    return walk.peak


def nbytes(type_: ArrayType, sizes: Mapping[str, int]) -> int:
    """What the elements of an array take."""
    total = type_.dtype.itemsize
    for extent in type_.shape:
        total *= max(extent.value(sizes), 0)
    return total


@dataclass
class _Walk:
    sizes: dict[str, int]
    header: int
    peak: Peak = field(default_factory=Peak)
    order: tuple[int, int] = (0, 0)
    breaks: list[list[State]] = field(default_factory=list)
    continues: list[list[State]] = field(default_factory=list)

    def block(self, body: Sequence[Step], state: State) -> State | None:
        """What variables hold behind steps; None where these leave."""
        now: State | None = state
        for step in body:
            now = self._step(step, now) if now is not None else None
        return now

    def _step(self, step: Step, state: State) -> State | None:
        match step:
            case Make():
                return self._make(step, state)
            case Share(pairs):
                found = {to: state[source] for to, source in pairs if source in state}
                kept = {name: held for name, held in state.items() if all(name != to for to, _ in pairs)}
                return kept | found
            case Drop(names):
                return {name: held for name, held in state.items() if name not in names}
            case Branch(sides):
                return _joined([self.block(side, state) for side in sides])
            case Loop():
                return self._loop(step, state)
            case Leave("break"):
                self.breaks[-1].append(state)
            case Leave("continue"):
                self.continues[-1].append(state)
        return None

    def _make(self, step: Make, state: State) -> State:
        after = dict(state)
        if step.type is not None:
            known = all(d.names() <= self.sizes.keys() for d in step.type.shape)
            size = nbytes(step.type, self.sizes) + (0 if step.kept else self.header) if known else 0
            new = _Array(Alive(step.name, size, step.said), step.kept)
            self.look({**state, "": new}, step.said, step.scratch)
            after[step.name] = new
        else:
            self.look(state, step.said, step.scratch)
        return after

    def look(self, state: State, said: str, scratch: Iterable[Scratch]) -> None:
        """Whether there is a peak here; of two as high the one at which more of the workspace is in use."""
        arrays = dict.fromkeys(state.values())
        meanwhile = [Alive("scratch", _scratch(s, self.sizes), said) for s in scratch]
        alive = [*(a.alive for a in arrays if not a.kept), *meanwhile]
        kept = [a.alive for a in arrays if a.kept]
        order = sum(a.bytes for a in alive), sum(a.bytes for a in kept)
        if order > self.order:
            self.order = order
            self.peak = Peak(order[0], said, largest(alive), largest(kept))

    # ---- loops ----

    def _loop(self, step: Loop, state: State) -> State | None:
        self.breaks.append([])
        now: State | None = state
        heads: list[State | None] = [state]  # what holds where the loop may end
        for trip in self._trips(step):
            if now is None:
                break
            if step.trips is not None:
                self.sizes[step.trips.index] = trip
            self.continues.append([])
            end = self.block(step.inside, now)
            after = _joined([end, *self.continues.pop()])
            settled = after is not None and _shape(after) == _shape(now)
            now = after
            heads.append(now)
            if settled and not step.degree:
                break
        ends = [now] if step.trips is not None else heads
        behind = _joined(ends)
        behind = self.block(step.otherwise, behind) if behind is not None else None
        return _joined([behind, *self.breaks.pop()])

    def _trips(self, step: Loop) -> Sequence[int]:
        """The indices of the trips that are walked."""
        if step.trips is None:
            return range(MOST)
        if not step.trips.length.names() <= self.sizes.keys():
            return range(MOST)
        length = max(step.trips.length.value(self.sizes), 0)
        indices = range(length - 1, -1, -1) if step.trips.reverse else range(length)
        if length <= 2 * MOST or step.degree > 1:
            return indices
        return [*indices[:MOST], *indices[-MOST:]]


def _shape(state: State) -> Collection[tuple[tuple[str, ...], int]]:
    """Which variables share arrays, and how large these are."""
    holders: dict[_Array, list[str]] = {}
    for name, array in state.items():
        holders.setdefault(array, []).append(name)
    return {(tuple(sorted(names)), array.alive.bytes) for array, names in holders.items()}


def _joined(states: Iterable[State | None]) -> State | None:
    """What variables may hold, coming from several places: of each the larger."""
    joined: State | None = None
    for state in states:
        joined = state if joined is None else joined if state is None else _larger(joined, state)
    return joined


def _larger(one: State, other: State) -> State:
    found: dict[tuple[_Array | None, _Array | None], _Array] = {}
    result: dict[str, _Array] = {}
    for name in dict.fromkeys([*one, *other]):
        pair = one.get(name), other.get(name)
        if pair not in found:
            held = [array for array in pair if array is not None]
            largest = max(held, key=lambda array: array.alive.bytes)
            found[pair] = largest if pair[0] is pair[1] else _Array(largest.alive, largest.kept)
        result[name] = found[pair]
    return result


def _scratch(scratch: Scratch, sizes: Mapping[str, int]) -> int:
    size = nbytes(scratch.type, sizes)
    return size if scratch.most is None else min(size, scratch.most * scratch.type.dtype.itemsize)


def largest(alive: Iterable[Alive]) -> tuple[Alive, ...]:
    """Arrays in the order of their bytes."""
    return tuple(sorted((a for a in alive if a.bytes > 0), key=lambda a: -a.bytes))
