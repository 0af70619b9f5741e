"""The NumPy functions that traced values take part in: one table, and the door to it.

Elementwise functions are read off the table of ops; what is not an op is an ordinary short function of
handles, in the file of its family. Everything else is refused, by name.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np

from adcompiler.ir.types import DType

from . import (
    numpy_assembly,
    numpy_creation,
    numpy_linalg,
    numpy_products,
    numpy_reductions,
    numpy_shapes,
    ufuncs,
)
from .frames import refuse
from .handles import holds_traced
from .numpy_creation import joint, number_or_array, operand_array
from .purity import name_of
from .scalars import TracedScalar

# ---- short functions of no family ----


def round_(a: Any, decimals: Any = 0, out: Any = None) -> Any:
    """`np.round`: to the nearest, halves to even."""
    x = operand_array(a)
    if not x.type.dtype.is_float:
        if decimals < 0:
            refuse("np.round of integers to tens is not supported", "convert them before: x.astype(float)")
        return number_or_array(x.copy())
    scale = 10.0 ** abs(decimals)
    if decimals == 0:
        found = np.rint(a)
    else:
        found = np.rint(a * scale) / scale if decimals > 0 else np.rint(a / scale) * scale
    return ufuncs.into(out, found.astype(x.dtype) if x.type.dtype.is_half else found, np.rint)


def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: Any = -1) -> Any:
    """`np.trapezoid`: the integral by the trapezoidal rule."""
    values = operand_array(y)
    along = numpy_shapes.axis_of(axis, values.ndim)
    if x is not None:
        widths = np.diff(operand_array(x)) if np.ndim(x) == 1 else np.diff(x, axis=along)
        key = (*[None] * along, slice(None), *[None] * (values.ndim - along - 1))
        dx = widths[key] if np.ndim(x) == 1 else widths
    before = (slice(None),) * along
    pairs = values[(*before, slice(1, None))] + values[(*before, slice(None, -1))]
    return np.sum(dx * pairs / 2.0, axis=along)


def polyval(p: Any, x: Any) -> Any:
    """`np.polyval`: Horner's scheme over coefficients whose number is known."""
    total = np.zeros_like(x)
    for coefficient in operand_array(p):
        total = total * x + coefficient
    return total


def nan_to_num(x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    """`np.nan_to_num`."""
    a = operand_array(x)
    if not a.type.dtype.is_float:
        return number_or_array(a.copy())
    limits = a.type.dtype.limits
    high, low = (limits.max if posinf is None else posinf), (limits.min if neginf is None else neginf)
    found = np.where(np.isnan(x), nan, x)
    return np.where(np.isinf(x), np.where(np.greater(x, 0), high, low), found).astype(a.dtype)


def select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Any:
    """`np.select`: the first condition that holds."""
    found = default
    for condition, choice in reversed(list(zip(condlist, choicelist, strict=True))):
        found = np.where(condition, choice, found)
    return found


def isclose(a: Any, b: Any, rtol: Any = 1e-05, atol: Any = 1e-08, equal_nan: bool = False) -> Any:
    """`np.isclose`."""
    near = np.logical_and(np.abs(np.subtract(a, b)) <= atol + rtol * np.abs(b), np.isfinite(b))
    near = np.logical_or(near, np.equal(a, b))
    return np.logical_or(near, np.logical_and(np.isnan(a), np.isnan(b))) if equal_nan else near


def allclose(a: Any, b: Any, rtol: Any = 1e-05, atol: Any = 1e-08, equal_nan: bool = False) -> Any:
    """`np.allclose`."""
    return np.all(isclose(a, b, rtol, atol, equal_nan))


def _converted(dtype: np.dtype[Any], x: Any) -> Any:
    """`np.float32(x)` and its kind."""
    return number_or_array(operand_array(x).astype(dtype))


_OTHERS: Mapping[Any, Callable[..., Any]] = {
    np.where: ufuncs.where,
    np.clip: ufuncs.clip,
    np.round: round_,
    np.around: round_,
    np.fix: lambda x, out=None: np.trunc(x, out=out),
    np.trapezoid: trapezoid,
    np.polyval: polyval,
    np.nan_to_num: nan_to_num,
    np.select: select,
    np.isclose: isclose,
    np.allclose: allclose,
    np.real: lambda val: val,
    np.iscomplexobj: lambda x: False,
    np.isrealobj: lambda x: True,
    np.result_type: lambda *args: joint([operand_array(x) for x in args]).numpy,
    **{kind.numpy.type: partial(_converted, kind.numpy) for kind in DType if kind is not DType.BF16},
}

FUNCTIONS: Mapping[Any, Callable[..., Any]] = MappingProxyType(
    {
        **numpy_creation.FUNCTIONS,
        **numpy_shapes.FUNCTIONS,
        **numpy_assembly.FUNCTIONS,
        **numpy_reductions.FUNCTIONS,
        **numpy_products.FUNCTIONS,
        **numpy_linalg.FUNCTIONS,
        **_OTHERS,
    }
)

_ROUNDINGS = (math.floor, math.ceil, math.trunc)

_WAYS_OUT: Mapping[Any, str] = MappingProxyType(
    {
        np.sort: "sort before, and pass the sorted array",
        np.argsort: "sort before, and pass the order as an integer array",
        np.unique: "find the distinct values before, and pass them",
        np.nonzero: "use np.where with three arguments, or a loop with an `if`",
        np.flatnonzero: "use np.where with three arguments, or a loop with an `if`",
        np.compress: "weigh by the condition: np.where(condition, x, 0), or write a loop with an `if`",
        np.extract: "weigh by the condition: np.where(condition, x, 0), or write a loop with an `if`",
        np.interp: "find the intervals before with np.searchsorted, and interpolate with arithmetic",
        np.median: "sort before, and pass the sorted array",
    }
)


_SCALAR_METHODS = frozenset((np.reshape, np.squeeze, np.transpose, np.moveaxis, np.swapaxes))
"""Functions that are methods of NumPy's scalars too, and give scalars of them where they give rank 0."""


def call(function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """What `__array_function__` is asked for.

    Raises
    ------
    CaptureError
        If the function, or an argument of it, is not supported: it names both.
    """
    found = FUNCTIONS.get(function) or _of_others(function)
    if found is None:
        name = name_of(function)
        hint = _WAYS_OUT.get(function, "write it with NumPy functions that are, or as a loop over elements")
        refuse(f"{name} of traced values is not supported", hint)
    try:
        inspect.signature(found).bind(*args, **kwargs)
    except TypeError as error:
        refuse(f"{name_of(function)} does not take these arguments here: {error}", "leave them out")
    result = found(*args, **kwargs)
    own = function in _SCALAR_METHODS and args and type(args[0]) is TracedScalar and not args[0].weak
    return number_or_array(result) if own else result


class _NumpyArithmetic:
    """`arithmetic.Arithmetic`, by the tables here and in `ufuncs.py`."""

    operator = staticmethod(ufuncs.operator)
    ufunc = staticmethod(ufuncs.call)
    function = staticmethod(call)


ARITHMETIC = _NumpyArithmetic()

# ---- calls in captured code ----


def intercepted(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    """Whether a call in captured code goes to `run` and not to the function itself.

    That is so for functions that make arrays, which captured code may write traced values to, and for
    functions of NumPy, `math` and SciPy when an argument is traced.
    """
    try:
        if function in numpy_creation.FUNCTIONS:
            return True
        known = function in FUNCTIONS or function in _ROUNDINGS or is_math(function) or _of_others(function)
    except TypeError:
        return False
    if not known and ufuncs.implementation(function) is None:
        return False
    return any(holds_traced(x) for x in (*args, *kwargs.values()))


def run(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """An intercepted call."""
    if function in _ROUNDINGS:
        return ufuncs.rounded_to_int(function, *args)
    if is_math(function):
        return ufuncs.of_math(function, args)
    if isinstance(function, np.ufunc):
        return ufuncs.call(function, "__call__", args, kwargs)
    if function in FUNCTIONS or _of_others(function):
        return call(function, args, kwargs)
    body = ufuncs.implementation(function)
    assert body is not None
    return ufuncs.named_function(body, args)


def _of_others(function: Any) -> Callable[..., Any] | None:
    """What a function of SciPy's on whole arrays, or the type bfloat16, is here."""
    return ufuncs.named(function, _NAMED)


_NAMED: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {**numpy_linalg.NAMED, "ml_dtypes.bfloat16": lambda x: _converted(DType.BF16.numpy, x)}
)


def is_math(function: Any) -> bool:
    """Whether it is a function of the module `math`."""
    return getattr(function, "__module__", None) == "math"
