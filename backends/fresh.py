"""New arrays, by a few instructions of LLVM.

Numba's `np.empty` and `np.zeros` are Python functions, which it compiles anew for each rank and dtype of each
program: up to half of the time that a small gradient takes to compile. Generated code calls `empty`, `zeros`
and `nothing`, which in Python are what they read like; `lowered` tells Numba how to compile them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np


def empty(shape: Any, dtype: Any = np.float64) -> Any:
    """An array of this shape, filled with anything."""
    return np.empty(shape, dtype)


def zeros(shape: Any, dtype: Any = np.float64) -> Any:
    """An array of this shape, filled with zeros."""
    return np.zeros(shape, dtype)


def nothing(shape: Any, dtype: Any = np.float64) -> Any:
    """An array without elements, for which no memory is asked."""
    return np.empty(shape, dtype)


def lowered(function: Callable[..., Any]) -> Callable[..., Any]:
    """`empty`, `zeros` or `nothing`, which Numba can compile from now on."""
    _lower(function)
    return function


@cache
def _lower(function: Callable[..., Any]) -> None:
    from numba import types
    from numba.core import cgutils
    from numba.core.imputils import impl_ret_new_ref
    from numba.core.typing.npydecl import parse_dtype
    from numba.extending import lower_builtin, type_callable
    from numba.np.arrayobj import make_array, populate_array

    def result(context: Any) -> Any:
        def typed(shape: Any, dtype: Any = None) -> Any:
            rank = len(shape) if isinstance(shape, types.BaseTuple) else 1
            return types.Array(types.float64 if dtype is None else parse_dtype(dtype), rank, "C")

        return typed

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        made = signature.return_type
        array = make_array(made)(context, builder)
        several = isinstance(signature.args[0], types.BaseTuple)
        kinds = signature.args[0] if several else [signature.args[0]]
        given = cgutils.unpack_tuple(builder, args[0]) if several else [args[0]]
        shape = [context.cast(builder, n, kind, types.intp) for n, kind in zip(given, kinds, strict=True)]
        strides = [context.get_constant(types.intp, context.get_abi_sizeof(array.data.type.pointee))]
        for extent in reversed(shape):
            strides.insert(0, builder.mul(strides[0], extent))
        owner, data = None, cgutils.get_null_value(array.data.type)
        if function is not nothing:
            align = context.get_constant(types.uint32, context.get_preferred_array_alignment(made.dtype))
            owner = context.nrt.meminfo_alloc_aligned(builder, strides[0], align)
            data = builder.bitcast(context.nrt.meminfo_data(builder, owner), array.data.type)
        if function is zeros:
            cgutils.memset(builder, data, strides[0], 0)
        populate_array(
            array, data=data, shape=shape, strides=strides[1:], itemsize=strides[-1], meminfo=owner
        )
        return impl_ret_new_ref(context, builder, made, array._getvalue())

    type_callable(function)(result)
    lower_builtin(function, types.VarArg(types.Any))(code)
