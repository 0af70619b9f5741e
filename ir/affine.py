"""What follows from the bounds of sizes and loop indices: an index is in range, a length is not negative.

Every name in a `Dim` is bounded: a size of the program lies at zero or above, a loop index between two Dims.
Each bounded name is replaced, innermost first, by the bound that makes the polynomial least; what remains is
a polynomial in sizes, and non-negative coefficients settle it. A sufficient test: False means not shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .types import Atom, Dim, Positive

End = Dim | None
Bounds = Mapping[str, tuple[End, End]]
"""Lowest and highest value (None: not known) of names that a program binds, outer ones first."""

Heights = Mapping[str, End]
"""The highest values of names that begin at zero."""


def nonnegative(dim: Dim, bounds: Bounds, facts: Sequence[Dim] = ()) -> bool:
    """Whether `dim >= 0` is shown from the bounds, or from them and one of the facts, Dims that are >= 0."""
    (dim, *facts), heights, unknown = _from_zero([dim, *facts], bounds)
    # where a bounded name exists at all, its range is not empty
    known = [*facts, *(high for high in heights.values() if high is not None)]
    positive = frozenset(a for fact in known for a in _positive_atoms(fact))
    candidates = (c for c in (dim, *(dim - fact for fact in known)) if unknown.isdisjoint(c.names()))
    return any(_evident(_opened(c, positive), heights, unknown, positive) for c in candidates)


def highest(dim: Dim, bounds: Bounds) -> Dim | None:
    """The greatest value over the ranges of these names, in terms of the others; None if not known."""
    (dim,), heights, unknown = _from_zero([dim], bounds)
    least: Dim | None = -dim if unknown.isdisjoint(dim.names()) else None
    for name in reversed(list(heights)):
        if least is not None and name in least.names():
            least = _least(least, name, heights[name], unknown)
    return None if least is None else -least


def _from_zero(dims: Sequence[Dim], bounds: Bounds) -> tuple[list[Dim], Heights, frozenset[str]]:
    """The same in names that begin at zero, as sizes do, and the names of which nothing is known.

    A name stands for what is added to its lowest value, or taken from its highest.
    """
    moved: dict[str, Dim] = {}
    heights: dict[str, End] = {}
    unknown: set[str] = set()
    for name, ends in bounds.items():
        low, high = (None if end is None else end.substitute(moved) for end in ends)
        if low is not None:
            moved[name] = low + Dim.of(name)
            heights[name] = None if high is None else high - low
        elif high is not None:
            moved[name] = high - Dim.of(name)
            heights[name] = None
        else:
            unknown.add(name)
    return [dim.substitute(moved) for dim in dims], heights, frozenset(unknown)


def _positive_atoms(fact: Dim) -> list[Atom]:
    """Of `max(e, 0) - k >= 0` with k > 0 it follows that `max(e, 0)` is `e`."""
    atoms = [m[0] for m, c in fact.terms if len(m) == 1 and c == 1 and isinstance(m[0], Positive)]
    rest = [c for m, c in fact.terms if m == () and c < 0]
    return list(atoms) if len(atoms) == len(rest) == 1 and len(fact.terms) == 2 else []


def _opened(dim: Dim, atoms: frozenset[Atom]) -> Dim:
    """The polynomial with these atoms `max(e, 0)` replaced by `e`."""
    total = Dim()
    for monomial, coefficient in dim.terms:
        product = Dim.of(coefficient)
        for atom in monomial:
            of = atom.of if isinstance(atom, Positive) and atom in atoms else Dim((((atom,), 1),))
            product = product * of
        total = total + product
    return total


def _evident(dim: Dim, heights: Heights, unknown: frozenset[str], positive: frozenset[Atom]) -> bool:
    if dim.never_negative():
        return True
    for name in reversed(list(heights)):
        if name in dim.names():
            least = _least(dim, name, heights[name], unknown)
            if least is None:
                return False
            dim = _opened(least, positive)
    return dim.never_negative() or _below(dim).never_negative()


def _least(dim: Dim, name: str, high: End, unknown: frozenset[str]) -> Dim | None:
    """The least value for a name from 0 to `high` in which the polynomial is linear; None if not known."""
    slope, rest = Dim(), Dim()
    for monomial, coefficient in dim.terms:
        term = Dim(((monomial, coefficient),))
        others = tuple(a for a in monomial if a != name)
        if name in Dim(((others, 1),)).names() or len(monomial) - len(others) > 1:
            return None
        if len(others) < len(monomial):
            slope = slope + Dim(((others, coefficient),))
        else:
            rest = rest + term
    if slope.never_negative():
        return rest
    if high is not None and unknown.isdisjoint(high.names()) and (-slope).never_negative():
        return rest + slope * high
    return None


def _below(dim: Dim) -> Dim:
    """A lower bound: `max(e, 0)` that is added is at least `e`."""
    added = {m[0] for m, c in dim.terms if len(m) == 1 and c > 0}
    others = {a for m, c in dim.terms if len(m) != 1 or c < 0 for a in m}
    return _opened(dim, frozenset(a for a in added - others if isinstance(a, Positive)))
