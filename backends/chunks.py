"""Loops that are cut into chunks, which threads may share.

A loop outside all others is cut where no trip touches what another one writes, or where trips reduce. A chunk
has so many trips that it is worth handing to a thread. Their number depends on sizes alone, and what chunks
have reduced is put together in their order: so results are the same for every number of threads.

The lines of the loop become a function of the chunk's number and bounds; in their place stands a call of
`spread`. All that is compiled for calls that have at least WORTH operations only; smaller ones run the loops
as they stand.

Limits: loops in loops are not cut, nor the loops of the language (`for`), running sums along their axis, and
updates at places that data decide.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from enum import Enum, auto
from itertools import groupby
from math import ceil, prod

from ..ir.graph import Eqn, Value
from ..ir.op import Scan
from ..ir.ops.attributes import integer
from ..ir.types import ArrayType, Dim, Sizes
from . import roots
from .cuts import Cut, Partial
from .source import Fresh, Line, allocation, tuple_text

APART = 16
"""Elements between arrays that different threads write."""

# ---- which loops ----


class Role(Enum):
    """What the trips of a loop are to a root in it."""

    OWN = auto()  # each writes elements of its own
    REDUCED = auto()  # each adds to the same ones
    ORDERED = auto()  # each needs those before it


def role(root: Eqn, axis: int) -> Role:
    """What the trips of the loop along an axis of its extents are to a root."""
    if root.op.name == "check":
        return Role.ORDERED
    if root.op.updates:
        at = root.attrs.get("at", ())
        return Role.ORDERED if isinstance(at, tuple) and "gather" in at else Role.OWN
    if isinstance(root.op.lowering, Scan) and axis == integer(root.attrs["axis"]):
        return Role.ORDERED
    return Role.OWN if axis in roots.kept_axes(root) else Role.REDUCED


def may_be_cut(loop: Mapping[Eqn, int]) -> bool:
    """Whether a loop may be cut: the roots in it, and the axis along which each goes.

    Trips write elements of their own, or reduce. Of two updates of an array one may write what the other one
    writes in another trip.
    """
    roles = [role(root, axis) for root, axis in loop.items()]
    return Role.ORDERED not in roles and sum(1 for root in loop if root.op.updates) <= 1


def work_of_trip(loop: Mapping[Eqn, int], inlined: Mapping[Value, Eqn]) -> Dim:
    """Operations of the roots in a loop, and of what is inlined into them, in a trip."""
    total = Dim.of(0)
    for root, axis in loop.items():
        computed = {inlined[v] for v, _ in roots.accesses(root, inlined) if v in inlined}
        cost = ceil(1 + root.op.cost + sum(eqn.op.cost for eqn in computed))
        total += prod((d for a, d in enumerate(roots.extents(root)) if a != axis), start=Dim.of(cost))
    return total


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
        self.sizes: dict[str, Callable[[Sizes], int]] = {}
        """The numbers of chunks, under their variables, by the sizes of a call."""

    def outlined(self, lines: Iterable[Line]) -> list[Line]:
        """The lines with calls in the place of loops; the functions of those are in `functions`."""
        result: list[Line] = []
        for cut, group in groupby(lines, lambda line: line.cut):
            region = list(group)
            result += region if cut is None else self._call(cut, region)
        return result

    def _call(self, cut: Cut, region: Sequence[Line]) -> Iterator[Line]:
        depth, said = region[0].depth, region[0].comment
        name, rows = self.fresh(f"{self.name}_loop"), cut.rows
        chunk, thread = self.fresh("chunk"), self.fresh("thread")
        each = {p.name: self.fresh(f"{p.name}_parts") for p in cut.partials}
        if cut.partials:
            chunks = self.fresh("chunks")
            if not rows.isdigit():
                yield Line(f"{(rows := self.fresh('rows'))} = {cut.rows}", depth, said)
            self.sizes[chunks] = cut.chunks
            yield Line(f"{chunks} = -(-{_operand(cut.extent)} // {rows})", depth, said)
        for p in cut.partials:
            yield _several(each[p.name], chunks, p.type, depth, said)
        for array, type_ in cut.private:
            each[array] = self.fresh(f"{array}_each")
            yield _several(each[array], self.threads, type_, depth, said)
        values = [*self._values(cut, region), *each.values()]
        heads = [chunk, thread, cut.start, cut.stop]
        self.functions[name] = [
            Line(f"def {name}({', '.join([*heads, *values])}):"),
            *_body(chunk, thread, cut, each, region),
        ]
        length, given = cut.extent.positive(), tuple_text(values)
        yield Line(f"spread({name}, {length}, {rows}, {self.entry}, {self.threads}, {given})", depth, said)
        for p in cut.partials:
            yield from _combined(p, each[p.name], chunk, chunks, self.fresh, depth, said)

    def _values(self, cut: Cut, region: Sequence[Line]) -> list[str]:
        """The variables that the loops read and do not make."""
        own = {cut.start, cut.stop, *(p.name for p in cut.partials), *(name for name, _ in cut.private)}
        for text in (*(text for text, _ in cut.before), *(line.text for line in region)):
            own.update(_assigned(text))
        words = [w for line in region for w in re.findall(r"(?<![\w.])[A-Za-z_]\w*", line.text)]
        variables = self.variables()
        return [w for w in dict.fromkeys(words) if w in variables and w not in own]


def _several(name: str, count: str, type_: ArrayType, depth: int, said: str) -> Line:
    """Makes arrays of a type, one a chunk or thread, so far apart that none shares a cache line."""
    *outer, last = type_.shape or (Dim.of(0),)
    shape = (Dim.of(count), *outer, last + APART) if type_.rank else (Dim.of(count),)
    made = ArrayType(type_.dtype, shape)
    return Line(f"{name} = {allocation('np.empty', made)}", depth, said, Fresh(name, made, filling=None))


def _body(
    chunk: str, thread: str, cut: Cut, each: Mapping[str, str], region: Sequence[Line]
) -> Iterator[Line]:
    """What the function of a loop does: one chunk of it."""
    for name, _ in cut.private:
        yield Line(f"{name} = {each[name]}[{thread}]", 1)
    for p in cut.partials:
        if p.type.rank:
            yield Line(f"{p.name} = {each[p.name]}[{chunk}]", 1)
            yield Line(f"{p.name}[:] = {p.start}", 1)
    yield from (Line(text, 1, said) for text, said in cut.before)
    base = region[0].depth - 1
    yield from (replace(line, depth=line.depth - base, cut=None) for line in region)
    yield from (Line(text, 1, said) for text, said in cut.after)
    for p in cut.partials:
        if not p.type.rank:
            yield Line(f"{each[p.name]}[{chunk}] = {p.name}", 1)


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
