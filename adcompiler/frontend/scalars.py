"""Numbers that are known only when the program runs, and how they take part in NumPy's promotion (NEP 50)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from adcompiler.ir.graph import Constant, Value, constant
from adcompiler.ir.ops.arithmetic import cast as cast_op
from adcompiler.ir.ops.arrays import checked
from adcompiler.ir.ops.comparison import greater_equal, isnan, less, less_equal, logical_and, logical_not
from adcompiler.ir.ops.selection import abs_
from adcompiler.ir.types import I64, ArrayType, DType

from .facts import NOTHING, Facts
from .frames import refuse
from .handles import Traced, type_name
from .joins import NumberType, Weak

NUMBERS = (bool, int, float, np.generic)


class TracedScalar(Traced):
    """A number: immutable, of rank 0. `weak` says which Python number it is, None for a NumPy scalar.

    `facts` is what the truth of a bool says of sizes; `boxed` says that NumPy may have an array of rank 0.
    """

    ndim, size = 0, 1

    def __init__(
        self, value: Value, weak: Weak = None, facts: Facts = NOTHING, *, boxed: bool = False
    ) -> None:
        assert not value.type.shape
        self.value = value
        self.weak = weak
        self.facts = facts
        self.boxed = boxed

    @classmethod
    def of(cls, value: Value, number: NumberType, facts: Facts = NOTHING) -> TracedScalar:
        """A number of this type; a bool has that of NumPy from now on."""
        weak = None if number.weak == "bool" else number.weak
        return cls(value, weak, facts, boxed=number.boxed)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        if self.weak:
            return float if self.weak == "float" else int
        return self.value.type.dtype.numpy.type

    @property
    def type(self) -> ArrayType:
        return self.value.type

    def read(self) -> Value:
        return self.value

    @property
    def number(self) -> NumberType:
        """Its type, as loops and branches join it."""
        return NumberType(self.value.type.dtype, self.weak, self.boxed)

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.value.type.dtype.numpy

    @property
    def shape(self) -> tuple[()]:
        return ()

    @property
    def T(self) -> TracedScalar:
        return self

    @property
    def real(self) -> TracedScalar:
        return self

    def item(self) -> TracedScalar:
        """The same number as Python has it."""
        kind = self.value.type.dtype
        wide = self.astype(np.float64 if kind.is_float else np.int64) if kind is not DType.BOOL else self
        return TracedScalar(wide.value, "float" if kind.is_float else "int" if kind.is_integer else None)

    def astype(self, dtype: Any, *args: Any, **kwargs: Any) -> TracedScalar:
        """The number in another dtype."""
        return TracedScalar(cast(self.value, DType.of(dtype)))

    def conjugate(self) -> TracedScalar:
        """The number itself."""
        return self

    def __iter__(self) -> Any:
        raise TypeError(f"'{type_name(self)}' object is not iterable")

    def __getitem__(self, index: Any) -> Any:
        if self.weak:
            raise TypeError(f"'{self.weak}' object is not subscriptable")
        if index != ():
            raise IndexError("invalid index to scalar variable.")
        return self

    def __round__(self, digits: int | None = None) -> Any:
        if digits is not None:
            return np.round(self, digits)
        nearest: Any = np.rint(self)
        return whole(nearest.read())

    def __getattr__(self, name: str) -> Any:
        """Methods that NumPy's scalars share with arrays are NumPy's functions."""
        if self.weak is None and name == "copy":
            return lambda *args: self
        if self.weak is None and name in SHARED_METHODS:
            function = getattr(np, name)
            return lambda *args, **kwargs: function(self, *args, **kwargs)
        raise AttributeError(f"'{type_name(self)}' object has no attribute '{name}'")


SHARED_METHODS = frozenset(
    "sum mean prod max min std var all any argmax argmin clip round reshape ravel squeeze copy transpose "
    "cumsum cumprod dot repeat".split()
)
"""Methods that do what the NumPy function of that name does."""


def promotes_as(x: Any) -> Any:
    """What NumPy's promotion sees of an operand: a dtype, or the type of a Python number."""
    if isinstance(x, Traced):
        return {"int": int, "float": float}.get(x.weak or "", x.type.dtype.numpy)
    if isinstance(x, bool):
        return np.dtype(bool)
    if type(x) in (int, float, complex):
        return type(x)
    return np.asarray(x).dtype


def joint_dtype(*operands: Any) -> DType:
    """The dtype that the operands of a NumPy function have in common."""
    examples = {int: 0, float: 0.0, complex: 0j}
    seen = [promotes_as(x) for x in operands]
    return common_dtype([examples[s] if isinstance(s, type) else s for s in seen])


def common_dtype(given: Sequence[Any]) -> DType:
    """NumPy's common dtype of dtypes and examples of Python numbers.

    Raises
    ------
    CaptureError
        If there is none, as of float16 and bfloat16.
    """
    try:
        return dtype_of(np.result_type(*given))
    except TypeError:
        kinds = " and ".join(dict.fromkeys(str(x if isinstance(x, np.dtype) else type(x)) for x in given))
        refuse(f"NumPy has no common dtype of {kinds}", "convert one of them: x.astype(np.float32)")


def dtype_of(dtype: Any) -> DType:
    """The IR's dtype; CaptureError at the user's line for one that it does not have."""
    try:
        return DType.of(dtype)
    except TypeError as error:
        hint = "use float64, float32, float16, bfloat16, integers or bool"
        refuse(getattr(error, "message", str(error)), hint)


def value(x: Any, dtype: DType | None = None) -> Value:
    """The value of an operand (a traced one, a number or an array), cast to a dtype."""
    if isinstance(x, Traced):
        found = x.read()
        if dtype is None or dtype is found.type.dtype:
            return found
        if x.weak == "int" and dtype.is_integer:
            _check_fits(found, dtype)
        return cast(found, dtype)
    if isinstance(x, NUMBERS) and dtype is not None and not isinstance(x, np.generic):
        return constant(
            np.asarray(x, dtype.numpy) if dtype.is_integer and type(x) is int else _converted(x, dtype)
        )
    found = constant(x, dtype_of(np.asarray(x).dtype))
    return found if dtype is None else cast(found, dtype)


def whole(number: Value) -> TracedScalar:
    """A float without a fraction as a Python integer; NaN and what 64 bits do not hold are errors."""
    if number.type.dtype.is_float:
        checked(logical_not(isnan(number)), "ValueError", "cannot convert float NaN to integer")
        inside = less(abs_(number), constant(2.0**63, number.type.dtype))
        checked(inside, "OverflowError", "cannot convert a float beyond 64 bits, or infinity, to an integer")
    return TracedScalar(cast(number, I64), "int")


def _check_fits(number: Value, dtype: DType) -> None:
    """NumPy refuses a Python integer that a dtype cannot hold."""
    limits = np.iinfo(dtype.numpy)
    fits = greater_equal(number, constant(limits.min, I64))
    if limits.max < np.iinfo(np.int64).max:
        fits = logical_and(fits, less_equal(number, constant(limits.max, I64)))
    checked(fits, "OverflowError", f"Python integer out of bounds for {dtype.numpy}")


def _converted(x: Any, dtype: DType) -> Any:
    with np.errstate(all="ignore"):
        return np.asarray(x).astype(dtype.numpy)


def cast(x: Value, dtype: DType) -> Value:
    """The value in a dtype; a Constant at once."""
    if x.type.dtype is dtype:
        return x
    return constant(_converted(x.data, dtype)) if isinstance(x, Constant) else cast_op(x, dtype=dtype)


def is_floating(x: Any) -> bool:
    """Whether it is a float of Python or a scalar of floats, traced or not."""
    return isinstance(x, float | np.floating) or is_bfloat16(type(x))


def is_bfloat16(kind: type[Any]) -> bool:
    """Whether it is the type of ml_dtypes, which is a type of NumPy scalars but no np.floating."""
    return kind.__name__ == "bfloat16" and issubclass(kind, np.generic)


def is_operand(x: Any) -> bool:
    """Whether operators take it beside a traced value."""
    return isinstance(x, (Traced, np.ndarray, *NUMBERS))


def listed(items: list[Any] | tuple[Any, ...]) -> Any:
    """A list or tuple as the array that NumPy makes of it; of traced numbers or arrays a stack."""
    return np.stack(items) if any(isinstance(x, Traced) for x in items) else np.asarray(items)
