"""Products of matrices on the device, whole arrays at a time.

Labels say what each axis is, as in `np.einsum`; which are the rows, the columns and the inner ones of
matrices `backends/products.py` has found. Over the others the product is repeated: over the longest of them,
or several that lie one behind the other in all arrays, in one call.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np

from .driver_memory import address
from .matrices import NO, YES, Columns
from .routines import routines


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
    operands, result = labels.split("->")
    named = zip((*operands.split(","), result), (left, right, out), strict=True)
    terms = [_Term.of(own, array) for own, array in named]
    extents = {c: n for term in terms for c, n in term.extents.items()}
    sizes = [prod(extents[c] for c in kind) for kind in (rows, inner, columns)]
    if not out.size:
        return
    loops = _loops([c for c in result if c not in rows + columns], extents, terms)
    loops.sort(key=lambda loop: loop.extent)
    batch = loops.pop() if loops else _Loop(1, (0, 0, 0))
    one = _vector if not columns and out.dtype.itemsize > 2 else _matrix
    for starts in _starts(loops):
        moved = [t.moved(start * out.dtype.itemsize) for t, start in zip(terms, starts, strict=True)]
        one(out.dtype, moved, (rows, inner, columns), sizes, batch)


class _Term(NamedTuple):
    """An array: where it lies, and for each label its extent and how many elements neighbours are apart."""

    address: int
    extents: Mapping[str, int]
    apart: Mapping[str, int]

    @classmethod
    def of(cls, labels: str, array: Any) -> _Term:
        steps = (step // array.dtype.itemsize for step in array.strides)
        shape, apart = zip(labels, array.shape, strict=True), zip(labels, steps, strict=True)
        return cls(address(array), dict(shape), dict(apart))

    def moved(self, nbytes: int) -> _Term:
        """The same, so many bytes further on."""
        return self._replace(address=self.address + nbytes)

    def columns(self, down: str, across: str, sizes: tuple[int, int], step: int) -> tuple[int, Columns]:
        """A matrix with these labels down and across: whether it is to be transposed, and how it lies."""
        down_apart, across_apart = (self.apart[kind[-1]] if kind else 1 for kind in (down, across))
        if down_apart == 1 or sizes[0] == 1 and across_apart != 1:
            return NO, Columns(self.address, max(across_apart if across else 1, sizes[0], 1), step)
        return YES, Columns(self.address, max(down_apart, sizes[1], 1), step)


class _Loop(NamedTuple):
    """How often something is repeated, and how many elements further on in each array."""

    extent: int
    steps: tuple[int, ...]


def _loops(labels: Sequence[str], extents: Mapping[str, int], terms: Sequence[_Term]) -> list[_Loop]:
    """Loops over labels; those that lie one behind the other in all arrays are one."""
    found: list[_Loop] = []
    for c in labels:
        inner = _Loop(extents[c], tuple(term.apart.get(c, 0) for term in terms))
        if found and found[-1].steps == tuple(inner.extent * step for step in inner.steps):
            inner = _Loop(found.pop().extent * inner.extent, inner.steps)
        if inner.extent != 1:
            found.append(inner)
    return found


def _starts(loops: Sequence[_Loop]) -> Iterator[Sequence[int]]:
    for at in np.ndindex(*(loop.extent for loop in loops)):
        yield [sum(i * loop.steps[k] for i, loop in zip(at, loops, strict=True)) for k in range(3)]


Kinds = tuple[str, str, str]


def _matrix(dtype: Any, terms: Sequence[_Term], kinds: Kinds, sizes: Sequence[int], batch: _Loop) -> None:
    """Cᵀ = Bᵀ Aᵀ: what lies row after row is handed over as the transpose that it is, columns first."""
    (rows, inner, columns), (m, k, n) = kinds, sizes
    a_op, a = terms[0].columns(inner, rows, (k, m), batch.steps[0])
    b_op, b = terms[1].columns(columns, inner, (n, k), batch.steps[1])
    _, c = terms[2].columns(columns, rows, (n, m), batch.steps[2])
    routines().gemm(dtype, (b_op, a_op), (n, m, k), b, a, c, batch.extent)


def _vector(dtype: Any, terms: Sequence[_Term], kinds: Kinds, sizes: Sequence[int], batch: _Loop) -> None:
    (rows, inner, _), (m, k, _) = kinds, sizes
    op, a = terms[0].columns(rows, inner, (m, k), batch.steps[0])
    x, y = (
        Columns(term.address, max(term.apart[kind[-1]], 1), step)
        for term, kind, step in zip(terms[1:], (inner, rows), batch.steps[1:], strict=True)
    )
    routines().gemv(dtype, op, (k, m) if op == YES else (m, k), a, x, y, batch.extent)
