"""Which checks have failed on the device: the first one in the order of the program is what the call raises.

Launches of a call are numbered downwards. The first word holds the number of the first launch in which a
check has failed: later ones do nothing. Behind it is one word a check, which holds the first launch in which
that has failed, and of a loop of threads the first trip. Whatever threads come first, the same word is the
largest.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from . import arrays

FIRST_TURN = 2**31 - 1


class Failures:
    """The words of a call, and the number of its next launch."""

    def __init__(self, checks: int) -> None:
        self.words = arrays.zeros((1 + checks,), np.int64)
        self._turn = FIRST_TURN

    def turn(self) -> tuple[Any, int]:
        """What a launch is given: the words, and its number."""
        self._turn = max(self._turn - 1, 1)
        return self.words, self._turn


def no_failure(checks: int) -> Failures:
    """The words of a call of so many checks in which nothing has failed yet."""
    return Failures(checks)


def first_failed(status: Any, on_host: int = 0) -> int:
    """The number of the check that failed first, in the order of the program; 0 where none has.

    `on_host` is the number of one that failed on the host, after all that was launched before.
    """
    words = arrays.to_host(status)
    return 1 + int(np.argmax(words[1:])) if words[0] else on_host
