"""Which arrays of a generated function lie where in the workspace of a call.

Candidates are the arrays of a size that is known before the call. One that may be handed to the caller stays
an array of its own; the others get parts of one array of words. A part serves again once no variable is
mentioned any more that may hold its array. An array that each trip of a loop makes anew, and that does not
outlive the trip, is made once, before the outermost loop. So is one that a trip makes for the next one, where
it changes places with another: before the loop, or before the loops around that, if the arrays with which it
does outlive their trips. What is decided here depends on the lines alone, and on which variables hand arrays
on to which others.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

from ..ir.op import constructor
from ..ir.types import F64, ArrayType, Dim
from .carving import WORD
from .flow import HandedOn, loops_around, mentions, reached
from .source import Fresh, Line, allocation, tuple_text
from .workspace import WORTH

NOTHING = Dim.of(0)


@dataclass(frozen=True, eq=False)
class _Array:
    """An array that may be made elsewhere than in its line: before line `at`. Its memory is had before line
    `begin`, and is free again after line `end`."""

    line: int
    at: int
    begin: int
    end: int
    made: Fresh

    @property
    def words(self) -> Dim:
        each = WORD // self.made.type.dtype.itemsize
        return (self.made.type.size + each - 1) // each


@dataclass(frozen=True, eq=False)
class _Part:
    """Words of the workspace, and the arrays that lie there one after the other."""

    start: Dim
    words: Dim
    arrays: list[_Array] = field(default_factory=list)


def in_workspace(
    lines: Sequence[Line],
    results: Sequence[str],
    handed_on: HandedOn,
    sizes: Collection[str],
    fresh: Callable[[str], str],
    carve: bool,
) -> tuple[Sequence[Line], str, Dim]:
    """Lines that make their arrays in a workspace, its variable, and the words that they need there.

    `results` are the sources of what the function returns, `handed_on` says to which variables a variable's
    array goes, `sizes` are known before the call, and `fresh` gives names to new variables. Where nothing is
    to be carved, arrays are made anew, those of loops before the loop.
    """
    arrays = list(_movable(lines, results, handed_on, set(sizes)))
    parts = _parts(arrays) if carve else []
    total = sum((part.words for part in parts), NOTHING)
    work = fresh("work")
    if total.constant is not None and total.constant < WORTH:  # the allocator is as fast
        inside = [a for a in arrays if a.at < a.line]
        sources = {a: allocation("np.empty", a.made.type) for a in inside}
        return _moved(lines, sources, allocated=True), work, NOTHING
    first: list[Line] = []
    sources = {}
    for part in parts:
        if len(part.arrays) == 1:
            (array,) = part.arrays
            sources[array] = f"alone({_part_text(work, part.start, array.made.type)})"
        else:
            name = fresh("shared")
            first.append(Line(f"{name} = alone(part({work}, {part.start}, {part.words}))"))
            sources |= {array: _part_text(name, NOTHING, array.made.type) for array in part.arrays}
    return [*first, *_moved(lines, sources)], work, total


# ---- which arrays, and from when to when ----


def _movable(
    lines: Sequence[Line],
    results: Sequence[str],
    handed_on: HandedOn,
    sizes: AbstractSet[str],
) -> Iterable[_Array]:
    first, last = mentions([*(line.text for line in lines), *results])
    for n, (line, loops) in enumerate(zip(lines, loops_around(lines), strict=True)):
        if line.makes is None or line.makes.filling is None:
            continue
        if any(not d.names() <= sizes for d in line.makes.type.shape):
            continue
        names = reached(line.makes.name, handed_on)
        if not names.isdisjoint(results):
            continue
        mentioned = names & first.keys()
        begin, end = min(first[name] for name in mentioned), max(last[name] for name in mentioned)
        if not loops:
            yield _Array(n, n, n, end, line.makes)
            continue
        # where no trip is made a size may be negative
        type_ = line.makes.type.with_shape([d.positive() for d in line.makes.type.shape])
        made = replace(line.makes, type=type_)
        start, stop = loops[0]
        within = sum(1 for head, tail in loops if head < begin and n < end <= tail)
        if within == len(loops):
            yield _Array(n, start, start, stop, made)
        elif made.spare:
            yield _Array(n, loops[within][0], start, end, made)


# ---- where ----


def _parts(arrays: Iterable[_Array]) -> list[_Part]:
    """A part for each array: the first that is free and large enough, else a new one behind the others."""
    parts: list[_Part] = []
    for array in sorted(arrays, key=lambda a: a.begin):
        free = (p for p in parts if p.arrays[-1].end < array.begin and _fits(array.words, p.words))
        part = next(free, None)
        if part is None:
            part = _Part(sum((p.words for p in parts), NOTHING), array.words)
            parts.append(part)
        part.arrays.append(array)
    return parts


def _fits(words: Dim, room: Dim) -> bool:
    spare = (room - words).constant
    return spare is not None and spare >= 0


def _part_text(work: str, start: Dim, type_: ArrayType) -> str:
    """`part(work, n, (k, n))`."""
    shape = [str(d) for d in type_.shape]
    dtype = () if type_.dtype is F64 else (constructor(type_.dtype),)
    return (
        f"part({', '.join((work, str(start), shape[0] if len(shape) == 1 else tuple_text(shape), *dtype))})"
    )


def _moved(lines: Sequence[Line], sources: Mapping[_Array, str], allocated: bool = False) -> list[Line]:
    """Lines that make arrays as the sources say, each where its memory is had first; whether anew."""
    making: dict[int, list[Line]] = {}
    filling: dict[int, Sequence[Line]] = {}
    for array, source in sources.items():
        head, line = lines[array.at], lines[array.line]
        fresh = replace(array.made, kept=not allocated)
        made = Line(f"{array.made.name} = {source}", head.depth, line.comment, fresh)
        making.setdefault(array.at, []).append(made)
        assert array.made.filling is not None
        name = array.made.name
        renewed = [Line(f"{name} = alone({name})", line.depth, line.comment)] if array.made.spare else []
        filling[array.line] = [*renewed, *array.made.filling()]
    return [
        out
        for n, line in enumerate(lines)
        for out in [*making.get(n, ()), *([line] if n not in filling else filling[n])]
    ]
