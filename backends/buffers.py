"""Which arrays of a generated function lie where in the workspace of a call.

Candidates are the arrays that a function makes outside of loops, of a size that is known before the call. One
that may be handed to the caller stays an array of its own; the others get parts of one array of words. A part
serves again once no variable is mentioned any more that may hold its array. What is decided here depends on
the lines alone, and on which variables hand arrays on to which others.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ..ir.op import constructor
from ..ir.types import F64, ArrayType, Dim
from .source import Line, tuple_text
from .workspace import WORTH

WORD = 8
"""Bytes."""


@dataclass
class _Part:
    """Words of the workspace, in use up to a line."""

    start: Dim
    words: Dim
    until: int


def in_workspace(
    lines: Sequence[Line],
    results: Sequence[str],
    handed_on: Mapping[str, Collection[str]],
    sizes: Collection[str],
    work: str,
) -> tuple[Sequence[Line], Dim]:
    """Lines that make their arrays in a workspace, the variable `work`, and the words that they need there.

    `results` are the sources of what the function returns, `handed_on` says to which variables a variable's
    array goes, and `sizes` are known before the call.
    """
    last = _last_mentions([*(line.text for line in lines), *results])
    parts: list[_Part] = []
    starts: dict[int, Dim] = {}
    for n, line in enumerate(lines):
        if line.makes is None or not line.makes.type.size.names() <= set(sizes):
            continue
        names = _reached(line.makes.name, handed_on)
        if names.isdisjoint(results):
            until = max(last[name] for name in names if name in last)
            starts[n] = _claimed(parts, _words(line.makes.type), n, until).start
    total = sum((part.words for part in parts), Dim.of(0))
    if total.constant is not None and total.constant < WORTH:
        return lines, Dim.of(0)  # the allocator is as fast
    moved = [_moved(line, starts[n], work) if n in starts else [line] for n, line in enumerate(lines)]
    return [line for group in moved for line in group], total


def _last_mentions(texts: Sequence[str]) -> dict[str, int]:
    return {word: n for n, text in enumerate(texts) for word in re.findall(r"[A-Za-z_]\w*", text)}


def _reached(name: str, handed_on: Mapping[str, Collection[str]]) -> set[str]:
    """The variables that may hold the array of a variable."""
    found, pending = {name}, [name]
    while pending:
        new = set(handed_on.get(pending.pop(), ())) - found
        found |= new
        pending += new
    return found


def _claimed(parts: list[_Part], words: Dim, now: int, until: int) -> _Part:
    """A part that is free and large enough, else a new one behind the others."""
    for part in parts:
        spare = (part.words - words).constant
        if part.until < now and spare is not None and spare >= 0:
            part.until = until
            return part
    start = sum((part.words for part in parts), Dim.of(0))
    parts.append(_Part(start, words, until))
    return parts[-1]


def _words(type_: ArrayType) -> Dim:
    each = WORD // type_.dtype.itemsize
    return (type_.size + each - 1) // each


def _moved(line: Line, start: Dim, work: str) -> list[Line]:
    """`x = work[n:2*n]`, and what fills it."""
    made = line.makes
    assert made is not None
    words = _words(made.type)
    text = f"{work}[{'' if start == Dim.of(0) else start}:{start + words}]"
    if made.type.dtype is not F64:
        text += f".view({constructor(made.type.dtype)})"
    if words * (WORD // made.type.dtype.itemsize) != made.type.size:
        text += f"[:{made.type.size}]"
    if made.type.rank > 1:
        text += f".reshape({tuple_text([str(d) for d in made.type.shape])})"
    lines = [Line(f"{made.name} = {text}", line.depth, line.comment)]
    if made.fill:
        lines.append(Line(f"{made.name}[:] = {made.fill}", line.depth, line.comment))
    return lines
