"""Which arguments share memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .device_arrays import addresses, is_device_array


@dataclass(frozen=True)
class Shared:
    """Two array leaves that share memory: the same elements in the same order, or only some."""

    first: int
    second: int
    same: bool


def shared_memory(leaves: Sequence[Any]) -> tuple[Shared, ...]:
    """Which pairs of array leaves share memory."""
    arrays = [(k, x) for k, x in enumerate(leaves) if isinstance(x, np.ndarray) or is_device_array(x)]
    pairs = ((a, b) for j, b in enumerate(arrays) for a in arrays[:j])
    return tuple(Shared(i, k, same_elements(x, y)) for (i, x), (k, y) in pairs if overlaps(x, y))


def overlaps(a: Any, b: Any) -> bool:
    """Whether two arrays, on a GPU or not, may have an element in common; undecided counts as yes."""
    a, b = addresses(a), addresses(b)
    if a is None or b is None:
        return True
    if a is b:
        return bool(a.size)
    if not np.may_share_memory(a, b):
        return False
    try:
        return np.shares_memory(a, b, max_work=100_000)  # type: ignore[arg-type]
    except np.exceptions.TooHardError:
        return True


def same_elements(a: Any, b: Any) -> bool:
    """Whether two arrays are the same memory seen in the same way."""
    if a is b:
        return True
    a, b = addresses(a), addresses(b)
    return a is not None and b is not None and (
        a.__array_interface__["data"][0] == b.__array_interface__["data"][0]
        and (a.shape, a.strides, a.dtype) == (b.shape, b.strides, b.dtype)
    )
