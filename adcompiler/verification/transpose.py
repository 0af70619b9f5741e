"""Forward and reverse are transposes: ⟨ȳ, J ẋ⟩ = ⟨Jᵀ ȳ, ẋ⟩ for every ẋ and ȳ.

It sees a wrong threading of carries, sums and slices, and wrong transposes; a wrong partial, which both modes
share, it does not see: that is what differences and SymPy are for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from adcompiler.ir.evaluate import evaluate
from adcompiler.ir.graph import Function
from adcompiler.ir.types import Sizes

from .differences import flat


@dataclass(frozen=True)
class Pairing:
    """Both sides of the identity, and the size of the terms that they are sums of."""

    forward: float
    reverse: float
    scale: float

    @property
    def digits(self) -> int:
        """To how many digits of the largest terms both sides agree, at most 16; 0 for NaN."""
        gap = abs(self.forward - self.reverse)
        if not np.isfinite(gap):
            return 0
        return 16 if gap == 0 else max(0, min(16, int(-np.log10(gap / max(self.scale, gap)))))


def pairing(
    tangent: Function, adjoint: Function, wrt: Sequence[int], args: Sequence[Any], sizes: Sizes, seed: int = 0
) -> Pairing:
    """Evaluate both sides for random tangents of the parameters in `wrt`, and random cotangents.

    `tangent` has the tangents after the parameters, and after the results those of the float results;
    `adjoint` the cotangents of the float results after the parameters, and after the results those of `wrt`.
    """
    random = np.random.default_rng(seed)
    tangents = [random.normal(size=np.shape(args[k])).astype(np.asarray(args[k]).dtype)[()] for k in wrt]
    pushed = evaluate(tangent, [*args, *tangents], sizes)
    outputs = len(adjoint.body.results) - len(wrt)
    moved = pushed[outputs:]
    cotangents = [random.normal(size=np.shape(t)).astype(np.asarray(t).dtype)[()] for t in moved]
    pulled = evaluate(adjoint, [*args, *cotangents], sizes)[outputs:]
    left, right = flat(cotangents) * flat(moved), flat(pulled) * flat(tangents)
    scale = max(float(np.abs(left).sum()), float(np.abs(right).sum()))
    return Pairing(float(left.sum()), float(right.sum()), scale)
