"""Which loops of a nest become the grid of a kernel.

The loops over axes that a result keeps are outside, and become the grid: each trip is a *point*. Reduced axes
are inside. Roots share a nest only where all of them agree on the points: a reduction is complete at each
point before others go on from it. Or they stand together in the innermost of the same loops.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from ....ir.graph import Eqn, Value
from ....ir.op import Scan
from ... import roots
from ...chunks import Role, role
from ...fusion import Loop, Tree

DIMENSIONS = 3
"""Dimensions of a grid."""


class OnGrid:
    """What the CUDA target says of nests."""

    writes = 1

    def loop_order(self, root: Eqn, inlined: Mapping[Value, Eqn]) -> tuple[int, ...]:
        order = roots.loop_order(root, inlined)
        kept = order if root.op.updates else [a for a in order if a in roots.kept_axes(root)]
        return (*kept, *(a for a in order if a not in kept))

    def starts(self, root: Eqn, inlined: Mapping[Value, Eqn]) -> bool:
        return is_apart(root)

    def depth(self, root: Eqn, order: Sequence[int], around: Sequence[Loop], tree: Tree) -> int:
        members = [r for r in tree.path if tree.path[r][:1] == tuple(around[:1])]
        if any(map(is_apart, members)):
            return 0
        depths = range(len(around), 0, -1)
        return next((d for d in depths if _agree(root, order, around[:d], members, tree)), 0)


def _agree(
    root: Eqn, order: Sequence[int], around: Sequence[Loop], members: Sequence[Eqn], tree: Tree
) -> bool:
    """Whether loops that a root and members of a nest share run over points of all of them, or hold nothing
    but roots that run over no other loops.

    Without points all that such roots reduce is one number each.
    """
    depth, inside = len(around), around[-1].roots
    kept = {points(root, order), *(points(r, tree.order[r]) for r in inside)}
    flat = depth == len(order) and all(tree.path[r] == tuple(around) for r in inside)
    flat = flat and (0 not in kept or kept <= {0, depth})
    if depth > points(root, order) and not flat:
        return False
    shared = {r: sum(a is b for a, b in zip(tree.path[r], around, strict=False)) for r in members}
    return all(d <= points(r, tree.order[r]) or (d == depth and flat) for r, d in shared.items())


ON_GRID = OnGrid()


def is_apart(root: Eqn) -> bool:
    """Whether a root is a nest by itself: its trips are in order, or add to places that data decide."""
    return isinstance(root.op.lowering, Scan) or adds_by_data(root)


def adds_by_data(root: Eqn) -> bool:
    """Whether several trips of an update may add to one element."""
    at = root.attrs.get("at", ())
    assert isinstance(at, tuple)
    return root.op.updates and "gather" in at


def points(root: Eqn, order: Sequence[int]) -> int:
    """How many of its loops, from the outermost one, run over elements of its result."""
    if root.op.updates or root.op.name == "check":
        return len(order)
    return roots.complete(root, order)


class Form(Enum):
    """How the threads of a kernel share a nest."""

    SINGLE = auto()  # no loops: one thread
    POINTS = auto()  # one thread a point
    LANES = auto()  # several neighbours at each point share the loops inside
    TILES = auto()  # no points: blocks take tiles of the two outermost and innermost loops, and reduce


@dataclass(frozen=True)
class Mapped:
    """A nest on a grid: its form, and the loops over its points, the outermost first."""

    form: Form
    points: tuple[Loop, ...]


def mapped(tree: Tree, inlined: Mapping[Value, Eqn]) -> Mapped:
    """How the threads of a kernel share a nest."""
    (item,) = tree.body
    if isinstance(item, Eqn):
        return Mapped(Form.SINGLE, ())
    found, inside = _points(item, tree)
    if not found:
        return Mapped(Form.TILES if _may_be_tiled(item, tree) else Form.SINGLE, ())
    along = any(laned(loop, tree) and _contiguous(loop, tree, inlined) for loop in innermost(inside))
    return Mapped(Form.LANES if along else Form.POINTS, found)


def _points(loop: Loop, tree: Tree) -> tuple[tuple[Loop, ...], Sequence[Loop | Eqn]]:
    """The loops over points, and what stands in the innermost of them."""
    found: list[Loop] = []
    inside: Sequence[Loop | Eqn] = [loop]
    while len(inside) == 1 and isinstance(inside[0], Loop):
        if {_role(root, len(found), tree) for root in inside[0].roots} != {Role.OWN}:
            break
        found.append(inside[0])
        inside = inside[0].body
    return tuple(found), inside


def _role(root: Eqn, depth: int, tree: Tree) -> Role:
    """What the trips of the loop at a depth are to a root in it."""
    if root.op.name == "check" or adds_by_data(root):
        return Role.OWN
    return role(root, tree.order[root][depth])


def _may_be_tiled(loop: Loop, tree: Tree) -> bool:
    """Whether loops without points hold nothing but one another, and trips change places."""
    inside: Sequence[Loop | Eqn] = [loop]
    while len(inside) == 1 and isinstance(inside[0], Loop):
        inside = inside[0].body
    flat = not any(isinstance(part, Loop) for part in inside)
    return flat and not any(isinstance(root.op.lowering, Scan) for root in loop.roots)


def innermost(body: Sequence[Loop | Eqn]) -> list[Loop]:
    """The loops in a body that hold no others."""
    loops = [part for part in body if isinstance(part, Loop)]
    return [found for loop in loops for found in innermost(loop.body) or [loop]]


def laned(loop: Loop, tree: Tree) -> bool:
    """Whether neighbouring threads may share a loop inside a point: no loop is in it, and its trips change
    places."""
    roles = {_role(root, len(tree.path[root]) - 1, tree) for root in loop.roots}
    return not innermost(loop.body) and Role.ORDERED not in roles


def _contiguous(loop: Loop, tree: Tree, inlined: Mapping[Value, Eqn]) -> bool:
    """Whether most of what a loop reads lies side by side along it."""
    return any(roots.loop_order(root, inlined)[-1] == tree.order[root][-1] for root in loop.roots)
