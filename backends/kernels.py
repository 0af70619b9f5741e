"""From equations to loop nests: what is computed where it is read, what is stored, which loops are shared.

`inlining` says which elementwise values need no memory. Everything else on arrays is the *root* of a nest
(`roots`): an elementwise value that must be in memory, a reduction, a running sum, a sum of products, an
update of a region, a check of an array. `fusion` says which roots stand in one nest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ..ir.graph import Block, Constant, Eqn, Function, Value, reads
from ..ir.loops import most_trips
from .fusion import SEQUENTIAL, Loop, Target, Tree, arranged
from .inlining import Inlining, inlining


@dataclass(frozen=True, eq=False)
class Nest:
    """Loops in which every root is stored, accumulated or checked.

    What is read in this nest alone is `own`: a trip of so many of its outer loops makes it, and reads it.
    """

    tree: Tree
    own: Mapping[Value, int] = field(default_factory=dict)

    @property
    def roots(self) -> tuple[Eqn, ...]:
        """In the order in which they joined: what a root reads stands before it."""
        return tuple(self.tree.path)


@dataclass(frozen=True)
class Schedule:
    """A block in the order in which it is written: single equations and nests.

    `inlined` maps values to the equations that are evaluated where they are read; `position` says at which
    step an equation is written, an inlined one for the last time.
    """

    steps: Sequence[Eqn | Nest]
    position: Mapping[Eqn, int]
    inlined: Mapping[Value, Eqn] = field(default_factory=dict)


def plain(block: Block) -> Schedule:
    """Every equation by itself."""
    return Schedule(block.eqns, {eqn: n for n, eqn in enumerate(block.eqns)})


def fused(block: Block, target: Target = SEQUENTIAL) -> Schedule:
    """Elementwise values inlined, roots in nests; what nobody reads is left out."""
    block = _live(block)
    found = inlining(block)
    stored = [eqn for eqn in block.eqns if eqn not in found.runs]
    steps = [
        _nest(item, block, found) if isinstance(item, Tree) else item
        for item in arranged(stored, found.inlined, target)
    ]
    position: dict[Eqn, int] = {}
    for n, step in enumerate(steps):
        position |= dict.fromkeys(step.roots if isinstance(step, Nest) else [step], n)
    for eqn, readers in found.runs.items():
        position[eqn] = max((position[r] for r in readers if r in position), default=0)
    return Schedule(steps, position, found.inlined)


def _live(block: Block) -> Block:
    """The block without equations that nobody reads: loops around them alone would have no body."""
    live, kept = set(block.results), list[Eqn]()
    for eqn in reversed(block.eqns):
        if eqn.op.effect or eqn.blocks or not live.isdisjoint(eqn.outputs):
            kept.append(eqn)
            live.update(reads(eqn))
    return Block(block.params, tuple(reversed(kept)), block.results)


def _nest(tree: Tree, block: Block, found: Inlining) -> Nest:
    """The nest of a tree, with what nothing outside reads."""
    own: dict[Value, int] = {}
    for root in tree.path:
        value = None if root.op.updates or root.op.effect else root.output
        if value is None or not value.type.rank or value in block.results:
            continue
        readers = found.readers.get(value, set())
        if readers <= tree.path.keys():
            own[value] = min((tree.common(root, r) for r in readers), default=len(tree.path[root]))
    return Nest(tree, own)


# ---- text ----


def kernels_text(function: Function) -> str:
    """The nests of a Function, as a person would note them down."""
    return "\n".join(_described(function.body, "")) + "\n"


def _described(block: Block, indent: str) -> Iterator[str]:
    schedule = fused(block)
    for step in schedule.steps:
        if isinstance(step, Nest):
            yield from _loops(step.tree.body, schedule.inlined, indent)
            continue
        most = most_trips(step.attrs) if step.op.loop else None
        head = step.op.name if most is None else f"{step.op.name} {most}"
        yield f"{indent}{head}" + (
            " -> " + ", ".join(str(o.type) for o in step.outputs) if step.outputs else ""
        )
        for inner in step.blocks:
            yield from _described(inner, indent + "    ")


def _loops(body: Sequence[Loop | Eqn], inlined: Mapping[Value, Eqn], indent: str) -> Iterator[str]:
    """Loops that hold nothing but one another, and roots without loops beside them, stand in one line."""
    for item in body:
        if isinstance(item, Eqn):
            yield f"{indent}{_formula(item, inlined)}"
            continue
        extents, inside = [item.extent], item.body
        while len(inside) == 1 and isinstance(inside[0], Loop):
            extents, inside = [*extents, inside[0].extent], inside[0].body
        head = f"{indent}nest [{', '.join(map(str, extents))}]"
        lines = list(_loops(inside, inlined, f"{indent}    "))
        if any(isinstance(part, Loop) for part in inside):
            yield from [head, *lines]
        else:
            yield f"{head}: {'; '.join(map(str.strip, lines))}"


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
