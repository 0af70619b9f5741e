"""Calls in captured code: user functions are followed, builtins hooked, impure calls refused."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from types import FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from . import builtin_calls, numpy_functions
from .cells import Cell
from .frames import current, refuse
from .handles import Traced, holds_traced
from .outside import (
    is_user_class,
    is_user_file,
    is_user_function,
    refuse_operators,
    user_method,
)
from .purity import MUTATORS, hands_on, impure, instead_of, name_of, way_out
from .rewriting import rewrite
from .scalars import value
from .values import TracedArray

if TYPE_CHECKING:
    from .runtime import Tracer


@runtime_checkable
class Transformed(Protocol):
    """A compiled derivative that captured code calls, such as `grad(f)`.

    `function` is the user's function; `trace_call` writes the derivative of it into the current trace. It
    finds what it needs in `inner.py`.
    """

    function: Callable[..., Any]

    def trace_call(self, tracer: Tracer, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """What the object returns when it is called with these traced arguments."""


def call(tracer: Tracer, function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """`function(*args, **kwargs)` in captured code."""
    if isinstance(function, Transformed):
        return function.trace_call(tracer, args, kwargs)
    hook = builtin_calls.hook(function)
    if hook is not None:
        return hook(tracer, *args, **kwargs)
    if numpy_functions.intercepted(function, args, kwargs):
        return numpy_functions.run(function, args, kwargs)
    inner = followed(tracer, function, args)
    if inner is not None:
        return _follow(tracer, *inner, kwargs)
    if isinstance(function, functools.partial):
        return _call_partial(tracer, function, args, kwargs)
    if isinstance(function, type) and is_user_class(function) and not issubclass(function, BaseException):
        return _construct(tracer, function, args, kwargs)
    return _call_library(tracer, function, args, kwargs)


# ---- user code ----


def followed(
    tracer: Tracer, function: Any, args: tuple[Any, ...]
) -> tuple[FunctionType, tuple[Any, ...]] | None:
    """The user's function behind a callable, and its arguments, `self` included; None if there is none."""
    world = tracer.world

    def part(owner: Any, value: Any, *names: str) -> Any:
        place = world.place(owner)
        return value if place is None else world.take(value, place.attribute(*names))

    if isinstance(function, MethodType):
        args = (part(function, function.__self__, "__self__"), *args)
        function = part(function, function.__func__, "__func__")
    for name in ("py_func", "__wrapped__"):  # a Numba dispatcher, functools.lru_cache
        inner = None if isinstance(function, FunctionType) else getattr(function, name, None)
        if isinstance(inner, FunctionType):
            function = part(function, inner, name)
    method = None if isinstance(function, FunctionType | type) else user_method(function, "__call__")
    if method is not None:
        function, args = part(function, method, "__class__", "__call__"), (function, *args)
    return (function, args) if is_user_function(function) else None


def _follow(tracer: Tracer, function: FunctionType, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    bound = tracer.rewritten(function)
    with tracer.inside(function):
        return bound(*args, **kwargs)


def bind(tracer: Tracer, function: FunctionType) -> FunctionType:
    """A user's function rewritten; its defaults are read like everything else from outside."""
    current().places.add(function.__code__)
    bound = rewrite(function).bind(tracer)
    place = tracer.world.place(function)
    if place is not None:
        for name in ("__defaults__", "__kwdefaults__"):
            if getattr(function, name) is not None:
                setattr(bound, name, tracer.world.take(getattr(function, name), place.attribute(name)))
    return bound


def _call_partial(
    tracer: Tracer, function: functools.partial[Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Any:
    inner, first, keywords = (tracer.attribute(function, name) for name in ("func", "args", "keywords"))
    return tracer.call(inner, *first, *args, **{**keywords, **kwargs})


def _construct(tracer: Tracer, cls: type[Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """An instance of a user's class; its `__init__` is captured code."""
    refuse_operators(cls)
    for name in ("__new__", "__post_init__"):
        if is_user_function(getattr(cls, name, None)):
            refuse(f"`{cls.__name__}.{name}` is not captured", "write a function that makes the instance")
    if not is_user_function(cls.__init__):
        return tracer.new(cls(*args, **kwargs))
    made = tracer.new(object.__new__(cls))
    tracer.call(tracer.attribute(cls, "__init__"), made, *args, **kwargs)
    return made


def is_user_module(module: ModuleType) -> bool:
    """Whether a module is the user's."""
    return is_user_file(getattr(module, "__file__", None) or "<notebook>")


# ---- library code ----


def _call_library(tracer: Tracer, function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    owner = getattr(function, "__self__", None)
    if isinstance(owner, Traced) or _is_own(function):
        return function(*args, **kwargs)
    if impure(function):
        refuse(
            f"`{name_of(function)}` gives another result at each call, or acts on files", way_out(function)
        )
    if isinstance(owner, list | dict | set) and function.__name__ in MUTATORS:
        tracer.may_change(owner, f"`.{function.__name__}()`")
    if not hands_on(function) and any(map(holds_traced, (*args, *kwargs.values()))):
        refuse(
            f"`{name_of(function)}` is called with a traced value, and it is not captured",
            instead_of(function),
        )
    result = function(
        *(_handed(tracer, x) for x in args), **{k: _handed(tracer, x) for k, x in kwargs.items()}
    )
    return lifted(tracer.new(result) if type(result) in (list, dict, set) else result)


def _is_own(function: Any) -> bool:
    return str(getattr(function, "__module__", "")).startswith("adcompiler.")


def _handed(tracer: Tracer, argument: Any) -> Any:
    """A function that library code is to call back: it calls what captured code would."""
    if isinstance(argument, Transformed):
        return functools.partial(tracer.call, argument)
    found = followed(tracer, argument, ()) if callable(argument) else None
    if found is None:
        return argument
    function, first = found
    bound = tracer.rewritten(function)
    return functools.partial(bound, *first) if first else bound


def lifted(result: Any) -> Any:
    """An array that a library made, as an array of the program."""
    if isinstance(result, np.ndarray) and not isinstance(result, Traced) and result.dtype != object:
        if type(result) is not np.ndarray:
            refuse(
                f"a {type(result).__name__} is made, whose arithmetic may not be that of plain arrays",
                "use plain arrays: np.array, np.asarray",
            )
        return TracedArray(Cell(value(result)))
    if type(result) is tuple:
        return tuple(map(lifted, result))
    return result
