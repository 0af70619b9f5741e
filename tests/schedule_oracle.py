"""The cheapest reversal of a short loop: the shortest path over everything that can be held at a time."""

from heapq import heappop, heappush
from itertools import count
from typing import NamedTuple


class Held(NamedTuple):
    """Where a reversal stands: which state is at hand, what is stored and taped, what is left to reverse."""

    working: int | None
    memory: frozenset
    disk: frozenset
    tapes: frozenset
    left: int
    returned: bool


class Machine(NamedTuple):
    """What there is, in units of memory, slots of disk and numbers of tapes, and what things cost."""

    state: int
    tape: int
    budget: int
    disk: int = 0
    write: int = 0
    read: int = 0
    tapes: int = 1 << 30
    tapes_at_return: bool = True


def cheapest(steps: int, machine: Machine) -> int | None:
    """The least cost of evaluations, writes to and reads from disk; None if the loop cannot be reversed."""
    none = frozenset()
    start = Held(0, none, none, none, steps, False)
    best, order = {start: 0}, count()
    heap = [(0, next(order), start)]
    while heap:
        cost, _, held = heappop(heap)
        if cost > best[held]:
            continue
        if held.returned and held.left == 0:
            return cost
        for price, following in moves(held, steps, machine):
            following = tidied(following)
            if cost + price < best.get(following, cost + price + 1):
                best[following] = cost + price
                heappush(heap, (cost + price, next(order), following))
    return None


def tidied(held: Held) -> Held:
    """What can be reversed is reversed, and what is of no more use is dropped: both are free."""
    left = held.left
    while held.returned and left - 1 in held.tapes:
        left -= 1
    return held._replace(
        left=left,
        tapes=frozenset(step for step in held.tapes if step < left),
        memory=frozenset(at for at in held.memory if at < left),
        disk=frozenset(at for at in held.disk if at < left),
    )


def moves(held: Held, steps: int, machine: Machine):
    """The costs and ends of all single moves."""
    room = machine.budget - machine.state * len(held.memory) - machine.tape * len(held.tapes)
    if held.working is not None:
        yield from forward(held, steps, machine, room)
    yield 0, held._replace(working=0)
    for at in held.memory:
        yield 0, held._replace(working=at)
        yield 0, held._replace(memory=held.memory - {at})
    for at in held.disk:
        yield machine.read, held._replace(working=at)
        yield 0, held._replace(disk=held.disk - {at})
    for step in held.tapes:
        yield 0, held._replace(tapes=held.tapes - {step})


def forward(held: Held, steps: int, machine: Machine, room: int):
    """Moves with the state at hand."""
    at = held.working
    if at < steps:
        yield 1, held._replace(working=at + 1)
        if room >= machine.tape and at not in held.tapes and len(held.tapes) < machine.tapes:
            yield 1, held._replace(working=at + 1, tapes=held.tapes | {at})
    elif not held.returned and (machine.tapes_at_return or not held.tapes):
        yield 0, held._replace(returned=True)
    if room >= machine.state:
        yield 0, held._replace(memory=held.memory | {at})
    if len(held.disk) < machine.disk:
        yield machine.write, held._replace(disk=held.disk | {at})
