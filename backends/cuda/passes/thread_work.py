"""What one thread can run, and what is work for many of them.

A thread runs scalars, loops, branches, reads and updates of elements, and arrays element by element. Arrays
that it makes lie in memory of its own, whose size the host knows before the launch: so no shape in it depends
on what the thread finds out. What it updates of the arrays that all threads see stays where it is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import chain
from math import prod

from ....ir.graph import Block, Eqn, Value, reads, walk
from ....ir.integers import Integers
from ....ir.loops import state_count, trip_count
from ....ir.op import Element, Library, Reduction, Scalar, Scan, Whole
from ....ir.types import ArrayType, Dim
from ...inlining import overwritten
from ...kernels import Nest, fused
from ...memory import origin, stays
from ...products import library_product
from ...roots import extents, is_elementwise, is_product, is_root, is_row
from .independence import independent

SMALL = 64
"""Elements up to which an array is no work for many threads."""


def is_small(*dims: Dim) -> bool:
    """Whether so many elements are known to be few."""
    elements = prod(dims, start=Dim.of(1)).constant
    return elements is not None and elements <= SMALL


# ---- work for many threads ----


def parallel_work(block: Block, known: Integers) -> bool:
    """Whether anything in a block is worth a launch: an array that is not small, a parallel loop, a library
    call."""
    return any(is_parallel_work(eqn, known) for eqn in block.eqns)


def is_parallel_work(eqn: Eqn, known: Integers) -> bool:
    """The same of one equation."""
    if eqn.blocks:
        return is_parallel(eqn, known) or any(parallel_work(inner, known) for inner in eqn.blocks)
    if isinstance(eqn.op.lowering, Whole | Library) or library_product(eqn) is not None:
        return True
    if is_row(eqn) or not (is_elementwise(eqn) or is_root(eqn)):
        return False
    return not is_small(*extents(eqn))


def is_parallel(eqn: Eqn, known: Integers) -> bool:
    """Whether an equation is a loop of enough trips that may run at the same time."""
    return eqn.op.name == "for" and not is_small(trip_count(eqn.attrs)) and independent(eqn, known)


# ---- what a thread cannot run ----


def obstacle(eqn: Eqn) -> str | None:
    """What keeps one thread from running a loop or a branch; None where nothing does.

    The arrays that it updates, operands of a loop or captured by a branch, are its to write.
    """
    block = Block((), (eqn,), ())
    every = list(walk(block))
    sizes = {size for e in every for size in named_sizes(e)}
    states = eqn.inputs[: state_count(eqn.attrs)] if eqn.op.loop else _overwritten(eqn)
    shared = {v for v in states if not is_small(*v.type.shape)}
    reasons = chain(
        filter(None, map(_unsupported, every)),
        _unknown_stacks(eqn, set()),
        *(_unknown_memory(inner, sizes) for inner in eqn.blocks),
        _copies(block, shared, shared),
    )
    return next(reasons, None)


STRUCTURAL = frozenset("for while if index put add_at zeros undefined check bind barrier".split())
"""Structural ops that a thread can run, with small products."""


def _unsupported(eqn: Eqn) -> str | None:
    """An op that a thread has no code for."""
    kind = eqn.op.lowering
    by_element = isinstance(kind, Scalar | Element | Reduction | Scan)
    runs = by_element or eqn.op.name in STRUCTURAL or is_product(eqn)
    return None if runs else f"{eqn.op.name} is called from the host"


# ---- memory, of sizes that the host knows ----


def named_sizes(eqn: Eqn) -> Iterator[str]:
    """The sizes that come to be in an equation or in its blocks."""
    for name in (eqn.attrs.get("index"), eqn.attrs[eqn.op.binds] if eqn.op.binds else None):
        if isinstance(name, str):
            yield name


def _unknown_memory(block: Block, sizes: Collection[str]) -> Iterator[str]:
    """Arrays of a block that are stored and depend on one of these sizes."""
    for step in fused(block).steps:
        own = step.own if isinstance(step, Nest) else {}
        for eqn in step.roots if isinstance(step, Nest) else (step,):
            yield from _unknown_stacks(eqn, sizes)
            if not (eqn.op.updates or is_row(eqn) or eqn.op.name == "if"):
                made = eqn.outputs[: state_count(eqn.attrs)] if eqn.op.loop else eqn.outputs
                yield from (_varies(o.type) for o in made if o not in own and _mentions(o.type, sizes))
            for inner in eqn.blocks:
                yield from _unknown_memory(inner, sizes)


def _unknown_stacks(loop: Eqn, sizes: Collection[str]) -> Iterator[str]:
    """Stacks of a `while`, and those of which anything depends on one of these sizes."""
    if loop.op.loop:
        stacks = loop.outputs[state_count(loop.attrs) :]
        unknown = (s for s in stacks if loop.op.name == "while" or _mentions(s.type, sizes))
        yield from (_varies(s.type) for s in unknown)


def _mentions(type_: ArrayType, sizes: Collection[str]) -> bool:
    return any(not d.names().isdisjoint(sizes) for d in type_.shape)


def _varies(type_: ArrayType) -> str:
    return f"how much memory {type_} takes is known in a trip only"


# ---- arrays that all threads see ----


def _copies(
    block: Block, shared: Collection[Value], owned: Collection[Value], ends: Collection[Value] = ()
) -> Iterator[str]:
    """Of the arrays that are `shared`, those that would be copied: each thread would copy the whole.

    `owned` are those that the block may write over, and `ends` must be there when it ends; items are in their
    stacks before they are written over.
    """
    shared, mine, gone = set(shared), set(owned), set[Value]()
    for eqn in block.eqns:
        taken = _overwritten(eqn) & shared
        read = [v for v in reads(eqn) if v in shared]
        twice = {v for v in taken if eqn.op.loop and read.count(v) > 1}
        yield from map(_copied, [*gone.intersection(read), *(taken - mine), *twice])
        for inner in eqn.blocks:
            yield from _copies_inside(eqn, inner, shared, taken)
        mine -= taken
        gone |= taken
        for k, output in enumerate(eqn.outputs):
            if _before(eqn, k) & shared:
                shared.add(output)
                mine.add(output)
                if eqn.blocks and not (stays(eqn, k) if eqn.op.loop else _passed(eqn, k)):
                    yield _copied(output)
    yield from map(_copied, gone.intersection(ends))


def _copies_inside(
    eqn: Eqn, inner: Block, shared: Collection[Value], taken: Collection[Value]
) -> Iterator[str]:
    """The same of a block of an equation, which may write over what the equation takes."""
    if not eqn.op.loop:
        return _copies(inner, shared, taken, inner.results)
    count = state_count(eqn.attrs)
    states = {p for p, v in zip(inner.params[1:], eqn.inputs[:count], strict=False) if v in shared}
    return _copies(inner, {*shared, *states}, states, inner.results[:count])


def _before(eqn: Eqn, k: int) -> set[Value]:
    """The arrays that output k of an equation may lie in the memory of."""
    if eqn.op.updates:
        return set(eqn.inputs[:1])
    if eqn.op.loop:
        return set(eqn.inputs[k : k + 1]) if k < state_count(eqn.attrs) else set()
    return {origin(inner, inner.results[k]) for inner in eqn.blocks}


def _overwritten(eqn: Eqn) -> set[Value]:
    """The arrays that an equation may write over."""
    return set(overwritten(Block((), (eqn,), ())))


def _passed(branch: Eqn, k: int) -> bool:
    """Whether result k of a branch is one array on both sides, updated or not."""
    first, second = (origin(inner, inner.results[k]) for inner in branch.blocks)
    return first is second


def _copied(value: Value) -> str:
    return f"all of an array, {value.type}, would be copied"
