"""Which schedule with a disk fits into how much memory, which slots and tapes share.

Many pairs of a number of slots and a bundle fit. Compared are none and powers of two, each at its best number
of chunks by the closed form of `Chunked`, or at the optimum with as much disk where that is had quickly. More
memory never costs more: all that fits into less is among what is compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from .multilevel import LONGEST, Chunked, Plan, Price, TwoLevel, numbers_tried

QUICK = 1_000_000
"""There is an optimum if steps * steps * cells of its tables is at most this: a hundredth of a second."""


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
        None where the memory has no room for a tape, or there is nothing to store.
    """
    plans = (_cheapest(steps, slots, bundle, price) for slots, bundle in _shares(steps, state, tape, memory))
    return min(plans, key=lambda plan: plan.cost, default=None)


def _shares(steps: int, state: int, tape: int, memory: int) -> Iterator[tuple[int, int]]:
    """Pairs of slots and bundle that fit."""
    powers = [1 << k for k in range(steps.bit_length())] if steps > 1 else []
    pairs = ((slots, bundle) for slots in (0, *powers) for bundle in powers)
    return ((slots, bundle) for slots, bundle in pairs if slots * state + bundle * tape <= memory)


@lru_cache(maxsize=4096)
def _cheapest(steps: int, slots: int, bundle: int, price: Price) -> Plan:
    """The schedule with the best number of chunks, or one that is cheaper still."""
    if not slots:  # chunks that are taped at once need none
        return Chunked(steps, 1, max(-(-steps // bundle) - 2, 0), price, bundle)
    tried = (Chunked(steps, slots, on_disk, price, bundle) for on_disk in numbers_tried(steps))
    found = min(tried, key=lambda plan: plan.cost)
    cells = (min(slots, steps) + 1) * (found.on_disk + 1)
    if steps > LONGEST or steps**2 * cells > QUICK:
        return found
    return TwoLevel(steps, min(slots, steps), found.on_disk, price, bundle)
