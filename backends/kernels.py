"""From equations to loop nests: what is computed where it is read, and what is stored.

An elementwise value is *inlined* into the nests that read it, when that multiplies no work: it is read once
an element, or it is cheap and read a few times. Everything else on arrays is the *root* of a nest: an
elementwise value that must be in memory, a reduction, a running sum, an einsum, an update of a region, a
check of an array. Nests that stand next to each other, run over the same extents and need each other only
element by element, become one.

An inlined value is read later than it was written down, so nothing that it reads may be overwritten in
between.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from ..ir.graph import Block, Constant, Eqn, Function, Value, captured
from ..ir.loops import most_trips, state_count
from ..ir.op import Element, Library, Reduction, Scalar, Scan, Whole
from ..ir.ops.products import contraction
from ..ir.types import Shape
from .products import library_product

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


@dataclass(frozen=True, eq=False)
class Nest:
    """Loops over extents; in them, every root is stored, accumulated or checked.

    Those in `passing` are read in this nest alone: their elements need no memory.
    """

    extents: Shape
    roots: tuple[Eqn, ...]
    passing: frozenset[Eqn] = frozenset()


@dataclass(frozen=True)
class Schedule:
    """A block in the order in which it is written: single equations and nests.

    `inlined` maps values to the equations that are evaluated where they are read; `last_read` says at which
    position of the block an inlined equation is evaluated for the last time.
    """

    steps: Sequence[Eqn | Nest]
    inlined: Mapping[Value, Eqn] = field(default_factory=dict)
    last_read: Mapping[Eqn, int] = field(default_factory=dict)


def plain(block: Block) -> Schedule:
    """Every equation by itself."""
    return Schedule(block.eqns)


def fused(block: Block) -> Schedule:
    """Elementwise values inlined, neighbouring nests merged."""
    inlined, last_read, readers = _inline(block)
    steps: list[Eqn | Nest] = []
    for eqn in block.eqns:
        if eqn.outputs and eqn.outputs[0] in inlined:
            continue
        last = steps[-1] if steps else None
        if not is_root(eqn):
            steps.append(eqn)
        elif isinstance(last, Nest) and _joins(eqn, last, inlined):
            steps[-1] = Nest(last.extents, (*last.roots, eqn))
        else:
            steps.append(Nest(extents(eqn), (eqn,)))
    needed = (_passed_on(step, block, readers) if isinstance(step, Nest) else step for step in steps)
    return Schedule([step for step in needed if step is not None], inlined, last_read)


def _passed_on(nest: Nest, block: Block, readers: Mapping[Value, set[Eqn]]) -> Nest | None:
    """The nest with those roots marked that nothing outside it reads; None where that is all of them."""
    own = (r for r in nest.roots if is_elementwise(r) and r.output not in block.results)
    passing = frozenset(r for r in own if readers.get(r.output, set()) <= set(nest.roots))
    return None if len(passing) == len(nest.roots) else Nest(nest.extents, nest.roots, passing)


# ---- kinds of equations ----


def is_elementwise(eqn: Eqn) -> bool:
    """Whether each element of its one array result can be computed by itself."""
    if len(eqn.outputs) != 1 or not eqn.output.type.rank:
        return False
    return isinstance(eqn.op.lowering, Scalar | Element) or eqn.op.name in ("index", "zeros")


def is_root(eqn: Eqn) -> bool:
    """Whether it becomes loops of its own."""
    if eqn.op.name == "zeros" or is_row(eqn):
        return False
    if eqn.op.updates:
        return bool(eqn.inputs[1].type.rank)
    if eqn.op.name == "check":
        return bool(eqn.inputs[0].type.rank)
    return is_elementwise(eqn) or isinstance(eqn.op.lowering, Reduction | Scan) or is_contraction(eqn)


def is_contraction(eqn: Eqn) -> bool:
    """Whether it is a sum of products that becomes loops."""
    return eqn.op.name in ("matmul", "einsum") and library_product(eqn) is None


def is_called(eqn: Eqn) -> bool:
    """Whether a library computes it."""
    return isinstance(eqn.op.lowering, Whole | Library) or library_product(eqn) is not None


def is_row(eqn: Eqn) -> bool:
    """Whether it is `x[i, j]` with whole axes behind: contiguous memory, which may be looked at where it
    lies."""
    at = eqn.attrs.get("at", ())
    assert isinstance(at, tuple)
    return eqn.op.name == "index" and eqn.output.type.rank > 0 and all(item == "point" for item in at)


def extents(root: Eqn) -> Shape:
    """What the loops of a root run over."""
    if is_elementwise(root):
        return root.output.type.shape
    if is_contraction(root):
        labels = contraction(root)
        sizes = labels.sizes([v.type for v in root.inputs])
        return tuple(sizes[c] for c in (*labels.result, *(c for c in sizes if c not in labels.result)))
    return root.inputs[1 if root.op.updates else 0].type.shape


def is_full_reduction(root: Eqn) -> bool:
    """Whether it runs over all axes and ends in one scalar (a check of an array does, too)."""
    if root.op.name == "check":
        return True
    return isinstance(root.op.lowering, Reduction) and not root.output.type.rank


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
    if is_called(eqn):
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
    return Reading.REPEATED if is_contraction(eqn) else Reading.ALIGNED


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


def _inline(block: Block) -> tuple[dict[Value, Eqn], dict[Eqn, int], dict[Value, set[Eqn]]]:
    """What is inlined, where that is read last, and in which roots or single equations every value is read.

    Decided from the last equation to the first: consumers are known before what they consume.
    """
    position = {eqn: n for n, eqn in enumerate(block.eqns)}
    consumers: dict[Value, list[tuple[Eqn, Reading]]] = {}
    for eqn in block.eqns:
        for value, reading in readings(eqn):
            consumers.setdefault(value, []).append((eqn, reading))
    written = overwritten(block)
    results = set(block.results)
    inlined: dict[Value, Eqn] = {}
    runs: dict[Eqn, dict[Eqn, int]] = {}
    last_read: dict[Eqn, int] = {}
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
            inlined[eqn.output], runs[eqn], last_read[eqn] = eqn, found, last
    readers = {v: {r for c, _ in found for r in runs.get(c, {c: 1})} for v, found in consumers.items()}
    return inlined, last_read, readers


def overwritten(block: Block) -> dict[Value, int]:
    """Where in the block an array is first handed to something that may write into it."""
    found: dict[Value, int] = {}
    for n, eqn in enumerate(block.eqns):
        taken: Iterable[Value] = ()
        if eqn.op.updates:
            taken = eqn.inputs[:1]
        elif eqn.op.loop:
            taken = eqn.inputs[: state_count(eqn.attrs)]
        elif eqn.blocks:
            taken = (value for inner in eqn.blocks for value in overwritten(inner))
        for value in taken:
            found.setdefault(value, n)
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
        if inside and any(map(is_called, runs[consumer])):
            return None  # the library sees a transposed view of it
        for root, times in (runs[consumer] if inside else {consumer: 1}).items():
            if reading in (Reading.ALIGNED, Reading.PREFIX):
                shared[root] = max(shared.get(root, 0), times)
            else:
                separate[root] = separate.get(root, 0) + times
    total = sum(shared.values()) + sum(separate.values())
    cheap = eqn.op.cost <= CHEAP and not eqn.op.dear
    if not (total == 1 and Reading.REPEATED not in kinds or cheap and total <= REPEATS):
        return None
    return {root: shared.get(root, 0) + separate.get(root, 0) for root in {**shared, **separate}}


def _takes_transposed(consumer: Eqn, transpose: Eqn, inlined: Mapping[Value, Eqn]) -> bool:
    """Whether a library takes an operand as it lies before it is transposed."""
    if library_product(consumer) is not None:
        return library_product(consumer, {**inlined, transpose.output: transpose}) is not None
    return transpose.output.type.rank == 2


# ---- merging ----


def _joins(root: Eqn, nest: Nest, inlined: Mapping[Value, Eqn]) -> bool:
    """Whether a root may be computed in a nest that is written already, nothing standing in between."""
    if extents(root) != nest.extents or not all(map(_mergeable, (root, *nest.roots))):
        return False
    made = {o: eqn for eqn in nest.roots for o in eqn.outputs}
    return all(
        value not in made or (aligned and is_elementwise(made[value]))
        for value, aligned in stored_reads(root, inlined)
    )


def _mergeable(root: Eqn) -> bool:
    return is_elementwise(root) or (is_full_reduction(root) and root.op.name != "check")


def stored_reads(root: Eqn, inlined: Mapping[Value, Eqn]) -> Collection[tuple[Value, bool]]:
    """What an equation reads, through what is inlined into it; True where at the indices of the nest."""
    found: dict[tuple[Value, bool], None] = {}
    pending = [(root, True)]
    while pending:
        eqn, aligned = pending.pop()
        ways = dict(readings(eqn))
        for value in eqn.inputs:
            read = (value, aligned and ways.get(value) is Reading.ALIGNED)
            if read not in found and value in inlined:
                pending.append((inlined[value], read[1]))
            found[read] = None
    return found


# ---- text ----


def kernels_text(function: Function) -> str:
    """The nests of a Function, as a person would note them down."""
    return "\n".join(_described(function.body, "")) + "\n"


def _described(block: Block, indent: str) -> Iterator[str]:
    schedule = fused(block)
    for step in schedule.steps:
        if isinstance(step, Nest):
            shape = ", ".join(map(str, step.extents))
            yield f"{indent}nest [{shape}]: " + "; ".join(_formula(r, schedule.inlined) for r in step.roots)
            continue
        most = most_trips(step.attrs) if step.op.loop else None
        head = step.op.name if most is None else f"{step.op.name} {most}"
        yield f"{indent}{head}" + (
            " -> " + ", ".join(str(o.type) for o in step.outputs) if step.outputs else ""
        )
        for inner in step.blocks:
            yield from _described(inner, indent + "    ")


def _formula(eqn: Eqn, inlined: Mapping[Value, Eqn]) -> str:
    operands = [
        _formula(inlined[v], inlined)
        if v in inlined
        else str(v.data)
        if isinstance(v, Constant)
        else v.name or "_"
        for v in eqn.inputs
    ]
    return f"{eqn.op.name}({', '.join(operands)})"
