"""The stream that launches and copies of this thread go to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

DEFAULT = 0
"""CUDA's default stream, as numba-cuda writes it: what is launched there runs in order."""

_current: ContextVar[Any] = ContextVar("stream", default=DEFAULT)


def current() -> Any:
    """The default stream, or the one that records a graph."""
    return _current.get()


@contextmanager
def on(stream: Any) -> Iterator[None]:
    """What is launched in this context goes to this stream."""
    token = _current.set(stream)
    try:
        yield
    finally:
        _current.reset(token)
