"""How many bytes a call takes, as functions of its sizes: results, workspace, arrays that are made inside.

What lies in the workspace is planned; what else is alive, and when, is found by walking the function
(`alive.py`). Some things the call alone finds out: they are named, and not counted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from inspect import getmembers, isfunction

from ..ir.types import ArrayType, Dim, Sizes
from . import alive, lapack
from .alive import Alive, Peak, nbytes
from .carving import WORD
from .flow import HandedOn, reached
from .lifetimes import Step, steps
from .source import Line

HEADER = 128
"""Bytes that NumPy or Numba takes for an array beside its elements, at most."""

LIBRARY = "|".join(name for name, f in getmembers(lapack, isfunction) if f.__module__ == lapack.__name__)

OF_LIBRARY = "what the library takes for itself"

UNKNOWN = {
    r"\bgrown\(": "tapes that double when they are full",
    rf"\b(np\.linalg\.\w+|{LIBRARY})\(": OF_LIBRARY,
}
"""What source stands for memory that is not counted."""


@dataclass(frozen=True)
class Needs:
    """What a call takes: its results, words of the workspace, arrays inside, and what is not known before.

    Results that are `brought` are there before the function begins; the others it makes itself, in its
    `lines`. `holders` are the variables that may hold arrays, `more_sizes` what types of these mention beside
    the sizes of the call.
    """

    results: tuple[ArrayType, ...]
    brought: tuple[tuple[str, ArrayType], ...]
    words: Dim
    lines: Sequence[Line]
    holders: Collection[str]
    more_sizes: Mapping[str, Callable[[Sizes], int]]
    unknown: tuple[str, ...]

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """What the function does to memory."""
        return steps(self.lines, self.holders)

    def result_bytes(self, sizes: Mapping[str, int]) -> int:
        """Those of the results whose sizes are known before the call."""
        return sum(nbytes(type_, sizes) for type_ in self.results)

    def workspace_bytes(self, sizes: Mapping[str, int]) -> int:
        """Those of the workspace."""
        return WORD * self.words.value(sizes)

    def inside_bytes(self, sizes: Mapping[str, int]) -> int:
        """What arrays made inside add to the results, where most is taken."""
        return max(self._peak(sizes).bytes - self.result_bytes(sizes), 0)

    def peak_bytes(self, sizes: Mapping[str, int]) -> int:
        """The most bytes that are taken at a time."""
        return self.workspace_bytes(sizes) + max(self._peak(sizes).bytes, self.result_bytes(sizes))

    def at_peak(self, sizes: Mapping[str, int]) -> Peak:
        """What is alive where most is: arrays, by variables of the generated source, with the lines that made
        them, the largest first. `workspace` is the part of that which is not in use then."""
        found, work = self._peak(sizes), self.workspace_bytes(sizes)
        unused = Alive("workspace", work - sum(array.bytes for array in found.kept), "")
        return Peak(work + found.bytes, found.said, alive.largest([*found.alive, *found.kept, unused]))

    def _peak(self, sizes: Mapping[str, int]) -> Peak:
        more = {name: size(sizes) for name, size in self.more_sizes.items()}
        return alive.peak(self.steps, self.brought, {**sizes, **more}, HEADER)

    def __str__(self) -> str:
        """All of it as formulas, in bytes."""
        made = [line.makes for line in self.lines if line.makes is not None and not line.makes.kept]
        lines = [
            f"results    {sum((_size(t) for t in self.results), Dim.of(0))}",
            f"workspace  {self.words * WORD}",
            *(f"inside     {_size(make.type)} for {make.name}" for make in made),
            *(f"not known  {what}" for what in self.unknown),
        ]
        return "\n".join(lines)


def needs(
    lines: Sequence[Line],
    results: Sequence[ArrayType],
    brought: Sequence[tuple[str, ArrayType]],
    words: Dim,
    handed_on: HandedOn,
    sizes: Collection[str],
    more_sizes: Mapping[str, Callable[[Sizes], int]],
    unknown: Sequence[str] = (),
) -> Needs:
    """What a function of these lines takes, in which `del` says where arrays are let go."""
    known = {*sizes, *more_sizes, *(line.trips.index for line in lines if line.trips is not None)}
    holders = {h for line in lines if line.makes is not None for h in reached(line.makes.name, handed_on)}
    unknown = list(unknown)
    for line in lines:
        if line.makes is not None and any(not d.names() <= known for d in line.makes.type.shape):
            unknown.append(said(f"an array of {line.makes.type}", line.comment))
        unknown += [said(what, line.comment) for text, what in UNKNOWN.items() if re.search(text, line.text)]
    return Needs(
        tuple(results), tuple(brought), words, lines, holders, more_sizes, tuple(dict.fromkeys(unknown))
    )


def _size(type_: ArrayType) -> Dim:
    return type_.with_shape([d.positive() for d in type_.shape]).size * type_.dtype.itemsize


def said(what: str, remark: str) -> str:
    """What is not known, and where."""
    return f"{what}: {remark}" if remark else what
