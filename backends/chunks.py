"""Loops that are cut into chunks, which threads may share.

The outermost loop of a nest is cut where its trips do not touch what other trips write. A chunk has so many
trips that it is worth handing to a thread: their number depends on sizes alone, and so does the order in which
what the chunks have reduced is put together. So results are the same for every number of threads.

What a nest is as lines becomes a function of the chunk's number and bounds; in its place stands a call of
`spread`. A program that has nothing to do for threads at most sizes is compiled without all that, too: calls
below WORTH run the loops as they stand. Which of the two runs depends on sizes alone, again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from enum import Enum, auto
from itertools import groupby
from math import ceil

from ..ir.graph import Eqn
from ..ir.op import Reduction, Scan
from ..ir.ops.attributes import integer, integers
from ..ir.types import ArrayType, Dim
from .cuts import Cut, Partial
from .source import Line, Page, allocation, tuple_text

# ---- which loops ----


class Role(Enum):
    """What the trips of a loop are to a root in it."""

    OWN = auto()  # each writes elements of its own
    REDUCED = auto()  # each adds to the same ones
    ORDERED = auto()  # each needs those before it


def role(root: Eqn, axis: int) -> Role:
    """What the trips of the loop along an axis of its extents are to a root."""
    lowering = root.op.lowering
    if root.op.name == "check":
        return Role.ORDERED
    if root.op.updates:
        at = root.attrs.get("at", ())
        return Role.ORDERED if isinstance(at, tuple) and "gather" in at else Role.OWN
    if isinstance(lowering, Scan):
        return Role.ORDERED if axis == integer(root.attrs["axis"]) else Role.OWN
    if root.op.name == "einsum":
        return Role.OWN if axis < root.output.type.rank else Role.REDUCED
    reduced = isinstance(lowering, Reduction) and axis in integers(root.attrs["axes"])
    return Role.REDUCED if reduced else Role.OWN


def weight(work: Iterable[Eqn]) -> int:
    """What a trip costs in which these equations are computed."""
    return 1 + ceil(sum(eqn.op.cost for eqn in work))


# ---- what becomes of them ----


class Outliner:
    """Takes loops that are cut out of the lines of a function.

    `variables` are the names that are variables there; `fresh` gives new ones. `entry` and `threads` are the
    variables that say who runs the chunks.
    """

    def __init__(
        self, name: str, variables: Callable[[], Collection[str]], fresh: Callable[[str], str]
    ) -> None:
        self.name = name
        self.variables = variables
        self.fresh = fresh
        self.entry, self.threads = fresh("entry"), fresh("threads")
        self.functions: dict[str, Sequence[Line]] = {}

    def outlined(self, lines: Iterable[Line]) -> list[Line]:
        """The lines with calls in the place of loops; the functions of those are in `functions`."""
        result: list[Line] = []
        for cut, group in groupby(lines, lambda line: line.cut):
            result += group if cut is None else self._call(cut, list(group))
        return result

    def _call(self, cut: Cut, region: Sequence[Line]) -> Iterator[Line]:
        depth, said = region[0].depth, region[0].comment
        name, chunk = self.fresh(f"{self.name}_loop"), self.fresh("chunk")
        values = self._values(cut, region)
        parts = {p.name: self.fresh(f"{p.name}_parts") for p in cut.partials}
        self.functions[name] = _function(name, chunk, [*values, *parts.values()], cut, parts, region)
        rows = cut.rows
        if cut.partials and not rows.isdigit():
            yield Line(f"{(rows := self.fresh('rows'))} = {cut.rows}", depth, said)
        if cut.partials:
            chunks = self.fresh("chunks")
            yield Line(f"{chunks} = -(-{_operand(cut.extent)} // {rows})", depth, said)
        for p in cut.partials:
            kind = ArrayType(p.type.dtype, (Dim.of(chunks), *p.type.shape))
            yield Line(f"{parts[p.name]} = {allocation('np.empty', kind)}", depth, said)
        given = tuple_text([*values, *parts.values()])
        call = f"spread({name}, {cut.extent.positive()}, {rows}, {self.entry}, {self.threads}, {given})"
        yield Line(call, depth, said)
        for p in cut.partials:
            yield from _combined(p, parts[p.name], chunk, chunks, self.fresh, depth, said)

    def _values(self, cut: Cut, region: Sequence[Line]) -> list[str]:
        """The variables that the loops read and do not make."""
        own = {cut.start, cut.stop, *(p.name for p in cut.partials)}
        for line in region:
            own.update(_assigned(line.text))
        words = [w for line in region for w in re.findall(r"(?<![\w.])[A-Za-z_]\w*", line.text)]
        words += [str(a) for p in cut.partials for d in p.type.shape for a in sorted(d.names())]
        variables = self.variables()
        return [w for w in dict.fromkeys(words) if w in variables and w not in own]


def _function(
    name: str, chunk: str, values: Sequence[str], cut: Cut, parts: dict[str, str], region: Sequence[Line]
) -> Sequence[Line]:
    """The function of a loop: a chunk of it."""
    page = Page(depth=1)
    for p in cut.partials:
        if p.type.rank:
            page.write(f"{p.name} = {parts[p.name]}[{chunk}]")
            page.write(f"{p.name}[:] = {p.start}")
        else:
            page.write(f"{p.name} = {p.start}")
    base = region[0].depth - 1
    page.extend(Line(line.text, line.depth - base, line.comment) for line in region)
    for p in cut.partials:
        if not p.type.rank:
            page.write(f"{parts[p.name]}[{chunk}] = {p.name}")
    head = f"def {name}({', '.join([chunk, cut.start, cut.stop, *values])}):"
    return [Line(head), *page.lines]


def _combined(
    p: Partial, parts: str, chunk: str, chunks: str, fresh: Callable[[str], str], depth: int, said: str
) -> Iterator[Line]:
    """What the chunks have made, put together in their order."""
    if not p.type.rank:
        yield Line(f"{p.name} = {p.start}", depth, said)
    yield Line(f"for {chunk} in range({chunks}):", depth, said)
    indices = [fresh("at") for _ in p.type.shape]
    for index, extent in zip(indices, p.type.shape, strict=True):
        depth += 1
        yield Line(f"for {index} in range({extent}):", depth, said)
    whole = f"{p.name}[{', '.join(indices)}]" if indices else p.name
    yield Line(p.step(whole, f"{parts}[{', '.join([chunk, *indices])}]"), depth + 1, said)


def _assigned(text: str) -> Iterator[str]:
    """The variables that a line makes."""
    loop = re.match(r"for (\w+) in ", text)
    if loop:
        yield loop[1]
    while made := re.match(r"(\w+) = ", text):
        yield made[1]
        text = text[made.end() :]


def _operand(dim: Dim) -> str:
    text = str(dim.positive())
    return text if text.isidentifier() or text.isdigit() else f"({text})"
