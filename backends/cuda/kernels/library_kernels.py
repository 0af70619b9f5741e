"""The kernels between calls of libraries: threads take what there is to do in turn."""

from __future__ import annotations

import math
from typing import Any

from ..device import simulator, toolkit
from .failing import fail

cuda: Any = toolkit.cuda()
if toolkit.simulated():
    simulator.prepare()


@cuda.jit
def lower_triangle(a, out):  # type: ignore[no-untyped-def]
    """What is below the diagonal of a matrix, with it; zeros above."""
    n = a.shape[0]
    for place in range(cuda.grid(1), n * n, cuda.gridsize(1)):
        i, j = place // n, place % n
        if j <= i:
            out[i, j] = a[i, j]
        else:
            out[i, j] = 0


@cuda.jit
def identity(out):  # type: ignore[no-untyped-def]
    n = out.shape[0]
    for place in range(cuda.grid(1), n * n, cuda.gridsize(1)):
        out[place // n, place % n] = 1 if place // n == place % n else 0


@cuda.jit
def pivots_to_numbers(pivots, factors):  # type: ignore[no-untyped-def]
    """Write exchanges of rows, from 1, behind the factors, from 0."""
    n = pivots.shape[0]
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        factors[n, i] = pivots[i] - 1


@cuda.jit
def numbers_to_pivots(factors, pivots):  # type: ignore[no-untyped-def]
    """Read them; where a kernel before has failed there may be anything."""
    n = pivots.shape[0]
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        row = int(factors[n, i]) if math.isfinite(factors[n, i]) else i
        pivots[i] = row + 1 if 0 <= row < n else i + 1


@cuda.jit
def zeros_on_diagonal(a, failed):  # type: ignore[no-untyped-def]
    """A word that is not 0 where an element on the diagonal is; it was 0."""
    for i in range(cuda.grid(1), a.shape[0], cuda.gridsize(1)):
        if a[i, i] == 0:
            failed[0] = 1


@cuda.jit
def note_failure(failed, status, turn, number):  # type: ignore[no-untyped-def]
    """Say in the status words of a call that a check has failed, in this launch."""
    if failed[0] != 0:
        fail(status, number, turn, 0)
