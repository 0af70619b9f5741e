"""The IR: a Function is a named Block; a Block is a list of Eqns; everything is frozen.

A Block sees the values of the scopes around it; `captured` lists those that it uses. Identity is equality:
two Values are the same only if they are one object. An operand is always a Value; a Constant carries its
data.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from .errors import Location
from .types import ArrayType, Dim, DType, Guard

if TYPE_CHECKING:
    from .op import Op

Attr = bool | int | float | str | None | Dim | DType | tuple["Attr", ...]
Attrs = Mapping[str, Attr]


class Emitter(Protocol):
    """What stands behind the operators of a Value: the builder of the block that is being written."""

    def apply(self, op: str, *operands: Value | float) -> Value:
        """Emit the op of this name on the operands."""

    def emit(
        self,
        op: Op,
        inputs: Sequence[Value | float],
        attrs: Attrs,
        blocks: Sequence[Block] = (),
        names: Sequence[str | None] = (),
    ) -> tuple[Value, ...]:
        """Emit one application of `op` and return its outputs."""


EMITTER: ContextVar[Emitter] = ContextVar("emitter")


@dataclass(frozen=True, eq=False)
class Value:
    """One SSA name. `name` is only a hint for the printer."""

    type: ArrayType
    name: str | None = None

    def __add__(self, other: Value | float) -> Value:
        return EMITTER.get().apply("add", self, other)

    def __radd__(self, other: float) -> Value:
        return EMITTER.get().apply("add", other, self)

    def __sub__(self, other: Value | float) -> Value:
        return EMITTER.get().apply("sub", self, other)

    def __rsub__(self, other: float) -> Value:
        return EMITTER.get().apply("sub", other, self)

    def __mul__(self, other: Value | float) -> Value:
        return EMITTER.get().apply("mul", self, other)

    def __rmul__(self, other: float) -> Value:
        return EMITTER.get().apply("mul", other, self)

    def __truediv__(self, other: Value | float) -> Value:
        return EMITTER.get().apply("div", self, other)

    def __rtruediv__(self, other: float) -> Value:
        return EMITTER.get().apply("div", other, self)

    def __neg__(self) -> Value:
        return EMITTER.get().apply("neg", self)


@dataclass(frozen=True, eq=False)
class Constant(Value):
    """A Value known when the program is written: a NumPy array (read-only) or, of rank 0, a NumPy scalar."""

    data: Any = None


def constant(data: Any, dtype: DType | None = None) -> Constant:
    """A Constant of any array-like; the data is copied, and made read-only, unless it is a scalar."""
    array = np.array(data, dtype=dtype.numpy if dtype else None)
    kind = DType.of(array.dtype)
    array = array.astype(kind.numpy, copy=False)
    if array.ndim == 0:
        return Constant(ArrayType(kind), None, array[()])
    array = np.ascontiguousarray(array)
    array.flags.writeable = False
    return Constant(ArrayType(kind, tuple(Dim.of(n) for n in array.shape)), None, array)


@dataclass(frozen=True, eq=False)
class Eqn:
    """One application of an op."""

    op: Op
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    attrs: Attrs = field(default_factory=dict)
    blocks: tuple[Block, ...] = ()
    location: Location | None = None
    note: str | None = None
    """Whose adjoint, tangent or replay this is: shown by the printer, ignored by equality."""

    @property
    def output(self) -> Value:
        """The only output."""
        (value,) = self.outputs
        return value


@dataclass(frozen=True, eq=False)
class Block:
    """Parameters, equations in order, results."""

    params: tuple[Value, ...]
    eqns: tuple[Eqn, ...]
    results: tuple[Value, ...]


@dataclass(frozen=True, eq=False)
class Function:
    """A named Block that captures nothing.

    `sizes` names every size that is free in it, in the order in which a call gives them; `guards` are what
    tracing assumed of them; `written` maps results to the parameters whose final contents they are: pairs
    (index of the result, index of the parameter).
    """

    name: str
    body: Block
    sizes: tuple[str, ...] = ()
    guards: tuple[Guard, ...] = ()
    written: tuple[tuple[int, int], ...] = ()


def captured(block: Block) -> list[Value]:
    """What a block, or a block inside it, uses of the scopes around it, in order of first use."""
    bound: set[Value] = set()
    free: dict[Value, None] = {}
    for value in _uses(block, bound):
        if value not in bound and not isinstance(value, Constant):
            free[value] = None
    return list(free)


def _uses(block: Block, bound: set[Value]) -> Iterator[Value]:
    """Uses in program order; `bound` grows with what has been defined so far."""
    bound.update(block.params)
    for eqn in block.eqns:
        yield from eqn.inputs
        for inner in eqn.blocks:
            yield from _uses(inner, bound)
        bound.update(eqn.outputs)
    yield from block.results


def reads(eqn: Eqn) -> list[Value]:
    """What an equation reads: its operands, and what its blocks capture."""
    return [*eqn.inputs, *(value for inner in eqn.blocks for value in captured(inner))]


def values(block: Block) -> Iterator[Value]:
    """Every value that a block and the blocks inside it define."""
    yield from block.params
    for eqn in block.eqns:
        yield from eqn.outputs
        for inner in eqn.blocks:
            yield from values(inner)


def walk(block: Block) -> Iterator[Eqn]:
    """Every equation of the block and of the blocks inside it, outer ones first."""
    for eqn in block.eqns:
        yield eqn
        for inner in eqn.blocks:
            yield from walk(inner)


def count(block: Block) -> int:
    """The number of equations, those of inner blocks included."""
    return sum(1 for _ in walk(block))


def mentioned(eqn: Eqn) -> frozenset[str]:
    """The sizes in the attributes and results of an equation; not those in its blocks."""
    names = frozenset[str]().union(*(d.names() for o in eqn.outputs for d in o.type.shape))
    return names.union(*(_names(a) for a in eqn.attrs.values()))


def _names(attr: Attr) -> frozenset[str]:
    if isinstance(attr, Dim):
        return attr.names()
    return frozenset[str]().union(*map(_names, attr)) if isinstance(attr, tuple) else frozenset()
