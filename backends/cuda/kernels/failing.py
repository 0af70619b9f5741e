"""How a kernel says that a check has failed: see `checks`."""

from __future__ import annotations

from typing import Any

from ..device import toolkit
from .reductions import device

cuda: Any = toolkit.cuda()

TRIPS = 2**32
"""Above the number of every trip."""


@device
def fail(status: Any, number: int, turn: int, trip: int) -> None:
    """A check of this number has failed in this launch, in this trip."""
    cuda.atomic.max(status, number, turn * TRIPS - trip)
    cuda.atomic.max(status, 0, turn)
