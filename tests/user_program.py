"""A program as users bring it: a function, and its arguments for every size of its data."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

SIZES = (5, 0, 1, 2, 3, 4, 6, 17)


@dataclass(frozen=True)
class UserProgram:
    """`arguments(n, rng)` are arguments of size n; `sizes` are those at which the function makes sense.

    The first size is the one that is traced first.
    """

    function: Callable[..., Any]
    arguments: Callable[[int, np.random.Generator], tuple[Any, ...]]
    sizes: tuple[int, ...] = SIZES

    @property
    def name(self) -> str:
        return self.function.__name__
