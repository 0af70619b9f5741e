"""The words on the device that tell which checks have failed: one for any, then one a check."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import arrays


def no_failure(words: int) -> Any:
    """Words of a call in which nothing has failed yet."""
    return arrays.zeros((words,), np.int32)


def first_failed(status: Any, on_host: int = 0) -> int:
    """The number of the check that failed first; 0 where none has.

    `on_host` is the number of one that has failed on the host, which matters only if none had failed on the
    device before. Of several that threads of one kernel have found the first one in the program counts:
    behind that kernel nothing is computed any more.
    """
    words = arrays.to_host(status)
    return int(np.flatnonzero(words[1:])[0]) + 1 if words[0] else on_host
