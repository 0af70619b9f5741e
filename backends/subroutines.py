"""Python functions that Numba compiles into the library of the kernel that calls them.

Numba gives each function that it compiles a library of its own, which LLVM optimises and translates, and does
so once more within every library that calls it. What only one kernel calls is spared that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def subroutine(
    context: Any,
    function: Callable[..., Any],
    kinds: tuple[Any, ...],
    result: Any,
    options: Mapping[str, Any],
    pipeline: Any,
) -> Any:
    """What Numba knows of a function (`fndesc`) after it has been compiled into the library at hand.

    It makes no arrays, and what it writes to it reaches under one name.

    Parameters
    ----------
    context
        Numba's target context, in which a caller is being compiled.
    kinds, result
        Numba's types of the arguments and of what is returned.
    options
        As of `numba.njit`.
    pipeline
        The class of the passes.
    """
    from numba.core.compiler import Flags
    from numba.core.registry import cpu_target

    flags: Any = Flags()
    cpu_target.options.parse_as_flags(flags, dict(options))
    flags.nrt, flags.noalias = False, True
    flags.no_compile = flags.no_cpython_wrapper = flags.no_cfunc_wrapper = True
    library = context.active_code_library
    passes = pipeline(context.typing_context, context, library, kinds, result, flags, {})
    return passes.compile_extra(function).fndesc
