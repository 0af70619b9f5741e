"""Functions whose values are computed again in the reverse sweep, instead of being kept for it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from types import MethodType
from typing import Any

from .frontend.checkpointed import trace_checkpointed
from .ir.errors import ArgumentError


def checkpoint(f: Callable[..., Any]) -> Checkpointed:
    """The function `f`, of which a derivative keeps nothing but what it is called with; as `jax.checkpoint`.

    Called inside a function that is differentiated, what `f` computes is not kept for the reverse sweep: `f`
    runs once more where the adjoint walks back through the call. So a gradient takes less memory and more
    time. Called anywhere else it is `f`. Values and derivatives, of any order, are the same. Also a
    decorator, of functions and methods.

    What `f` reads from around it, arrays of a closure too, is kept as its arguments are, and it may write
    arrays. Checkpointed functions may call one another: the inner one then runs once more for each run of
    the outer one.

    Parameters
    ----------
    f
        Any function that is captured: plain Python over NumPy, a lambda, method, `functools.partial`,
        callable object or Numba dispatcher. It returns numbers, arrays, or tuples, lists, dicts and
        dataclasses of them.

    Raises
    ------
    ArgumentError
        If `f` cannot be called.
    CaptureError
        When a function that calls it is captured: if it returns anything else, or an array whose size it
        computes itself.
    """
    if not callable(f):
        raise ArgumentError(f"checkpoint takes a function, not {f!r}", hint="write checkpoint(f)(x)")
    return Checkpointed(f)


class Checkpointed:
    """A function that is run again where an adjoint walks back through a call of it; see `checkpoint`."""

    key = ()
    """What a call depends on beside `function`."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        functools.update_wrapper(self, function, updated=())

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)

    def trace_call(self, tracer: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """What a call in a captured function is."""
        return trace_checkpointed(tracer, self, args, kwargs)

    def __get__(self, instance: Any, owner: type | None = None) -> Checkpointed:
        """A decorated method, bound to its object."""
        return self if instance is None else Checkpointed(MethodType(self.function, instance))

    def __repr__(self) -> str:
        return f"<checkpointed {getattr(self.function, '__qualname__', self.function)}>"
