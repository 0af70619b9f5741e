"""Roots of loop nests: equations on arrays whose elements are stored, accumulated or checked.

What its loops run over and in which order, which elements it reads in a trip, and when its result is there.
The innermost loop is the one along which most of what is touched lies side by side in memory.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from ..ir.graph import Eqn, Value
from ..ir.op import Element, Reduction, Scalar, Scan, Whole
from ..ir.ops.attributes import integer, integers
from ..ir.ops.indexing import element_indices
from ..ir.ops.products import contraction
from ..ir.ops.shape import broadcast_indices
from ..ir.types import Shape
from .products import library_product
from .source import zero

Read = Callable[[Value, Sequence[str]], str]
"""The source of an element of a value, at these indices."""

Access = tuple[Value, tuple[str, ...]]
"""A value, and the indices of one element of it."""

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
        return not isinstance(eqn.op.lowering, Whole) and bool(eqn.inputs[1].type.rank)
    if eqn.op.name == "check":
        return bool(eqn.inputs[0].type.rank)
    return is_elementwise(eqn) or isinstance(eqn.op.lowering, Reduction | Scan) or is_product(eqn)


def is_row(eqn: Eqn) -> bool:
    """Whether it is `x[i, j]` with whole axes behind: contiguous memory, which may be looked at where it
    lies."""
    at = eqn.attrs.get("at", ())
    assert isinstance(at, tuple)
    return eqn.op.name == "index" and eqn.output.type.rank > 0 and all(item == "point" for item in at)


def is_product(eqn: Eqn) -> bool:
    """Whether it is a sum of products of elements that becomes loops."""
    return eqn.op.name in ("matmul", "einsum") and library_product(eqn) is None


def is_sum(root: Eqn) -> bool:
    """Whether it adds up floats."""
    lowering = root.op.lowering
    adds = isinstance(lowering, Reduction) and lowering.step == "{acc} + {x}"
    return (adds or is_product(root)) and root.output.type.dtype.is_float


# ---- loops ----


def extents(root: Eqn) -> Shape:
    """What the loops of a root run over, in the order of axes."""
    if is_elementwise(root):
        return root.output.type.shape
    if is_product(root):
        labels = contraction(root)
        sizes = labels.sizes([v.type for v in root.inputs])
        return tuple(sizes[c] for c in (*labels.result, *(c for c in sizes if c not in labels.result)))
    return root.inputs[1 if root.op.updates else 0].type.shape


def kept_axes(root: Eqn) -> tuple[int, ...]:
    """Which axis of its extents each axis of its result is."""
    if is_product(root):
        return tuple(range(root.output.type.rank))
    gone = integers(root.attrs["axes"]) if isinstance(root.op.lowering, Reduction) else ()
    return tuple(a for a in range(len(extents(root))) if a not in gone)


def loop_order(root: Eqn, inlined: Mapping[Value, Eqn]) -> tuple[int, ...]:
    """The axes in the order of their loops, the outermost first; an axis of length 1 needs none."""
    shape = extents(root)
    order = [a for a, d in enumerate(shape) if d.constant != 1]
    if isinstance(root.op.lowering, Scan):
        axis = integer(root.attrs["axis"])
        return tuple(sorted(order, key=lambda a: a == axis))
    if len(order) < 2:
        return tuple(order)
    indices = variables(root)
    side_by_side = dict.fromkeys(order, 0)
    touched = [at for v, at in accesses(root, inlined) if v not in inlined]
    if root.outputs and not root.op.updates:
        touched.append(tuple(indices[a] for a in kept_axes(root)))
    for at in touched:
        last = next((i for i in reversed(at) if i != "0"), "")
        for a in order:
            if last == indices[a]:
                # the largest array counts
                side_by_side[a] += 100 ** len(set(re.findall(r"i\d+", " ".join(at))))
    best = max(reversed(order), key=side_by_side.__getitem__)
    return tuple(sorted(order, key=lambda a: a == best))


def complete(root: Eqn, order: Sequence[int]) -> int:
    """How many loops, from the outermost one, stand around the place where its result is there."""
    if root.op.updates:
        return 0
    kept = kept_axes(root)
    return next((n for n, a in enumerate(order) if a not in kept), len(order))


# ---- elements ----


def variables(root: Eqn) -> list[str]:
    """A name for the index along each axis of its extents."""
    return ["0" if d.constant == 1 else f"i{a}" for a, d in enumerate(extents(root))]


def accesses(root: Eqn, inlined: Mapping[Value, Eqn]) -> list[Access]:
    """The elements that a trip reads, of what is stored and of what is inlined; scalars, too."""
    found: dict[Access, None] = {}

    def read(value: Value, indices: Sequence[str]) -> str:
        access = (value, tuple(indices))
        if access not in found:
            found[access] = None
            if value in inlined:
                element_source(inlined[value], indices, read)
        return "x"

    visit(root, variables(root), read)
    return list(found)


def visit(root: Eqn, indices: Sequence[str], read: Read) -> None:
    """Read what a trip of a root reads."""
    if is_elementwise(root):
        element_source(root, indices, read)
        return
    for value, at in terms(root, indices):
        read(value, at)
    if root.op.updates:
        target(root, indices, read)


def terms(root: Eqn, indices: Sequence[str]) -> list[Access]:
    """What a trip of a root that is no elementwise value takes in: one element, or the factors of a
    product."""
    if not is_product(root):
        return [(root.inputs[1 if root.op.updates else 0], tuple(indices))]
    labels = contraction(root)
    names = labels.sizes([v.type for v in root.inputs])
    letters = [*labels.result, *(c for c in names if c not in labels.result)]
    at = dict(zip(letters, indices, strict=True))
    return [
        (v, tuple("0" if d.constant == 1 else at[c] for c, d in zip(own, v.type.shape, strict=True)))
        for own, v in zip(labels.operands, root.inputs, strict=True)
    ]


def target(root: Eqn, indices: Sequence[str], read: Read) -> list[str]:
    """Where an update writes."""
    x, _, *operands = root.inputs
    types = [v.type for v in operands]
    return element_indices(x.type, types, root.attrs, lambda k, at: read(operands[k], at), indices)


def element_source(eqn: Eqn, indices: Sequence[str], read: Read, vector: bool = True) -> str:
    """Source of one element of an elementwise value; by functions that LLVM vectorises, if `vector`."""
    if eqn.op.name == "zeros":
        return zero(eqn.output.type.dtype)
    if eqn.op.name == "index":
        x, *operands = eqn.inputs
        types = [v.type for v in operands]
        at = element_indices(x.type, types, eqn.attrs, lambda k, at: read(operands[k], at), indices)
        return read(x, at)
    lowering = eqn.op.lowering
    if isinstance(lowering, Element):
        return lowering.source(eqn, lambda k, at: read(eqn.inputs[k], at), indices)
    assert isinstance(lowering, Scalar)
    operands_ = [read(v, broadcast_indices(v.type.shape, indices)) for v in eqn.inputs]
    return lowering.source(operands_, eqn.attrs, eqn.output.type.dtype, vector)
