"""The stream that launches and copies of this thread go to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from numpy.typing import NDArray

DEFAULT = 0
"""CUDA's default stream, as numba-cuda writes it: what is launched there runs in order."""

_current: ContextVar[Any] = ContextVar("stream", default=DEFAULT)


def current() -> Any:
    """The default stream, or the one that records a graph."""
    return _current.get()


_held: ContextVar[list[Any] | None] = ContextVar("held", default=None)


@contextmanager
def on(stream: Any, held: list[Any]) -> Iterator[None]:
    """What is launched in this context is recorded by this stream; `held` is what has to live as long."""
    tokens = _current.set(stream), _held.set(held)
    try:
        yield
    finally:
        _current.reset(tokens[0])
        _held.reset(tokens[1])


def lasting(array: NDArray[Any]) -> NDArray[Any]:
    """An array of the host for a copy to the device: itself, or where that is recorded, one that stays."""
    held = _held.get()
    if held is None:
        return array
    copied = array.copy()
    held.append(copied)
    return copied
