"""The sum of a block of terms, in an order that depends on their number alone.

Thirty-two partial sums, as four vectors of eight: as many as additions are under way at once in a CPU of
today. LLVM cuts the vectors to what a CPU has, so the result is the same on each. Generated code calls
`scratch` and `summed`, which in Python are what they read like; `lowered` tells Numba how to compile them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

BLOCK = 256
"""Terms in a block: a few kilobytes, which stay in the nearest cache."""

LANES, VECTORS = 8, 4


def scratch(dtype: Any = np.float64) -> Any:
    """Room for the terms of a block."""
    return np.empty(BLOCK, dtype)


def summed(terms: Any, count: int) -> Any:
    """The sum of the first terms."""
    return np.sum(terms[:count])


def lowered(function: Callable[..., Any]) -> Callable[..., Any]:
    """`scratch` or `summed`, which Numba can compile from now on."""
    {scratch: _lower_scratch, summed: _lower_summed}[function]()
    return function


@cache
def _lower_scratch() -> None:
    from numba import types
    from numba.core import cgutils
    from numba.core.typing.npydecl import parse_dtype
    from numba.extending import lower_builtin, type_callable
    from numba.np.arrayobj import make_array, populate_array

    def result(context: Any) -> Any:
        def typed(dtype: Any = None) -> Any:
            return types.Array(types.float64 if dtype is None else parse_dtype(dtype), 1, "C")

        return typed

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        array = make_array(signature.return_type)(context, builder)
        element = array.data.type.pointee
        room = cgutils.alloca_once(builder, element, size=BLOCK)
        size = context.get_constant(types.intp, context.get_abi_sizeof(element))
        populate_array(
            array,
            data=room,
            shape=[context.get_constant(types.intp, BLOCK)],
            strides=[size],
            itemsize=size,
            meminfo=None,  # it lies on the stack
        )
        return array._getvalue()

    type_callable(scratch)(result)
    lower_builtin(scratch, types.VarArg(types.Any))(code)


@cache
def _lower_summed() -> None:
    from numba import types
    from numba.extending import lower_builtin, type_callable
    from numba.np.arrayobj import make_array

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        terms = make_array(signature.args[0])(context, builder, args[0])
        adder = _adder(builder.module, terms.data.type, args[1].type)
        return builder.call(adder, [terms.data, args[1]])

    type_callable(summed)(lambda context: lambda terms, count: terms.dtype)
    lower_builtin(summed, types.Array, types.Integer)(code)


def _adder(module: Any, pointer: Any, integer: Any) -> Any:
    """A function of LLVM that adds up the numbers behind a pointer."""
    from llvmlite import ir

    element = pointer.pointee
    name = f"adcompiler_summed_{element}"
    if name in module.globals:
        return module.globals[name]
    function = ir.Function(module, ir.FunctionType(element, [pointer, integer]), name)
    function.linkage = "internal"
    function.attributes.add("nounwind")
    terms, count = function.args
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    vector = ir.VectorType(element, LANES)
    nothing = ir.Constant(vector, [0.0] * LANES)

    def load(at: Any) -> Any:
        place = builder.bitcast(builder.gep(terms, [at]), vector.as_pointer())
        found = builder.load(place)
        found.align = _bytes(element)  # that of an element, not of a vector
        return found

    def add_vectors(at: Any, sums: list[Any]) -> list[Any]:
        places = [builder.add(at, integer(k * LANES)) for k in range(len(sums))]
        return [builder.fadd(s, load(place)) for s, place in zip(sums, places, strict=True)]

    at, sums = _loop(builder, integer(0), count, LANES * VECTORS, [nothing] * VECTORS, add_vectors)
    pairs = [builder.fadd(a, b) for a, b in zip(sums[::2], sums[1::2], strict=True)]
    total = builder.fadd(*pairs)
    at, (total,) = _loop(builder, at, count, LANES, [total], add_vectors)
    lanes = [builder.extract_element(total, ir.Constant(ir.IntType(32), k)) for k in range(LANES)]
    while len(lanes) > 1:
        half = len(lanes) // 2
        lanes = [builder.fadd(a, b) for a, b in zip(lanes[:half], lanes[half:], strict=True)]
    _, (result,) = _loop(
        builder, at, count, 1, lanes, lambda i, s: [builder.fadd(s[0], builder.load(builder.gep(terms, [i])))]
    )
    builder.ret(result)
    return function


def _bytes(element: Any) -> int:
    return 4 if str(element) == "float" else 8


def _loop(
    builder: Any,
    begin: Any,
    end: Any,
    step: int,
    carried: list[Any],
    body: Callable[[Any, list[Any]], list[Any]],
) -> tuple[Any, list[Any]]:
    """Trips from `begin` on, as long as a whole step fits before `end`: the index behind them, and what they
    carry."""
    before = builder.block
    head, inside, behind = (builder.append_basic_block() for _ in range(3))
    builder.branch(head)
    builder.position_at_end(head)
    at = builder.phi(begin.type)
    at.add_incoming(begin, before)
    states = [builder.phi(c.type) for c in carried]
    for state, c in zip(states, carried, strict=True):
        state.add_incoming(c, before)
    next_ = builder.add(at, begin.type(step))
    builder.cbranch(builder.icmp_signed("<=", next_, end), inside, behind)
    builder.position_at_end(inside)
    new = body(at, states)
    at.add_incoming(next_, builder.block)
    for state, value in zip(states, new, strict=True):
        state.add_incoming(value, builder.block)
    builder.branch(head)
    builder.position_at_end(behind)
    return at, states
