"""The cheapest schedule of a small program under a budget: a shortest path over what is in memory.

A state is the number of nodes that have had their turn, and the set of values that are held. From there the
next node, or one before it, may be executed if its operands are held; and any value be dropped, and a node
left out that may be executed later, at no cost. What is needed of the nodes whose turn is to come bounds the
cost from below (A*: Hart, Nilsson & Raphael 1968).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import heappop, heappush
from itertools import accumulate, count, product

from .executions import Execution, Program, Way, unchanged

State = tuple[int, int]
"""How many nodes have had their turn; the set of values that are held, as bits."""

Move = tuple[State, Execution | None]
"""A state, and the execution that leads there; None where something was dropped or left out."""


def cheapest(program: Program, budget: int) -> list[Execution] | None:
    """The executions of least cost that never take more than `budget` bytes; None where there are none."""
    if budget < program.always:
        return None
    search = _Search(program, budget - program.always)
    start, goal = (0, 0), len(program.nodes)
    ahead = search.ahead
    order = count()
    best: dict[State, float] = {start: 0.0}
    came: dict[State, Move] = {}
    queue = [(ahead[0], next(order), start)]
    while queue:
        bound, _, state = heappop(queue)
        position, held = state
        if bound > best[state] + ahead[position]:
            continue
        if position == goal and held & search.results == search.results:
            return list(_path(came, state))
        for new, execution in search.moves(state):
            cost = best[state] + (execution.way.cost if execution else 0.0)
            if cost < best.get(new, float("inf")):
                best[new], came[new] = cost, (state, execution)
                heappush(queue, (cost + ahead[new[0]], next(order), new))
    return None


def _path(came: dict[State, Move], state: State) -> Iterator[Execution]:
    found: list[Execution] = []
    while state in came:
        state, execution = came[state]
        if execution is not None:
            found.append(execution)
    return reversed(found)


class _Search:
    """A program in bits, and the states that lie next to one."""

    def __init__(self, program: Program, budget: int) -> None:
        self.program = program
        self.budget = budget
        self.reads = [_bits(v for v in node.reads if v in program.maker) for node in program.nodes]
        self.makes = [_bits(node.makes) for node in program.nodes]
        self.results = _bits(v for v in program.results if v in program.maker)
        nodes = {execution.node for execution in unchanged(program).executions}
        costs = [node.cheapest if k in nodes else 0.0 for k, node in enumerate(program.nodes)]
        self.ahead = list(accumulate(reversed(costs), initial=0.0))[::-1]
        self.useful = [self._useful(k) for k in range(len(program.nodes) + 1)]
        self.large = _bits(v for v in program.maker if program.bytes[v])
        self.sizes: dict[int, int] = {}

    def moves(self, state: State) -> Iterator[Move]:
        position, held = state
        again = [k for k in range(position) if self.program.nodes[k].again and self.makes[k] & ~held]
        tight = False
        if position < len(self.program.nodes) and self.program.nodes[position].again:
            yield (position + 1, held), None
        for k in [*again, *range(position, min(position + 1, len(self.program.nodes)))]:
            if self.reads[k] & ~held:
                continue
            after = max(position, k + 1)
            for way in self.program.nodes[k].ways:
                for left in self._held_after(k, held, way):
                    yield (after, left & self.useful[after]), Execution(k, way)
                tight |= self._size(held | self.makes[k]) + way.transient > self.budget
        if tight:
            for v in _numbers(held & self.large):
                yield (position, held & ~(1 << v)), None

    def _held_after(self, k: int, held: int, way: Way) -> Iterator[int]:
        """What is held after a node is executed: all, or all but what it takes the memory of."""
        node, made = self.program.nodes[k], held | self.makes[k]
        choices: dict[int, list[int | None]] = {v: [None] for v, _ in node.taken}
        for v, old in node.taken:
            choices[v].append(old)
        for gone in product(*choices.values()):
            ending = [old for old in gone if old is not None]
            taken = node.taking(self.program.bytes, ending)
            if self._size(made) - taken + way.transient <= self.budget:
                yield made & ~_bits(ending)

    def _size(self, held: int) -> int:
        if held not in self.sizes:
            self.sizes[held] = sum(self.program.bytes[v] for v in _numbers(held))
        return self.sizes[held]

    def _useful(self, position: int) -> int:
        """The values that may be read once the nodes before this one have been executed."""
        nodes = self.program.nodes
        found = self.results
        for reads in self.reads[position:]:
            found |= reads
        for k in reversed(range(position)):
            if nodes[k].again and self.makes[k] & found:
                found |= self.reads[k]
        return found


def _bits(values: Iterable[int]) -> int:
    return sum(1 << v for v in set(values))


def _numbers(bits: int) -> Iterator[int]:
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest
