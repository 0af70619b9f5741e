"""What the integers of a trace are computed from: polynomials in sizes and in integers that data decide.

`x[at : at + d - j]` has a length although `at` is known only when the program runs: as polynomials, its two
bounds differ by `d - j`. An integer that is not a sum, difference or product of others is *opaque*, and has a
name of its own, `?7`. Two of them that one pure op computes from the same operands are one, as in
`x[ptr[i] : ptr[i] + n]`: value numbering, as compilers do for common subexpressions.

A size that is bound to an integer stands for it: the equation `size = polynomial` is solved for one opaque
term, and that is replaced in others (Gaussian elimination, the sizes in the order in which they are bound).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable

from adcompiler.ir.graph import Constant, Eqn, Value
from adcompiler.ir.integers import combined
from adcompiler.ir.types import I64, ArrayType, Dim

HEAVIEST = 100
"""The weight of the largest polynomials that are computed with; beyond, a size is a number like others."""

_LARGEST = 2**31
"""The largest coefficient: a size must not overflow where the integer itself does not."""

_OPAQUE = "?"


class Provenance:
    """What is known of the scalars of one trace; each equation is noted when it is emitted."""

    def __init__(self) -> None:
        self._polynomials: dict[Value, Dim] = {}
        self._first: dict[Hashable, Value] = {}
        self._equal: dict[Value, Value] = {}

    def name(self, value: Value, name: str) -> None:
        """An integer that is a size: the index of a loop."""
        self._polynomials[value] = Dim.of(name)

    def polynomial(self, value: Value) -> Dim:
        """An i64 scalar in sizes and opaque integers."""
        if isinstance(value, Constant):
            return Dim.of(int(value.data))
        return self._polynomials.setdefault(value, Dim.of(f"{_OPAQUE}{len(self._polynomials)}"))

    def note(self, eqn: Eqn) -> None:
        """Take in an equation that computes a scalar."""
        if eqn.blocks or eqn.op.effect or len(eqn.outputs) != 1 or eqn.output.type.shape:
            return
        found = self._computed(eqn)
        if found is not None:
            self._polynomials[eqn.output] = found
            return
        key = (eqn.op.name, tuple(map(self._identity, eqn.inputs)), tuple(eqn.attrs.items()))
        first = self._first.setdefault(key, eqn.output)
        self._equal[eqn.output] = first
        if eqn.output.type == ArrayType(I64):
            self._polynomials[eqn.output] = self.polynomial(first)

    def _computed(self, eqn: Eqn) -> Dim | None:
        if eqn.output.type != ArrayType(I64):
            return None
        if eqn.op.name == "dim":
            size = eqn.attrs["size"]
            assert isinstance(size, Dim | int)
            found: Dim | None = Dim.of(size)
        else:
            found = None if self._heavy(eqn.inputs) else combined(eqn, self.polynomial)
        return None if found is None or any(abs(c) > _LARGEST for _, c in found.terms) else found

    def _heavy(self, operands: Iterable[Value]) -> bool:
        weights = (self.polynomial(v).weight() for v in operands if v.type == ArrayType(I64))
        return sum(weights) > HEAVIEST

    def _identity(self, value: Value) -> Hashable:
        """What equal operands have in common."""
        if isinstance(value, Constant):
            return value if value.type.shape else (value.type, value.data.tobytes())
        return self.polynomial(value) if value.type == ArrayType(I64) else self._equal.get(value, value)


def is_opaque(dim: Dim) -> bool:
    """Whether opaque integers are in a polynomial."""
    return any(name.startswith(_OPAQUE) for name in dim.names())


def eliminated(dim: Dim, size: str, polynomial: Dim) -> Dim:
    """The polynomial with one opaque term replaced, as `size = polynomial` says."""
    terms = ((Dim(((m, 1),)), c) for m, c in polynomial.terms)
    pivot, by = min(((m, c) for m, c in terms if is_opaque(m)), key=lambda term: abs(term[1]))
    held = dict(dim.terms).get(pivot.terms[0][0], 0)
    return dim + (Dim.of(size) - polynomial) * (held // by) if held % by == 0 else dim
