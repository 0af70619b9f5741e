"""Types: dtypes, symbolic sizes, array types, and NumPy's broadcasting over them.

A `Dim` is an integer polynomial in atoms: named sizes, and two opaque forms that slicing needs, floor
quotients and `max(e, 0)`. Its terms are kept sorted, so that equality is structural. Named sizes are never
negative.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from .errors import DTypeError, ShapeError


class DType(enum.Enum):
    """The element types of the IR; the value is the name in its text."""

    BOOL = "bool"
    I8 = "i8"
    I16 = "i16"
    I32 = "i32"
    I64 = "i64"
    U8 = "u8"
    U16 = "u16"
    U32 = "u32"
    U64 = "u64"
    F16 = "f16"
    BF16 = "bf16"
    F32 = "f32"
    F64 = "f64"

    @cached_property
    def numpy(self) -> np.dtype[Any]:
        """NumPy's dtype; that of bf16 is defined by the package ml_dtypes, which is imported here."""
        return np.dtype(_bfloat16() if self is DType.BF16 else self.numpy_name)

    @property
    def numpy_name(self) -> str:
        return _NUMPY_NAMES[self.value]

    @property
    def is_float(self) -> bool:
        return self.value[0] == "f" or self is DType.BF16

    @property
    def is_half(self) -> bool:
        """Whether it is a float of 16 bits: such are stored, and computed with in f32."""
        return self in (DType.F16, DType.BF16)

    @property
    def is_integer(self) -> bool:
        return self.value[0] in "iu"

    @property
    def itemsize(self) -> int:
        return 2 if self.is_half else self.numpy.itemsize

    @property
    def limits(self) -> Any:
        """`np.finfo` of a float; NumPy's own does not know bf16."""
        if self is not DType.BF16:
            return np.finfo(self.numpy)
        from ml_dtypes import finfo

        return finfo(self.numpy)  # type: ignore[no-untyped-call]

    def __str__(self) -> str:
        return str(self.value)

    @staticmethod
    def of(dtype: Any) -> DType:
        """The IR's dtype for anything that `np.dtype` accepts, byte order ignored; DTypeError otherwise."""
        native = np.dtype(dtype).newbyteorder("=")
        for candidate in DType:
            named = candidate is not DType.BF16 or native.name == candidate.numpy_name
            if named and candidate.numpy == native:
                return candidate
        raise DTypeError(
            f"dtype {native} is not supported",
            hint="use one of " + ", ".join(d.numpy_name for d in DType),
        )


def _bfloat16() -> Any:
    """The scalar type of bf16, which NumPy knows only after this import."""
    try:
        from ml_dtypes import bfloat16
    except ModuleNotFoundError:
        raise DTypeError(
            "bfloat16 needs the package ml_dtypes", hint='pip install "adcompiler[bfloat16]"'
        ) from None
    return bfloat16


_NUMPY_NAMES = {
    "bool": "bool",
    **{
        f"{kind}{bits}": f"{name}{bits}"
        for kind, name in (("i", "int"), ("u", "uint"))
        for bits in (8, 16, 32, 64)
    },
    "f16": "float16",
    "bf16": "bfloat16",
    "f32": "float32",
    "f64": "float64",
}
BOOL, I32, I64, F32, F64 = DType.BOOL, DType.I32, DType.I64, DType.F32, DType.F64


# ---- sizes ----


@dataclass(frozen=True)
class Quotient:
    """The atom `numerator // divisor` (floor), divisor > 0."""

    numerator: Dim
    divisor: int

    def __str__(self) -> str:
        simple = len(self.numerator.terms) == 1 and self.numerator.terms[0][1] > 0
        return f"{self.numerator} // {self.divisor}" if simple else f"({self.numerator}) // {self.divisor}"


@dataclass(frozen=True)
class Positive:
    """The atom `max(of, 0)`: the length of a slice or loop that may be empty."""

    of: Dim

    def __str__(self) -> str:
        return f"max({self.of}, 0)"


Atom = str | Quotient | Positive


def _atom_weight(atom: Atom) -> int:
    match atom:
        case Quotient(inner, _) | Positive(inner):
            return 1 + inner.weight()
    return 1


Monomial = tuple[Atom, ...]
Sizes = Mapping[str, int]


@dataclass(frozen=True)
class Dim:
    """An integer polynomial in atoms: `terms` maps monomials to coefficients, as a sorted tuple of pairs."""

    terms: tuple[tuple[Monomial, int], ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash(self.terms))

    def __hash__(self) -> int:
        return self._hash  # type: ignore[attr-defined,no-any-return]

    @staticmethod
    def of(x: DimLike) -> Dim:
        """A Dim of an integer, of the name of a size, or of a Dim."""
        if isinstance(x, Dim):
            return x
        return Dim((((x,), 1),)) if isinstance(x, str) else _polynomial({(): int(x)})

    @property
    def constant(self) -> int | None:
        """The value if it does not depend on sizes, else None."""
        if not self.terms:
            return 0
        return self.terms[0][1] if len(self.terms) == 1 and self.terms[0][0] == () else None

    @property
    def name(self) -> str | None:
        """The size's name if this is one size alone, else None."""
        if len(self.terms) == 1 and self.terms[0][1] == 1 and len(self.terms[0][0]) == 1:
            atom = self.terms[0][0][0]
            return atom if isinstance(atom, str) else None
        return None

    def names(self) -> frozenset[str]:
        """The named sizes that occur, also inside opaque atoms."""
        return frozenset(name for atom in self.atoms() for name in _atom_names(atom))

    def atoms(self) -> Iterator[Atom]:
        return (atom for monomial, _ in self.terms for atom in monomial)

    def weight(self) -> int:
        """How much there is of it: its terms and their atoms, those inside atoms included."""
        return len(self.terms) + sum(map(_atom_weight, self.atoms()))

    def __add__(self, other: DimLike) -> Dim:
        total = dict(self.terms)
        for monomial, coefficient in Dim.of(other).terms:
            total[monomial] = total.get(monomial, 0) + coefficient
        return _polynomial(total)

    def __mul__(self, other: DimLike) -> Dim:
        total: dict[Monomial, int] = {}
        for a, x in self.terms:
            for b, y in Dim.of(other).terms:
                monomial = tuple(sorted(a + b, key=str))
                total[monomial] = total.get(monomial, 0) + x * y
        return _polynomial(total)

    def __neg__(self) -> Dim:
        return self * -1

    def __sub__(self, other: DimLike) -> Dim:
        return self + -Dim.of(other)

    def __rsub__(self, other: DimLike) -> Dim:
        return Dim.of(other) - self

    __radd__ = __add__
    __rmul__ = __mul__

    def __floordiv__(self, divisor: int) -> Dim:
        """Floor division by a positive integer; exact where every coefficient is divisible."""
        if all(c % divisor == 0 for _, c in self.terms):
            return _polynomial({m: c // divisor for m, c in self.terms})
        if self.constant is not None:
            return Dim.of(self.constant // divisor)
        return Dim((((Quotient(self, divisor),), 1),))

    def positive(self) -> Dim:
        """`max(self, 0)`; itself where it cannot be negative."""
        if self.never_negative():
            return self
        if self.constant is not None:
            return Dim.of(max(self.constant, 0))
        return Dim((((Positive(self),), 1),))

    def never_negative(self) -> bool:
        """True where the sign follows from sizes being >= 0 (a sufficient test)."""
        return all(c >= 0 and all(_atom_never_negative(a) for a in m) for m, c in self.terms)

    def value(self, sizes: Sizes) -> int:
        """The number for given sizes; KeyError names a size without a value."""
        return sum(c * prod(_atom_value(a, sizes) for a in m) for m, c in self.terms)

    def substitute(self, sizes: Mapping[str, Dim]) -> Dim:
        """The polynomial with sizes replaced; what becomes simpler is simplified."""
        if not sizes or self.names().isdisjoint(sizes):
            return self
        total = Dim()
        for monomial, coefficient in self.terms:
            product = Dim.of(coefficient)
            for atom in monomial:
                product = product * _atom_substitute(atom, sizes)
            total = total + product
        return total

    def __str__(self) -> str:
        if not self.terms:
            return "0"
        # the constant comes last: n + 1, not 1 + n
        terms = sorted(self.terms, key=lambda t: (t[0] == (), t[1] < 0, str(t[0])))
        text = ""
        for monomial, c in terms:
            sign = ("-" if c < 0 else "") if not text else (" - " if c < 0 else " + ")
            alone = len(monomial) == c == 1
            factors = [str(a) if alone or not isinstance(a, Quotient) else f"({a})" for a in monomial]
            if abs(c) != 1 or not factors:
                factors.insert(0, str(abs(c)))
            text += sign + "*".join(factors)
        return text

    __repr__ = __str__


DimLike = Dim | int | str
Shape = tuple[Dim, ...]


def _polynomial(terms: Mapping[Monomial, int]) -> Dim:
    return Dim(tuple(sorted(((m, c) for m, c in terms.items() if c), key=lambda t: (len(t[0]), str(t[0])))))


def _atom_names(atom: Atom) -> frozenset[str]:
    match atom:
        case str():
            return frozenset((atom,))
        case Quotient(numerator, _):
            return numerator.names()
        case Positive(of):
            return of.names()


def _atom_never_negative(atom: Atom) -> bool:
    return atom.numerator.never_negative() if isinstance(atom, Quotient) else True


def _atom_value(atom: Atom, sizes: Sizes) -> int:
    match atom:
        case str():
            return int(sizes[atom])
        case Quotient(numerator, divisor):
            return numerator.value(sizes) // divisor
        case Positive(of):
            return max(of.value(sizes), 0)


def _atom_substitute(atom: Atom, sizes: Mapping[str, Dim]) -> Dim:
    match atom:
        case str():
            return sizes.get(atom, Dim.of(atom))
        case Quotient(numerator, divisor):
            return numerator.substitute(sizes) // divisor
        case Positive(of):
            return of.substitute(sizes).positive()


# ---- array types ----


@dataclass(frozen=True)
class ArrayType:
    """An array's dtype and shape; a scalar has rank 0."""

    dtype: DType
    shape: Shape = ()

    @property
    def rank(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> Dim:
        """The number of elements."""
        total = Dim.of(1)
        for d in self.shape:
            total = total * d
        return total

    def with_shape(self, shape: Sequence[DimLike]) -> ArrayType:
        return ArrayType(self.dtype, tuple(Dim.of(d) for d in shape))

    def with_dtype(self, dtype: DType) -> ArrayType:
        return ArrayType(dtype, self.shape)

    def substitute(self, sizes: Mapping[str, Dim]) -> ArrayType:
        return ArrayType(self.dtype, tuple(d.substitute(sizes) for d in self.shape))

    def __str__(self) -> str:
        return f"{self.dtype}[{', '.join(map(str, self.shape))}]" if self.shape else str(self.dtype)


def array_type(dtype: DType | str, *shape: DimLike) -> ArrayType:
    """`array_type("f64", "n", 3)` is `f64[n, 3]`."""
    return ArrayType(DType(dtype), tuple(Dim.of(d) for d in shape))


def shape_text(shape: Sequence[Dim]) -> str:
    """A shape as Python source, and as messages show it: `(n, 3)`, `(n,)`, `()`."""
    return "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"


def broadcast_shapes(shapes: Sequence[Shape]) -> Shape:
    """NumPy's broadcasting of shapes; sizes must be equal as polynomials, or 1.

    Raises ShapeError, naming the sizes, where they are not.
    """
    rank = max((len(s) for s in shapes), default=0)
    result: list[Dim] = []
    for axis in range(rank):
        dims = [s[axis - rank + len(s)] for s in shapes if axis - rank + len(s) >= 0]
        wide = list(dict.fromkeys(d for d in dims if d.constant != 1))
        if len(wide) > 1:
            shown = ", ".join(map(shape_text, shapes))
            raise ShapeError(f"operands could not be broadcast together with shapes {shown}")
        result.append(wide[0] if wide else Dim.of(1))
    return tuple(result)


def normalize_axis(axis: int, rank: int) -> int:
    """An axis counted from the front; ShapeError where the array has no such axis."""
    if not -rank <= axis < rank:
        raise ShapeError(f"axis {axis} is out of bounds for array of dimension {rank}")
    return axis % rank


# ---- guards ----


class Relation(enum.Enum):
    """What a guard says of a Dim, compared with zero."""

    ZERO = "=="
    NONZERO = "!="
    NONNEGATIVE = ">="


@dataclass(frozen=True)
class Guard:
    """What tracing assumed of the sizes, `dim relation 0`: checked at each call."""

    dim: Dim
    relation: Relation

    def holds(self, sizes: Sizes) -> bool:
        value = self.dim.value(sizes)
        match self.relation:
            case Relation.ZERO:
                return value == 0
            case Relation.NONZERO:
                return value != 0
            case Relation.NONNEGATIVE:
                return value >= 0

    def __str__(self) -> str:
        """`n*m - 3 >= 0`."""
        return f"{self.dim} {self.relation.value} 0"
