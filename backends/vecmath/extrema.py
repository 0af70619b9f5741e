"""The larger and the smaller of two numbers: NaN where one is NaN.

LLVM has them as one operation each, which it knows as a step of a reduction; before its version 18 not on
every processor.
"""

from __future__ import annotations

from .notation import Float, where


def larger(x: Float, y: Float) -> Float:
    """The larger one."""
    return _extremum("llvm.maximum", x, y) if _known() else where((x > y) | x.is_nan, x, y)


def smaller(x: Float, y: Float) -> Float:
    """The smaller one."""
    return _extremum("llvm.minimum", x, y) if _known() else where((x < y) | x.is_nan, x, y)


def _known() -> bool:
    from llvmlite.binding import llvm_version_info

    return bool(llvm_version_info >= (18,))


def _extremum(name: str, x: Float, y: Float) -> Float:
    from llvmlite import ir

    number = x.value.type
    operation = x.builder.module.declare_intrinsic(name, [number], ir.FunctionType(number, [number] * 2))
    return Float(x.builder, x.builder.call(operation, [x.value, y.value]), x.format)
