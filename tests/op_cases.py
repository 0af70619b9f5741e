"""Every op with every sample of its record: what tests of ops, transforms and backends run over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from adcompiler.ir.build import emit, function
from adcompiler.ir.errors import AdcompilerError
from adcompiler.ir.evaluate import evaluate
from adcompiler.ir.graph import Function, Value
from adcompiler.ir.op import Op, Sample
from adcompiler.ir.ops import OPS
from adcompiler.ir.types import ArrayType, Dim, DType, array_type


@dataclass(frozen=True)
class Case:
    """An op applied to the inputs of one of its samples, as a Function with one parameter an input."""

    op: Op
    sample: Sample
    id: str

    @cached_property
    def inputs(self) -> tuple[Any, ...]:
        return tuple(np.asarray(x)[()] for x in self.sample.inputs)

    @cached_property
    def types(self) -> tuple[ArrayType, ...]:
        return tuple(type_of(x) for x in self.inputs)

    @cached_property
    def function(self) -> Function:
        params = [Value(t, name) for t, name in zip(self.types, "xyzuvwabcdefgh", strict=False)]
        return function(self.op.name, params, lambda *p: emit(self.op, p, self.sample.attrs), ops=OPS)

    @cached_property
    def outputs(self) -> tuple[Any, ...]:
        """The results, evaluated with NumPy."""
        return self.evaluate(*self.inputs)

    def evaluate(self, *inputs: Any) -> tuple[Any, ...]:
        """The results for other inputs of the same shapes."""
        with np.errstate(all="ignore"):
            return evaluate(self.function, inputs)

    @property
    def floats(self) -> tuple[int, ...]:
        """Which inputs have a derivative."""
        return tuple(i for i, t in enumerate(self.types) if t.dtype.is_float)

    def converted(self, dtype: DType) -> Case | None:
        """The case with its float inputs in another dtype (integers: small, positive); None if refused."""
        types = [t.with_dtype(dtype) if t.dtype.is_float else t for t in self.types]
        try:
            self.op.infer(types, self.sample.attrs, ())
        except AdcompilerError:
            return None
        inputs = tuple(_converted(x, dtype) if np.asarray(x).dtype.kind == "f" else x for x in self.inputs)
        return Case(self.op, replace(self.sample, inputs=inputs), f"{self.id}-{dtype}")


def type_of(x: Any) -> ArrayType:
    """The type, of static shape, of a NumPy value."""
    return ArrayType(DType.of(np.asarray(x).dtype), tuple(Dim.of(n) for n in np.shape(x)))


def _converted(x: Any, dtype: DType) -> Any:
    if dtype.is_integer:
        return (np.rint(3 * np.abs(x)) + 1).astype(dtype.numpy)[()]
    return np.asarray(x).astype(dtype.numpy)[()]


def cases() -> Iterator[Case]:
    """All of them, in the order of the table."""
    for op in OPS.values():
        for number, sample in enumerate(op.samples):
            yield Case(op, sample, f"{op.name}-{number}")


def f64(*sizes: Any) -> ArrayType:
    """The type of an array of f64."""
    return array_type("f64", *sizes)


def applied(name: str, arrays: list[Any], **attrs: Any) -> Function:
    """An op on parameters of the types of these arrays."""
    params = [Value(type_of(x), f"x{j}") for j, x in enumerate(arrays)]
    return function(name, params, lambda *p: [OPS[name](*p, **attrs)], ops=OPS)


def directions(values: Any, seed: int) -> list[Any]:
    """Random arrays of the shapes of these values."""
    random = np.random.default_rng(seed)
    return [random.uniform(-1, 1, np.shape(x)) for x in values]


# ---- sources of elements, run as the Python that they are ----


class Strict:
    """An array that is only read inside, and never from its end."""

    def __init__(self, array: Any) -> None:
        self.array = np.asarray(array)

    def __getitem__(self, key: tuple[int, ...]) -> Any:
        assert all(0 <= i < size for i, size in zip(key, self.array.shape, strict=True))
        return self.array[key]


def read(operand: int, indices: Any) -> str:
    return f"x{operand}[({''.join(f'{i}, ' for i in indices)})]"
