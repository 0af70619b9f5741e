"""Arrays in memory that is there already, and what LLVM is told of them.

Generated code calls `part`, `alone` and `strided`. Slices of one array are not known to be apart from one
another: a store to one makes each number of the others be loaded anew. `alone` says that they are. In Python
the three are what they read like; `lowered` tells Numba how to compile them to a few instructions of LLVM.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import prod
from typing import Any

import numpy as np

WORD = 8
"""Bytes."""


def part(work: Any, start: int, shape: Any, dtype: Any = np.float64) -> Any:
    """An array of this shape in an array of words, from word `start` on."""
    extents = shape if isinstance(shape, tuple) else (shape,)
    size = prod(extents)
    words = -(-size * np.dtype(dtype).itemsize // WORD)
    return work[start : start + words].view(dtype)[:size].reshape(extents)


def alone(array: Any) -> Any:
    """The array, whose memory the program reaches in no other way from now on."""
    return array


def strided(array: Any, start: int, shape: tuple[int, ...], steps: tuple[int, ...]) -> Any:
    """A view of an array's elements from number `start` on, neighbours along each axis `steps` apart."""
    apart = tuple(step * array.itemsize for step in steps)
    return np.lib.stride_tricks.as_strided(array.ravel()[start:], shape, apart)


def lowered(function: Callable[..., Any]) -> Callable[..., Any]:
    """One of the three, which Numba can compile from now on."""
    {part: _lower_part, alone: _lower_alone, strided: _lower_strided}[function]()
    return function


@cache
def _lower_part() -> None:
    from numba import types
    from numba.core import cgutils
    from numba.core.typing.npydecl import parse_dtype
    from numba.extending import lower_builtin, type_callable
    from numba.np.arrayobj import make_array, populate_array

    def result(context: Any) -> Any:
        def typed(work: Any, start: Any, shape: Any, dtype: Any = None) -> Any:
            rank = len(shape) if isinstance(shape, types.BaseTuple) else 1
            return types.Array(types.float64 if dtype is None else parse_dtype(dtype), rank, "C")

        return typed

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        words = make_array(signature.args[0])(context, builder, args[0])
        array = make_array(signature.return_type)(context, builder)
        several = isinstance(signature.args[2], types.BaseTuple)
        extents = cgutils.unpack_tuple(builder, args[2]) if several else [args[2]]
        strides = [context.get_constant(types.intp, context.get_abi_sizeof(array.data.type.pointee))]
        for extent in reversed(extents):
            strides.insert(0, builder.mul(strides[0], extent))
        populate_array(
            array,
            data=builder.bitcast(builder.gep(words.data, [args[1]]), array.data.type),
            shape=extents,
            strides=strides[1:],
            itemsize=strides[-1],
            meminfo=None,  # `work` belongs to the caller, who keeps it
        )
        return array._getvalue()

    type_callable(part)(result)
    lower_builtin(part, types.VarArg(types.Any))(code)


@cache
def _lower_strided() -> None:
    from numba import types
    from numba.core import cgutils
    from numba.extending import lower_builtin, type_callable
    from numba.np.arrayobj import make_array, populate_array

    def result(context: Any) -> Any:
        def typed(array: Any, start: Any, shape: Any, steps: Any) -> Any:
            return types.Array(array.dtype, len(shape), "A")

        return typed

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        array = make_array(signature.args[0])(context, builder, args[0])
        view = make_array(signature.return_type)(context, builder)
        itemsize = context.get_constant(types.intp, context.get_abi_sizeof(array.data.type.pointee))
        populate_array(
            view,
            data=builder.gep(array.data, [args[1]]),
            shape=cgutils.unpack_tuple(builder, args[2]),
            strides=[builder.mul(step, itemsize) for step in cgutils.unpack_tuple(builder, args[3])],
            itemsize=itemsize,
            meminfo=None,  # the array outlives the view
        )
        return view._getvalue()

    type_callable(strided)(result)
    lower_builtin(strided, types.VarArg(types.Any))(code)


@cache
def _lower_alone() -> None:
    from llvmlite import ir
    from numba import types
    from numba.core.imputils import impl_ret_borrowed
    from numba.extending import lower_builtin, type_callable
    from numba.np.arrayobj import make_array

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        same = make_array(signature.return_type)(context, builder, args[0])
        pointer = builder.bitcast(same.data, ir.IntType(8).as_pointer())
        same.data = builder.bitcast(builder.call(_unaliased(builder.module), [pointer]), same.data.type)
        return impl_ret_borrowed(context, builder, signature.return_type, same._getvalue())

    type_callable(alone)(lambda context: lambda array: array)
    lower_builtin(alone, types.Array)(code)


def _unaliased(module: Any) -> Any:
    """A function that gives its pointer back as if that were freshly allocated.

    The assembly of no instructions keeps LLVM from seeing that it is the same pointer.
    """
    from llvmlite import ir

    name = "adcompiler_unaliased"
    if name in module.globals:
        return module.globals[name]
    pointer = ir.IntType(8).as_pointer()
    type_ = ir.FunctionType(pointer, [pointer])
    function = ir.Function(module, type_, name)
    function.linkage = "internal"
    function.return_value.add_attribute("noalias")
    function.attributes.add("noinline")
    function.attributes.add("nounwind")
    builder = ir.IRBuilder(function.append_basic_block())
    builder.ret(builder.call(ir.InlineAsm(type_, "", "=r,0"), function.args))
    return function
