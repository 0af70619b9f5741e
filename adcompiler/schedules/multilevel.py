"""Snapshots on two levels: a few in memory, which cost nothing to write and read, and more on disk, which do.

Costs are integers in one unit, nanoseconds say: of an evaluation of the body, of a write to disk and of a
read. With i slots free in memory and j on disk, reversing n steps costs, beyond the taped evaluations and by
where their start is held,

    nowhere    A(n, i, j) = min(M(n, i - 1, j), write + D(n, i, j - 1))
    in memory  M(n, i, j) = min over k of k * evaluation + A(n - k, i, j) + M(k, i, j)
    on disk    D(n, i, j) = min over k of k * evaluation + A(n - k, i, j) + read + D(k, i, j)
    as inputs  as in memory, but the slot is not ours to give up

where M and D are also at most A with one slot more: whoever has just loaded the start may give its slot up
and store it on the other level. A range of at most `bundle` steps is taped at once and costs nothing. This is
the hierarchical recurrence of Herrmann and Pallez, H-Revolve, ACM TOMS 46, 2020, for two levels (Aupy,
Herrmann, Hovland and Robert, Optimal multistage algorithm for adjoint computation, 2016, have an unbounded
disk), but for moves between levels, which they lack.

Where the tables would take more than a second, `Chunked` cuts the loop into equal chunks: the start of each
is on disk, each is reversed in memory (Stumm and Walther, MultiStage approaches for optimal offline
checkpointing, 2009, have the levels in this order), and the number of chunks is the best by closed form.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final, NamedTuple, TypeAlias

import numpy as np

from .actions import ADVANCE, DISK, INPUT, MEMORY, NOWHERE, STORE, TAPE, Integers
from .binomial import advances, split
from .reversal import FIRST, LAST, LEVEL, USED, deciding, start, written

NEVER: Final = 1 << 60  # more than any cost; the sum of three fits an int64
WORK: Final = 100_000_000  # there are tables if steps * steps * cells is at most this
LONGEST: Final = 4096


class Price(NamedTuple):
    """What an evaluation of the body, a write to disk and a read from disk cost, in one unit."""

    evaluation: int
    write: int
    read: int


@dataclass(frozen=True)
class TwoLevel:
    """
    The cheapest schedule with snapshots in memory and on disk.

    Attributes
    ----------
    steps : int
        The trip count n.
    memory, disk : int
        Slots beyond the loop's inputs.
    price : Price
        What an evaluation, a write to disk and a read from disk cost.
    bundle : int
        How many steps are taped at once.
    two_phase : bool
        As in `Binomial`.
    """

    steps: int
    memory: int
    disk: int
    price: Price
    bundle: int = 1
    two_phase: bool = False

    @cached_property
    def cost(self) -> int:
        """All evaluations, taped ones too, and all writes to and reads from disk, in units of the price."""
        reversed_steps = self.steps + self.two_phase
        return int(self._tables().inputs[reversed_steps]) + self.steps * self.price.evaluation

    def actions(self) -> Integers:
        """The whole schedule, int64 [count, 5]."""
        run = start(self.steps, self.memory, self.disk, 1, self.two_phase)
        return written(run, deciding(self._choose))

    def _choose(self, run: Integers) -> tuple[int, int]:
        """The `reversal.Choice`; where the start is held on the dearer level, it moves."""
        n, level = int(run[LAST] - run[FIRST]), int(run[LEVEL])
        if n <= self.bundle:
            return TAPE, n
        known, price = self._tables(), self.price
        i, j = self.memory - int(run[USED + MEMORY]), self.disk - int(run[USED + DISK])
        if level == NOWHERE:
            in_memory = known.memory[n, i - 1, j] if i else NEVER
            on_disk = price.write + known.disk[n, i, j - 1] if j else NEVER
            return STORE, MEMORY if in_memory <= on_disk else DISK
        if level == MEMORY and known.from_memory[n, i, j] < known.memory[n, i, j]:
            return STORE, DISK
        if level == DISK and known.from_disk[n, i, j] < known.disk[n, i, j]:
            return STORE, MEMORY
        k = np.arange(1, n)
        costs = {INPUT: known.inputs, MEMORY: known.from_memory[:, i, j], DISK: known.from_disk[:, i, j]}
        ahead = k * price.evaluation + known.nowhere[n - k, i, j]
        return ADVANCE, int((ahead + costs[level][k]).argmin()) + 1

    def _tables(self) -> "Tables":
        rows = self.steps + self.two_phase
        return tables(rows, self.memory, self.disk, self.price, self.bundle)


@dataclass(frozen=True, eq=False)
class Tables:
    """
    The costs above for up to n steps.

    `memory` and `disk` are M and D of those that keep the start where it is, `nowhere` is A, int64
    [n + 1, memory + 1, disk + 1]; `inputs` has all slots free, int64 [n + 1]. `from_memory` and `from_disk`
    are M and D.
    """

    nowhere: Integers
    memory: Integers
    disk: Integers
    from_memory: Integers
    from_disk: Integers
    inputs: Integers


@lru_cache(maxsize=8)
def tables(steps: int, memory: int, disk: int, price: Price, bundle: int) -> Tables:
    """The costs of all shorter loops with all fewer slots."""
    shape = (steps + 1, memory + 1, disk + 1)
    nowhere, stay_memory, stay_disk, from_memory, from_disk = (np.full(shape, NEVER) for _ in range(5))
    inputs = np.full(steps + 1, NEVER)
    for table in (nowhere, stay_memory, stay_disk, from_memory, from_disk, inputs):
        table[: bundle + 1] = 0
    advance = np.arange(steps + 1)[:, None, None] * price.evaluation
    for n in range(bundle + 1, steps + 1):
        ahead = advance[1:n] + nowhere[n - 1 : 0 : -1]
        m, d = stay_memory[n], stay_disk[n]
        m[:] = np.minimum((ahead + from_memory[1:n]).min(axis=0), NEVER)
        d[:] = np.minimum((ahead + from_disk[1:n]).min(axis=0) + price.read, NEVER)
        from_memory[n], from_disk[n] = m, d
        from_memory[n, :-1, 1:] = np.minimum(m[:-1, 1:], price.write + d[1:, :-1])
        from_disk[n, 1:, :-1] = np.minimum(d[1:, :-1], m[:-1, 1:])
        nowhere[n, 1:] = m[:-1]
        nowhere[n, :, 1:] = np.minimum(nowhere[n, :, 1:], price.write + d[:, :-1])
        inputs[n] = (ahead[:, -1, -1] + inputs[1:n]).min()
    return Tables(nowhere, stay_memory, stay_disk, from_memory, from_disk, inputs)


@dataclass(frozen=True)
class Chunked:
    """
    Chunks of equal length, the last in memory, the others on disk; the first, from the inputs, may be
    shorter.

    Attributes are those of `TwoLevel`, and the number of snapshots on disk; `memory` is at least 1.
    """

    steps: int
    memory: int
    on_disk: int
    price: Price
    bundle: int = 1
    two_phase: bool = False

    @property
    def chunk(self) -> int:
        """Steps in a chunk."""
        return -(-(self.steps + self.two_phase) // (self.on_disk + 2))

    @property
    def disk(self) -> int:
        """Slots on disk."""
        return self.on_disk

    @cached_property
    def cost(self) -> int:
        """As `TwoLevel.cost`."""
        reversed_steps, chunk = self.steps + self.two_phase, self.chunk
        if reversed_steps <= chunk:
            return self.steps * self.price.evaluation
        behind = (reversed_steps - 1) // chunk
        first = reversed_steps - behind * chunk
        again = advances(first, self.memory + 1, self.bundle)
        again += behind * advances(chunk, self.memory, self.bundle)
        # a chunk that is taped at once is not stored if it is the last
        written = behind - 1
        plain = reversed_steps - chunk + again
        return (self.steps + plain) * self.price.evaluation + written * (self.price.write + self.price.read)

    def actions(self) -> Integers:
        """The whole schedule, int64 [count, 5]."""
        run = start(self.steps, self.memory, self.on_disk, 1, self.two_phase)
        return written(run, deciding(self._choose))

    def _choose(self, run: Integers) -> tuple[int, int]:
        """The `reversal.Choice`."""
        n, level = int(run[LAST] - run[FIRST]), int(run[LEVEL])
        beyond = n > self.chunk
        if n <= self.bundle and not beyond:
            return TAPE, n
        if level == NOWHERE:
            return STORE, DISK if beyond else MEMORY
        if beyond and level != MEMORY:
            return ADVANCE, (n - 1) % self.chunk + 1
        if level == DISK:
            return STORE, MEMORY
        return ADVANCE, split(n, self.memory - int(run[USED + MEMORY]) + 1, self.bundle)


Plan: TypeAlias = TwoLevel | Chunked


def two_level(
    steps: int, memory: int, disk: int, price: Price, bundle: int = 1, two_phase: bool = False
) -> Plan:
    """
    The cheapest schedule with snapshots in memory and on disk, or for long loops a good one.

    Parameters
    ----------
    steps : int
        The trip count n.
    memory, disk : int
        Slots beyond the loop's inputs.
    price : Price
        What an evaluation of the body, a write to disk and a read from disk cost; writing to memory is free.
    bundle : int
        How many steps are taped at once.
    two_phase : bool
        Whether x[n] is returned before anything is taped.

    Raises
    ------
    ValueError
        A number is out of range; or a long loop has no slot in memory.
    """
    advances(steps, memory + 1, bundle)  # refuses what is out of range
    if disk < 0:
        raise ValueError(f"{disk} slots on disk: at least 0")
    if price.evaluation < 1 or price.write < 0 or price.read < 0:
        raise ValueError(f"{price}: an evaluation costs at least 1, a write and a read at least 0")
    reversed_steps = max(steps + two_phase, 1)
    memory, disk = min(memory, reversed_steps), min(disk, reversed_steps)
    cells = (memory + 1) * (disk + 1)
    if steps <= LONGEST and reversed_steps**2 * cells <= WORK:
        return TwoLevel(steps, memory, disk, price, bundle, two_phase)
    if memory < 1:
        raise ValueError(f"a loop of {steps} steps with snapshots on disk needs a slot in memory")
    tried = (Chunked(steps, memory, on_disk, price, bundle, two_phase) for on_disk in numbers_tried(disk))
    return min(tried, key=lambda plan: plan.cost)


def numbers_tried(most: int) -> Iterable[int]:
    """All numbers of snapshots up to 64, then some: two in a hundred apart."""
    on_disk = 0
    while on_disk <= most:
        yield on_disk
        on_disk += max(1, on_disk // 50 if on_disk >= 64 else 1)
