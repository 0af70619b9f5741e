"""The call that hands chunks of a loop to threads.

Generated code calls `spread`. In Python it is what it reads like; `lowered` tells Numba how to compile it.
The function of the loop becomes part of the caller's library, and a function of LLVM, `chunks`, runs it.
Either the caller calls that, or the threading layer (`threads.py`) does in each thread. Both run the same
machine code on the same chunks, so that results do not depend on the number of threads.

The entry of a layer has the signature of Numba's `parallel_for(function, args, dimensions, steps, data, ndim,
count, threads)`, and calls `function(args, dimensions, steps, data)` dimensions[0] times in all, or fewer
times for several at once (numba/np/ufunc/omppool.cpp, workqueue.c and tbbpool.cpp, Numba 0.68). Here it is
asked for one call a thread. Each takes the next chunk until there is none: a thread that is late takes fewer.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from .subroutines import subroutine


def spread(loop: Any, length: int, rows: int, entry: int, threads: int, values: Any) -> None:
    """Call `loop(chunk, thread, start, stop, *values)` for chunks of `rows` trips each, in any order."""
    for chunk in range(-(-length // rows)):
        loop(chunk, 0, chunk * rows, min((chunk + 1) * rows, length), *values)


def lowered(function: Callable[..., Any]) -> Callable[..., Any]:
    """`spread`, which Numba can compile from now on."""
    _lower_spread()
    return function


@cache
def _lower_spread() -> None:
    from numba import types
    from numba.core.typing.templates import signature
    from numba.extending import lower_builtin, type_callable

    def typed(loop: Any, length: Any, rows: Any, entry: Any, threads: Any, values: Any) -> Any:
        return signature(types.none, loop, *[types.int64] * 4, values)

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kinds = (*[types.int64] * 4, *signature.args[5].types)
        given = signature.args[0].dispatcher
        passes = given._compiler.pipeline_class
        loop = subroutine(context, given.py_func, kinds, types.none, given.targetoptions, passes)
        _Spreading(context, builder, loop, args).write()
        return context.get_dummy_value()

    type_callable(spread)(lambda context: typed)
    lower_builtin(spread, types.VarArg(types.Any))(code)


class _Spreading:
    """The instructions of one `spread`."""

    def __init__(self, context: Any, builder: Any, loop: Any, args: Any) -> None:
        from llvmlite import ir

        self.context = context
        self.builder = builder
        self.loop = loop
        _, self.length, self.rows, self.entry, self.threads, self.values = args
        self.word = ir.IntType(64)
        self.bytes = ir.IntType(8).as_pointer()
        self.record = ir.LiteralStructType([*[self.word] * 5, self.values.type])
        """The next chunk, the next thread; chunks, trips, trips of a chunk, what the loop is called with."""

    def write(self) -> None:
        """Call `chunks`, here or in each thread through the entry of the layer."""
        from llvmlite import ir
        from numba.core import cgutils

        builder, word = self.builder, self.word
        chunks = self._chunks()
        count = builder.sdiv(builder.sub(builder.add(self.length, self.rows), word(1)), self.rows)
        record = ir.Constant(self.record, ir.Undefined)
        for k, value in enumerate([word(0), word(0), count, self.length, self.rows, self.values]):
            record = builder.insert_value(record, value, k)
        data = builder.bitcast(cgutils.alloca_once_value(builder, record), self.bytes)
        several = builder.icmp_signed(">", count, word(1))
        shared = builder.and_(several, builder.icmp_unsigned("!=", self.entry, word(0)))
        with builder.if_else(shared) as (together, by_itself):
            with together:
                fewer = builder.icmp_signed("<", count, self.threads)
                threads = builder.select(fewer, count, self.threads)
                base = builder.inttoptr(word(1), self.bytes)
                given = [cgutils.alloca_once_value(builder, v) for v in (base, threads, word(0))]
                type_ = ir.FunctionType(ir.VoidType(), [self.bytes] * 5 + [word] * 3)
                enter = builder.inttoptr(self.entry, type_.as_pointer())
                pointers = [builder.bitcast(p, self.bytes) for p in (chunks, *given)]
                builder.call(enter, [*pointers, data, word(0), word(1), threads])
            with by_itself:
                nothing = [ir.Constant(p, None) for p in chunks.function_type.args[:3]]
                builder.call(self._unseen(chunks), [*nothing, data])

    def _unseen(self, function: Any) -> Any:
        """The same function, which LLVM cannot see through: a call of it is not compiled in another way."""
        from llvmlite import ir

        same = ir.InlineAsm(ir.FunctionType(function.type, [function.type]), "", "=r,0")
        return self.builder.call(same, [function])

    def _chunks(self) -> Any:
        """A function that runs chunks of the loop as long as there are some that nobody has begun."""
        from llvmlite import ir

        word = self.word
        parameters = [self.bytes.as_pointer(), word.as_pointer(), word.as_pointer(), self.bytes]
        name = self.builder.module.get_unique_name("chunks")
        function = ir.Function(self.builder.module, ir.FunctionType(ir.VoidType(), parameters), name)
        function.linkage = "internal"
        before, head, body, after = (function.append_basic_block() for _ in range(4))
        builder = ir.IRBuilder(before)
        record = builder.bitcast(function.args[3], self.record.as_pointer())
        following = builder.bitcast(record, word.as_pointer())
        given = builder.load(record)
        count, length, rows, values = (builder.extract_value(given, k) for k in range(2, 6))
        threads = builder.gep(following, [word(1)])
        thread = builder.atomic_rmw("add", threads, word(1), "monotonic")
        builder.branch(head)
        builder.position_at_end(head)
        chunk = builder.atomic_rmw("add", following, word(1), "monotonic")
        builder.cbranch(builder.icmp_signed("<", chunk, count), body, after)
        builder.position_at_end(body)
        start = builder.mul(chunk, rows)
        end = builder.add(start, rows)
        stop = builder.select(builder.icmp_signed("<", end, length), end, length)
        parts = [builder.extract_value(values, k) for k in range(len(self.values.type.elements))]
        loop = self.context.declare_function(builder.module, self.loop)
        call = self.context.call_conv.call_function
        # not inlined: its attributes, such as the width of vectors, are its own
        call(
            builder,
            loop,
            self.loop.restype,
            self.loop.argtypes,
            [chunk, thread, start, stop, *parts],
            attrs=("noinline",),
        )
        builder.branch(head)
        builder.position_at_end(after)
        builder.ret_void()
        return function
