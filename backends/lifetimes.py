"""What the lines of a function do to memory: arrays are made, handed on and let go, in loops and branches."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from ..ir.types import ArrayType, Dim
from .drops import Statement, statements
from .flow import assignments
from .source import Line, Scratch, Trips


@dataclass(frozen=True)
class Make:
    """An array is made, and held by a variable, or only had meanwhile where that is ""."""

    name: str
    type: ArrayType | None
    kept: bool
    scratch: tuple[Scratch, ...]
    said: str


@dataclass(frozen=True)
class Share:
    """Variables hold from now on what others held."""

    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Drop:
    """Variables let go of what they hold."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class Loop:
    """Steps that are repeated, and those between the last trip and what a `break` skips to."""

    trips: Trips | None
    inside: tuple[Step, ...]
    otherwise: tuple[Step, ...]

    @cached_property
    def degree(self) -> int:
        """How often sizes inside, multiplied, mention the index."""
        if self.trips is None:
            return 0
        index = self.trips.index
        return max((_degree(size, index) for size in _sizes(self.inside)), default=0)


@dataclass(frozen=True)
class Branch:
    """Steps of which one side is taken."""

    sides: tuple[tuple[Step, ...], tuple[Step, ...]]


@dataclass(frozen=True)
class Leave:
    """`break`, `continue` or `return`."""

    keyword: str


Step = Make | Share | Drop | Loop | Branch | Leave


def steps(lines: Sequence[Line], holders: Collection[str]) -> tuple[Step, ...]:
    """What lines do to memory; `holders` are the variables that may hold arrays."""
    return tuple(_steps(statements(lines), holders))


def _steps(block: Iterable[Statement], holders: Collection[str]) -> Iterator[Step]:
    for one in block:
        line, otherwise = one.line, one.otherwise.inside if one.otherwise else ()
        inside, others = tuple(_steps(one.inside, holders)), tuple(_steps(otherwise, holders))
        match one.keyword:
            case "break" | "continue" | "return":
                yield Leave(one.keyword)
            case "for" | "while" if inside or others:
                yield Loop(line.trips, inside, others)
            case "if" if inside or others:
                yield Branch((inside, others))
            case "del":
                yield Drop(tuple(line.text.removeprefix("del ").split(", ")))
            case _:
                yield from _simple(line, holders)


def _simple(line: Line, holders: Collection[str]) -> Iterator[Step]:
    if line.makes is not None:
        yield Make(line.makes.name, line.makes.type, line.makes.kept, line.scratch, line.comment)
        return
    if line.scratch:
        yield Make("", None, False, line.scratch, line.comment)
    moved = [(to, re.fullmatch(r"(\w+)(\[.*\])?", source)) for to, source in assignments(line)]
    pairs = tuple((to, found[1]) for to, found in moved if to in holders and found)
    if pairs:
        yield Share(pairs)


def _sizes(body: Iterable[Step]) -> Iterator[Dim]:
    """The sizes of arrays that steps make, and the lengths of loops in them."""
    for step in body:
        match step:
            case Make(_, type_, _, scratch, _):
                yield from ([type_.size] if type_ else [])
                yield from (s.type.size for s in scratch)
            case Branch(sides):
                yield from (size for side in sides for size in _sizes(side))
            case Loop(trips, inside, otherwise):
                yield from ([trips.length] if trips else [])
                yield from _sizes([*inside, *otherwise])


def _degree(size: Dim, name: str) -> int:
    """How many factors of a term of a size mention a name, at most."""
    factors = ([Dim((((atom,), 1),)) for atom in monomial] for monomial, _ in size.terms)
    return max((sum(name in factor.names() for factor in term) for term in factors), default=0)
