"""The ops that say how a trip of a loop is undone; no backend sees them.

At the end of a body stands what the user's inverse computes: from `end_of_trip` of the values that a trip has
made, whatever he takes from around, and the index. So no pass can write it in terms of what was before the
trip. The last equation pairs the values after the trip with those before it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import ShapeError, VerifierError
from ..graph import Attrs, Block
from ..op import NoDerivative, Op, Sample, Structural
from ..types import ArrayType


def _infer(types: Sequence[ArrayType], attrs: Attrs, blocks: Sequence[Block]) -> tuple[ArrayType, ...]:
    tolerance = attrs["tolerance"]
    if not isinstance(tolerance, float) or not tolerance > 0:
        raise VerifierError(f"the tolerance of an inverse_step is a positive float, not {tolerance!r}")
    half, odd = divmod(len(types), 2)
    if odd or not half or list(types[:half]) != list(types[half:]):
        raise ShapeError("an inverse_step takes values after a trip, and those before it, of the same types")
    return ()


def _same(types: Sequence[ArrayType], attrs: Attrs, blocks: Sequence[Block]) -> tuple[ArrayType, ...]:
    (kept,) = types
    return (kept,)


NOTHING = NoDerivative("it says how a trip is undone, and computes nothing")

end_of_trip = Op(
    name="end_of_trip",
    infer=_same,
    numpy=lambda x: x,
    derivative=NOTHING,
    lowering=Structural(),
    samples=(Sample((np.arange(3),)),),
)

inverse_step = Op(
    name="inverse_step",
    infer=_infer,
    numpy=lambda *operands, tolerance: (),
    derivative=NOTHING,
    lowering=Structural(),
    effect=True,
    samples=(Sample((np.int64(2), np.ones(3, bool), np.int64(1), np.zeros(3, bool)), {"tolerance": 1e-6}),),
)
"""The first half of the operands are `end_of_trip` of values, the other half those before the trip."""

OPS = (end_of_trip, inverse_step)
