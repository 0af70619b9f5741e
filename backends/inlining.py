"""Which elementwise values are computed where they are read, instead of being stored.

A value is *inlined* when that multiplies no work: it is read once an element, or it is cheap and read a few
times. It is read later than it was written down, so nothing that it reads may be overwritten in between.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from ..ir.graph import Block, Eqn, Value, captured
from ..ir.loops import state_count
from ..ir.op import Element, Library, Scalar, Whole
from ..ir.ops.products import contraction
from ..ir.types import Shape
from .products import library_product
from .roots import is_elementwise, is_product, is_root, is_row

CHEAP = 2.0
"""Operations an element that may be repeated instead of stored."""

REPEATS = 3
"""How often a cheap value may be computed."""

DEEPEST = 32
"""How many values may be inlined into one another."""


class Reading(Enum):
    """How an equation reads an array operand."""

    ALIGNED = auto()  # the element at the consumer's own indices
    PREFIX = auto()  # the same, without the last axes: computed in an outer loop
    MOVED = auto()  # other elements, each at most once
    REPEATED = auto()  # elements several times
    MEMORY = auto()  # as an array in memory
    LIBRARY = auto()  # as an array in memory, which may be a transposed view


# ---- how operands are read ----


def readings(eqn: Eqn) -> Iterator[tuple[Value, Reading]]:
    """The array operands of an equation, and how it reads them; what its blocks capture included."""
    for k, value in enumerate(eqn.inputs):
        if value.type.rank:
            yield value, _reading(eqn, k)
    for inner in eqn.blocks:
        for value in captured(inner):
            yield value, Reading.MEMORY


def _reading(eqn: Eqn, k: int) -> Reading:
    operand = eqn.inputs[k].type
    if is_root(eqn) and operand.size.constant == 1 and not eqn.op.updates:
        return Reading.PREFIX
    if _is_library(eqn):
        return Reading.LIBRARY
    if eqn.op.updates and is_root(eqn):
        return (Reading.MEMORY, Reading.ALIGNED)[k] if k < 2 else Reading.REPEATED
    if eqn.op.name == "index" and is_elementwise(eqn):
        gathers = any(v.type.rank for v in eqn.inputs[1:])
        return Reading.REPEATED if gathers else Reading.MOVED
    if isinstance(eqn.op.lowering, Element) and is_elementwise(eqn):
        return _element_reading(eqn, k)
    if not is_root(eqn):
        return Reading.MEMORY
    if isinstance(eqn.op.lowering, Scalar):
        return _broadcast_reading(operand.shape, eqn.output.type.shape)
    if is_product(eqn):
        labels = contraction(eqn)
        whole = set(labels.operands[k]) == set("".join(labels.operands))
        return Reading.MOVED if whole else Reading.REPEATED
    return Reading.ALIGNED


def _is_library(eqn: Eqn) -> bool:
    return isinstance(eqn.op.lowering, Whole | Library) or library_product(eqn) is not None


def _broadcast_reading(shape: Shape, result: Shape) -> Reading:
    if shape == result:
        return Reading.ALIGNED
    same = [d == r for d, r in zip(shape, result, strict=False)]
    prefix = len(shape) == len(result) and same == sorted(same, reverse=True)
    return Reading.PREFIX if prefix else Reading.REPEATED


def _element_reading(eqn: Eqn, k: int) -> Reading:
    """What a lowering by elements reads: found by asking it for one element."""
    assert isinstance(eqn.op.lowering, Element)
    indices = [f"i{a}" for a in range(eqn.output.type.rank)]
    asked: list[Sequence[str]] = []

    def read(operand: int, at: Sequence[str]) -> str:
        if operand == k:
            asked.append(list(at))
        return "x"

    text = eqn.op.lowering.source(eqn, read, indices)
    if asked == [indices]:
        return Reading.ALIGNED
    if " if " in text:
        return Reading.MEMORY  # an element that is not asked for may not exist
    once = len(asked) == 1 and eqn.inputs[k].type.size == eqn.output.type.size
    return Reading.MOVED if once else Reading.REPEATED


# ---- inlining ----


@dataclass(frozen=True)
class Inlining:
    """What is inlined.

    `inlined` are the equations of inlined values; `runs` says in which roots or single equations each of them
    is evaluated, `readers` in which every value is read.
    """

    inlined: Mapping[Value, Eqn]
    runs: Mapping[Eqn, Mapping[Eqn, int]]
    readers: Mapping[Value, set[Eqn]]


def inlining(block: Block) -> Inlining:
    """Decided from the last equation to the first: consumers are known before what they consume."""
    position = {eqn: n for n, eqn in enumerate(block.eqns)}
    consumers: dict[Value, list[tuple[Eqn, Reading]]] = {}
    for eqn in block.eqns:
        for value, reading in readings(eqn):
            consumers.setdefault(value, []).append((eqn, reading))
    written = overwritten(block)
    results = set(block.results)
    inlined: dict[Value, Eqn] = {}
    runs: dict[Eqn, dict[Eqn, int]] = {}
    depth: dict[Eqn, int] = {}
    for eqn in reversed(block.eqns):
        if not is_elementwise(eqn) or eqn.output in results or eqn.output not in consumers:
            continue
        found = _evaluations(eqn, consumers[eqn.output], inlined, runs)
        depth[eqn] = 1 + max(depth.get(c, 0) if c in runs else 0 for c, _ in consumers[eqn.output])
        if found is None or depth[eqn] > DEEPEST:
            continue
        last = max(position[root] for root in found)
        if all(written.get(v, last + 1) > last for v in eqn.inputs):
            inlined[eqn.output], runs[eqn] = eqn, found
    readers = {v: {r for c, _ in found for r in runs.get(c, {c: 1})} for v, found in consumers.items()}
    return Inlining(inlined, runs, readers)


def overwritten(block: Block, position: Mapping[Eqn, int] | None = None) -> dict[Value, int]:
    """The position, that in the block if none is given, at which an array is first handed to something that
    may write into it; what has no position is not there."""
    found: dict[Value, int] = {}
    if position is None:
        position = {eqn: n for n, eqn in enumerate(block.eqns)}
    for eqn in position:
        taken: Iterable[Value] = ()
        if eqn.op.updates:
            taken = eqn.inputs[:1]
        elif eqn.op.loop:
            taken = eqn.inputs[: state_count(eqn.attrs)]
        elif eqn.blocks:
            taken = (v for inner in eqn.blocks for v in overwritten(inner))
        for value in taken:
            found[value] = min(found.get(value, position[eqn]), position[eqn])
    return found


def _evaluations(
    eqn: Eqn,
    consumers: Sequence[tuple[Eqn, Reading]],
    inlined: Mapping[Value, Eqn],
    runs: Mapping[Eqn, Mapping[Eqn, int]],
) -> dict[Eqn, int] | None:
    """How often an element would be computed in each root that reads it; None where it has to be stored."""
    kinds = {reading for _, reading in consumers}
    if kinds == {Reading.LIBRARY}:
        free = eqn.op.name == "transpose" and all(_takes_transposed(c, eqn, inlined) for c, _ in consumers)
        return {c: 1 for c, _ in consumers} if free else None
    if kinds & {Reading.MEMORY, Reading.LIBRARY}:
        return None
    shared: dict[Eqn, int] = {}
    separate: dict[Eqn, int] = {}
    for consumer, reading in consumers:
        inside = bool(consumer.outputs) and consumer.outputs[0] in inlined
        if is_row(consumer) and not inside:
            return None  # a row that is stored is looked at where it lies
        if inside and any(_is_library(root) for root in runs[consumer]):
            return None  # the library sees a transposed view of it
        for root, times in (runs[consumer] if inside else {consumer: 1}).items():
            if reading in (Reading.ALIGNED, Reading.PREFIX):
                shared[root] = max(shared.get(root, 0), times)
            else:
                each = REPEATS if reading is Reading.REPEATED else 1
                separate[root] = separate.get(root, 0) + times * each
    total = {root: shared.get(root, 0) + separate.get(root, 0) for root in {**shared, **separate}}
    if _is_free(eqn):
        return total
    cheap = eqn.op.cost <= CHEAP and not eqn.op.dear
    return total if sum(total.values()) <= (REPEATS if cheap else 1) else None


def _is_free(eqn: Eqn) -> bool:
    """Whether an element is one of the operand, at indices that are those of the result in another order, or
    a number apart."""
    if eqn.op.name == "index":
        return not any(v.type.rank for v in eqn.inputs[1:])
    if not isinstance(eqn.op.lowering, Element) or len(eqn.inputs) != 1:
        return False
    asked: list[str] = []

    def read(operand: int, at: Sequence[str]) -> str:
        asked.extend(at)
        return "x"

    text = eqn.op.lowering.source(eqn, read, [f"i{a}" for a in range(eqn.output.type.rank)])
    return text == "x" and all(index.isalnum() for index in asked)


def _takes_transposed(consumer: Eqn, transpose: Eqn, inlined: Mapping[Value, Eqn]) -> bool:
    """Whether a library takes an operand as it lies before it is transposed."""
    if library_product(consumer) is not None:
        return library_product(consumer, {**inlined, transpose.output: transpose}) is not None
    return transpose.output.type.rank == 2
