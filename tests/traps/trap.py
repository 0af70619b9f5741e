"""What a trap is, and the numbers most of them are run at."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np

X = np.array([0.5, -1.2, 2.0, 0.7, -0.3, 1.1])
A = np.array([[0.5, -1.2, 2.0], [0.7, -0.3, 1.1], [1.4, 0.2, -0.6], [-0.8, 0.9, 0.4], [0.1, 1.3, -1.5]])


@dataclass(frozen=True)
class Trap:
    """A function of one scalar result, with a known derivative; its docstring says what it traps.

    `gradient` is the closed form of the derivative with respect to the first argument, as a function of all
    arguments. At a `kink` a convention of the documentation decides what the derivative is; at a `jump`
    differences say nothing, though the branch taken has a derivative. A function that depends on the world
    around it has a `change` of that world, made between a first call and the one that counts, and undone in
    the end.
    """

    function: Callable[..., Any]
    args: tuple[Any, ...]
    gradient: Callable[..., Any]
    kink: bool = False
    jump: bool = False
    change: Callable[[], AbstractContextManager[Any]] = nullcontext

    @property
    def name(self) -> str:
        return self.function.__name__

    @property
    def about(self) -> str:
        """What it traps, in a sentence."""
        return self.function.__doc__ or ""


def unit(x: Any, places: dict[Any, Any]) -> Any:
    """Zeros like x, but for these elements."""
    result = np.zeros(np.shape(x))
    for place, value in places.items():
        result[place] = value
    return result
