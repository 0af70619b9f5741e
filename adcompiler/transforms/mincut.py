"""
The minimum cut of a network whose capacities are pairs (bytes, work).

Which primal values an adjoint keeps and which it replays is a minimum cut: every cut is a choice, its
capacity is what the choice costs. Pairs are compared in their order, so that no amount of work outweighs one
byte. They are exact Python integers of any size, and a pair travels as the one integer ``bytes * scale +
work``: as the scale exceeds the sum of all work, order and sums of the pairs are those of the integers. An
infinite capacity travels as one more than all finite capacities together, which no finite cut can reach.

The flow is found by preflow-push (A. V. Goldberg and R. E. Tarjan, A new approach to the maximum-flow
problem, J. ACM 35, 1988), its first half only: what the sink cannot take stays where it is, because the cut
is already known then. It runs in phases. A phase measures the exact distance of every node to the sink in the
residual network, then sweeps once over the nodes, farthest first, each handing its excess to neighbours one
step nearer. A node that could not hand on everything is farther from the sink in the next phase, hence at
most n^2 phases of linear cost. Loop bodies of thousands of equations take about ten. The slow case is one
large value with many detours to the sink, each of another length: a local array written by n equations, one
after the other, takes n phases.

Of several minimum cuts the one nearest the sink is returned: the largest source side. It is unique, so the
answer does not depend on the order of the edges. For residuals it means that among choices of equal bytes and
work the adjoint has the fewest values in scope: each is kept as late as possible, and nothing is replayed
without a reader.
"""

from collections import deque
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeAlias


class Infinity(Enum):
    """The type of the one capacity that is not a pair."""

    INFINITE = "infinite"


INFINITE: Final = Infinity.INFINITE
Capacity: TypeAlias = tuple[int, int] | Infinity
Edge: TypeAlias = tuple[Hashable, Hashable, Capacity]


@dataclass(frozen=True)
class Cut:
    """
    A minimum cut, the one nearest the sink.

    Attributes
    ----------
    value : tuple[int, int]
        The capacity (bytes, work) of the edges that leave the source side: the least there is.
    source_side : frozenset[Hashable]
        The source and all nodes from which the residual network has no way to the sink. A node that no edge
        names is on neither side.
    """

    value: tuple[int, int]
    source_side: frozenset[Hashable]


def minimum_cut(edges: Iterable[Edge], source: Hashable, sink: Hashable) -> Cut:
    """
    Separate `sink` from `source` at the least capacity.

    Parameters
    ----------
    edges : iterable of (tail, head, capacity)
        Directed edges between any hashable nodes. A capacity is a pair (bytes, work) of non-negative ints, or
        `INFINITE`. The capacities of parallel edges add up.
    source, sink : Hashable
        Two different nodes. They need not occur in `edges`.

    Returns
    -------
    Cut
        The minimum cut nearest the sink.

    Raises
    ------
    ValueError
        If infinite edges alone lead from source to sink (the message names the ends of such a path), if a
        capacity is negative, or if source and sink are the same node.
    """
    if source == sink:
        raise ValueError(f"nothing separates {source!r} from itself")
    edges = list(edges)
    _refuse_negative(edges)
    scale = 1 + sum(capacity[1] for _, _, capacity in edges if capacity is not INFINITE)
    network, nodes = _network(edges, scale, [source, sink])
    flow, sink_side = _maximum_preflow(network)
    if flow >= network.infinity:
        raise ValueError(_infinite_path(edges, source, sink))
    rest = (node for number, node in enumerate(nodes) if number not in sink_side)
    return Cut(divmod(flow, scale), frozenset(rest))


@dataclass(frozen=True)
class _Network:
    """Arcs 2k and 2k + 1 are edge k and its reverse; node 0 is the source, node 1 the sink."""

    heads: list[int]
    residuals: list[int]  # changed in place by every push
    leaving: list[list[int]]
    infinity: int


def _refuse_negative(edges: list[Edge]) -> None:
    """Negative capacities would make a flow of any size."""
    for tail, head, capacity in edges:
        if capacity is not INFINITE and min(capacity) < 0:
            raise ValueError(f"the edge from {tail!r} to {head!r} has the negative capacity {capacity}")


def _network(edges: list[Edge], scale: int, ends: list[Hashable]) -> tuple[_Network, list[Hashable]]:
    """Number the nodes, the two ends first, and turn each pair into one integer."""
    numbers = {node: number for number, node in enumerate(ends)}
    for tail, head, _ in edges:
        numbers.setdefault(tail, len(numbers))
        numbers.setdefault(head, len(numbers))
    integers = [None if pair is INFINITE else pair[0] * scale + pair[1] for _, _, pair in edges]
    infinity = 1 + sum(integer for integer in integers if integer is not None)
    network = _Network([], [], [[] for _ in numbers], infinity)
    for (tail, head, _), integer in zip(edges, integers, strict=True):
        arc, u, v = len(network.heads), numbers[tail], numbers[head]
        network.heads.extend((v, u))
        network.residuals.extend((infinity if integer is None else integer, 0))
        network.leaving[u].append(arc)
        network.leaving[v].append(arc + 1)
    return network, list(numbers)


def _maximum_preflow(network: _Network) -> tuple[int, set[int]]:
    """Flood the network from the source; return what the sink took and the nodes that still reach it."""
    excess = [0] * len(network.leaving)
    for arc in network.leaving[0]:
        excess[network.heads[arc]] += network.residuals[arc]
        network.residuals[arc] = 0  # full for good: what is left over is never handed back to the source
    while True:
        nearest_first, distance = _distances(network)
        if not any(excess[node] for node in nearest_first[1:]):
            return excess[1], set(nearest_first)
        for node in reversed(nearest_first[1:]):
            if excess[node]:
                _push(network, node, distance, excess)


def _distances(network: _Network) -> tuple[list[int], list[int]]:
    """The nodes that reach the sink, nearest first, and the length of everyone's shortest way (-1: none)."""
    heads, residuals, leaving = network.heads, network.residuals, network.leaving
    distance = [-1] * len(leaving)
    distance[1] = 0
    nearest_first = [1]
    for node in nearest_first:  # grows while it is read: breadth first
        farther = distance[node] + 1
        for arc in leaving[node]:
            neighbour = heads[arc]
            if distance[neighbour] < 0 and residuals[arc ^ 1]:
                distance[neighbour] = farther
                nearest_first.append(neighbour)
    return nearest_first, distance


def _push(network: _Network, node: int, distance: list[int], excess: list[int]) -> None:
    """Hand the excess of a node, as far as it goes, to neighbours one step nearer to the sink."""
    heads, residuals = network.heads, network.residuals
    left, nearer = excess[node], distance[node] - 1
    for arc in network.leaving[node]:
        if residuals[arc] and distance[heads[arc]] == nearer:
            amount = min(left, residuals[arc])
            residuals[arc] -= amount
            residuals[arc ^ 1] += amount
            excess[heads[arc]] += amount
            left -= amount
            if not left:
                break
    excess[node] = left


def _infinite_path(edges: list[Edge], source: Hashable, sink: Hashable) -> str:
    """The message that shows both ends of a shortest path of infinite edges from source to sink."""
    heads: dict[Hashable, list[Hashable]] = {}
    for tail, head, capacity in edges:
        if capacity is INFINITE:
            heads.setdefault(tail, []).append(head)
    before: dict[Hashable, Hashable] = {source: source}
    queue = deque([source])
    while sink not in before:
        node = queue.popleft()
        for head in heads.get(node, ()):
            if head not in before:
                before[head] = node
                queue.append(head)
    path = [sink]
    while path[-1] != source:
        path.append(before[path[-1]])
    names = [repr(node) for node in reversed(path)]
    shown = names if len(names) <= 5 else [*names[:2], "...", *names[-2:]]
    return f"no finite cut: infinite edges lead all the way {' -> '.join(shown)}"
