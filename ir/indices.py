"""Integers inside loops as polynomials, and which accesses of an array can never meet.

Every integer of a block is a polynomial in sizes of the program, loop indices, and integers that are not
taken apart. A write at `w` and a read at `r`, some trips of a loop apart, never meet when along one axis
`w - r` has no zero: because it is `a * (trips apart) + c` and `a` does not divide `c`, or because the ranges
of the loops keep it above zero, or below. The one test serves the choice of residuals, and the question
whether the trips of a loop are independent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from .accesses import Access
from .affine import nonnegative
from .graph import Block, Constant, Eqn, Value
from .loops import most_trips
from .types import Dim


@dataclass(frozen=True)
class Integers:
    """What is known of the integer scalars of a block and the blocks inside it.

    `polynomials` has each of them, in names of its own for what varies: `stands_for` says which value such a
    name means, outer ones first. Names in `ranges` are never negative, and at most what is said there (None:
    not known).
    """

    polynomials: dict[Value, Dim] = field(default_factory=dict)
    stands_for: dict[str, Value] = field(default_factory=dict)
    ranges: dict[str, Dim | None] = field(default_factory=dict)

    def of(self, value: Value) -> Dim:
        """The polynomial of an integer."""
        if isinstance(value, Constant):
            return Dim.of(int(value.data))
        return self.polynomials[value] if value in self.polynomials else Dim.of(self.named(value))

    def named(self, value: Value) -> str:
        """A name that means this value and nothing else."""
        name = f"#{len(self.stands_for)}"
        self.stands_for[name] = value
        self.polynomials[value] = Dim.of(name)
        return name


def integers(block: Block) -> Integers:
    """The survey of a whole Function body."""
    known = Integers()
    _scan(block, {}, known)
    return known


def _scan(block: Block, sizes: Mapping[str, Dim], known: Integers) -> None:
    """`sizes` has the polynomials of the sizes that the blocks around bind."""
    sizes = dict(sizes)
    for eqn in block.eqns:
        for inner in eqn.blocks:
            within = dict(sizes)
            if eqn.op.loop:
                most = most_trips(eqn.attrs)
                name = known.named(inner.params[0])
                known.ranges[name] = None if most is None else most.substitute(sizes) - 1
                if "index" in eqn.attrs:
                    within[str(eqn.attrs["index"])] = Dim.of(name)
            _scan(inner, within, known)
        if eqn.op.binds is not None:
            sizes[str(eqn.attrs[eqn.op.binds])] = _bound(eqn, known)
        if len(eqn.outputs) == 1 and not eqn.output.type.shape and eqn.output.type.dtype.is_integer:
            found = _polynomial(eqn, sizes, known)
            if found is not None:
                known.polynomials[eqn.output] = found


def _bound(eqn: Eqn, known: Integers) -> Dim:
    """A size that an equation binds: of an integer, or the trips of a `while`."""
    if eqn.blocks:
        name = known.named(Value(eqn.blocks[-1].params[0].type))
        known.stands_for[name] = eqn.blocks[-1].params[0]
    else:
        dim = known.of(eqn.inputs[0])
        if dim.name is None or dim.name not in known.stands_for:
            return dim
        name = dim.name
    known.ranges.setdefault(name, None)
    return Dim.of(name)


def _polynomial(eqn: Eqn, sizes: Mapping[str, Dim], known: Integers) -> Dim | None:
    """What an equation computes, None where that is no polynomial."""
    match eqn.op.name:
        case "dim":
            size = eqn.attrs["size"]
            assert isinstance(size, Dim | int)
            return Dim.of(size).substitute(sizes)
        case "add":
            return known.of(eqn.inputs[0]) + known.of(eqn.inputs[1])
        case "sub":
            return known.of(eqn.inputs[0]) - known.of(eqn.inputs[1])
        case "neg":
            return -known.of(eqn.inputs[0])
        case "mul":
            return known.of(eqn.inputs[0]) * known.of(eqn.inputs[1])
    return None


# ---- accesses some trips apart ----

_APART, _COPY = "#apart", "'"


def never_meet(
    write: Access,
    read: Access,
    index: Value | None,
    varies: Callable[[Value], bool],
    apart: Iterable[int],
    known: Integers,
) -> bool:
    """Whether no write hits the read element, at these distances in trips of the loop with this index.

    `apart` holds 0 for the same trip, 1 for all later values of the index, -1 for all earlier ones; `varies`
    says of an integer whether it changes within the loop, or, of a branch (`index` is None), within the
    blocks inside it.
    """
    pairs = [(w, r) for w, r in zip(write, read, strict=False) if w is not None and r is not None]
    gaps = [_Gap.of(known.of(w), known.of(r), index, varies, known) for w, r in pairs]
    return all(any(gap.never_zero(sign) for gap in gaps) for sign in apart)


@dataclass(frozen=True)
class _Gap:
    """Two indices whose difference is asked for, in a loop with this index.

    `changing` are the names that may have another value at the write than at the read.
    """

    write: Dim
    read: Dim
    index: str | None
    changing: frozenset[str]
    known: Integers

    @staticmethod
    def of(
        write: Dim, read: Dim, index: Value | None, varies: Callable[[Value], bool], known: Integers
    ) -> _Gap:
        name = None if index is None else known.of(index).name
        changing = frozenset(n for n, v in known.stands_for.items() if n != name and varies(v))
        return _Gap(write, read, name, changing, known)

    def never_zero(self, sign: int) -> bool:
        """Whether `write - read` has no zero, the write so many trips apart from the read."""
        moved = {name: Dim.of(name + _COPY) for name in self.changing}
        if self.index is not None:
            moved[self.index] = Dim.of(self.index) + Dim.of(_APART) * sign
        gap = self.write.substitute(moved) - self.read
        slope, rest = dict(gap.terms).get((_APART,), 0), dict(gap.terms).get((), 0)
        if gap == Dim.of(_APART) * slope + rest:
            if slope == 0:
                return rest != 0
            return rest % slope != 0 or -rest // slope < 1
        bounds = self._bounds(gap, moved, sign)
        if any(n.startswith("#") and n not in bounds for n in gap.names()):
            return False
        facts = self._facts(moved)
        return nonnegative(gap - 1, bounds, facts) or nonnegative(-gap - 1, bounds, facts)

    def _bounds(self, gap: Dim, moved: Mapping[str, Dim], sign: int) -> dict[str, tuple[Dim, Dim | None]]:
        """The ranges of the names in a difference, outer ones first: at the read, and at the write.

        Of no other names: where a name has a value its range is not empty, which is used.
        """
        bounds: dict[str, tuple[Dim, Dim | None]] = {}
        copies: dict[str, tuple[Dim, Dim | None]] = {}
        wanted = set(gap.names())
        for name in reversed(self.known.stands_for):
            if name not in self.known.ranges:
                continue
            high = self.known.ranges[name]
            if name + _COPY in wanted:
                copies[name + _COPY] = Dim(), None if high is None else high.substitute(moved)
                wanted |= frozenset() if high is None else high.substitute(moved).names()
            if name == self.index:
                bounds[_APART] = Dim.of(abs(sign)), None if sign else Dim()
            if name in wanted or name == self.index:
                bounds[name] = Dim(), high
                wanted |= frozenset() if high is None else high.names()
        return dict(reversed(bounds.items())) | dict(reversed(copies.items()))

    def _facts(self, moved: Mapping[str, Dim]) -> list[Dim]:
        """The write is in a trip that is made."""
        if self.index is None:
            return []
        high = self.known.ranges[self.index]
        return [moved[self.index], *([] if high is None else [high - moved[self.index]])]
