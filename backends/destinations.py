"""Results are made in arrays that the caller brings.

Every result whose size is known before the call has one. Where it is certain that what a line makes becomes
that result, and nothing else does, the line makes it there; otherwise the result is copied there at the end.
So a caller may bring memory that is mapped already, and arrays inside that a result might have been are like
any others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..ir.graph import Function
from ..ir.types import ArrayType
from .compiled import destined
from .flow import HandedOn, assignments, exclusive, loops_around, reached
from .source import Line


@dataclass(frozen=True)
class Result:
    """One result of a generated function: the source of its value, and the array of the caller it goes to.

    `out` is that array's variable, "" for what is handed back: scalars, and arrays of a size that only the
    call tells.
    """

    type: ArrayType
    source: str
    out: str


def results_of(function: Function, sources: Sequence[str], fresh: Callable[[str], str]) -> list[Result]:
    """What becomes of each result."""
    known = destined(function)
    return [
        Result(result.type, source, fresh("out") if k in known else "")
        for k, (result, source) in enumerate(zip(function.body.results, sources, strict=True))
    ]


def into_destinations(
    lines: Sequence[Line],
    results: Sequence[Result],
    handed_on: HandedOn,
    copied: Callable[[Result], Sequence[Line]],
) -> list[Line]:
    """Lines that leave results in the arrays of the caller; `copied` writes the copy of one that must be."""
    made: dict[int, list[Line]] = {}
    ends: list[Line] = []
    flow = _Flow(lines, handed_on)
    for result in (r for r in results if r.out):
        makers = flow.makers(result.source)
        if not makers:
            ends += copied(result)
        for n in makers:
            made[n] = _made_there(lines[n], result.out)
    return [*(out for n, line in enumerate(lines) for out in made.get(n, [line])), *ends]


def _made_there(line: Line, out: str) -> list[Line]:
    assert line.makes is not None and line.makes.filling is not None
    return [Line(f"{line.makes.name} = {out}", line.depth, line.comment), *line.makes.filling()]


class _Flow:
    """Which lines make which arrays, and which variables these go to."""

    def __init__(self, lines: Sequence[Line], handed_on: HandedOn) -> None:
        self.lines = lines
        self.handed_on = handed_on
        self.around = loops_around(lines)
        self.assigned: dict[str, list[tuple[int, str]]] = {}
        """Where each variable is assigned, and its source there."""
        for n, line in enumerate(lines):
            for name, source in assignments(line):
                self.assigned.setdefault(name, []).append((n, source))
        self.had_from: dict[str, set[str]] = {}
        for name, targets in handed_on.items():
            for target in targets:
                self.had_from.setdefault(target, set()).add(name)

    def makers(self, result: str) -> list[int]:
        """The lines one of which makes the array that a result is, if that is certain; else none."""
        holders = reached(result, self.had_from)
        if any(not holders.issuperset(self.handed_on.get(name, ())) for name in holders):
            return []
        found: list[int] = []
        for n, source in (at for name in holders for at in self.assigned.get(name, ())):
            makes = self.lines[n].makes
            if makes is not None and makes.filling is not None and makes.name in holders:
                found.append(n)
            elif source not in holders:
                return []
        once = not any(self.around[n] for n in found) and exclusive(self.lines, found)
        return sorted(found) if once else []
