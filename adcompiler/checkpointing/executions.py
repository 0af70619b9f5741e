"""Straight-line programs as a planner sees them, and what executing them, parts of them again, costs.

A program is a list of nodes in a fixed order, each of which reads and makes values of so many bytes. A
schedule executes them in that order, and before any of them executes earlier ones again; what is not read
before that may be left out the first time. A value is held from the node that makes it to the last one that
reads it before it is made again: so the list of executions says all of what is in memory when.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property


@dataclass(frozen=True)
class Way:
    """One way to execute a node: the bytes that it needs for itself while it runs, and what it costs.

    A checkpointed loop has several: one for each number of snapshots.
    """

    transient: int
    cost: float


@dataclass(frozen=True)
class Node:
    """A statement: the values that it reads, those that it makes, and the ways to execute it.

    `again` says whether it may be executed more than once. What is `taken` are pairs of a value that is made
    and one that is read, in whose memory it is made where that is read for the last time; a value takes that
    of one other only.
    """

    reads: tuple[int, ...]
    makes: tuple[int, ...]
    ways: tuple[Way, ...]
    again: bool = True
    taken: tuple[tuple[int, int], ...] = ()

    def taking(self, bytes_: Sequence[int], ending: Container[int]) -> int:
        """The bytes of values whose memory it takes, if these are read for the last time."""
        found = {v: min(bytes_[v], bytes_[old]) for v, old in reversed(self.taken) if old in ending}
        return sum(found.values())

    @property
    def cheapest(self) -> float:
        """The cost of its cheapest way."""
        return min(way.cost for way in self.ways)


@dataclass(frozen=True)
class Program:
    """Nodes in order, the bytes of each value, and the values that must be there at the end.

    Values that no node makes are there all the time; what they take, and what results take that are there
    from the beginning, is `always`.
    """

    nodes: tuple[Node, ...]
    bytes: tuple[int, ...]
    results: frozenset[int]
    always: int = 0

    @cached_property
    def maker(self) -> Mapping[int, int]:
        """The number of the node that makes a value."""
        return {value: k for k, node in enumerate(self.nodes) for value in node.makes}

    @cached_property
    def operands(self) -> Sequence[Sequence[int]]:
        """Of each node, the values that it reads and that nodes make."""
        return [[v for v in dict.fromkeys(node.reads) if v in self.maker] for node in self.nodes]

    @cached_property
    def sources(self) -> Mapping[int, Sequence[int]]:
        """The values that a value is made from."""
        return {value: self.operands[k] for value, k in self.maker.items()}

    @cached_property
    def products(self) -> Mapping[int, Sequence[int]]:
        """The values that are made from a value."""
        found: dict[int, list[int]] = {value: [] for value in self.maker}
        for operands, node in zip(self.operands, self.nodes, strict=True):
            for value in operands:
                found[value] += node.makes
        return found

    @cached_property
    def readers(self) -> Mapping[int, Sequence[int]]:
        """The numbers of the nodes that read a value."""
        found: dict[int, list[int]] = {}
        for k, node in enumerate(self.nodes):
            for value in dict.fromkeys(node.reads):
                found.setdefault(value, []).append(k)
        return found


@dataclass(frozen=True)
class Execution:
    """That a node is executed, and in which of its ways."""

    node: int
    way: Way


@dataclass(frozen=True)
class Plan:
    """Executions in order, the most bytes that they take at a time, and what they cost together."""

    executions: tuple[Execution, ...] = field(repr=False)
    peak: int
    cost: float

    @staticmethod
    def of(program: Program, executions: Sequence[Execution]) -> Plan:
        """The plan of those of these executions that are needed."""
        executions = needed(program, executions)
        cost = sum(e.way.cost for e in executions)
        return Plan(tuple(executions), peak(program, executions), cost)


def unchanged(program: Program) -> Plan:
    """Every node once, in its cheapest way."""
    ways = (min(node.ways, key=lambda way: (way.cost, way.transient)) for node in program.nodes)
    return Plan.of(program, [Execution(k, way) for k, way in enumerate(ways)])


def needed(program: Program, executions: Sequence[Execution]) -> list[Execution]:
    """Executions without those that make nothing that is read before it is made again."""
    wanted = set(program.results)
    found = []
    for execution in reversed(executions):
        node = program.nodes[execution.node]
        if not node.again or not wanted.isdisjoint(node.makes):
            found.append(execution)
            wanted.difference_update(node.makes)
            wanted.update(node.reads)
    return found[::-1]


def peak(program: Program, executions: Sequence[Execution]) -> int:
    """The most bytes that are taken at a time, found from the last execution to the first."""
    size, nodes, operands = program.bytes, program.nodes, program.operands
    wanted = set(program.results & program.maker.keys())
    held = most = sum(size[v] for v in wanted)
    for execution in reversed(executions):
        node = nodes[execution.node]
        for v in node.makes:
            if v in wanted:
                wanted.remove(v)
            else:
                held += size[v]
        ending = [v for v in operands[execution.node] if v not in wanted]
        for v in ending:
            held += size[v]
        taken = node.taking(size, ending) if node.taken and ending else 0
        now = held - taken + execution.way.transient
        if now > most:
            most = now
        wanted.update(ending)
        for v in node.makes:
            held -= size[v]
    return most + program.always
