"""What all elementwise records share: broadcasting, dtype rules, and the constructor that fills a record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import DTypeError
from ..graph import Attrs, Block
from ..op import (
    Linear,
    NoDerivative,
    Op,
    Partials,
    Rule,
    Sample,
    Scalar,
    Scratch,
    TypeRule,
    nothing,
)
from ..types import BOOL, ArrayType, DType, broadcast_shapes

Accepts = Callable[[DType], bool]


def floating(dtype: DType) -> bool:
    return dtype.is_float


def integral(dtype: DType) -> bool:
    return dtype.is_integer


def numeric(dtype: DType) -> bool:
    return dtype is not BOOL


def boolean(dtype: DType) -> bool:
    return dtype is BOOL


def anything(dtype: DType) -> bool:
    return True


def common_dtype(name: str, types: Sequence[ArrayType], accepts: Accepts) -> DType:
    """The one dtype of all operands; DTypeError where there are several, or the op does not accept it."""
    dtypes = {t.dtype for t in types}
    if len(dtypes) != 1:
        raise DTypeError(f"{name} takes operands of one dtype, not {', '.join(str(t.dtype) for t in types)}")
    (dtype,) = dtypes
    if not accepts(dtype):
        raise DTypeError(f"{name} is not defined for {dtype.numpy}")
    return dtype


def same_dtype(name: str, accepts: Accepts, result: DType | None = None) -> TypeRule:
    """Operands of one accepted dtype and broadcastable shapes; the result has it too, or the dtype given."""

    def infer(types: Sequence[ArrayType], attrs: Attrs, blocks: Sequence[Block]) -> tuple[ArrayType, ...]:
        dtype = common_dtype(name, types, accepts)
        return (ArrayType(result or dtype, broadcast_shapes([t.shape for t in types])),)

    return infer


def elementwise(
    name: str,
    *,
    numpy: Callable[..., Any],
    scalar: str | Callable[[Attrs, DType], str],
    partials: Callable[..., Sequence[Any]] | Linear | Rule | NoDerivative,
    sympy: Callable[..., Any] | None = None,
    accepts: Accepts = floating,
    result: DType | None = None,
    infer: TypeRule | None = None,
    aliases: tuple[Callable[..., Any], ...] = (),
    names: tuple[str, ...] = (),
    vector: str | None = None,
    cost: float = 1.0,
    adds: bool = False,
    chooses: bool = False,
    moves: bool = False,
    scratch: Scratch = nothing,
    samples: tuple[Sample, ...] = (),
) -> Op:
    """The record of an elementwise op; its NumPy ufunc, aliases and names (dotted) dispatch to it."""
    derivative = partials if isinstance(partials, Linear | Rule | NoDerivative) else Partials(partials)
    return Op(
        name=name,
        infer=infer or same_dtype(name, accepts, result),
        numpy=numpy,
        derivative=derivative,
        lowering=Scalar(scalar, vector),
        scratch=scratch,
        sympy=sympy,
        dispatch=(numpy, *aliases) if isinstance(numpy, np.ufunc) else aliases,
        dispatch_names=names,
        cost=cost,
        adds=adds,
        chooses=chooses,
        moves=moves,
        samples=samples,
    )


def symbolic(name: str) -> Callable[..., Any]:
    """SymPy's function of this name, found when it is called."""

    def call(*args: Any) -> Any:
        import sympy

        return getattr(sympy, name)(*args)

    return call


def special(name: str) -> Callable[..., Any]:
    """SciPy's special function of this name, found when it is called."""

    def call(*args: Any) -> Any:
        import scipy.special

        return getattr(scipy.special, name)(*args)

    return call


PIECEWISE_CONSTANT = NoDerivative("it is piecewise constant: its derivative is zero, or does not exist")
NOT_NUMERIC = NoDerivative("its result is a truth value")
INTEGERS = NoDerivative("it is a function of integers")


# ---- inputs for samples ----


def vector(low: float, high: float, n: int = 5, seed: int = 0) -> np.ndarray[Any, Any]:
    """Random f64 inputs between two bounds, the same each time."""
    return np.random.default_rng(seed).uniform(low, high, n)


def matrix(low: float, high: float, *shape: int, seed: int = 0) -> np.ndarray[Any, Any]:
    """Random f64 inputs of any shape."""
    return np.random.default_rng(seed).uniform(low, high, shape)


def unary(low: float, high: float) -> tuple[Sample, ...]:
    """A vector and a scalar between two bounds."""
    return (Sample((vector(low, high),)), Sample((np.float64(0.3 * low + 0.7 * high),)))


def binary(low: float, high: float, other_low: float, other_high: float) -> tuple[Sample, ...]:
    """Equal shapes, a scalar beside an array, and broadcasting over both axes."""
    a, b = vector(low, high), vector(other_low, other_high, seed=1)
    return (
        Sample((a, b)),
        Sample((np.float64(a[0]), b)),
        Sample((matrix(low, high, 3, 1, seed=2), matrix(other_low, other_high, 1, 4, seed=3))),
    )
