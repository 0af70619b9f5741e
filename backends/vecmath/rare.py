"""What a formula needs for few arguments, in a function of its own that is called for those alone.

LLVM's vectoriser refuses a loop with a call, unless the function has a vector variant somewhere. So one is
declared, for 64 numbers at once, wider than any vector that it would choose. With the obstacle out of the
way it vectorises the loop, and puts a branch and a call of the scalar function for each number of a vector.
Should it ever stop doing so, loops are slower, and the numbers are the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .notation import F64, Float, Truth, float_of

LANES = 64
VARIANT = "adcompiler_vector_variant"


def rarely(usually: Truth, formula: Callable[[Float], Float], x: Float, usual: Float) -> Float:
    """`usual`, but formula(x) where the condition does not hold; numbers are f64."""
    builder = usual.builder
    function = _function(formula, builder.module)
    rare, after = (builder.function.append_basic_block() for _ in range(2))
    before = builder.block
    builder.cbranch(usually.value, after, rare)
    builder.position_at_end(rare)
    value = builder.call(function, [x.value])
    builder.branch(after)
    builder.position_at_end(after)
    chosen = builder.phi(usual.value.type)
    chosen.add_incoming(usual.value, before)
    chosen.add_incoming(value, rare)
    return Float(builder, chosen, usual.format)


def _function(formula: Callable[[Float], Float], module: Any) -> Any:
    """The function of a module of LLVM's that has a formula, never inlined."""
    from llvmlite import ir

    name = f"adcompiler_rare_{formula.__name__.strip('_')}"
    if name in module.globals:
        return module.globals[name]
    number = float_of(F64)
    function = ir.Function(module, ir.FunctionType(number, [number]), name)
    function.linkage = "internal"
    function.attributes.update(["noinline", "nounwind", "readnone"])
    _declare_variant(module)
    # masked, for 64 numbers; llvmlite's set of attributes takes no attribute with a value
    set.add(function.attributes, f'"vector-function-abi-variant"="_ZGVeM{LANES}v_{name}({VARIANT})"')
    builder = ir.IRBuilder(function.append_basic_block())
    builder.ret(formula(Float(builder, function.args[0], F64)).value)
    return function


def _declare_variant(module: Any) -> None:
    """The vector variant of all of them, which has no code; a list of what is used keeps it from going."""
    from llvmlite import ir

    if VARIANT in module.globals:
        return
    numbers, truths = (ir.VectorType(t, LANES) for t in (float_of(F64), ir.IntType(1)))
    variant = ir.Function(module, ir.FunctionType(numbers, [numbers, truths]), VARIANT)
    pointer = ir.IntType(8).as_pointer()
    used = ir.GlobalVariable(module, ir.ArrayType(pointer, 1), "llvm.compiler.used")
    used.initializer = ir.Constant(used.type.pointee, [variant.bitcast(pointer)])
    used.linkage, used.section = "appending", "llvm.metadata"
