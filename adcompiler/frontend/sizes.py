"""Integers that are sizes: polynomials in them stay polynomials, comparisons become guards.

A `Size` is not an `int` subclass: C code would read that without asking, and freeze the value of the call
that is traced. It says that its class is `int`, and whoever needs the number asks `__index__`, which makes
the size static. A comparison that is not decided yet is a `SizePredicate`: an `if` decides it by a guard, a
`while` and arithmetic take it as a traced value.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from adcompiler.ir.errors import NeedsConcrete
from adcompiler.ir.graph import Value, constant
from adcompiler.ir.ops.comparison import equal, greater_equal, not_equal
from adcompiler.ir.types import BOOL, I64, ArrayType, Dim, Guard, Relation

from .extents import holds, proved, proved_relation, size_of, static, value_of
from .facts import Facts, opposite
from .frames import refuse
from .handles import Traced
from .provenance import HEAVIEST
from .scalars import TracedScalar


class Size(Traced):
    """A traced integer that is a `Dim`: a length, a loop index, or what they are computed to."""

    ndim = 0
    weak = "int"
    type = ArrayType(I64)

    def __init__(self, dim: Dim) -> None:
        self.dim = dim

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return int

    def read(self) -> Value:
        return value_of(self.dim)

    def __index__(self) -> int:
        return static(self.dim, "a size used where Python needs its value")

    def __int__(self) -> int:
        return self.__index__()

    def __float__(self) -> float:
        return float(self.__index__())

    def __hash__(self) -> int:
        return hash(self.__index__())

    def __bool__(self) -> bool:
        return bool(SizePredicate(self.dim, Relation.NONZERO))

    def negated(self) -> SizePredicate:
        """`not size`."""
        return SizePredicate(self.dim, Relation.ZERO)

    def __str__(self) -> str:
        return str(self.__index__())

    def __format__(self, spec: str) -> str:
        return format(self.__index__(), spec)

    def __round__(self, digits: int | None = None) -> Any:
        return self

    __trunc__ = __floor__ = __ceil__ = __round__

    def __repr__(self) -> str:
        return f"Size({self.dim})"


class SizePredicate(Traced):
    """`dim relation 0`, not decided yet."""

    ndim = 0
    weak = None
    type = ArrayType(BOOL)

    def __init__(self, dim: Dim, relation: Relation) -> None:
        self.dim = dim
        self.relation = relation

    def decide(self) -> bool | None:
        """The answer, by proof or by a guard; None if it depends on a loop index or on data."""
        return holds(self.dim, self.relation)

    def negated(self) -> SizePredicate:
        """`not (dim relation 0)`."""
        other = opposite(Guard(self.dim, self.relation))
        return SizePredicate(other.dim, other.relation)

    @property
    def facts(self) -> Facts:
        """What its truth says of sizes."""
        guard = Guard(self.dim, self.relation)
        return Facts((guard,), (opposite(guard),))

    def read(self) -> Value:
        op = {Relation.ZERO: equal, Relation.NONZERO: not_equal, Relation.NONNEGATIVE: greater_equal}
        return op[self.relation](value_of(self.dim), constant(0, I64))

    def __bool__(self) -> bool:
        truth = self.decide()
        if truth is None:
            refuse(
                f"whether {self} holds changes within the program, and it is needed as a Python bool",
                "write the test as an `if` or `while` of the captured function itself",
                NeedsConcrete,
            )
        return truth

    def __hash__(self) -> int:
        return hash(bool(self))

    def __str__(self) -> str:
        return f"{self.dim} {self.relation.value} 0"


def integer(dim: Dim) -> Any:
    """A Dim as the user sees it: a plain int where it is known, else a Size."""
    return Size(dim) if dim.constant is None else dim.constant


def dim_of(x: Any) -> Dim | None:
    """The Dim of a plain integer or Size; None for anything else."""
    if type(x) is Size:
        return x.dim
    if type(x) is int or (isinstance(x, np.integer) and not isinstance(x, Traced)):
        return Dim.of(int(x))
    return None


def size_in(x: Any) -> Dim | None:
    """The Dim of an integer: also of a traced one where it is a polynomial in sizes that are known here."""
    traced = type(x) is TracedScalar and x.type == ArrayType(I64)
    return size_of(x.value) if traced else dim_of(x)


def plain_integer(x: Any, use: str, instead: str) -> int:
    """An operand that must be known while tracing; a size becomes static. `instead` is what else to do."""
    if isinstance(x, Traced) and dim_of(x) is None:
        refuse(
            f"{use} must be a plain integer, and it is known only when the program runs",
            f"pass it as an argument of type int, or {instead}",
            NeedsConcrete,
        )
    dim = dim_of(x)
    return operator.index(x) if dim is None else static(dim, use)


def predicate(dim: Dim, relation: Relation) -> Any:
    """`dim relation 0`: a bool where it is proved, else a SizePredicate."""
    known = proved_relation(dim, relation)
    return SizePredicate(dim, relation) if known is None else known


def arithmetic(ufunc: np.ufunc, operands: tuple[Any, ...]) -> Any:
    """An operator on sizes and integers that stays a size or predicate; NotImplemented for any other."""
    dims = [dim_of(x) for x in operands]
    if any(d is None for d in dims) or not any(type(x) is Size for x in operands):
        return NotImplemented
    known = [d for d in dims if d is not None]
    return _unary(ufunc, *known) if len(known) == 1 else _binary(ufunc, *known)


def _unary(ufunc: np.ufunc, a: Dim) -> Any:
    if ufunc is np.negative:
        return integer(-a)
    if ufunc is np.positive or (ufunc is np.absolute and proved(a)):
        return integer(a)
    return NotImplemented


_POWERS = range(9)


def _binary(ufunc: np.ufunc, a: Dim, b: Dim) -> Any:
    if a.weight() + b.weight() > HEAVIEST:
        return NotImplemented
    if ufunc in _RELATIONS:
        difference, relation = _RELATIONS[ufunc]
        return predicate(difference(a, b), relation)
    if ufunc in _POLYNOMIALS:
        return integer(_POLYNOMIALS[ufunc](a, b))
    known = b.constant
    if ufunc is np.power and known is not None and known in _POWERS:
        return integer(math.prod([a] * known, start=Dim.of(1)))
    if ufunc in (np.floor_divide, np.remainder, np.divmod) and known is not None and known > 0:
        whole, rest = integer(a // known), integer(a - a // known * known)
        return whole if ufunc is np.floor_divide else rest if ufunc is np.remainder else (whole, rest)
    return NotImplemented


_POLYNOMIALS: dict[np.ufunc, Callable[[Dim, Dim], Dim]] = {
    np.add: operator.add,
    np.subtract: operator.sub,
    np.multiply: operator.mul,
}
_RELATIONS: dict[np.ufunc, tuple[Callable[[Dim, Dim], Dim], Relation]] = {
    np.equal: (operator.sub, Relation.ZERO),
    np.not_equal: (operator.sub, Relation.NONZERO),
    np.greater_equal: (operator.sub, Relation.NONNEGATIVE),
    np.greater: (lambda a, b: a - b - 1, Relation.NONNEGATIVE),
    np.less_equal: (lambda a, b: b - a, Relation.NONNEGATIVE),
    np.less: (lambda a, b: b - a - 1, Relation.NONNEGATIVE),
}
