"""The op that says how a trip of a loop is undone."""

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


inverse_step = Op(
    name="inverse_step",
    infer=_infer,
    numpy=lambda *operands, tolerance: (),
    derivative=NoDerivative("it says how a trip is undone, and computes nothing"),
    lowering=Structural(),
    effect=True,
    samples=(Sample((np.float64(2.0), np.ones(3), np.float64(1.0), np.zeros(3)), {"tolerance": 1e-6}),),
)
"""In the body of a loop: the first half of the operands are values after the trip, the other half what the
user's inverse makes of them, the values before it. It holds in every trip, and no backend sees it."""

OPS = (inverse_step,)
