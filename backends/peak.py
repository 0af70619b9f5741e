"""How many bytes a call takes, as functions of its sizes: results, workspace, and arrays that are made inside.

What lies in the workspace is planned. The other arrays are counted as long as a variable that may hold them is
mentioned, so the sum is a bound from above; of an array that goes from one trip of a loop to the next each
variable may hold one. Some things the call alone finds out: they are named, and not counted.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..ir.types import ArrayType, Dim
from .carving import WORD
from .flow import HandedOn, loops_around, mentions, reached
from .source import Line

HEADER = 128
"""Bytes that Numba takes for an array beside its elements, at most."""

UNKNOWN = {
    r"\bgrown\(": "tapes that double when they are full",
    r"\bnp\.linalg\.": "what the library takes for itself",
}
"""What source stands for memory that is not counted."""


@dataclass(frozen=True)
class Inside:
    """Arrays of one type that the kernel itself makes, held from line `begin` to line `end`."""

    type: ArrayType
    begin: int
    end: int
    count: int = 1


@dataclass(frozen=True)
class Needs:
    """What a call takes: its results, words of the workspace, arrays inside, and what is not known before."""

    results: tuple[ArrayType, ...]
    words: Dim
    inside: tuple[Inside, ...]
    unknown: tuple[str, ...]

    def result_bytes(self, sizes: Mapping[str, int]) -> int:
        """Those of the results whose sizes are known before the call."""
        return sum(_bytes(type_, sizes) for type_ in self.results)

    def workspace_bytes(self, sizes: Mapping[str, int]) -> int:
        """Those of the workspace."""
        return WORD * self.words.value(sizes)

    def inside_bytes(self, sizes: Mapping[str, int]) -> int:
        """The most that arrays made inside take at a time."""
        each = [(a, a.count * (_bytes(a.type, sizes) + HEADER)) for a in self.inside]
        return max((sum(n for a, n in each if a.begin <= b.begin <= a.end) for b in self.inside), default=0)

    def __str__(self) -> str:
        """The three as formulas, in bytes."""
        results = sum((_size(t) for t in self.results), Dim.of(0))
        lines = [f"results    {results}", f"workspace  {self.words * WORD}"]
        lines += [f"inside     {a.count} * {_size(a.type)}, lines {a.begin} to {a.end}" for a in self.inside]
        return "\n".join([*lines, *(f"not known  {what}" for what in self.unknown)])


def needs(
    lines: Sequence[Line],
    results: Sequence[ArrayType],
    words: Dim,
    handed_on: HandedOn,
    sizes: Collection[str],
) -> Needs:
    """What a function of these lines takes; `results` are those that the caller makes arrays for."""
    inside, unknown = [], []
    for array in _held(lines, handed_on):
        if all(d.names() <= set(sizes) for d in array.type.shape):
            inside.append(array)
        else:
            unknown.append(_said(f"an array of {array.type}", lines[array.begin]))
    for line in lines:
        unknown += [_said(what, line) for text, what in UNKNOWN.items() if re.search(text, line.text)]
    return Needs(tuple(results), words, tuple(inside), tuple(dict.fromkeys(unknown)))


def _held(lines: Sequence[Line], handed_on: HandedOn) -> Iterator[Inside]:
    """The arrays that lines make, and from when to when something may hold them."""
    first, last = mentions([line.text for line in lines])
    for n, (line, loops) in enumerate(zip(lines, loops_around(lines), strict=True)):
        if line.makes is None:
            continue
        names = reached(line.makes.name, handed_on) & last.keys()
        begin, end = min(first[name] for name in names), _end(lines, n, max(last[name] for name in names))
        if loops and (begin < n or end > loops[-1][1]):
            head, behind = loops[0]
            yield Inside(line.makes.type, min(begin, head), max(end, behind), len(names))
        else:
            yield Inside(line.makes.type, n, end)


def _end(lines: Sequence[Line], begin: int, end: int) -> int:
    """The line up to which an array made at `begin` and read last at `end` may be held: a block within that
    mentions it holds it to its end."""
    depth = lines[begin].depth
    while end + 1 < len(lines) and lines[end + 1].depth > depth:
        end += 1
    return end


def _said(what: str, line: Line) -> str:
    return f"{what}: {line.comment}" if line.comment else what


def _size(type_: ArrayType) -> Dim:
    return type_.with_shape([d.positive() for d in type_.shape]).size * type_.dtype.itemsize


def _bytes(type_: ArrayType, sizes: Mapping[str, int]) -> int:
    return _size(type_).value(sizes)
