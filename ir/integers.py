"""What is known of the integers of a program: polynomials in sizes and loop indices, and how far they reach.

An integer that is not taken apart has a name of its own. Where a loop carries it, or a branch chooses it, it
lies in a range if that follows from where it comes from: of a row that is searched from row k downwards it is
known that it is not above row k.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from .affine import highest, nonnegative
from .graph import Block, Constant, Eqn, Value
from .loops import carry_count, most_trips
from .types import Dim

Range = tuple[Dim | None, Dim | None]
"""Lowest and highest value; None where that is not known."""

Sizes = Mapping[str, Dim]
"""The polynomials of the sizes that the blocks around bind."""


@dataclass(frozen=True)
class Integers:
    """What is known of the integer scalars of a block and the blocks inside it.

    `polynomials` has each of them, in names of its own for what varies: `stands_for` says which value such a
    name means, outer ones first. `ranges` has what is known of the names, and `tests` the operands of
    comparisons.
    """

    polynomials: dict[Value, Dim] = field(default_factory=dict)
    stands_for: dict[str, Value] = field(default_factory=dict)
    ranges: dict[str, Range] = field(default_factory=dict)
    tests: dict[Value, tuple[str, Dim, Dim]] = field(default_factory=dict)
    _parts: dict[Value, tuple[Dim, int]] = field(default_factory=dict)
    _slopes: dict[tuple[Dim, str | None], tuple[int, list[str]]] = field(default_factory=dict)

    def of(self, value: Value) -> Dim:
        """The polynomial of an integer."""
        if isinstance(value, Constant):
            return Dim.of(int(value.data))
        return self.polynomials[value] if value in self.polynomials else self.named(value)

    def parts(self, value: Value) -> tuple[Dim, int]:
        """The polynomial of an integer without its constant, and the constant."""
        if value not in self._parts:
            dim = self.of(value)
            constant = dict(dim.terms).get((), 0)
            self._parts[value] = dim - constant, constant
        return self._parts[value]

    def slope(self, dim: Dim, name: str | None) -> tuple[int, list[str]]:
        """The coefficient of a name in a polynomial, and the names that mean values in the rest of it."""
        if (dim, name) not in self._slopes:
            slope = dict(dim.terms).get((name,), 0) if name else 0
            rest = dim - Dim.of(name or 0) * slope
            self._slopes[dim, name] = slope, [n for n in rest.names() if n in self.stands_for]
        return self._slopes[dim, name]

    def named(self, value: Value, low: Dim | None = None, high: Dim | None = None) -> Dim:
        """A name that means this value and nothing else, in this range."""
        name = f"#{len(self.stands_for)}"
        self.stands_for[name] = value
        self.polynomials[value] = Dim.of(name)
        if low is not None or high is not None:
            self.ranges[name] = low, high
        return Dim.of(name)

    def never_negative(self, dim: Dim) -> bool:
        """Whether `dim >= 0` follows from the ranges of the names in it."""
        return nonnegative(dim, self.bounds(dim.names()))

    def bounds(self, names: Iterable[str]) -> dict[str, Range]:
        """The ranges of these names and of those in their ranges, outer ones first.

        Of no other names: where a name has a value its range is not empty, which is used.
        """
        return {name: self.ranges.get(name, (None, None)) for name in self.reached(names)}

    def reached(self, names: Iterable[str]) -> list[str]:
        """Those of the names that mean a value, and those in their ranges, outer ones first."""
        found: set[str] = set()
        pending = set(names)
        while pending:
            name = pending.pop()
            if name in self.stands_for and name not in found:
                found.add(name)
                pending |= {n for end in self.ranges.get(name, ()) if end is not None for n in end.names()}
        return sorted(found, key=_age)


def _age(name: str) -> int:
    return int(name[1:])


def integers(block: Block) -> Integers:
    """The survey of a whole Function body."""
    known = Integers()
    _scan(block, {}, known)
    return known


def _scan(block: Block, sizes: Sizes, known: Integers) -> None:
    sizes = dict(sizes)
    for eqn in block.eqns:
        if eqn.op.loop:
            _loop(eqn, sizes, known)
        elif eqn.blocks:
            _branches(eqn, sizes, known)
        else:
            _plain(eqn, sizes, known)
        if eqn.op.binds is not None:
            sizes[str(eqn.attrs[eqn.op.binds])] = _bound(eqn, known)


def _is_integer(value: Value) -> bool:
    return not value.type.shape and value.type.dtype.is_integer


def _bound(eqn: Eqn, known: Integers) -> Dim:
    """A size that an equation binds: of an integer, or the trips of a `while`."""
    if eqn.blocks:
        trips = known.named(Value(eqn.blocks[-1].params[0].type), Dim())
        known.stands_for[str(trips)] = eqn.blocks[-1].params[0]
        return trips
    dim = known.of(eqn.inputs[0])
    if dim.name is not None and dim.name in known.stands_for:
        low, high = known.ranges.get(dim.name, (None, None))
        known.ranges[dim.name] = Dim() if low is None else low, high
    return dim


# ---- equations without blocks ----


def _plain(eqn: Eqn, sizes: Sizes, known: Integers) -> None:
    if eqn.op.name in ("less", "greater_equal") and all(map(_is_integer, eqn.inputs)):
        left, right = map(known.of, eqn.inputs)
        known.tests[eqn.output] = eqn.op.name, left, right
    elif len(eqn.outputs) == 1 and _is_integer(eqn.output):
        found = _polynomial(eqn, sizes, known)
        if found is not None:
            known.polynomials[eqn.output] = found


def _polynomial(eqn: Eqn, sizes: Sizes, known: Integers) -> Dim | None:
    """What an equation computes, None where that is no polynomial."""
    match eqn.op.name:
        case "dim":
            size = eqn.attrs["size"]
            assert isinstance(size, Dim | int)
            return Dim.of(size).substitute(sizes)
        case "where":
            decided = _decided(eqn.inputs[0], known)
            return None if decided is None else known.of(eqn.inputs[1 if decided else 2])
    return combined(eqn, known.of)


def combined(eqn: Eqn, of: Callable[[Value], Dim]) -> Dim | None:
    """The polynomial of a sum, difference or product of integers; None for any other equation."""
    match eqn.op.name:
        case "add":
            return of(eqn.inputs[0]) + of(eqn.inputs[1])
        case "sub":
            return of(eqn.inputs[0]) - of(eqn.inputs[1])
        case "neg":
            return -of(eqn.inputs[0])
        case "mul":
            return of(eqn.inputs[0]) * of(eqn.inputs[1])
    return None


def _decided(test: Value, known: Integers) -> bool | None:
    """The answer of a comparison, where ranges tell; an index that may count from the end asks for it."""
    if test not in known.tests:
        return None
    op, left, right = known.tests[test]
    less = known.never_negative(right - left - 1)
    if not less and not known.never_negative(left - right):
        return None
    return less is (op == "less")


# ---- branches ----


def _branches(eqn: Eqn, sizes: Sizes, known: Integers) -> None:
    before = len(known.stands_for)
    for inner in eqn.blocks:
        _scan(inner, sizes, known)
    for k, output in enumerate(eqn.outputs):
        if _is_integer(output):
            ends = [known.of(inner.results[k]) for inner in eqn.blocks]
            if ends[0] == ends[-1] and not _local(ends[0], before, known):
                known.polynomials[output] = ends[0]
            else:
                highest_negative = _least([-end for end in ends], before, known)
                high = None if highest_negative is None else -highest_negative
                known.named(output, _least(ends, before, known), high)


def _local(dim: Dim, before: int, known: Integers) -> list[str]:
    """The names in it that are younger than this."""
    return [name for name in dim.names() if name in known.stands_for and _age(name) >= before]


def _least(ends: Sequence[Dim], before: int, known: Integers) -> Dim | None:
    """A bound below all of these, in names that are known outside of where they come from."""
    for end in ends:
        most = highest(
            -end, {name: known.ranges.get(name, (None, None)) for name in _local(end, before, known)}
        )
        for low in () if most is None else (-most, *_lower(-most, known)):
            if not _local(low, before, known) and all(known.never_negative(e - low) for e in ends):
                return low
    return None


def _lower(dim: Dim, known: Integers) -> list[Dim]:
    """The lower bound of a polynomial that is a name."""
    low, _ = known.ranges.get(dim.name or "", (None, None))
    return [] if low is None else [low]


# ---- loops ----


def _loop(eqn: Eqn, sizes: Sizes, known: Integers) -> None:
    """A carry never falls below where it starts, or never rises above, if no trip takes it there.

    That is supposed of all carries at first, and taken back where the end of a trip does not bear it out.
    """
    carries = [k for k in range(carry_count(eqn.attrs)) if _is_integer(eqn.inputs[k])]
    starts = {k: known.of(eqn.inputs[k]) for k in carries}
    rises, falls = set(carries), set(carries)
    while True:
        _trip(eqn, sizes, known, {k: _between(k, starts, rises, falls) for k in carries})
        ends = {k: known.of(eqn.blocks[-1].results[k]) for k in carries}
        wrong = {k for k in rises if not known.never_negative(ends[k] - starts[k])}
        wrong_too = {k for k in falls if not known.never_negative(starts[k] - ends[k])}
        if not wrong and not wrong_too:
            break
        rises, falls = rises - wrong, falls - wrong_too
    for k in carries:
        known.named(eqn.outputs[k], *_between(k, starts, rises, falls))


def _between(k: int, starts: Mapping[int, Dim], rises: set[int], falls: set[int]) -> Range:
    return starts[k] if k in rises else None, starts[k] if k in falls else None


def _trip(eqn: Eqn, sizes: Sizes, known: Integers, ranges: Mapping[int, Range]) -> None:
    """The blocks of a loop, its carries in these ranges."""
    most = most_trips(eqn.attrs)
    for inner in eqn.blocks:
        high = None if most is None else most.substitute(sizes) - 1
        index = known.named(inner.params[0], Dim(), high)
        for k, (low, top) in ranges.items():
            known.named(inner.params[1 + k], low, top)
        named = eqn.attrs.get("index")
        _scan(inner, {**sizes, str(named): index} if named else sizes, known)
