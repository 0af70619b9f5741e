"""Values that are added to places which data decide, several of them to one, in an order of their own.

The places are sorted, those that are equal in order of position, by one digit after another from the last on
(radix sort). So the values of a place stand in a run, whose sum is added to it. The sorted list is cut into
chunks, which look after the runs inside them; of a run that crosses into the next chunk each leaves a partial
sum, and the list of these, which is far shorter, is treated in the same way. The order of every sum depends
on the places alone, and a long run costs no more than many short ones.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..device import toolkit
from .reductions import device, kernel
from .scans import Empty, Launch, running_sum, tasks

cuda: Any = toolkit.cuda()

DIGIT_BITS, DIGITS = 4, 16
SORT_CHUNK = 2**7
"""Keys that one thread sorts by a digit."""

RUN_CHUNK = 2**5
"""Entries of the sorted list that one thread adds up."""

NOBODY = -1
"""The key of an entry that is not used."""


def add_segments(target: Any, keys: Any, values: Any, launch: Launch, empty: Empty) -> None:
    """`target[keys[i]] += values[i]` for each i; the same bits in every run.

    Parameters
    ----------
    target
        Device array of shape (size, m).
    keys
        Device array of n integers (i64), from 0 up to size - 1; others, which stand there if the kernel that
        lists them has not run since a check failed, are passed over.
    values
        Device array of shape (n, m), of the dtype of `target`.
    launch, empty
        How kernels are started, and arrays made.
    """
    if values.size:
        found, order = _sorted(keys, target.shape[0], launch, empty)
        _add_runs(target, found, values, order, launch, empty)


def add_atomically(target: Any, keys: Any, values: Any, launch: Launch, empty: Empty) -> None:
    """As `add_segments`, in any order: at once, where devices have atomic additions of such numbers."""
    if values.dtype.itemsize < 4:
        add_segments(target, keys, values, launch, empty)
    elif values.size:
        launch(_add_each, tasks(values.size), target, keys, values)


# ---- sorting ----


def _sorted(keys: Any, size: int, launch: Launch, empty: Empty) -> tuple[Any, Any]:
    """Keys below `size` in ascending order, and where each stood."""
    n, order = keys.shape[0], keys  # the first pass reads no order
    chunks = -(-n // SORT_CHUNK)
    counts = empty((DIGITS, chunks), np.int64)
    for shift in range(0, max((size - 1).bit_length(), 1), DIGIT_BITS):
        found, moved = empty((n,), np.int64), empty((n,), np.int64)
        launch(_count, tasks(chunks), keys, counts, shift, SORT_CHUNK)
        ends = counts.reshape(DIGITS * chunks)
        running_sum(ends, ends, 0, False, launch, empty)
        launch(_place, tasks(chunks), keys, order, counts, found, moved, shift, SORT_CHUNK)
        keys, order = found, moved
    return keys, order


@kernel
def _count(keys: Any, counts: Any, shift: int, length: int) -> None:
    """How many keys of each chunk have each digit."""
    n, chunks = keys.shape[0], counts.shape[1]
    for chunk in range(cuda.grid(1), chunks, cuda.gridsize(1)):
        for digit in range(DIGITS):
            counts[digit, chunk] = 0
        for i in range(chunk * length, min((chunk + 1) * length, n)):
            counts[(keys[i] >> shift) & (DIGITS - 1), chunk] += 1


@kernel
def _place(
    keys: Any, order: Any, ends: Any, found: Any, moved: Any, shift: int, length: int
) -> None:
    """Each key goes where those of its digit and chunk end, the last one first."""
    n, chunks = keys.shape[0], ends.shape[1]
    for chunk in range(cuda.grid(1), chunks, cuda.gridsize(1)):
        for i in range(min((chunk + 1) * length, n) - 1, chunk * length - 1, -1):
            digit = (keys[i] >> shift) & (DIGITS - 1)
            place = ends[digit, chunk] - 1
            ends[digit, chunk] = place
            found[place] = keys[i]
            moved[place] = order[i] if shift else i


# ---- runs ----


def _add_runs(target: Any, keys: Any, values: Any, order: Any, launch: Launch, empty: Empty) -> None:
    """Add the values of each run of equal keys; entry i of the list has value `order[i]`, if there is one."""
    n, m = keys.shape[0], target.shape[1]
    chunks = -(-n // RUN_CHUNK)
    # two entries a chunk: what came in from the one before it, and what goes on into the next one
    left, partial = empty((2 * chunks,), np.int64), empty((2 * chunks, m), target.dtype)
    ordered = order is not None
    order = order if ordered else keys  # which nobody reads
    shape = tasks(chunks * m)
    launch(_chunk_runs, shape, target, keys, values, order, ordered, left, partial, RUN_CHUNK)
    if chunks > 1:
        _add_runs(target, left, partial, None, launch, empty)


@kernel
def _chunk_runs(
    target: Any, keys: Any, values: Any, order: Any, ordered: bool, left: Any, partial: Any, length: int
) -> None:
    n, m = keys.shape[0], target.shape[1]
    for task in range(cuda.grid(1), left.shape[0] // 2 * m, cuda.gridsize(1)):
        chunk = task // m
        column = task - chunk * m
        if column == 0:
            left[2 * chunk] = NOBODY
            left[2 * chunk + 1] = NOBODY
        i, stop = chunk * length, min((chunk + 1) * length, n)
        while i < stop:
            key = keys[i]
            begins = i == 0 or keys[i - 1] != key
            acc = values[order[i] if ordered else i, column]
            i += 1
            while i < stop and keys[i] == key:
                acc += values[order[i] if ordered else i, column]
                i += 1
            ends = i == n or keys[i] != key
            if not (begins and ends):
                _leave(left, partial, key, acc, 2 * chunk, column, begins, ends)
            elif 0 <= key < target.shape[0]:
                target[key, column] += acc


@device
def _leave(
    left: Any, partial: Any, key: int, acc: Any, entry: int, column: int, begins: bool, ends: bool
) -> None:
    """What the run of a key comes to in a chunk, as the entries from `entry` on: those of the chunk."""
    place = entry + 1 if begins else entry
    partial[place, column] = acc
    if column == 0:
        left[place] = key
    if not begins and not ends:  # the other entry must not part it from what follows
        partial[entry + 1, column] = 0
        if column == 0:
            left[entry + 1] = key


@kernel
def _add_each(target: Any, keys: Any, values: Any) -> None:
    m = target.shape[1]
    for task in range(cuda.grid(1), values.shape[0] * m, cuda.gridsize(1)):
        i = task // m
        if 0 <= keys[i] < target.shape[0]:
            cuda.atomic.add(target, (keys[i], task - i * m), values[i, task - i * m])
