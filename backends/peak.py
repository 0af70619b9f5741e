"""How many bytes a call takes, as functions of its sizes: results, workspace, arrays that are made inside.

What lies in the workspace is planned. The others are counted by the variables that may hold them, each as
long as it is mentioned, and through loops that it goes around: a bound from above, since two variables may
hold one array. Some things the call alone finds out: they are named, and not counted.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from inspect import getmembers, isfunction

from ..ir.types import ArrayType, Dim
from . import lapack
from .carving import WORD
from .flow import HandedOn, loops_around, mentions, reached
from .source import Line

HEADER = 128
"""Bytes that Numba takes for an array beside its elements, at most."""

LIBRARY = "|".join(name for name, f in getmembers(lapack, isfunction) if f.__module__ == lapack.__name__)

UNKNOWN = {
    r"\bgrown\(": "tapes that double when they are full",
    rf"\b(np\.linalg\.\w+|{LIBRARY})\(": "what the library takes for itself",
}
"""What source stands for memory that is not counted."""


@dataclass(frozen=True)
class Held:
    """A variable that may hold an array of one of these types, which the kernel makes, between two lines."""

    name: str
    types: tuple[ArrayType, ...]
    begin: int
    end: int

    def bytes(self, sizes: Mapping[str, int]) -> int:
        """What the array takes at most."""
        return HEADER + max(_bytes(type_, sizes) for type_ in self.types)


@dataclass(frozen=True)
class Needs:
    """What a call takes: its results, words of the workspace, arrays inside, and what is not known before."""

    results: tuple[ArrayType, ...]
    words: Dim
    inside: tuple[Held, ...]
    unknown: tuple[str, ...]

    def result_bytes(self, sizes: Mapping[str, int]) -> int:
        """Those of the results whose sizes are known before the call."""
        return sum(_bytes(type_, sizes) for type_ in self.results)

    def workspace_bytes(self, sizes: Mapping[str, int]) -> int:
        """Those of the workspace."""
        return WORD * self.words.value(sizes)

    def inside_bytes(self, sizes: Mapping[str, int]) -> int:
        """The most that arrays made inside take at a time."""
        each = [(held, held.bytes(sizes)) for held in self.inside]
        alive = (sum(n for held, n in each if held.begin <= now.begin <= held.end) for now in self.inside)
        return max(alive, default=0)

    def __str__(self) -> str:
        """The three as formulas, in bytes."""
        lines = [
            f"results    {sum((_size(t) for t in self.results), Dim.of(0))}",
            f"workspace  {self.words * WORD}",
            *(f"inside     {' or '.join(str(_size(t)) for t in h.types)} for {h.name}" for h in self.inside),
            *(f"not known  {what}" for what in self.unknown),
        ]
        return "\n".join(lines)


def needs(
    lines: Sequence[Line],
    results: Sequence[ArrayType],
    words: Dim,
    handed_on: HandedOn,
    sizes: Collection[str],
) -> Needs:
    """What a function of these lines takes; `results` are those that the caller makes arrays for."""
    types: dict[str, list[ArrayType]] = {}
    unknown = []
    for line in lines:
        if line.makes is not None and all(d.names() <= set(sizes) for d in line.makes.type.shape):
            for name in reached(line.makes.name, handed_on):
                types.setdefault(name, []).append(line.makes.type)
        elif line.makes is not None:
            unknown.append(_said(f"an array of {line.makes.type}", line))
        unknown += [_said(what, line) for text, what in UNKNOWN.items() if re.search(text, line.text)]
    inside = tuple(_held(lines, types))
    return Needs(tuple(results), words, inside, tuple(dict.fromkeys(unknown)))


def _held(lines: Sequence[Line], types: Mapping[str, Sequence[ArrayType]]) -> Iterator[Held]:
    """The variables that may hold arrays, and from when to when."""
    first, last = mentions([line.text for line in lines])
    loops = sorted({loop for around in loops_around(lines) for loop in around}, reverse=True)
    for name in types.keys() & last.keys():
        begin, end = first[name], _end(lines, first[name], last[name])
        if lines[begin].makes is None:
            begin += 1  # until then another variable holds the array that this one gets
        for head, behind in loops:  # inner ones first
            inside = head <= begin <= behind or head <= end <= behind
            if inside and (begin < head or end > behind):
                begin, end = min(begin, head), max(end, behind)
        yield Held(name, tuple(dict.fromkeys(types[name])), begin, end)


def _end(lines: Sequence[Line], begin: int, end: int) -> int:
    """The line up to which a variable holds its array, mentioned first and last in these lines.

    Numba lets go of what a block within mentions last only where the next block begins.
    """
    depth = lines[begin].depth
    if end + 1 == len(lines) or max(lines[end].depth, lines[end + 1].depth) <= depth:
        return end
    left = False
    for n in range(end + 1, len(lines)):
        opens = n + 1 < len(lines) and lines[n + 1].depth > lines[n].depth
        left = left or lines[n].depth <= depth
        if lines[n].depth < depth or left and opens:
            return n - 1
    return len(lines) - 1


def _said(what: str, line: Line) -> str:
    return f"{what}: {line.comment}" if line.comment else what


def _size(type_: ArrayType) -> Dim:
    return type_.with_shape([d.positive() for d in type_.shape]).size * type_.dtype.itemsize


def _bytes(type_: ArrayType, sizes: Mapping[str, int]) -> int:
    return _size(type_).value(sizes)
