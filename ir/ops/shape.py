"""Every element of the result is one of the operand: reshape, transpose, broadcast, flip, roll.

`expand_dims` and `squeeze` are reshapes. The lowering maps an index of the result to an index of the operand,
so that nothing is copied where the op is fused; a reshape of an array in memory is a view of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..graph import Attrs, Block, Eqn
from ..op import Element, Linear, Op, Read, Sample
from ..types import I64, ArrayType, Dim, Shape, shape_text
from . import attributes
from .arrays import on_expressions
from .attributes import factor, term
from .elementwise import matrix, vector

SCALAR = np.float64(0.7)


def fresh(array: Any) -> Any:
    """A C-contiguous copy; a scalar where the rank is 0."""
    return np.array(array, order="C")[()]


# ---- reshape ----


def _reshape_infer(
    types: Sequence[ArrayType], attrs: Attrs, blocks: Sequence[Block]
) -> tuple[ArrayType, ...]:
    (x,) = types
    result = x.with_shape(attributes.dims(attrs["shape"]))
    if result.size != x.size:
        raise ShapeError(f"cannot reshape array of size {x.size} into shape {shape_text(result.shape)}")
    return (result,)


def _reshape_element(eqn: Eqn, read: Read, indices: Sequence[str]) -> str:
    """Axes of length 1 fall away; the others are split and merged in groups that are as small as possible."""
    source, target = eqn.inputs[0].type.shape, eqn.output.type.shape
    old = [d for d in source if d.constant != 1]
    new = [(d, i) for d, i in zip(target, indices, strict=True) if d.constant != 1]
    found = [i for dims, group in _groups(old, new) for i in _unravelled(flat_index(group), dims)]
    places = iter(found)
    return read(0, ["0" if d.constant == 1 else next(places) for d in source])


Indexed = tuple[Dim, str]


def _groups(old: Sequence[Dim], new: Sequence[Indexed]) -> Iterator[tuple[Sequence[Dim], Sequence[Indexed]]]:
    """Shortest runs of old and new axes with equally many elements."""
    while old or new:
        sizes = [(p, q) for p in range(1, len(old) + 1) for q in range(1, len(new) + 1)]
        equal = (pq for pq in sizes if _size(old[: pq[0]]) == _size([d for d, _ in new[: pq[1]]]))
        p, q = min(equal, key=sum, default=(len(old), len(new)))
        yield old[:p], new[:q]
        old, new = old[p:], new[q:]


def _size(shape: Sequence[Dim]) -> Dim:
    return ArrayType(I64, tuple(shape)).size


def flat_index(group: Sequence[Indexed]) -> str:
    """The position in the run of axes, in C order."""
    (_, flat), *rest = group or [(Dim.of(1), "0")]
    for d, i in rest:
        flat = f"({flat}) * {factor(d)} + {term(i)}" if " " in flat else f"{flat} * {factor(d)} + {term(i)}"
    return flat


def _unravelled(flat: str, dims: Sequence[Dim]) -> list[str]:
    """The indices of a position in a run of axes."""
    found: list[str] = []
    for k, d in enumerate(dims):
        stride = _size(dims[k + 1 :])
        place = flat if stride.constant == 1 else f"{term(flat)} // {factor(stride)}"
        found.append(place if k == 0 else f"{term(place)} % {factor(d)}")
    return found


reshape: Op = Op(
    name="reshape",
    infer=_reshape_infer,
    numpy=lambda x, shape: fresh(np.reshape(x, shape)),
    derivative=Linear(lambda eqn, ct: [reshape(ct, shape=eqn.inputs[0].type.shape)]),
    lowering=Element(_reshape_element),
    sympy=on_expressions(np.reshape),
    cost=0,
    samples=(
        Sample((matrix(-1, 1, 3, 4),), {"shape": (2, 6)}),
        Sample((matrix(-1, 1, 2, 3, 4),), {"shape": (2, 1, 12)}),
        Sample((matrix(-1, 1, 6, 2, 5),), {"shape": (2, 3, 2, 5, 1)}),
        Sample((matrix(-1, 1, 1, 1),), {"shape": ()}),
        Sample((SCALAR,), {"shape": (1, 1)}),
        Sample((np.zeros((0, 3)),), {"shape": (3, 0, 2)}),
    ),
)

# ---- transpose, broadcast ----


def _transpose_infer(
    types: Sequence[ArrayType], attrs: Attrs, blocks: Sequence[Block]
) -> tuple[ArrayType, ...]:
    (x,) = types
    order = attributes.integers(attrs["axes"])
    if len(order) != x.rank:
        raise ShapeError("axes don't match array")
    if set(order) != set(range(x.rank)):
        raise ShapeError("repeated axis in transpose")
    return (x.with_shape([x.shape[a] for a in order]),)


def inverse(order: Sequence[int]) -> tuple[int, ...]:
    """The permutation that undoes this one."""
    return tuple(sorted(range(len(order)), key=lambda k: order[k]))


def _transpose_element(eqn: Eqn, read: Read, indices: Sequence[str]) -> str:
    return read(0, [indices[k] for k in inverse(attributes.integers(eqn.attrs["axes"]))])


transpose: Op = Op(
    name="transpose",
    infer=_transpose_infer,
    numpy=lambda x, axes: fresh(np.transpose(x, axes)),
    derivative=Linear(lambda eqn, ct: [transpose(ct, axes=inverse(attributes.integers(eqn.attrs["axes"])))]),
    lowering=Element(_transpose_element),
    sympy=on_expressions(np.transpose),
    cost=0,
    samples=(
        Sample((matrix(-1, 1, 3, 4),), {"axes": (1, 0)}),
        Sample((matrix(-1, 1, 2, 3, 4),), {"axes": (2, 0, 1)}),
        Sample((vector(-1, 1),), {"axes": (0,)}),
        Sample((SCALAR,), {"axes": ()}),
        Sample((np.zeros((2, 0)),), {"axes": (1, 0)}),
    ),
)


def _broadcast_infer(
    types: Sequence[ArrayType], attrs: Attrs, blocks: Sequence[Block]
) -> tuple[ArrayType, ...]:
    (x,) = types
    shape = attributes.dims(attrs["shape"])
    aligned = zip(reversed(x.shape), reversed(shape), strict=False)
    if x.rank > len(shape) or any(d.constant != 1 and d != e for d, e in aligned):
        raise ShapeError(
            f"cannot broadcast an array of shape {shape_text(x.shape)} to shape {shape_text(shape)}"
        )
    return (x.with_shape(shape),)


def broadcast_indices(shape: Shape, indices: Sequence[str]) -> list[str]:
    """The indices of the element of an operand of this shape that is broadcast to these indices."""
    last = indices[len(indices) - len(shape) :]
    return ["0" if d.constant == 1 else i for d, i in zip(shape, last, strict=True)]


def _broadcast_element(eqn: Eqn, read: Read, indices: Sequence[str]) -> str:
    return read(0, broadcast_indices(eqn.inputs[0].type.shape, indices))


broadcast = Op(
    name="broadcast",
    infer=_broadcast_infer,
    numpy=lambda x, shape: fresh(np.broadcast_to(x, shape)),
    # an answer of the broadcast shape is summed by the reverse transform
    derivative=Linear(lambda eqn, ct: [ct]),
    lowering=Element(_broadcast_element),
    sympy=on_expressions(np.broadcast_to),
    cost=0,
    samples=(
        Sample((vector(-1, 1, 3),), {"shape": (2, 3)}),
        Sample((matrix(-1, 1, 3, 1),), {"shape": (2, 3, 4)}),
        Sample((SCALAR,), {"shape": (2, 3)}),
        Sample((SCALAR,), {"shape": ()}),
        Sample((matrix(-1, 1, 1, 3),), {"shape": (0, 3)}),
    ),
)

# ---- flip, roll ----


def _flip_infer(types: Sequence[ArrayType], attrs: Attrs, blocks: Sequence[Block]) -> tuple[ArrayType, ...]:
    attributes.axes(attrs, types[0].rank)
    return (types[0],)


def _flip_element(eqn: Eqn, read: Read, indices: Sequence[str]) -> str:
    shape, axes = eqn.output.type.shape, attributes.integers(eqn.attrs["axes"])
    return read(0, [str(shape[k] - 1 - term(i)) if k in axes else i for k, i in enumerate(indices)])


flip: Op = Op(
    name="flip",
    infer=_flip_infer,
    numpy=lambda x, axes: fresh(np.flip(x, axes)),
    derivative=Linear(lambda eqn, ct: [flip(ct, axes=eqn.attrs["axes"])]),
    lowering=Element(_flip_element),
    sympy=on_expressions(lambda x, axes: np.flip(x, axes)),
    cost=0,
    samples=(
        Sample((vector(-1, 1),), {"axes": (0,)}),
        Sample((matrix(-1, 1, 2, 3, 4),), {"axes": (0, 2)}),
        Sample((SCALAR,), {"axes": ()}),
        Sample((np.zeros((0, 2)),), {"axes": (0,)}),
    ),
)


def _roll_infer(types: Sequence[ArrayType], attrs: Attrs, blocks: Sequence[Block]) -> tuple[ArrayType, ...]:
    attributes.axis(attrs, types[0].rank)
    attributes.dim(attrs["shift"])
    return (types[0],)


def _roll_element(eqn: Eqn, read: Read, indices: Sequence[str]) -> str:
    """Python's `%` is never negative."""
    axis, shift = attributes.integer(eqn.attrs["axis"]), attributes.dim(eqn.attrs["shift"])
    length = factor(eqn.output.type.shape[axis])
    return read(0, [f"({term(i) - shift}) % {length}" if k == axis else i for k, i in enumerate(indices)])


roll: Op = Op(
    name="roll",
    infer=_roll_infer,
    numpy=np.roll,
    derivative=Linear(
        lambda eqn, ct: [roll(ct, shift=-attributes.dim(eqn.attrs["shift"]), axis=eqn.attrs["axis"])]
    ),
    lowering=Element(_roll_element),
    sympy=on_expressions(np.roll),
    cost=1,
    samples=(
        Sample((vector(-1, 1),), {"shift": 2, "axis": 0}),
        Sample((matrix(-1, 1, 3, 4),), {"shift": -5, "axis": 1}),
        Sample((np.zeros((0, 2)),), {"shift": 1, "axis": 0}),
    ),
)

OPS = (reshape, transpose, broadcast, flip, roll)
