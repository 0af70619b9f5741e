"""Functions of one example, called on many at once."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from types import MethodType
from typing import Any

from .differentiation import Choice
from .frontend.axes import axes_key, checked_axes
from .frontend.vectorised import trace_vectorised
from .gradient_function import GradientFunction
from .ir.errors import ArgumentError
from .pipeline import Options


def vmap(
    f: Callable[..., Any],
    in_axes: Any = 0,
    out_axes: Any = 0,
    *,
    backend: str | None = None,
    fastmath: bool = False,
    parallel: bool = True,
    threads: int | None = None,
    warmup: str = "call",
) -> Vectorised:
    """The function `f`, called for each element along axes of its arguments, results stacked; as `jax.vmap`.

    The calls are one loop of the compiled program: `f` may hold loops and branches, and calls may take
    different branches and numbers of trips. One program serves all lengths of the mapped axes. In a function
    that is captured the loop is a part of that function's program; derivatives of `vmap(f)`, `vmap` of a
    derivative and of another `vmap` need nothing else. Also a decorator, of functions and methods.

    Parameters
    ----------
    f
        Any function that is captured: plain Python over NumPy, a lambda, method, `functools.partial`,
        NumPy function, Numba dispatcher, or a derivative. It writes neither its arguments nor what it finds
        around it, and returns numbers, arrays, or tuples, lists, dicts and dataclasses of them.
    in_axes
        The axis over which arguments are mapped: an int, negative ones counted from the end, or None for what
        every call gets whole; a tuple has one for each positional argument. Instead of an axis there may be
        a tuple, list or dict of axes, for the parts of such an argument. Keyword arguments are mapped
        over axis 0.
    out_axes
        Where the new axis stands in the results: an int, or a tuple, list or dict of them like the result.
    backend, fastmath, parallel, threads, warmup
        How it is compiled where it is called by itself: see `adjoint`.

    Raises
    ------
    ArgumentError
        For axes that are no ints, options that do not exist and, at a call, axes that arguments do not have.
    ShapeError
        At a call, if the mapped axes have different lengths.
    CaptureError
        At the first call, for what cannot be captured.
    """
    if not callable(f):
        raise ArgumentError(f"vmap takes a function, not {f!r}", hint="write vmap(f)(x)")
    options = Options.of(backend, fastmath=fastmath, parallel=parallel, threads=threads, warmup=warmup)
    if not isinstance(in_axes, tuple | list) and in_axes is not None and not hasattr(in_axes, "__index__"):
        raise ArgumentError(
            f"in_axes must be an int, None, or a tuple with an entry for each positional argument, not "
            f"{in_axes!r}"
        )
    entries = tuple(in_axes) if isinstance(in_axes, tuple | list) else in_axes
    axes_in = checked_axes(entries, "in_axes", "an int or None")
    return Vectorised(f, axes_in, checked_axes(out_axes, "out_axes", "an int"), options)


class Vectorised:
    """A function that is mapped over axes of its arguments; see `vmap`. It compiles at the first call."""

    __signature__ = inspect.signature(lambda *args, **kwargs: None)

    def __init__(self, function: Callable[..., Any], in_axes: Any, out_axes: Any, options: Options) -> None:
        self.function = function
        self.axes = in_axes, out_axes
        self.options = options
        functools.update_wrapper(self, function, updated=())

    @property
    def key(self) -> tuple[Any, ...]:
        """What a call depends on beside `function`."""
        return tuple(map(axes_key, self.axes))

    @functools.cached_property
    def _compiled(self) -> GradientFunction:
        return GradientFunction(self, Choice(self.options, 0, None, False))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._compiled.primal(*args, **kwargs)

    def trace_call(self, tracer: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """What a call in a captured function is."""
        return trace_vectorised(tracer, self, self.axes, args, kwargs)

    def __get__(self, instance: Any, owner: type | None = None) -> Vectorised:
        """A decorated method, bound to its object; the axes do not count `self`."""
        if instance is None:
            return self
        return Vectorised(MethodType(self.function, instance), *self.axes, self.options)

    def __repr__(self) -> str:
        return f"<vmap of {getattr(self.function, '__qualname__', self.function)}>"
