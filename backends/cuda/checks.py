"""The words on the device that tell which checks have failed: one for any, then one a check."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import arrays


def no_failure(words: int) -> Any:
    """Words of a call in which nothing has failed yet."""
    return arrays.zeros((words,), np.int32)


def first_failed(status: Any, on_host: int = 0) -> int:
    """The number of the check that failed first, in the order of the program; 0 where none has.

    `on_host` is the number of one that failed on the host.
    """
    words = arrays.to_host(status)
    failed = [int(k) for k in np.flatnonzero(words[1:]) + 1] if words[0] else []
    return min([*failed, *([on_host] if on_host else [])], default=0)
