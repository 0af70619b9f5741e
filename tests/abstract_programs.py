"""Abstract programs for planners, random ones and chains, and an oracle: what the best schedule costs."""

from __future__ import annotations

import math
import random

import numpy as np

from adcompiler.checkpointing.executions import Execution, Node, Program, Way


def random_program(seed: int, nodes: int | None = None) -> Program:
    """A DAG of up to 12 nodes: some make two values, take memory over, have two ways, or run once only."""
    choose = random.Random(seed)
    size = [0] * choose.randint(0, 2)
    unread: list[int] = []
    made: list[Node] = []
    for _ in range(nodes or choose.randint(5, 12)):
        there = range(len(size))
        wanted = choose.sample(unread, min(len(unread), choose.choice([0, 1, 1, 2])))
        others = choose.sample(there, min(len(there), choose.randint(0 if wanted else 1, 2)))
        reads = tuple(sorted({*wanted, *others}))
        makes = tuple(range(len(size), len(size) + 1 + (choose.random() < 0.15)))
        size += [choose.randint(1, 9) for _ in makes]
        taken = ((makes[0], choose.choice(reads)),) if reads and choose.random() < 0.25 else ()
        way = Way(choose.choice([0, 0, 2]), float(choose.randint(1, 9)))
        dearer = Way(way.transient // 2, way.cost + choose.randint(1, 4))
        ways = (way, dearer) if choose.random() < 0.3 else (way,)
        unread = [v for v in (*unread, *makes) if v not in reads]
        made.append(Node(reads, makes, ways, choose.random() < 0.85, taken))
    return Program(tuple(made), tuple(size), frozenset(unread), choose.choice([0, 5]))


def chain(n: int) -> Program:
    """`x[i + 1] = f(x[i])`, and the way back through it, which reads each x; all of one size and cost."""
    way = (Way(0, 1.0),)
    nodes = [Node((i,), (i + 1,), way) for i in range(n)]
    nodes += [Node((i, 2 * n - 1 - i), (2 * n - i,), way, again=False) for i in reversed(range(n))]
    return Program(tuple(nodes), (0, *[1] * (2 * n)), frozenset([2 * n]))


def binomial(n: int, s: int) -> int:
    """The least number of advances that reverse n steps with s snapshots (Griewank & Walther 2000)."""
    r = next(r for r in range(n + 1) if math.comb(s + r, s) >= n)
    return r * n - math.comb(s + r, r - 1)


def least_cost(program: Program, budget: int) -> float:
    """The cost of the best schedule, infinite where there is none.

    For each number of first executions, the costs of all sets of values in memory, until they change no more.
    """
    values = len(program.bytes)
    masks = np.arange(2**values)
    held = program.always + sum(size * (masks >> v & 1) for v, size in enumerate(program.bytes))
    pinned = bits(v for v in range(values) if v not in program.maker)
    costs = np.where(masks == pinned, 0.0, np.inf)
    for position in range(len(program.nodes) + 1):
        before = None
        while before is None or not np.array_equal(before, costs):
            before = costs.copy()
            for v in program.maker:
                with_v = masks[masks >> v & 1 == 1]
                costs[with_v ^ (1 << v)] = np.minimum(costs[with_v ^ (1 << v)], costs[with_v])
            for node in program.nodes[:position]:
                if node.again:
                    costs = np.minimum(costs, executed(node, costs, masks, held, program.bytes, budget))
        if position < len(program.nodes):
            node = program.nodes[position]
            later = costs if node.again else np.inf
            costs = np.minimum(later, executed(node, costs, masks, held, program.bytes, budget))
    wanted = bits(program.results)
    return float(costs[masks & wanted == wanted].min())


def executed(node: Node, costs, masks, held, size, budget):
    """The costs of what is in memory after a node."""
    found = np.full_like(costs, np.inf)
    reads, makes = bits(node.reads), bits(node.makes)
    for way in node.ways:
        for gone, less in [(0, 0), *((1 << old, min(size[v], size[old])) for v, old in node.taken)]:
            fits = (masks & reads == reads) & (held[masks | makes] + way.transient - less <= budget)
            before = masks[fits & np.isfinite(costs)]
            np.minimum.at(found, (before | makes) & ~gone, costs[before] + way.cost)
    return found


def bits(values) -> int:
    return sum(1 << v for v in set(values))


def held_at(program: Program, executions: list[Execution]) -> list[int]:
    """What is held while each execution runs, by looking ahead from each one."""
    return [held_while(program, executions, n) for n in range(len(executions))]


def held_while(program: Program, executions: list[Execution], n: int) -> int:
    steps = [program.nodes[e.node] for e in executions]
    node = steps[n]
    kept = {v for v in program.maker if needed_after(program, steps, n, v)}
    before = {v for v in program.maker if any(v in s.makes for s in steps[:n])}
    over = {v for v in kept if v in before and v not in node.makes}
    ending = {v for v in node.reads if v in program.maker} - over
    less = sum(min(program.bytes[v], program.bytes[old]) for v, old in node.taken if old in ending)
    during = over | ending | set(node.makes)
    return program.always + sum(program.bytes[v] for v in during) + executions[n].way.transient - less


def needed_after(program: Program, steps: list[Node], n: int, value: int) -> bool:
    """Whether a value is read after a step before it is made again."""
    for step in steps[n + 1 :]:
        if value in step.reads:
            return True
        if value in step.makes:
            return False
    return value in program.results
