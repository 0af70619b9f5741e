"""Snapshots in the memory of the host, for programs that run on a GPU.

The memory is pinned, so that it moves at the full rate of the bus, and mapped: the device has addresses for
it. So to a program its arrays are arrays of the device, and what it stores there lies on the host.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

from ....ir.errors import PlanError
from ....ir.types import DType
from . import driver_memory, interchange


@dataclass(frozen=True)
class Pinned:
    """A `Store` (`checkpointing.stores`): arrays that last for a call."""

    price: ClassVar[int] = 8
    """A byte crosses the bus in the time in which a device reads some 80 from its own memory."""

    @contextmanager
    def array(self, dtype: DType, elements: int) -> Iterator[Any]:
        """See `Store`."""
        try:
            made = driver_memory.pinned(elements, dtype.numpy)
        except driver_memory.NoRoom as error:
            raise PlanError(
                f"snapshots take {elements * dtype.itemsize:,} bytes of the host's memory, which cannot be "
                "pinned",
                hint="allow more memory on the GPU",
            ) from error
        try:
            yield interchange.lent(made)
        finally:
            driver_memory.synchronize()  # the device may still be at it
