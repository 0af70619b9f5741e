"""What makes the next move of a plan (`schedules.moves`), compiled by Numba once in a process."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from types import FunctionType, NoneType
from typing import Any, get_type_hints
from weakref import WeakKeyDictionary

from ..schedules.moves import next_move
from .subroutines import subroutine

__all__ = ["lowered", "next_move"]

OPTIONS = {"error_model": "numpy", "nogil": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}


@cache
def lowered(function: FunctionType) -> Callable[..., Any]:
    """A function of integers and arrays of them, which kernels can call."""
    import numba

    from .compiler import pipeline

    _lower_called(function)
    njit: Any = numba.njit
    compiled: Callable[..., Any] = njit(pipeline_class=pipeline(), **OPTIONS)(function)
    return compiled


def _lower_called(function: FunctionType) -> None:
    """Tell Numba how to compile the functions of ours that one calls."""
    for name in function.__code__.co_names:
        called = function.__globals__.get(name)
        if isinstance(called, FunctionType) and called.__module__.startswith(__name__.partition(".")[0]):
            _lower(called)


@cache
def _lower(function: FunctionType) -> None:
    """Tell Numba to compile a function into the library of its caller, from its annotations."""
    from numba import types
    from numba.core.typing.templates import signature
    from numba.extending import lower_builtin, type_callable

    from .compiler import pipeline

    _lower_called(function)
    result = {int: types.int64, bool: types.boolean, NoneType: types.none}[get_type_hints(function)["return"]]
    compiled: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()

    @wraps(function)
    def typed(*given: Any) -> Any:
        return signature(result, *(types.int64 if isinstance(g, types.Integer) else g for g in given))

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        library = context.active_code_library
        if library not in compiled:
            compiled[library] = subroutine(context, function, signature.args, result, OPTIONS, pipeline())
        return context.call_internal(builder, compiled[library], signature, args)

    type_callable(function)(lambda context: typed)
    lower_builtin(function, types.VarArg(types.Any))(code)
