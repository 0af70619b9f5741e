"""Mathematical functions that LLVM vectorises, as it does not the C library's.

In Python they are those of NumPy and SciPy. For Numba, `lowered` tells how they are compiled: to arithmetic
without branches and calls, one function of LLVM's a module, inlined where it is called. f64 and f32; within
2 units in the last place over the whole range; infinities, NaNs, zeros and their signs as NumPy has them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np

from . import exponentials, extrema, logarithms, normal_law, powers, trigonometric
from .notation import F32, F64, Float, Format, float_of


def exp(x: Any) -> Any:
    return np.exp(x)


def exp2(x: Any) -> Any:
    return np.exp2(x)


def expm1(x: Any) -> Any:
    return np.expm1(x)


def log(x: Any) -> Any:
    return np.log(x)


def log1p(x: Any) -> Any:
    return np.log1p(x)


def log2(x: Any) -> Any:
    return np.log2(x)


def log10(x: Any) -> Any:
    return np.log10(x)


def sin(x: Any) -> Any:
    return np.sin(x)


def cos(x: Any) -> Any:
    return np.cos(x)


def tan(x: Any) -> Any:
    return np.tan(x)


def sinh(x: Any) -> Any:
    return np.sinh(x)


def cosh(x: Any) -> Any:
    return np.cosh(x)


def tanh(x: Any) -> Any:
    return np.tanh(x)


def erf(x: Any) -> Any:
    from scipy.special import erf

    return erf(x)


def erfc(x: Any) -> Any:
    from scipy.special import erfc

    return erfc(x)


def expit(x: Any) -> Any:
    from scipy.special import expit

    return expit(x)


def power(x: Any, y: Any) -> Any:
    return np.power(x, y)


def logaddexp(x: Any, y: Any) -> Any:
    return np.logaddexp(x, y)


def larger(x: Any, y: Any) -> Any:
    return np.maximum(x, y)


def smaller(x: Any, y: Any) -> Any:
    return np.minimum(x, y)


FORMULAS: Mapping[Callable[..., Any], Callable[..., Any]] = {
    exp: exponentials.exp,
    exp2: exponentials.exp2,
    expm1: exponentials.expm1,
    sinh: exponentials.sinh,
    cosh: exponentials.cosh,
    tanh: exponentials.tanh,
    expit: exponentials.expit,
    log: logarithms.log,
    log1p: logarithms.log1p,
    log2: logarithms.log2,
    log10: logarithms.log10,
    sin: trigonometric.sin,
    cos: trigonometric.cos,
    tan: trigonometric.tan,
    erf: normal_law.erf,
    erfc: normal_law.erfc,
    power: powers.power,
    logaddexp: logarithms.logaddexp,
    larger: extrema.larger,
    smaller: extrema.smaller,
}


@cache
def lowered(function: Callable[..., Any]) -> Callable[..., Any]:
    """One of these functions, which Numba can compile from now on."""
    from numba import types
    from numba.extending import lower_builtin, type_callable

    formats = {types.float64: F64, types.float32: F32}

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        _prefer_wide_vectors(builder.function)
        return builder.call(emitted(builder.module, function, formats[signature.return_type]), args)

    def one(x: Any) -> Any:
        return x if x in formats else None

    def two(x: Any, y: Any) -> Any:
        return x if x in formats and x == y else None

    operands = _operands(function)

    def result(context: Any) -> Any:
        return {1: one, 2: two}[operands]

    type_callable(function)(result)
    lower_builtin(function, *[types.Float] * operands)(code)
    return function


def _prefer_wide_vectors(function: Any) -> None:
    """Vectors of 512 bits where the processor has them, as in NumPy: LLVM takes 256 where it may.

    What computes for long gains more by the width than it loses by a slower clock.
    """
    # llvmlite's set of attributes takes no attribute with a value
    set.add(function.attributes, '"prefer-vector-width"="512"')


def _operands(function: Callable[..., Any]) -> int:
    return function.__code__.co_argcount


def emitted(module: Any, function: Callable[..., Any], format: Format) -> Any:
    """The function of a module of LLVM's that has the formula, always inlined."""
    from llvmlite import ir

    name = f"adcompiler_{function.__name__}_{format.name}"
    if name in module.globals:
        return module.globals[name]
    formula = FORMULAS[function]
    number = float_of(format)
    made = ir.Function(module, ir.FunctionType(number, [number] * _operands(function)), name)
    made.linkage = "internal"
    made.attributes.add("alwaysinline")
    made.attributes.add("nounwind")
    builder = ir.IRBuilder(made.append_basic_block())
    builder.ret(formula(*(Float(builder, x, format) for x in made.args)).value)
    return made
