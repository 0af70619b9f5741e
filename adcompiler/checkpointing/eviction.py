"""Schedules of large programs under a budget: what does not fit is dropped, and made again when it is read.

The program is walked in its order. Where memory does not suffice, those values are dropped that are cheapest
to make again, for the bytes that they free and the time until they are read next (after Kirisame et al.,
Dynamic Tensor Rematerialization, 2021; but the program is known here, and so is when a value is read next:
Belady 1966). What a value costs to make again includes what else has been dropped that it is made from; and a
value is read next, too, when one is that has been dropped and is made from it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from .executions import Execution, Program, Way

MOST_REPEATS = 4
"""How many times as many executions as there are nodes a schedule may have."""

NEVER = 1 << 60
"""When a value is read that is not read again."""


@dataclass(frozen=True)
class Bias:
    """The powers in which the time until a value is read next, and its bytes, speak for dropping it."""

    time: float
    bytes: float


def evicting(program: Program, budget: int, bias: Bias) -> list[Execution] | None:
    """Executions that take no more than `budget` bytes, with this bias; None where it finds none."""
    return _Walk(program, budget - program.always, bias).executions()


class _Walk:
    """A program while it is executed: which values are in memory, and which have been dropped."""

    def __init__(self, program: Program, budget: int, bias: Bias) -> None:
        self.program = program
        self.budget = budget
        self.bias = bias
        self.done: list[Execution] = []
        self.position = 0
        self.held: dict[int, None] = {}
        self.bytes = 0
        self.dropped: set[int] = set()
        self.next: dict[int, int] = {}
        self.costs: dict[int, float] = {}
        end = len(program.nodes)
        self.reads = {
            v: [*program.readers.get(v, ()), *([end] if v in program.results else [])] for v in program.maker
        }

    def executions(self) -> list[Execution] | None:
        nodes = self.program.nodes
        for k, node in enumerate(nodes):
            self.position = k
            if not (self._provide(node.reads) and self._execute(k, frozenset(node.reads))):
                if not node.again or self._exhausted:
                    return None
                self._put_off(node.makes)
        self.position = len(nodes)
        return self.done if self._provide(sorted(self.program.results)) else None

    @property
    def _exhausted(self) -> bool:
        return len(self.done) >= MOST_REPEATS * len(self.program.nodes)

    def _provide(self, values: Collection[int]) -> bool:
        """Make again what is not in memory of these values; whether that can be done."""
        for value in values:
            pending = sorted(self._lost(value))
            if not all(self.program.nodes[k].again for k in pending):
                return False
            while pending:
                k = pending.pop(0)
                kept = {v for later in (k, *pending) for v in self.program.nodes[later].reads}
                if not self._execute(k, kept | set(values)):
                    return False
        return True

    def _lost(self, value: int) -> set[int]:
        """The nodes that have to be executed again to have a value."""
        found: set[int] = set()
        waiting = [value]
        while waiting:
            v = waiting.pop()
            if v in self.dropped and self.program.maker[v] not in found:
                found.add(self.program.maker[v])
                waiting += self.program.nodes[self.program.maker[v]].reads
        return found

    def _execute(self, k: int, locked: Collection[int]) -> bool:
        if self._exhausted:
            return False
        node = self.program.nodes[k]
        first = k == self.position
        ending = [v for v in node.reads if first and v in self.held and self._next_use(v) == NEVER]
        size = self.program.bytes
        need = sum(size[v] for v in node.makes if v not in self.held)
        need -= node.taking(size, ending)
        found = self._cheapest_way(node.ways, need, locked)
        if found is None:
            return False
        way, victims = found
        for v in victims:
            self._drop(v)
        self.done.append(Execution(k, way))
        for v in node.makes:
            if v not in self.held:
                self._hold(v)
        for v in ending:
            self._drop(v)
        return True

    def _cheapest_way(
        self, ways: Iterable[Way], need: int, locked: Collection[int]
    ) -> tuple[Way, Sequence[int]] | None:
        """A way to execute a node, and what is dropped for it."""
        best: tuple[float, Way, Sequence[int]] | None = None
        for way in sorted(ways, key=lambda way: way.cost):
            if best is not None and way.cost >= best[0]:
                break
            found = self._victims(self.bytes + need + way.transient - self.budget, locked)
            if found is not None and (best is None or way.cost + found[0] < best[0]):
                best = (way.cost + found[0], way, found[1])
        return None if best is None else best[1:]

    def _victims(self, excess: int, locked: Collection[int]) -> tuple[float, Sequence[int]] | None:
        """What to drop to free these bytes, and what it costs to make it again."""
        if excess <= 0:
            return 0.0, ()
        size = self.program.bytes
        scores = sorted((self._score(v), v) for v in self.held if size[v] and v not in locked)
        victims, cost = [], 0.0
        for score, v in scores:
            if score == float("inf"):
                return None
            victims.append(v)
            cost += self._cost(v) if score else 0.0
            excess -= size[v]
            if excess <= 0:
                return cost, self._spared(victims, -excess)
        return None

    def _spared(self, victims: list[int], spare: int) -> list[int]:
        """Victims without those that need not be dropped after all, the dearest first."""
        kept = []
        for v in reversed(victims):
            if self.program.bytes[v] <= spare:
                spare -= self.program.bytes[v]
            else:
                kept.append(v)
        return kept

    # ---- what a value is worth ----

    def _score(self, value: int) -> float:
        soon = self._next_use(value)
        if soon == NEVER:
            return 0.0
        cost = self._cost(value)
        wait = soon - self.position + 1.0
        room: float = self.program.bytes[value] ** self.bias.bytes * wait**self.bias.time
        return cost / room

    def _cost(self, value: int) -> float:
        """The cost of making a value again, once it is dropped."""
        if value not in self.costs:
            nodes, maker = self.program.nodes, self.program.maker[value]
            again = {maker}.union(*map(self._lost, nodes[maker].reads))
            self.costs[value] = sum(nodes[k].cheapest if nodes[k].again else float("inf") for k in again)
        return self.costs[value]

    def _next_use(self, value: int) -> int:
        known = self.next.get(value, -1)
        return known if known > self.position else self._read_next(value)

    def _read_next(self, value: int) -> int:
        """The next node that reads a value, or one that is made of it and has been dropped."""
        waiting = [value]
        while waiting:
            v = waiting[-1]
            lost = [w for w in self.program.products[v] if w in self.dropped]
            open_ = [w for w in lost if self.next.get(w, -1) <= self.position]
            if open_:
                waiting += open_
                continue
            place = bisect_right(self.reads[v], self.position)
            own = self.reads[v][place] if place < len(self.reads[v]) else NEVER
            self.next[v] = min([own, *(self.next[w] for w in lost)])
            waiting.pop()
        return self.next[value]

    # ---- memory ----

    def _hold(self, value: int) -> None:
        self.held[value] = None
        self.dropped.discard(value)
        self.bytes += self.program.bytes[value]
        self._forget(value)

    def _put_off(self, values: Iterable[int]) -> None:
        """Leave values to be made when they are read."""
        for v in values:
            self.dropped.add(v)
            self._forget(v)

    def _drop(self, value: int) -> None:
        del self.held[value]
        self.dropped.add(value)
        self.bytes -= self.program.bytes[value]
        self._forget(value)

    def _forget(self, value: int) -> None:
        """What was known of values that this one is made from, or that are made of it.

        Where it is known when a value is read next, it is known, too, of all dropped ones through which that
        was found: so the way back ends where it is not known.
        """
        sources, products = self.program.sources, self.program.products
        waiting = [value]
        while waiting:
            for u in sources[waiting.pop()]:
                if self.next.pop(u, None) is not None and u in self.dropped:
                    waiting.append(u)
        waiting, seen = [value], {value}
        while waiting:
            v = waiting.pop()
            self.costs.pop(v, None)
            for w in products[v]:
                self.costs.pop(w, None)
                if w in self.dropped and w not in seen:
                    seen.add(w)
                    waiting.append(w)
