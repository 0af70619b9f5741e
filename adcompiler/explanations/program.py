"""What a program keeps of its loops and why, which of them cannot run by a schedule, and what it replays.

All of it is read off the program: equations of the way back have a note, "adjoint of y" or "replayed".
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property

from adcompiler.checkpointing.pairs import Pair, pairs
from adcompiler.ir.cost import Counter
from adcompiler.ir.errors import Location
from adcompiler.ir.graph import Block, Eqn, Function, Value, captured, reads, walk
from adcompiler.ir.loops import element_type, loop_body, split, trip_count
from adcompiler.ir.types import Sizes
from adcompiler.transforms.legalise import REPLAYED

from .records import Kept, Recomputed


def line(location: Location | None) -> str:
    """`ode.py:5  y = y + h * f(y)`."""
    return f"{location.short}  {location.source}".strip() if location else ""


def remark(eqn: Eqn) -> str:
    """`adjoint of y, ode.py:5`."""
    return ", ".join(part for part in (eqn.note, eqn.location.short if eqn.location else None) if part)


@dataclass(frozen=True, eq=False)
class Program:
    """A program at given sizes, as it was before some of its loops were scheduled, these pairs.

    `everything` says that its plan keeps all that is read.
    """

    function: Function
    sizes: Sizes
    everything: bool
    scheduled: tuple[Pair, ...]

    @cached_property
    def home(self) -> dict[Eqn, Block]:
        """The block in which an equation stands."""
        blocks = [self.function.body, *(b for eqn in walk(self.function.body) for b in eqn.blocks)]
        return {eqn: block for block in blocks for eqn in block.eqns}

    @cached_property
    def owner(self) -> dict[Block, Eqn]:
        """The equation that has a block."""
        return {block: eqn for eqn in walk(self.function.body) for block in eqn.blocks}

    # ---- loops ----

    def loops(self) -> Iterator[tuple[Eqn, float, int | None, tuple[Kept, ...]]]:
        """Loops of the way forward of which something is kept, or around which there is none, with how often
        they run, their trips where these are known and always the same, and what is kept.
        """
        counter, often, kept = Counter(dict(self.sizes)), dict[Eqn, float](), dict[Eqn, tuple[Kept, ...]]()
        for eqn, times in counter.runs(self.function.body):
            if eqn.op.loop and eqn.note in (None, REPLAYED):
                often[eqn] = often.get(eqn, 0.0) + times
                kept[eqn] = tuple(self._kept(eqn, counter))
        for eqn, times in often.items():
            if kept[eqn] or self.home[eqn] is self.function.body:
                length = trip_count(eqn.attrs)
                known = length.names() <= set(self.function.sizes)
                yield eqn, times, max(length.value(self.sizes), 0) if known else None, kept[eqn]

    @cached_property
    def _indices(self) -> set[str]:
        """The sizes that are numbers of trips."""
        eqns = walk(self.function.body)
        return {str(eqn.attrs["index"]) for eqn in eqns if eqn.attrs.get("index") is not None}

    def _kept(self, loop: Eqn, counter: Counter) -> Iterator[Kept]:
        stacks = split(loop.attrs, loop.outputs).slices
        items = split(loop.attrs, loop_body(loop).results).slices
        for stack, item in zip(stacks, items, strict=True):
            readers = dict.fromkeys(map(remark, self._readers(stack, self.home[loop])))
            if readers:
                value, maker, location = self._origin(item, loop_body(loop))
                element = element_type(stack.type)
                known = all(d.names() <= counter.sizes.keys() for d in element.shape)
                nbytes = counter.elements(element) * element.dtype.itemsize if known else 0
                name = value.name or (f"the result of {maker.op.name}" if maker else "a value")
                taped = any(stack is pair.forward.outputs[k] for pair in self.scheduled for k in pair.tape)
                why = self._why(maker)
                yield Kept(name, str(element), line(location), nbytes, taped, why, tuple(readers))

    def _readers(self, value: Value, block: Block) -> Iterator[Eqn]:
        """The equations of the way back that read a value of a block, those inside loops and branches."""
        for eqn in block.eqns:
            if eqn.note is not None and value in reads(eqn):
                yield from self._inside(value, eqn)
        owner = self.owner.get(block)
        if owner is not None and not owner.op.loop and value in block.results:
            result = owner.outputs[block.results.index(value)]  # of the branch that was taken
            yield from self._readers(result, self.home[owner])

    def _inside(self, value: Value, eqn: Eqn) -> Iterator[Eqn]:
        stacks = split(eqn.attrs, eqn.inputs).slices if eqn.op.loop else ()
        if value in eqn.inputs[: len(eqn.inputs) - len(stacks)]:
            yield eqn
        for inner in eqn.blocks:
            aliases = [value] if value in captured(inner) else []
            if eqn.op.loop and inner is loop_body(eqn):
                slices = split(eqn.attrs, inner.params[1:]).slices
                aliases += [p for p, x in zip(slices, stacks, strict=True) if x is value]
            for alias in aliases:
                for e in inner.eqns:
                    if alias in reads(e):
                        yield from self._inside(alias, e)

    def _origin(self, value: Value, block: Block) -> tuple[Value, Eqn | None, Location | None]:
        """What a value that is handed outwards was where it was made, the equation, and its place."""
        maker = next((eqn for eqn in block.eqns if value in eqn.outputs), None)
        if maker is None:
            return value, None, self.owner[block].location
        k = maker.outputs.index(value)
        if maker.op.loop and value in split(maker.attrs, maker.outputs).slices:
            return self._origin(loop_body(maker).results[k], loop_body(maker))
        if maker.blocks and not maker.op.loop:
            made = [(b.results[k], b) for b in maker.blocks if not _undefined(b.results[k], b)]
            return self._origin(*made[0]) if made else (value, maker, maker.location)
        return value, maker, maker.location

    def _why(self, maker: Eqn | None) -> str:
        if maker is None:
            return "a carry, which only the trips before it give again"
        if maker.op.loop:
            return "a result of a loop, which is never replayed"
        if maker.op.dear:
            return f"made by {maker.op.name}, which is dear and never replayed"
        if self.everything:
            return "the plan keeps all that is read"
        return "to keep it costs less than to replay it"

    def unscheduled(self, loop: Eqn) -> str:
        """Why a loop does not run by a schedule."""
        block, names = self.home[loop], trip_count(loop.attrs).names()
        kept = [s for s in split(loop.attrs, loop.outputs).slices if any(self._readers(s, block))]
        if not kept:
            return "nothing is kept of a trip"
        if names & self._indices:
            return "its trips change in the loop around it"
        both = {eqn for pair in self.scheduled for eqn in (pair.forward, pair.reverse)}
        if any(outer in both for outer in self._around(loop)):
            return "a loop around it runs by one"
        if block in self.owner and not self.owner[block].op.loop:
            return "it is in a branch, and its adjoint in another"
        if all(pair.forward is not loop for pair in pairs(block, self.function.sizes)):
            known = loop.op.name != "for" or names <= set(self.function.sizes)
            return self._shared(kept, block) if known else "its trips are known only when it has run"
        return "its adjoint runs by that of another loop" if self.scheduled else "the plan keeps every tape"

    def _around(self, eqn: Eqn) -> Iterator[Eqn]:
        while (block := self.home[eqn]) in self.owner:
            eqn = self.owner[block]
            yield eqn

    def _shared(self, kept: Collection[Value], block: Block) -> str:
        loops = {e for e in block.eqns for s in kept if e.op.loop and s in reads(e)}
        if len(loops) > 1:
            return "its tape is read by more than one loop"
        return "its tape is not read by one loop, trip for trip"

    # ---- what is computed again ----

    def recomputed(self) -> tuple[Recomputed, ...]:
        """What is replayed, by the user's lines, the dearest first."""
        counter = Counter(dict(self.sizes))
        work: dict[str, float] = {}
        ops: dict[str, dict[str, None]] = {}
        times: dict[Eqn, float] = {}
        for eqn, runs in counter.runs(self.function.body):
            cost = counter.alone(eqn) * runs
            if eqn.note == REPLAYED and cost:
                at = line(eqn.location)
                work[at] = work.get(at, 0.0) + cost
                ops.setdefault(at, {})[eqn.op.name] = None
                times[eqn] = times.get(eqn, 0.0) + runs
        often = {at: max(n for e, n in times.items() if line(e.location) == at) for at in work}
        rows = [Recomputed(at, tuple(ops[at]), round(often[at]), cost) for at, cost in work.items()]
        return tuple(sorted(rows, key=lambda row: -row.work))


def _undefined(value: Value, block: Block) -> bool:
    return any(value in eqn.outputs and eqn.op.name == "undefined" for eqn in block.eqns)
