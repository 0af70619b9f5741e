"""How compiled code calls the functions of `blas.py` and `lapack.py`: each is compiled once in a process.

Numba would compile a function anew for each way in which its arrays may lie, which takes longer than all
else. So arrays are handed over as if nothing were known of how they lie; the functions find that out.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from . import fortran


def lowered(function: Callable[..., Any], *parts: Callable[..., Any]) -> Callable[..., Any]:
    """A function, which Numba can compile calls of from now on; `parts` are the functions that it calls."""
    fortran.bind()
    for part in (fortran.layout, *parts):
        _lower_part(part)
    _lower(function)
    return function


@cache
def _lower_part(part: Callable[..., Any]) -> None:
    from numba.extending import register_jitable

    register_jitable(part)


@cache
def _lower(function: Callable[..., Any]) -> None:
    from numba import types
    from numba.core.compiler import Flags
    from numba.core.typing.templates import AbstractTemplate, infer_global, signature
    from numba.extending import lower_builtin

    result = {"bool": types.boolean, "None": types.none}[function.__annotations__["return"]]

    def anyhow(type_: Any) -> Any:
        if isinstance(type_, types.Array):
            return types.Array(type_.dtype, type_.ndim, "A")
        return types.unliteral(type_)

    def generic(self: Any, args: Any, kws: Any) -> Any:
        return signature(result, *args)

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        flags: Any = Flags()
        flags.nrt, flags.error_model = True, "numpy"
        inner = signature(result, *map(anyhow, sig.args))
        compiled = context.compile_subroutine(builder, function, inner, flags=flags)
        given = [context.cast(builder, x, t, s) for x, t, s in zip(args, sig.args, inner.args, strict=True)]
        return context.call_internal(builder, compiled.fndesc, inner, given)

    infer_global(function)(
        type(function.__name__, (AbstractTemplate,), {"key": function, "generic": generic})
    )
    lower_builtin(function, types.VarArg(types.Any))(code)
