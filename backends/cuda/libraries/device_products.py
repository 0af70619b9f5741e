"""Products of matrices on the device, whole arrays at a time.

Labels say what each axis is, as in `np.einsum`; which are the rows, the columns and the inner ones of
matrices `backends/products.py` has found. Over the others the product is repeated: over the longest of them,
or several that lie one behind the other in all arrays, in one call. What is called depends on sizes alone,
and is found once for each of them: that takes longer than a small product.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import Any, NamedTuple

import numpy as np

from ..device.driver_memory import address
from .matrices import NO, YES, Columns
from .routines import routines

Three = tuple[Any, Any, Any]
"""Something for the left array, the right one, and that of the result."""


def product(left: Any, right: Any, out: Any, labels: str, rows: str, inner: str, columns: str) -> None:
    """Products of two arrays, written into a third, which lies apart from both.

    Parameters
    ----------
    left, right, out
        Device arrays. In each, the last of one kind of labels stands for neighbours in memory.
    labels
        What their axes are: `"bij,bjk->bik"`.
    rows, inner, columns
        The labels of one matrix: `"i"`, `"j"`, `"k"`. Without columns it is multiplied with a vector.
    """
    arrays = left, right, out
    shapes, steps = tuple(x.shape for x in arrays), tuple(x.strides for x in arrays)
    plan = _planned(labels, (rows, inner, columns), out.dtype, shapes, steps)
    places = [address(x) for x in arrays]
    for starts in plan.starts:
        plan.call(out.dtype, *(place + start for place, start in zip(places, starts, strict=True)))


@dataclass(frozen=True)
class _Plan:
    """The calls for arrays of these sizes.

    How the matrices lie, in the order in which they are handed over; at how many bytes in the arrays they
    begin, for each call.
    """

    vector: bool
    ops: tuple[int, ...]
    extents: tuple[int, ...]
    lying: Three
    count: int
    starts: Sequence[Three]

    def call(self, dtype: Any, left: int, right: int, out: int) -> None:
        """One call, on matrices at these addresses."""
        if self.vector:
            a, b, c = (Columns(at, *how) for at, how in zip((left, right, out), self.lying, strict=True))
            routines().gemv(dtype, *self.ops, self.extents, a, b, c, self.count)
        else:
            b, a, c = (Columns(at, *how) for at, how in zip((right, left, out), self.lying, strict=True))
            routines().gemm(dtype, self.ops, self.extents, b, a, c, self.count)


@lru_cache(maxsize=4096)
def _planned(labels: str, kinds: tuple[str, str, str], dtype: Any, shapes: Three, steps: Three) -> _Plan:
    operands, result = labels.split("->")
    names = (*operands.split(","), result)
    extents: dict[str, int] = {}
    apart: list[Mapping[str, int]] = []
    for own, shape, along in zip(names, shapes, steps, strict=True):
        extents.update(zip(own, shape, strict=True))
        apart.append({c: step // dtype.itemsize for c, step in zip(own, along, strict=True)})
    around = [c for c in result if c not in kinds[0] + kinds[2]]
    loops = sorted(_loops(around, extents, apart), key=lambda loop: loop.extent)
    batch = loops.pop() if loops else _Loop(1, (0, 0, 0))
    m, k, n = (prod(extents[c] for c in kind) for kind in kinds)
    starts = list(_starts(loops, dtype.itemsize)) if m * n * batch.extent else []
    parts = _vector if not kinds[2] and dtype.itemsize > 2 else _matrix
    return parts(apart, kinds, (m, k, n), batch, starts)


class _Loop(NamedTuple):
    """How often something is repeated, and how many elements further on in each array."""

    extent: int
    steps: tuple[int, ...]


def _loops(
    labels: Sequence[str], extents: Mapping[str, int], apart: Sequence[Mapping[str, int]]
) -> list[_Loop]:
    """Loops over labels; those that lie one behind the other in all arrays are one."""
    found: list[_Loop] = []
    for c in labels:
        inner = _Loop(extents[c], tuple(own.get(c, 0) for own in apart))
        if found and found[-1].steps == tuple(inner.extent * step for step in inner.steps):
            inner = _Loop(found.pop().extent * inner.extent, inner.steps)
        if inner.extent != 1:
            found.append(inner)
    return found


def _starts(loops: Sequence[_Loop], itemsize: int) -> Iterator[Three]:
    for at in np.ndindex(*(loop.extent for loop in loops)):
        first, second, third = (
            sum(i * loop.steps[k] for i, loop in zip(at, loops, strict=True)) * itemsize for k in range(3)
        )
        yield first, second, third


# ---- one matrix ----

Apart = Sequence[Mapping[str, int]]
Kinds = tuple[str, str, str]
Sizes = tuple[int, int, int]


def _matrix(apart: Apart, kinds: Kinds, sizes: Sizes, batch: _Loop, starts: Sequence[Three]) -> _Plan:
    """Cᵀ = Bᵀ Aᵀ: what lies row after row is handed over as the transpose that it is, columns first."""
    (rows, inner, columns), (m, k, n) = kinds, sizes
    a_op, a = _lying(apart[0], inner, rows, (k, m))
    b_op, b = _lying(apart[1], columns, inner, (n, k))
    _, c = _lying(apart[2], columns, rows, (n, m))
    lying = (b, batch.steps[1]), (a, batch.steps[0]), (c, batch.steps[2])
    return _Plan(False, (b_op, a_op), (n, m, k), lying, batch.extent, starts)


def _vector(apart: Apart, kinds: Kinds, sizes: Sizes, batch: _Loop, starts: Sequence[Three]) -> _Plan:
    (rows, inner, _), (m, k, _) = kinds, sizes
    op, a = _lying(apart[0], rows, inner, (m, k))
    x, y = (max(own[kind[-1]], 1) for own, kind in zip(apart[1:], (inner, rows), strict=True))
    lying = (a, batch.steps[0]), (x, batch.steps[1]), (y, batch.steps[2])
    return _Plan(True, (op,), (k, m) if op == YES else (m, k), lying, batch.extent, starts)


def _lying(apart: Mapping[str, int], down: str, across: str, sizes: tuple[int, int]) -> tuple[int, int]:
    """A matrix with these labels down and across: whether it is to be transposed, and how far its columns,
    or else its rows, are apart."""
    down_apart, across_apart = (apart[kind[-1]] if kind else 1 for kind in (down, across))
    if down_apart == 1 or sizes[0] == 1 and across_apart != 1:
        return NO, max(across_apart, sizes[0], 1)
    return YES, max(down_apart, sizes[1], 1)
