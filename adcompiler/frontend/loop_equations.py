"""The equation of a rolled loop, from the traced blocks of its body and its test."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from adcompiler.checkpointing.annotation import Annotation
from adcompiler.ir.build import emit
from adcompiler.ir.graph import Attr, Attrs, Block, Value, walk
from adcompiler.ir.op import Op
from adcompiler.ir.ops.loops import for_, for_attrs, while_, while_attrs
from adcompiler.ir.types import Dim

from .aliasing import check_stale, uses
from .carried import Carry
from .cells import Cell
from .extents import length
from .facts import Facts
from .frames import Frame, SizeBound, current
from .leaves import Slot
from .marks import attributes


@dataclass(frozen=True)
class Asked:
    """The traced test of a loop: its block, what it yields, and what that says of sizes and of the loop."""

    frame: Frame
    holds: Value
    facts: Facts
    annotation: Annotation | None = None


@dataclass(frozen=True)
class Blocks:
    """One traced trip: what it carries, the frame of its body, and the test."""

    carry: Carry
    frame: Frame
    index: str
    param: Value
    test: Asked | None

    @property
    def slots(self) -> list[Slot]:
        """The carried leaves."""
        return list(self.carry.params)

    @property
    def changed(self) -> list[Cell]:
        """The storage that is carried: what a trip leaves as it found it is loop-invariant."""
        entries, ends = self.frame.entries, self.frame.ends
        return [cell for cell, entry in entries.items() if ends[cell].value is not entry.param]

    @property
    def params(self) -> tuple[Value, ...]:
        """The parameters of either block."""
        storage = (self.frame.entries[cell].param for cell in self.changed)
        return self.param, *self.carry.params.values(), *(p for p in storage if p is not None)

    def body(self) -> Block:
        """One trip, loop-invariant parameters replaced by the values outside."""
        carry, ends = self.carry, self.frame.ends
        storage = (ends[cell].value for cell in self.changed)
        results = [*(carry.results[slot] for slot in self.slots), *storage]
        block = Block(self.params, tuple(self.frame.builder.eqns), tuple(results))
        return substituted(block, self._invariant())

    def asked(self) -> list[Block]:
        """The test before each trip, on parameters of its own."""
        if self.test is None:
            return []
        own = {param: Value(param.type, param.name) for param in self.params}
        block = Block(tuple(own.values()), tuple(self.test.frame.builder.eqns), (self.test.holds,))
        return [substituted(block, self._invariant() | own)]

    def used(self) -> set[Value]:
        """Every value that a trip or the test reads, parameters of loop-invariant storage included.

        What one array or number becomes may be what another one was: `v[:] = z`.
        """
        frames = [self.frame, *([] if self.test is None else [self.test.frame])]
        ends = {self.frame.ends[cell].value for cell in self.changed} | set(self.carry.results.values())
        return uses(*(Block((), tuple(frame.builder.eqns), ()) for frame in frames)) | ends

    def _invariant(self) -> dict[Value, Value]:
        changed = set(self.changed)
        entries = self.frame.entries.items()
        return {e.param: e.value for cell, e in entries if cell not in changed and e.param is not None}


def substituted(block: Block, values: Mapping[Value, Value]) -> Block:
    """A block with some of the values that it captures replaced; what it defines stays the same objects."""
    if not values:
        return block
    eqns = [
        dataclasses.replace(
            eqn,
            inputs=tuple(values.get(v, v) for v in eqn.inputs),
            blocks=tuple(substituted(inner, values) for inner in eqn.blocks),
        )
        for eqn in block.eqns
    ]
    return Block(block.params, tuple(eqns), tuple(values.get(v, v) for v in block.results))


# ---- the equations ----


def emit_for(blocks: Blocks, trips: Dim, annotation: Annotation | None) -> dict[Slot, Value]:
    """A loop whose trips are counted; the carried leaves after it."""
    body = blocks.body()
    attrs = for_attrs(trips, len(body.results), 0, False, _mentioned(blocks.index, [body]))
    return _emit(blocks, for_, attrs | attributes(annotation, counted=True), [body])


def emit_while(
    blocks: Blocks, limit: Dim | None, annotation: Annotation | None
) -> tuple[dict[Slot, Value], Dim]:
    """A loop with a test; the carried leaves after it, and its trips, which are a size from here on."""
    both = [*blocks.asked(), blocks.body()]
    trips = current().fresh_name("t")
    attrs = while_attrs(trips, len(both[-1].results), limit, _mentioned(blocks.index, both))
    outputs = _emit(blocks, while_, attrs | attributes(annotation, counted=False), both)
    most = None if limit is None else length(limit)
    current().frame.sizes[trips] = SizeBound(None, Dim(), most)
    return outputs, Dim.of(trips)


def _emit(blocks: Blocks, op: Op, attrs: Attrs, both: Sequence[Block]) -> dict[Slot, Value]:
    check_stale(blocks.frame, blocks.used())
    changed, body = blocks.changed, both[-1]
    inputs = [*map(blocks.carry.start, blocks.slots), *(cell.read() for cell in changed)]
    names = [p.name or r.name for p, r in zip(body.params[1:], body.results, strict=True)]
    outputs = emit(op, inputs, attrs, both, names)
    for cell, output in zip(changed, outputs[len(blocks.slots) :], strict=True):
        cell.write(output)
    for cell, end in blocks.frame.ends.items():
        if end.stale is not None:
            cell.spoil(end.stale)
    return dict(zip(blocks.slots, outputs, strict=False))


def _mentioned(index: str, blocks: Sequence[Block]) -> str | None:
    """The name of a loop's index, where sizes in its blocks mention it."""
    values = (*(p for block in blocks for p in block.params), *uses(*blocks))
    in_types = any(index in d.names() for v in values for d in v.type.shape)
    eqns = (eqn for block in blocks for eqn in walk(block))
    in_attrs = (attr for eqn in eqns for attr in eqn.attrs.values())
    return index if in_types or any(index in _dim_names(attr) for attr in in_attrs) else None


def _dim_names(attr: Attr) -> frozenset[str]:
    if isinstance(attr, Dim):
        return attr.names()
    return frozenset().union(*map(_dim_names, attr)) if isinstance(attr, tuple) else frozenset()
