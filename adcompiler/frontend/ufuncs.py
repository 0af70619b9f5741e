"""NumPy's ufuncs on traced values, as the table of ops has them: promotion, broadcasting, `out=`, methods."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np

from adcompiler.ir.errors import DTypeError
from adcompiler.ir.graph import Constant, Value, constant
from adcompiler.ir.ops import OPS
from adcompiler.ir.ops.arrays import checked
from adcompiler.ir.ops.comparison import equal, greater_equal, logical_and, logical_or, not_equal
from adcompiler.ir.ops.compositions import COMPOSITIONS, NAMED_COMPOSITIONS
from adcompiler.ir.ops.powers import ipow, pow_, sqrt
from adcompiler.ir.ops.shape import reshape
from adcompiler.ir.types import BOOL, F64, I64, Dim, DType

from . import sizes
from .extents import common_shape, hint, static, value_of
from .frames import current, refuse
from .handles import Traced
from .scalars import (
    TracedScalar,
    dtype_of,
    is_operand,
    joint_dtype,
    listed,
    promotes_as,
    value,
    whole,
)
from .sizes import Size
from .values import TracedArray, wrap

Implementation = Callable[..., Value]

_DISPATCH: Mapping[Any, Implementation] = MappingProxyType(
    {f: op for op in OPS.values() for f in op.dispatch} | {np.conjugate: lambda x: x} | dict(COMPOSITIONS)
)
_NAMED: Mapping[str, Implementation] = MappingProxyType(
    {name: op for op in OPS.values() for name in op.dispatch_names} | dict(NAMED_COMPOSITIONS)
)


def implementation(function: Any) -> Implementation | None:
    """What a ufunc or another elementwise function is in ops; None if it is nothing."""
    try:
        found = _DISPATCH.get(function)
    except TypeError:
        return None
    return found if found is not None else named(function, _NAMED)


def named(function: Any, table: Mapping[str, Callable[..., Any]]) -> Callable[..., Any] | None:
    """What a table of dotted names has of a function, whose module may not be imported here."""
    for name, body in table.items():
        module, _, attribute = name.rpartition(".")
        if getattr(sys.modules.get(module), attribute, None) is function:
            return body
    return None


# ---- operators ----


def operator(ufunc: np.ufunc, *operands: Any) -> Any:
    """A Python operator: as the ufunc, but plain Python numbers give plain Python numbers."""
    found = sizes.arithmetic(ufunc, operands)
    if found is not NotImplemented:
        return found
    arrays = any(isinstance(x, TracedArray) for x in operands)
    if any(type(x) is complex for x in operands):
        refuse("complex numbers are not supported", "compute with real and imaginary parts")
    if not all(is_operand(x) or (arrays and isinstance(x, list | tuple)) for x in operands):
        if ufunc in (np.equal, np.not_equal) and arrays:
            refuse("an array is compared with what is neither an array nor a number", "use `is`, or len()")
        return NotImplemented
    operands = tuple(map(coerced, operands))
    weak = all(type(x) is bool or isinstance(promotes_as(x), type) for x in operands)
    return _weakened(_apply(ufunc, operands)) if weak else _apply(ufunc, operands)


def _weakened(result: Any) -> Any:
    """A Python number again."""
    if isinstance(result, tuple):
        return tuple(map(_weakened, result))
    kind = result.read().type.dtype
    return TracedScalar(result.read(), "float" if kind.is_float else "int" if kind.is_integer else None)


def coerced(x: Any) -> Any:
    """An operand: lists and tuples become arrays."""
    if isinstance(x, list | tuple):
        return listed(x)
    if not is_operand(x):
        refuse(f"a {type(x).__name__} takes part in arithmetic with traced values", "pass numbers and arrays")
    return x


# ---- calls ----


def call(ufunc: np.ufunc, method: str, inputs: Sequence[Any], options: Mapping[str, Any]) -> Any:
    """What `__array_ufunc__` is asked for: a call, or one of the methods of ufuncs."""
    if method == "__call__" and len(inputs) > ufunc.nin:
        return _called(ufunc, inputs[: ufunc.nin], inputs[ufunc.nin :], **options)
    if method == "__call__":
        return _called(ufunc, inputs, **options)
    if method == "at":
        return _at(ufunc, *inputs)
    if method == "outer" and not options:
        return _outer(ufunc, *map(coerced, inputs))
    function = _METHODS.get((method, ufunc))
    if function is None:
        refuse(f"np.{ufunc.__name__}.{method} is not supported", "write it as a loop")
    axis = options.get("axis", 0)
    return function(*inputs, **{**options, "axis": axis})


_METHODS: Mapping[tuple[str, np.ufunc], Callable[..., Any]] = MappingProxyType(
    {
        ("reduce", np.add): np.sum,
        ("reduce", np.multiply): np.prod,
        ("reduce", np.maximum): np.max,
        ("reduce", np.minimum): np.min,
        ("reduce", np.logical_and): np.all,
        ("reduce", np.logical_or): np.any,
        ("accumulate", np.add): np.cumsum,
        ("accumulate", np.multiply): np.cumprod,
    }
)


def _called(
    ufunc: np.ufunc,
    inputs: Sequence[Any],
    out: Any = None,
    where: Any = True,
    dtype: Any = None,
    casting: str = "same_kind",
    order: str = "K",
    subok: bool = True,
) -> Any:
    target = out[0] if isinstance(out, tuple) else out
    result = _apply(ufunc, [coerced(x) for x in inputs], dtype)
    if where is not True:
        if target is None:
            refuse(f"np.{ufunc.__name__} with where= leaves elements undefined", "use np.where on the result")
        result = np.where(where, result, target)
    return into(target, result, ufunc)


def into(target: Any, result: Any, ufunc: np.ufunc) -> Any:
    """A result, stored where `out=` says, if it does; `ufunc` is what messages name.

    Raises
    ------
    CaptureError
        If the target is not an array of the trace.
    DTypeError, ShapeError
        In NumPy's words, where the result does not fit.
    """
    if target is None:
        return result
    if not isinstance(target, TracedArray):
        refuse("out= is an array that was not made in the captured function", "pass it as an argument")
    target.store_result(result, ufunc)
    return target


def _at(ufunc: np.ufunc, target: Any, key: Any, *operands: Any) -> None:
    if not isinstance(target, TracedArray):
        refuse("ufunc.at writes an array that was not made here", "pass it as an argument")
    if ufunc is np.add:
        target.add_at(key, *operands)
    elif ufunc is np.subtract:
        target.add_at(key, np.negative(*map(coerced, operands)))
    else:
        refuse(f"np.{ufunc.__name__}.at is not supported", "write it as a loop over the indices")


def _outer(ufunc: np.ufunc, a: Any, b: Any) -> Any:
    """All pairs: the axes of the first operand, then those of the second."""
    left = value(a)
    wide = reshape(left, shape=(*left.type.shape, *[Dim.of(1)] * np.ndim(b))) if np.ndim(b) else left
    return ufunc(wrap(wide, getattr(a, "weak", None)), b)


# ---- promotion ----


def _apply(ufunc: np.ufunc, operands: Sequence[Any], dtype: Any = None) -> Any:
    special = _SPECIAL.get(ufunc)
    if special is not None and dtype is None:
        return special(*operands)
    body = implementation(ufunc)
    if body is None:
        name = getattr(ufunc, "__name__", str(ufunc))
        refuse(f"np.{name} is not supported", "write it in terms of functions that are, or as a loop")
    dtypes = _resolved(ufunc, operands, dtype)
    if len(set(dtypes)) > 1:
        given = " and ".join(str(d.numpy) for d in dtypes)
        refuse(f"np.{ufunc.__name__} of {given} is not supported", "convert one of them: x.astype(np.int64)")
    return elementwise(_OF_BOOLS.get(ufunc, body) if dtypes[0] is BOOL else body, operands, dtypes)


def _resolved(ufunc: np.ufunc, operands: Sequence[Any], dtype: Any = None) -> list[DType]:
    """The dtypes to which NumPy casts the operands."""
    kinds = [np.dtype(dtype)] * len(operands) if dtype is not None else [promotes_as(x) for x in operands]
    if ufunc in _LOGICAL:
        return [BOOL] * len(operands)
    try:
        found = ufunc.resolve_dtypes((*kinds, *[None] * ufunc.nout))
    except TypeError as error:
        raise DTypeError(str(error), current().location()) from None
    if set(kinds) == {int} and found[0].hasobject:  # NumPy compares Python integers as Python does
        return [I64] * len(operands)
    dtypes = [dtype_of(d) for d in found[: len(operands)]]
    if int in kinds and len(set(dtypes)) > 1:
        # NumPy compares uint64 with any Python integer; here one that it can hold
        strong = next(d for d, kind in zip(dtypes, kinds, strict=True) if kind is not int)
        return [strong] * len(operands)
    return [d if d.is_float else F64 for d in dtypes] if ufunc in _OF_FLOATS else dtypes


_OF_FLOATS = frozenset((np.isnan, np.isinf, np.isfinite))
_OF_BOOLS: Mapping[np.ufunc, Implementation] = MappingProxyType(
    {np.add: logical_or, np.multiply: logical_and, np.absolute: lambda x: x}
)
_LOGICAL = frozenset((np.logical_and, np.logical_or, np.logical_xor, np.logical_not))


def elementwise(body: Implementation, operands: Sequence[Any], dtypes: Sequence[DType]) -> Any:
    """An implementation on operands of these dtypes, broadcast together."""
    values = [value(x, d) for x, d in zip(operands, dtypes, strict=True)]
    common_shape([v.type.shape for v in values])
    return wrap(body(*values))


# ---- ufuncs that are more than one op ----


def _power(x: Any, y: Any) -> Any:
    """Exponents that are known become `ipow`; a size that is an exponent becomes static."""
    if type(y) is Size and hint(y.dim) is not None:
        y = static(y.dim, "an exponent")
    kind, other = _resolved(np.power, (x, y))
    known = isinstance(y, int | float | np.number) and not isinstance(y, Traced)
    if known and float(y).is_integer() and abs(y) <= 1024:
        if kind.is_integer and y < 0:
            if promotes_as(x) is not int:
                raise ValueError("Integers to negative integer powers are not allowed.")
            kind = F64
        return wrap(ipow(value(x, kind), n=int(y)))
    if known and y == 0.5 and isinstance(x, TracedArray) and kind.is_float:
        return wrap(sqrt(value(x, kind)))
    if kind.is_integer and not isinstance(value(y), Constant):
        message = "Integers to negative integer powers are not allowed."
        checked(greater_equal(value(y, other), constant(0, other)), kind="ValueError", message=message)
    return elementwise(pow_, (x, y), (kind, other))


def _divided(ufunc: np.ufunc) -> Callable[[Any, Any], Any]:
    """Integers are not divided by zero: where NumPy warns, Python and this program stop."""

    def divide(x: Any, y: Any) -> Any:
        kinds = _resolved(ufunc, (x, y))
        divisor = value(y, kinds[1])
        if kinds[1].is_integer and not (isinstance(divisor, Constant) and np.all(divisor.data)):
            nonzero = not_equal(divisor, constant(0, kinds[1]))
            if isinstance(x, TracedArray) and x.ndim and not divisor.type.rank:
                nonzero = logical_or(nonzero, equal(value_of(x.type.size), constant(0, I64)))
            checked(nonzero, kind="ZeroDivisionError", message="integer division or modulo by zero")
        return elementwise(_DISPATCH[ufunc], (x, wrap(divisor)), kinds)

    return divide


def _divmod(x: Any, y: Any) -> Any:
    return _SPECIAL[np.floor_divide](x, y), _SPECIAL[np.remainder](x, y)


def _modf(x: Any) -> Any:
    whole = np.trunc(x)
    return np.copysign(np.where(np.isinf(x), 0.0, x - whole), x), whole


def _product(ufunc: np.ufunc, x: Any, y: Any) -> Any:
    return current().arithmetic.function(ufunc, (x, y), {})


_SPECIAL: Mapping[np.ufunc, Callable[..., Any]] = MappingProxyType(
    {
        np.power: _power,
        np.floor_divide: _divided(np.floor_divide),
        np.remainder: _divided(np.remainder),
        np.fmod: _divided(np.fmod),
        np.divmod: _divmod,
        np.modf: _modf,
        **{u: partial(_product, u) for u in (np.matmul, np.vecdot)},
    }
)

# ---- elementwise functions that are no ufuncs ----


def where(condition: Any, x: Any = None, y: Any = None) -> Any:
    """`np.where` of three operands."""
    if x is None or y is None:
        refuse("np.where of a condition alone has a result whose size depends on the data", "give all three")
    operands = [coerced(k) for k in (condition, x, y)]
    dtype = joint_dtype(*operands[1:])
    return boxed(elementwise(_DISPATCH[np.where], operands, (BOOL, dtype, dtype)))


def boxed(x: Any) -> Any:
    """What NumPy gives as an array even if its rank is 0."""
    return TracedScalar(x.value, boxed=True) if type(x) is TracedScalar else x


def clip(x: Any, low: Any = None, high: Any = None) -> Any:
    """`np.clip`: None is no bound."""
    given = [k for k in (low, high) if k is not None]
    operands = [coerced(k) for k in (x, *given)]
    # bfloat16 beside a Python float is float32 in ufuncs alone
    kinds = {_resolved(np.maximum, (operands[0], bound))[0] for bound in operands[1:]}
    dtype = kinds.pop() if len(kinds) == 1 else joint_dtype(*operands)
    body = _DISPATCH[np.clip]

    def clipped(x: Value, *bounds: Value) -> Value:
        return body(x, *bounds) if low is not None else body(x, None, *bounds)

    return elementwise(clipped, operands, [dtype] * len(operands))


def of_math(function: Any, args: Sequence[Any]) -> Any:
    """A function of `math`, which takes and gives Python numbers; `math.sqrt(-1.0)` is NaN, as in NumPy."""
    body = implementation(function)
    if body is None:
        refuse(f"math.{function.__name__} is not supported", "use a NumPy function that is")
    if any(isinstance(x, TracedArray) and x.ndim for x in args):
        refuse(f"math.{function.__name__} takes one number, not an array", f"use np.{function.__name__}")
    if function is math.log and len(args) == 2:
        return of_math(math.log, args[:1]) / of_math(math.log, args[1:])
    values = [value(x, F64) for x in args]
    result = body(*values)
    return TracedScalar(result, "float" if result.type.dtype.is_float else None)


def rounded_to_int(function: Any, x: Any) -> Any:
    """`math.floor`, `math.ceil`, `math.trunc`: Python integers."""
    if type(x) is Size:
        return x
    ufunc = {math.floor: np.floor, math.ceil: np.ceil, math.trunc: np.trunc}[function]
    return whole(ufunc(x).read())


def named_function(body: Implementation, args: Sequence[Any]) -> Any:
    """A function of SciPy that is no ufunc, such as polygamma(n, x): what comes before x is its own."""
    *own, x = args
    dtype = joint_dtype(coerced(x))
    return wrap(body(*own, value(coerced(x), dtype if dtype.is_float else F64)))
