"""Ops on numbers of many digits: one rule for all of them, taken from the SymPy form in each record.

A number is an mpmath `mpf`; an array of them is a NumPy array of objects. Integers and truth values stay
NumPy's. What is piecewise constant, or gives no float, needs no digits and is evaluated by NumPy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np

from adcompiler.ir.errors import AdcompilerError
from adcompiler.ir.op import NoDerivative, Op, Scalar
from adcompiler.ir.ops.exact import exact

DIGITS = 50
"""What a comparison of whole programs can show at most."""

WORKING_DIGITS = 150
STEP_DIGITS = 45
"""What is computed with: central differences with step 1e-45 then have errors of about 1e-90."""

ZERO_DIGITS = 75
"""What is smaller than 1e-75 is zero, up to these errors."""


class NoSymbolicForm(AdcompilerError):
    """An op whose record has no SymPy form: it can neither be proven nor evaluated to 50 digits."""


@contextmanager
def precision() -> Iterator[Any]:
    """mpmath at the working precision."""
    import mpmath

    with mpmath.workdps(WORKING_DIGITS):
        yield mpmath


def is_float(x: Any) -> bool:
    """Whether an array or scalar holds floats, of NumPy's or of many digits."""
    dtype = np.asarray(x).dtype
    return dtype.kind in "fO" or dtype.name == "bfloat16"


def negligible(x: Any) -> bool:
    """Whether a number is zero, up to the errors of differences."""
    import mpmath

    return bool(abs(x) < mpmath.mpf(10) ** -ZERO_DIGITS)


def lifted(x: Any) -> Any:
    """NumPy's floats as numbers of many digits; what has many digits already stays."""
    wide = np.asarray(x, np.float64) if np.asarray(x).dtype.name == "bfloat16" else x
    return elementwise(
        lambda number: to_mpf(exact_number(number)) if isinstance(number, float) else number, wide
    )


def exact_number(x: float) -> Any:
    """The SymPy number that a float of the program stands for: 0.6931471805599453 is log(2)."""
    import sympy

    return exact(x) if np.isfinite(x) else sympy.sympify(float(x))


def elementwise(f: Callable[..., Any], *arrays: Any) -> Any:
    """Apply `f` element by element, with broadcasting; the result is an array of objects, or one object."""
    with np.errstate(all="ignore"):
        return np.frompyfunc(f, len(arrays), 1)(*arrays)


def to_mpf(x: Any) -> Any:
    """Any real number as an mpf; NaN where the result left the real numbers."""
    import mpmath

    if hasattr(x, "_to_mpmath"):
        x = x._to_mpmath(mpmath.mp.prec)
    if isinstance(x, mpmath.mpc):
        return mpmath.mpf("nan") if x.imag else +x.real
    return +mpmath.mpf(x)


def to_f64(x: Any) -> Any:
    """The nearest floats of NumPy."""
    return np.asarray(x).astype(np.float64)[()] if is_float(x) else x


def evaluate_op(op: Op, inputs: Sequence[Any], attrs: Mapping[str, Any]) -> Any:
    """One op without blocks on arrays of mpf, integers and truth values.

    Raises NoSymbolicForm where the record has none and needs one.
    """
    digits = any(np.asarray(x).dtype == object for x in inputs)
    if not digits or isinstance(op.derivative, NoDerivative):
        result = op.numpy(*map(to_f64, inputs), **attrs)
        return lifted(result) if not isinstance(result, tuple) and is_float(result) else result
    if op.sympy is None:
        raise NoSymbolicForm(f"op {op.name} has no symbolic form")
    if isinstance(op.lowering, Scalar):
        return elementwise(compiled(op, tuple(sorted(attrs.items())), len(inputs)), *inputs)
    return elementwise(to_mpf, op.sympy(*inputs, **attrs))


@cache
def compiled(op: Op, attrs: tuple[tuple[str, Any], ...], arity: int) -> Callable[..., Any]:
    """An elementwise op as a function of mpmath numbers."""
    import mpmath
    import sympy

    assert op.sympy is not None
    symbols = [sympy.Symbol(f"x{k}") for k in range(arity)]
    function = sympy.lambdify(symbols, op.sympy(*symbols, **dict(attrs)), "mpmath")

    def scalar(*numbers: Any) -> Any:
        try:
            return to_mpf(function(*(bool(x) if isinstance(x, np.bool_) else x for x in numbers)))
        except (ZeroDivisionError, ValueError):  # a pole, where NumPy gives inf or NaN
            return mpmath.mpf("nan")

    return scalar
