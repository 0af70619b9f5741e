"""What every traced value can do: Python's operators and NumPy's two protocols.

The operators and functions themselves are written in terms of handles (`ufuncs.py`, `numpy_functions.py`);
the trace that runs has them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

import numpy as np

from adcompiler.ir.errors import CaptureError, NeedsConcrete
from adcompiler.ir.graph import Value
from adcompiler.ir.types import ArrayType

from .frames import current, refuse
from .joins import Weak


def _binary(ufunc: np.ufunc) -> Callable[[Any, Any], Any]:
    def method(self: Any, other: Any) -> Any:
        return _operate(ufunc, self, other)

    return method


def _reflected(ufunc: np.ufunc) -> Callable[[Any, Any], Any]:
    def method(self: Any, other: Any) -> Any:
        return _operate(ufunc, other, self)

    return method


def _unary(ufunc: np.ufunc) -> Callable[[Any], Any]:
    def method(self: Any) -> Any:
        return _operate(ufunc, self)

    return method


def _operate(ufunc: np.ufunc, *operands: Any) -> Any:
    return current().arithmetic.operator(ufunc, *operands)


class Traced:
    """A number or array whose value is known only when the program runs.

    `weak` says which Python number it is, None for what has a NumPy dtype.
    """

    weak: Weak = None

    @property
    def type(self) -> ArrayType:
        """The type of its value."""
        raise NotImplementedError

    def read(self) -> Value:
        """The value, for use in an equation here."""
        raise NotImplementedError

    __add__, __radd__ = _binary(np.add), _reflected(np.add)
    __sub__, __rsub__ = _binary(np.subtract), _reflected(np.subtract)
    __mul__, __rmul__ = _binary(np.multiply), _reflected(np.multiply)
    __truediv__, __rtruediv__ = _binary(np.divide), _reflected(np.divide)
    __floordiv__, __rfloordiv__ = _binary(np.floor_divide), _reflected(np.floor_divide)
    __mod__, __rmod__ = _binary(np.remainder), _reflected(np.remainder)
    __divmod__, __rdivmod__ = _binary(np.divmod), _reflected(np.divmod)
    __pow__, __rpow__ = _binary(np.power), _reflected(np.power)
    __matmul__, __rmatmul__ = _binary(np.matmul), _reflected(np.matmul)
    __and__, __rand__ = _binary(np.bitwise_and), _reflected(np.bitwise_and)
    __or__, __ror__ = _binary(np.bitwise_or), _reflected(np.bitwise_or)
    __xor__, __rxor__ = _binary(np.bitwise_xor), _reflected(np.bitwise_xor)
    __lshift__, __rlshift__ = _binary(np.left_shift), _reflected(np.left_shift)
    __rshift__, __rrshift__ = _binary(np.right_shift), _reflected(np.right_shift)
    __lt__, __le__ = _binary(np.less), _binary(np.less_equal)
    __gt__, __ge__ = _binary(np.greater), _binary(np.greater_equal)
    __eq__, __ne__ = _binary(np.equal), _binary(np.not_equal)
    __neg__, __pos__ = _unary(np.negative), _unary(np.positive)
    __abs__, __invert__ = _unary(np.absolute), _unary(np.invert)

    # ---- NumPy's protocols ----

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        return current().arithmetic.ufunc(ufunc, method, inputs, options)

    def __array_function__(
        self,
        function: Callable[..., Any],
        types: Sequence[Any],
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
    ) -> Any:
        return current().arithmetic.function(function, args, kwargs)

    # ---- what needs the value now ----

    def __array__(self, *args: Any, **kwargs: Any) -> NoReturn:
        refuse(
            "a traced value was handed to code that needs its numbers (np.asarray of a list of them, C code)",
            "use NumPy functions on it, or move that call out of the captured function",
        )

    def __bool__(self) -> bool:
        needs("the truth of", "write the test as an `if` or `while` of the captured function itself")

    def __float__(self) -> float:
        needs("a Python float of", "use it as it is; NumPy and `math` functions take it")

    def __int__(self) -> int:
        needs("a Python int of", "use it as it is, or x.astype(int)")

    def __index__(self) -> int:
        needs("a plain integer of", "index an array with it instead of a list; lengths must be sizes")

    def __complex__(self) -> NoReturn:
        refuse("complex numbers are not supported", "write real and imaginary parts as two arrays")

    def __format__(self, spec: str) -> str:
        needs("the text of", "print results outside of the captured function")

    def __hash__(self) -> int:
        needs("a dict key or set member of", "use a plain Python value as key")


def holds_traced(x: Any) -> bool:
    """Whether there is a traced value in an argument: it is one, or a container of some."""
    if isinstance(x, Traced):
        return True
    if isinstance(x, list | tuple | set | frozenset):
        return any(map(holds_traced, x))
    return isinstance(x, dict) and any(map(holds_traced, x.values()))


def type_name(x: Any) -> str:
    """What Python's errors call the type of a value; of a traced one, that which it stands for."""
    cls = x.__class__
    return f"numpy.{cls.__name__}" if cls.__module__ == "numpy" else str(cls.__name__)


def needs(what: str, hint: str, kind: type[CaptureError] = NeedsConcrete) -> NoReturn:
    """Refuse what only a concrete value can do."""
    refuse(f"{what} a traced value is needed, and it is known only when the program runs", hint, kind)
