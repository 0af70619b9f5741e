"""What lines of generated source tell of variables: where they are mentioned, and whose arrays they hold.

Lines are read as text, with what the writers know besides: which variable hands its array on to which others.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from .source import Line

HandedOn = Mapping[str, Collection[str]]


def mentions(texts: Sequence[str]) -> tuple[dict[str, int], dict[str, int]]:
    """Where each word is mentioned first, and where last."""
    found = [(word, n) for n, text in enumerate(texts) for word in re.findall(r"[A-Za-z_]\w*", text)]
    return dict(reversed(found)), dict(found)


def loops_around(lines: Sequence[Line]) -> list[list[tuple[int, int]]]:
    """The first and the last line of each loop around a line, the outermost loop first."""
    heads: list[list[int]] = []
    ends: dict[int, int] = {}
    pending: list[int] = []
    for n, line in enumerate(lines):
        while pending and lines[pending[-1]].depth >= line.depth:
            ends[pending.pop()] = n - 1
        heads.append(list(pending))
        if re.match(r"(for|while)\b", line.text):
            pending.append(n)
    ends |= dict.fromkeys(pending, len(lines) - 1)
    return [[(head, ends[head]) for head in around] for around in heads]


def reached(name: str, handed_on: HandedOn) -> set[str]:
    """The variables that may hold the array of a variable."""
    found, pending = {name}, [name]
    while pending:
        new = set(handed_on.get(pending.pop(), ())) - found
        found |= new
        pending += new
    return found


def assignments(line: Line) -> Iterator[tuple[str, str]]:
    """The variables that a line assigns, and the source of each; "" where several share one that cannot be
    told apart."""
    found = re.match(r"((?:\w+, )*\w+) = (.*)$", line.text)
    if found:
        targets, sources = found[1].split(", "), found[2].split(", ")
        if len(targets) == 1:
            sources = [found[2]]
        yield from zip(targets, sources if len(sources) == len(targets) else [""] * len(targets), strict=True)


def exclusive(lines: Sequence[Line], places: Iterable[int]) -> bool:
    """Whether at most one of some lines runs: any two of them stand in different branches of one `if`."""
    ordered = sorted(places)
    return all(_apart(lines, a, b) for k, b in enumerate(ordered) for a in ordered[:k])


def _apart(lines: Sequence[Line], a: int, b: int) -> bool:
    """Whether an `else`, the only line of its depth from a to b, lies between them."""
    between = lines[a : b + 1]
    depth = min(line.depth for line in between)
    return [line.text for line in between if line.depth == depth] == ["else:"]
