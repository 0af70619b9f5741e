"""What makes the next move of a plan, of `schedules.moves`, as Numba compiles it: with all that it calls."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import FunctionType
from typing import Any

from ..schedules.moves import listed_move, next_move

__all__ = ["listed_move", "lowered", "next_move"]


@cache
def lowered(function: FunctionType) -> Callable[..., Any]:
    """A function of integers and arrays of integers as Numba compiles it; functions of ours that it calls, too."""
    from numba import njit

    known = dict(function.__globals__)
    for name in function.__code__.co_names:
        called = known.get(name)
        if isinstance(called, FunctionType) and called.__module__.startswith(__name__.partition(".")[0]):
            known[name] = lowered(called)
    copy = FunctionType(function.__code__, known, function.__name__, function.__defaults__)
    compiled: Callable[..., Any] = njit(error_model="numpy", nogil=True)(copy)
    return compiled
