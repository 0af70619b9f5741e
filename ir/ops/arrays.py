"""Values out of nothing, sizes as values, values as sizes, and checks."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..build import emit
from ..errors import DTypeError, ShapeError, VerifierError
from ..graph import Attrs, Block, Value, constant
from ..op import Element, NoDerivative, Op, Sample, Structural
from ..types import BOOL, F32, F64, I64, ArrayType, Dim, DType
from . import attributes

NOTHING = NoDerivative("it has no float operands")


def on_expressions(numpy: Callable[..., Any]) -> Callable[..., Any]:
    """A SymPy form: the evaluation with NumPy, on arrays of SymPy's expressions."""

    def form(*operands: Any, **attrs: Any) -> Any:
        found = numpy(*(np.asarray(x, dtype=object) for x in operands), **attrs)
        return np.asarray(found, dtype=object)[()]

    return form


# ---- arrays ----


def _filled(types: Sequence[ArrayType], attrs: Attrs, blocks: Sequence[Block]) -> tuple[ArrayType, ...]:
    return (ArrayType(attributes.dtype(attrs["dtype"]), attributes.dims(attrs["shape"])),)


def _memory(types: Sequence[ArrayType], attrs: Attrs, blocks: Sequence[Block]) -> tuple[ArrayType, ...]:
    """The type that is stated; an operand is the memory to lie in, and of that type."""
    found = _filled(types, attrs, blocks)
    if types and (not found[0].rank or (*types,) != found):
        raise ShapeError(f"{found[0]} cannot lie in the memory of {', '.join(map(str, types))}")
    return found


def _undefined(*memory: Any, shape: tuple[int, ...], dtype: DType) -> Any:
    """NaN where there is one, so that a computation with it shows."""
    return np.full(shape, np.nan if dtype.is_float else 0, dtype.numpy)[()]


SHAPES = (
    Sample((), {"shape": (), "dtype": F64}),
    Sample((), {"shape": (3, 2), "dtype": F32}),
    Sample((), {"shape": (0, 2), "dtype": I64}),
    Sample((), {"shape": (2,), "dtype": BOOL}),
)

zeros = Op(
    name="zeros",
    infer=_filled,
    numpy=lambda shape, dtype: np.zeros(shape, dtype.numpy)[()],
    derivative=NOTHING,
    lowering=Structural(),
    sympy=lambda shape, dtype: np.zeros(shape, dtype=object)[()],
    samples=SHAPES,
)

undefined = Op(
    name="undefined",
    infer=_memory,
    numpy=_undefined,
    derivative=NOTHING,
    lowering=Structural(),
    samples=(*SHAPES, Sample((np.zeros(3, np.int64),), {"shape": (3,), "dtype": I64})),
)

iota = Op(
    name="iota",
    infer=lambda types, attrs, blocks: (ArrayType(I64, attributes.dims((attrs["length"],))),),
    numpy=lambda length: np.arange(length, dtype=np.int64),
    derivative=NOTHING,
    lowering=Element(lambda eqn, read, indices: indices[0]),
    sympy=lambda length: np.arange(length, dtype=object),
    samples=(Sample((), {"length": 4}), Sample((), {"length": 0})),
)

# ---- sizes ----


def _bound(types: Sequence[ArrayType], attrs: Attrs, blocks: Sequence[Block]) -> tuple[ArrayType, ...]:
    attributes.text(attrs["size"])
    if list(types) != [ArrayType(I64)]:
        raise DTypeError(f"bind takes one i64 scalar, not {', '.join(map(str, types))}")
    return ()


def _size(types: Sequence[ArrayType], attrs: Attrs, blocks: Sequence[Block]) -> tuple[ArrayType, ...]:
    attributes.dim(attrs["size"])
    return (ArrayType(I64),)


dim = Op(
    name="dim",
    infer=_size,
    numpy=lambda size: np.int64(size),
    derivative=NOTHING,
    lowering=Element(lambda eqn, read, indices: str(eqn.attrs["size"])),
    sympy=lambda size: size,
    samples=(Sample((), {"size": 3}), Sample((), {"size": -1})),
)

bind = Op(
    name="bind",
    infer=_bound,
    numpy=lambda value, size: (),
    derivative=NOTHING,
    lowering=Structural(),
    effect=True,
    binds="size",
    samples=(Sample((np.int64(3),), {"size": "k"}),),
)


def size_value(size: Dim) -> Value:
    """A size as an i64 value: a Constant where it is known."""
    return dim(size=size) if size.constant is None else constant(size.constant, I64)


# ---- checks ----


def _checked(types: Sequence[ArrayType], attrs: Attrs, blocks: Sequence[Block]) -> tuple[ArrayType, ...]:
    attributes.text(attrs["message"])
    kind = attributes.text(attrs["kind"])
    found = getattr(builtins, kind, None)
    if not (isinstance(found, type) and issubclass(found, Exception)):
        raise VerifierError(f"{kind!r} is not the name of a built-in exception")
    if [t.dtype for t in types] != [BOOL]:
        raise DTypeError(f"check takes one bool operand, not {', '.join(map(str, types))}")
    return ()


def _check(ok: Any, kind: str, message: str) -> tuple[()]:
    if not np.all(ok):
        raise getattr(builtins, kind)(message)
    return ()


check = Op(
    name="check",
    infer=_checked,
    numpy=_check,
    derivative=NOTHING,
    lowering=Structural(),
    effect=True,
    samples=(
        Sample((np.True_,), {"kind": "IndexError", "message": "out of bounds"}),
        Sample((np.array([True, True]),), {"kind": "ValueError", "message": "not positive"}),
        Sample((np.zeros(0, bool),), {"kind": "ValueError", "message": "not positive"}),
    ),
)


def checked(ok: Value, kind: str, message: str) -> None:
    """Emit a check: where `ok` is false the program raises the built-in exception `kind`."""
    emit(check, [ok], {"kind": kind, "message": message})


OPS = (zeros, undefined, iota, dim, bind, check)
