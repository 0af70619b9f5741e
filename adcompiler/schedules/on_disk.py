"""Which schedule with a disk fits into how much memory, which slots and tapes share.

Many pairs of a number of slots and a bundle fit. Compared are powers of two, by the closed form of `Chunked`;
wherever that finds something cheaper than with less memory, the optimum is computed too if that is quick. So
more memory never costs more: all that is found with less is among what is compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from .multilevel import LONGEST, Chunked, Plan, Price, TwoLevel, numbers_tried

QUICK = 10_000_000
"""There is an optimum if steps * steps * cells of its tables is at most this: a tenth of a second."""


def spilling(steps: int, state: int, tape: int, memory: int, price: Price) -> Plan | None:
    """
    The cheapest schedule found with snapshots in memory and on disk, none that would need two phases.

    Parameters
    ----------
    steps : int
        The trip count n.
    state, tape : int
        Bytes of a snapshot and of the tape of a step.
    memory : int
        Bytes that both may take in memory; what lies on disk is not counted.
    price : Price
        What an evaluation of the body, a write to disk and a read from disk cost.

    Returns
    -------
    Plan or None
        None where the memory has no room for a slot and a tape, or there is nothing to store.
    """
    best: Plan | None = None
    cheapest: Plan | None = None
    for slots, bundle in _shares(steps, state, tape, memory):
        found = _chunked(steps, slots, bundle, price)
        if cheapest is None or found.cost < cheapest.cost:
            cheapest = found
            plan = _optimum(found)
            best = plan if best is None or plan.cost < best.cost else best
    return best


def _shares(steps: int, state: int, tape: int, memory: int) -> Iterator[tuple[int, int]]:
    """Pairs of slots and bundle that fit, those of the least memory first."""
    powers = [1 << k for k in range(steps.bit_length())] if steps > 1 else []
    fitting = [
        (slots * state + bundle * tape, slots, bundle)
        for slots in powers
        for bundle in powers
        if slots * state + bundle * tape <= memory
    ]
    return ((slots, bundle) for _, slots, bundle in sorted(fitting))


@lru_cache(maxsize=4096)
def _chunked(steps: int, slots: int, bundle: int, price: Price) -> Chunked:
    """The best number of chunks."""
    tried = (Chunked(steps, slots, on_disk, price, bundle) for on_disk in numbers_tried(steps))
    return min(tried, key=lambda plan: plan.cost)


def _optimum(found: Chunked) -> Plan:
    """The cheapest schedule with as many slots and tapes, where it can be had quickly."""
    steps, slots = found.steps, min(found.memory, found.steps)
    cells = (slots + 1) * (found.on_disk + 1)
    if steps > LONGEST or steps**2 * cells > QUICK:
        return found
    return TwoLevel(steps, slots, found.on_disk, found.price, found.bundle)
