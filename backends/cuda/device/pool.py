"""Memory of the device that is kept between arrays.

The driver takes tens of microseconds to give memory, and waits for all kernels before it takes some back. So
the memory of an array whose last reference is gone serves the next one of about its size. What still runs on
it does not matter: launches on the default stream are carried out in the order in which they are made.
"""

from __future__ import annotations

import gc
import os
import threading
from collections import OrderedDict, deque
from functools import cache
from typing import Any, NamedTuple

from ....checkpointing.plans import nbytes
from ....ir.errors import DeviceMemoryError
from . import driver_memory, toolkit

SETTING = "ADCOMPILER_DEVICE_POOL"
"""The environment variable that says how many bytes are kept at most: "4 GiB", or "0"; read once. Without it,
half of the device's memory."""

SMALLEST = 512
"""Bytes of the smallest blocks, and what the driver aligns memory to at least."""


class Block(NamedTuple):
    """Memory for one array at a time; `kind` is the device that it is on, and its bytes."""

    kind: tuple[int, int]
    memory: Any


def rounded(size: int) -> int:
    """The bytes of the block for an array of so many: at most an eighth more, or what is aligned."""
    step = max(1 << max(size.bit_length() - 4, 0), SMALLEST)
    return -(-size // step) * step


@cache
def most_kept() -> int:
    """The bytes that are kept at most."""
    setting = os.environ.get(SETTING)
    if setting is None:
        return toolkit.limits().memory // 2
    return 0 if setting == "0" else nbytes(setting)


class Pool:
    """Blocks that no array lies in."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._returned: deque[Block] = deque()
        """What is free since somebody last looked: the garbage collector gives blocks back at any time, in a
        thread that has the lock as well."""
        self._idle: OrderedDict[tuple[int, int], list[Block]] = OrderedDict()
        """Free blocks by their kind, the one least recently used first."""
        self._bytes = 0
        """Bytes of these."""
        self.made_bytes = 0
        """Bytes that were ever taken from the driver."""

    @property
    def idle_bytes(self) -> int:
        """Bytes that are kept for later arrays."""
        with self._lock:
            self._collect()
            return self._bytes

    def take(self, size: int) -> Block:
        """A block of at least so many bytes, on the current device.

        Raises
        ------
        DeviceMemoryError
            There is no room for it.
        """
        kind = (driver_memory.device(), rounded(size))
        with self._lock:
            self._collect()
            if kind in self._idle:
                return self._taken(kind)
            self.made_bytes += kind[1]
        return self._new(kind)

    def give_back(self, block: Block) -> None:
        """Keep a block for a later array."""
        self._returned.append(block)

    def clear(self) -> None:
        """Free what is kept."""
        with self._lock:
            self._collect()
            self._idle.clear()
            self._bytes = 0

    def make_room(self) -> None:
        """Free what can be."""
        gc.collect()  # there may be arrays in reference cycles
        self.clear()

    def most(self) -> float:
        """The bytes that are kept at most."""
        return most_kept()

    def _new(self, kind: tuple[int, int]) -> Block:
        try:
            return Block(kind, driver_memory.allocate(kind[1]))
        except driver_memory.NoRoom:
            self.make_room()
        try:
            return Block(kind, driver_memory.allocate(kind[1]))
        except driver_memory.NoRoom:
            raise DeviceMemoryError(kind[1], driver_memory.free_bytes()) from None

    def _collect(self) -> None:
        """Take in what was given back; what was not used for longest goes where that is too much."""
        while self._returned:
            block = self._returned.popleft()
            self._idle.setdefault(block.kind, []).append(block)
            self._idle.move_to_end(block.kind)
            self._bytes += block.kind[1]
            while self._bytes > self.most():
                self._taken(next(iter(self._idle)))

    def _taken(self, kind: tuple[int, int]) -> Block:
        """One block of a kind that is there, the one given back last."""
        blocks = self._idle[kind]
        self._bytes -= kind[1]
        block = blocks.pop()
        if not blocks:
            del self._idle[kind]
        return block
