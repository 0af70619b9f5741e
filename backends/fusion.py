"""Which roots share loops: a tree of loops for each nest, as deep as what they need of each other allows.

A root joins the first nest in which everything that it needs is there: in each loop that it shares with what
it reads, it reads what this very trip has made. So a softmax, its loss and its gradient are one loop over
rows, with short loops inside; a row that nothing else reads is memory of one row, and a number of a row is a
variable. Reductions end in the loop around those that they run over.

Roots move to earlier nests, single equations before them, where that changes nothing: not over control flow
or a `barrier`, an update not across what reads the array that it overwrites, what might read outside an
array, or divide by zero, not across a `check`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Protocol

from ..ir.graph import Constant, Eqn, Value, reads, walk
from ..ir.op import Scan
from ..ir.ops.attributes import integer
from ..ir.types import Dim
from . import roots

MOST = 48
"""Roots in a nest."""

WRITES = 2
"""Updates of one array in a nest: LLVM compares the places of each two of them before each loop.

Two that write one element in different trips of the innermost loop share no nest: LLVM would compute one
trip at a time. So the five updates of a stencil's adjoint are loops of their own, but for neighbours along
an outer axis.
"""


@dataclass(eq=False)
class Loop:
    """A loop, and what is done in each trip, in order."""

    extent: Dim
    backwards: bool = False
    body: list[Loop | Eqn] = field(default_factory=list)

    @property
    def roots(self) -> list[Eqn]:
        """The roots in it, and in the loops inside it."""
        return [r for item in self.body for r in (item.roots if isinstance(item, Loop) else [item])]

    def runs_as(self, other: Loop) -> bool:
        """Whether both make the same trips."""
        return self.extent == other.extent and self.backwards == other.backwards


@dataclass(eq=False)
class Tree:
    """Loops in loops with roots in them.

    `order` has the axes of each root in the order of its loops, `path` the loops around it.
    """

    body: list[Loop | Eqn] = field(default_factory=list)
    order: dict[Eqn, tuple[int, ...]] = field(default_factory=dict)
    path: dict[Eqn, tuple[Loop, ...]] = field(default_factory=dict)

    def made(self) -> dict[Value, Eqn]:
        """What the roots make."""
        return {o: root for root in self.path for o in root.outputs}

    def common(self, first: Eqn, second: Eqn) -> int:
        """How many loops are around both of two roots."""
        both = zip(self.path[first], self.path[second], strict=False)
        return sum(1 for _ in takewhile(lambda pair: pair[0] is pair[1], both))


Step = Eqn | Tree


class Target(Protocol):
    """What a target says of nests."""

    writes: int
    """Updates of one array that a nest may have."""

    def loop_order(self, root: Eqn, inlined: Mapping[Value, Eqn]) -> tuple[int, ...]:
        """The axes of a root in the order of their loops, the outermost first."""

    def starts(self, root: Eqn, inlined: Mapping[Value, Eqn]) -> bool:
        """Whether a root joins no nest that is there."""

    def depth(self, root: Eqn, order: Sequence[int], around: Sequence[Loop], tree: Tree) -> int:
        """In how many of these loops of a nest a root may stand, which the order of trips allows."""


class Sequential:
    """Loops that run one trip after the other."""

    writes = WRITES
    loop_order = staticmethod(roots.loop_order)

    def starts(self, root: Eqn, inlined: Mapping[Value, Eqn]) -> bool:
        """Copies of an array to a place that is computed: in a loop with others LLVM cannot tell which of
        their arrays lie there, and computes element by element."""
        return root.op.name == "put" and root.inputs[1] not in inlined and len(root.inputs) > 2

    def depth(self, root: Eqn, order: Sequence[int], around: Sequence[Loop], tree: Tree) -> int:
        return len(around)


SEQUENTIAL = Sequential()


def arranged(eqns: Iterable[Eqn], inlined: Mapping[Value, Eqn], target: Target = SEQUENTIAL) -> list[Step]:
    """Equations in the order in which they are written; roots in the nests that they share."""
    needs = {eqn: _Needs.of(eqn, inlined) for eqn in eqns}
    steps: list[Step] = []
    for eqn in _hoisted(needs):
        if not roots.is_root(eqn):
            steps.append(eqn)
            continue
        order = target.loop_order(eqn, inlined)
        alone = eqn.op.effect or target.starts(eqn, inlined)
        if alone or not _joined(eqn, order, steps, needs, target):
            steps.append(_alone(eqn, order))
    return steps


# ---- what depends on what ----


@dataclass(frozen=True, eq=False)
class _Needs:
    """What an equation reads, through what is inlined into it."""

    accesses: Sequence[roots.Access]
    values: frozenset[Value]
    sizes: frozenset[str]
    effect: bool
    guarded: bool
    """Whether a check may stand before it for a reason."""
    fixed: bool
    """Whether nothing moves over it, nor it over anything."""
    overwritten: Value | None
    """The array that it updates."""

    @staticmethod
    def of(eqn: Eqn, inlined: Mapping[Value, Eqn]) -> _Needs:
        accesses = roots.accesses(eqn, inlined) if roots.is_root(eqn) else []
        whole = {eqn: None, **{inlined[v]: None for v, _ in accesses if v in inlined}}
        pending = list(whole)
        while pending:
            new = {inlined[v]: None for v in reads(pending.pop()) if v in inlined}.keys() - whole
            whole |= dict.fromkeys(new)
            pending += new
        inner = [e for part in whole for block in part.blocks for e in walk(block)]
        every = [*whole, *inner]
        return _Needs(
            accesses,
            frozenset(v for part in whole for v in reads(part)),
            frozenset().union(*map(_sizes, every)),
            any(e.op.effect for e in every),
            any(map(_guarded, every)),
            bool(eqn.blocks) or eqn.op.name == "barrier",
            eqn.inputs[0] if eqn.op.updates else None,
        )


def _sizes(eqn: Eqn) -> set[str]:
    """The names of sizes that an equation mentions."""
    dims = [d for v in (*eqn.inputs, *eqn.outputs) for d in v.type.shape]
    pending: list[object] = [*dims, *eqn.attrs.values()]
    found: set[str] = set()
    while pending:
        item = pending.pop()
        if isinstance(item, tuple):
            pending += item
        elif isinstance(item, Dim):
            found |= item.names()
    return found


def _guarded(eqn: Eqn) -> bool:
    """Whether it reads or writes at an index that is computed, or divides integers."""
    whole = not any(v.type.dtype.is_float for v in eqn.inputs) and eqn.op.cost > 1
    located = len(eqn.inputs) > (2 if eqn.op.updates else 1)
    return whole or (located and (eqn.op.updates or eqn.op.name == "index"))


def _follows(later: _Needs, earlier: Eqn, its: _Needs) -> bool:
    """Whether an equation has to stay behind another one."""
    binds = str(earlier.attrs[earlier.op.binds]) if earlier.op.binds else None
    return (
        its.fixed
        or later.fixed
        or later.overwritten in its.values
        or any(o in later.values for o in earlier.outputs)
        or binds in later.sizes
        or (its.effect and (later.effect or later.guarded))
    )


def _hoisted(needs: Mapping[Eqn, _Needs]) -> list[Eqn]:
    """Single equations before the roots that they need not follow."""
    order: list[Eqn] = []
    for eqn in needs:
        place = len(order)
        if not roots.is_root(eqn) and not eqn.op.updates:
            for k in range(len(order) - 1, -1, -1):
                if _follows(needs[eqn], order[k], needs[order[k]]):
                    break
                if roots.is_root(order[k]):
                    place = k
        order.insert(place, eqn)
    return order


# ---- joining ----


def _alone(root: Eqn, order: tuple[int, ...]) -> Tree:
    tree = Tree()
    _append(tree, _Spot(tree.body, ()), root, order)
    return tree


def _append(tree: Tree, spot: _Spot, root: Eqn, order: tuple[int, ...]) -> None:
    """A root at the end of a body, in loops of its own where it has more of them."""
    body, around = spot.body, spot.around
    for loop in _loops(root, order)[len(around) :]:
        body.append(loop)
        body, around = loop.body, (*around, loop)
    body.append(root)
    tree.order[root], tree.path[root] = order, around


def _joined(
    root: Eqn, order: tuple[int, ...], steps: Sequence[Step], needs: Mapping[Eqn, _Needs], target: Target
) -> bool:
    """Put a root into the first nest that has what it needs, if there is one."""
    found: tuple[Tree, _Spot] | None = None
    for step in reversed(steps):
        members = list(step.path) if isinstance(step, Tree) else [step]
        fits = isinstance(step, Tree) and len(members) < MOST
        if isinstance(step, Tree) and fits and _compatible(root, order, step, needs, target.writes):
            spot = _Spot.of(step, root, order, needs[root])
            depth = target.depth(root, order, spot.around, step) if spot else 0
            found = (step, spot.up_to(depth)) if spot and depth else found
        if any(_follows(needs[root], member, needs[member]) for member in members):
            break
    if found is None:
        return False
    tree, spot = found
    _append(tree, spot, root, order)
    return True


def _compatible(
    root: Eqn, order: Sequence[int], tree: Tree, needs: Mapping[Eqn, _Needs], writes: int
) -> bool:
    """Whether a root and those of a nest leave alone what the other ones read, and may be computed as
    vectors."""
    mine = needs[root]
    for member in tree.path:
        theirs = needs[member]
        if theirs.effect or theirs.overwritten in mine.values - {mine.overwritten}:
            return False
        if mine.overwritten in theirs.values:
            return False
        if mine.overwritten in member.outputs and not (root.op.name == member.op.name == "add_at"):
            return False
    versions = [member for member in tree.path if _same_array(root, member, tree)]
    clash = any(_meet(root, order, other, tree.order[other]) for other in versions)
    return len(versions) < writes and not clash


def _same_array(root: Eqn, member: Eqn, tree: Tree) -> bool:
    """Whether two updates are of versions of one array, as far as a nest tells."""
    made, chain = tree.made(), [root]
    while chain[-1].op.updates and chain[-1].inputs[0] in made:
        chain.append(made[chain[-1].inputs[0]])
    return member in chain


def _meet(first: Eqn, order: Sequence[int], second: Eqn, its: Sequence[int]) -> bool:
    """Whether two updates of one array may write an element in different trips of an innermost loop."""
    return len(order) == len(its) and _innermost(first, order) != _innermost(second, its)


def _innermost(update: Eqn, order: Sequence[int]) -> list[tuple[int, str]]:
    """Where an update writes along each axis on which that changes in its innermost loop."""
    indices = roots.variables(update)
    loops = dict(zip((indices[axis] for axis in order), map("loop{}".format, range(len(order))), strict=True))

    def read(value: Value, at: Sequence[str]) -> str:
        return str(value.data) if isinstance(value, Constant) else "_".join([f"v{id(value)}", *at])

    where = roots.target(update, [loops.get(i, i) for i in indices], read)
    return [(axis, at) for axis, at in enumerate(where) if order and f"loop{len(order) - 1}" in at]


@dataclass(frozen=True)
class _Spot:
    """A body at whose end a root may stand, and the loops around it."""

    body: list[Loop | Eqn]
    around: tuple[Loop, ...]

    @staticmethod
    def of(tree: Tree, root: Eqn, order: tuple[int, ...], needs: _Needs) -> _Spot | None:
        """The innermost body of a tree where all is there that a root needs; None if there is none."""
        made = tree.made()
        if any(v in made for v in needs.values - {v for v, _ in needs.accesses} - {needs.overwritten}):
            return None
        shared = [
            (made[v], _aligned(tree, made[v], root, order, v, at)) for v, at in needs.accesses if v in made
        ]
        spot = _Spot(tree.body, ())
        for wanted in _loops(root, order):
            loop = spot._opened(tree, shared, wanted)
            if loop is None:
                break
            spot = _Spot(loop.body, (*spot.around, loop))
        return spot if spot.around else None

    def up_to(self, depth: int) -> _Spot:
        """The body of one of the loops around."""
        return _Spot(self.around[depth - 1].body, self.around[:depth])

    def _opened(self, tree: Tree, shared: Iterable[tuple[Eqn, int]], wanted: Loop) -> Loop | None:
        """The first loop in this body like `wanted` that a root may share with what it needs: it is made
        before that loop, or in the same trip."""
        depth = len(self.around)
        first = 0
        for producer, aligned in shared:
            path: tuple[Loop | Eqn, ...] = (*tree.path[producer], producer)
            if path[:depth] == self.around:
                first = max(first, self.body.index(path[depth]) + (aligned <= depth))
        loops = (item for item in self.body[first:] if isinstance(item, Loop))
        return next((loop for loop in loops if loop.runs_as(wanted)), None)


def _loops(root: Eqn, order: Sequence[int]) -> list[Loop]:
    """New loops for a root, the outermost one first; a running sum may run backwards."""
    shape = roots.extents(root)
    backwards = isinstance(root.op.lowering, Scan) and bool(root.attrs.get("reverse"))
    return [Loop(shape[a], backwards and a == integer(root.attrs["axis"])) for a in order]


def _aligned(
    tree: Tree, producer: Eqn, root: Eqn, order: Sequence[int], value: Value, at: Sequence[str]
) -> int:
    """How many loops a root may share with what makes a value that it reads: in each of them it reads what
    the same trip has made."""
    kept, names = roots.kept_axes(producer), roots.variables(root)
    theirs = tree.order[producer]
    depth = 0
    for mine, axis in zip(order, theirs[: roots.complete(producer, theirs)], strict=False):
        if at[kept.index(axis)] != names[mine]:
            break
        depth += 1
    return depth
