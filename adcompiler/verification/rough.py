"""For programs that cannot be followed with many digits: the whole adjoint against differences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from adcompiler.ir.evaluate import evaluate
from adcompiler.ir.graph import Function, values
from adcompiler.ir.types import Sizes

from .differences import directional
from .sampling import Place
from .tape import ProgramFails
from .verdict import Counterexample, Verdict

POINTS = 3
ENOUGH = 1e-6


def roughly(
    primal: Function,
    adjoint: Function,
    wrt: Sequence[int],
    place: Place,
    random: np.random.Generator,
    why: str,
) -> Verdict:
    """A verdict without proof; `why` says why there is none."""
    if any(v.type.dtype.is_half for v in values(primal.body)):
        return Verdict((f"not proven: {why}", "not compared: differences do not see through 16 bits"))
    digits = []
    for _ in range(POINTS):
        args = place.point(primal, random)
        _require_defined(primal, args, place.sizes)
        kinds = [r.type for r in primal.body.results]
        shapes = [tuple(d.value(place.sizes) for d in t.shape) for t in kinds if t.dtype.is_float]
        cotangents = [random.uniform(0.5, 1.5, shape) for shape in shapes]
        found = evaluate(adjoint, [*args, *cotangents], place.sizes)[len(kinds) :]
        for k, gradient in zip(wrt, found, strict=True):
            expected = _gradient(primal, k, args, cotangents, place.sizes)
            gap, size = np.abs(gradient - expected), float(np.max(np.abs(expected), initial=1e-300))
            worst = tuple(map(int, np.unravel_index(int(np.argmax(gap)), gap.shape))) if gap.size else ()
            error = float(np.max(gap, initial=0.0)) / size
            if not error < ENOUGH:
                name = primal.body.params[k].name or f"argument {k}"
                wrong = Counterexample(
                    name, worst, float(np.asarray(gradient)[worst]), float(expected[worst])
                )
                return Verdict((), wrong)
            digits.append(15 if error == 0 else min(15, int(-np.log10(error))))
    return Verdict((f"not proven: {why}", f"whole program agrees to {min(digits)} digits at {POINTS} points"))


def _require_defined(primal: Function, args: Sequence[Any], sizes: Sizes) -> None:
    try:
        evaluate(primal, args, sizes)
    except (ArithmeticError, LookupError, ValueError) as error:
        raise ProgramFails(f"{type(error).__name__}: {error}") from error


def _gradient(
    primal: Function, k: int, args: Sequence[Any], cotangents: Sequence[Any], sizes: Sizes
) -> np.ndarray[Any, Any]:
    """The gradient of the weighted sum of the results with respect to parameter `k`."""
    shape = np.shape(args[k])
    gradient = np.empty(shape)
    for place in np.ndindex(shape):
        unit = np.zeros(shape)
        unit[place] = 1.0
        tangents = [unit if at == k else None for at in range(len(args))]
        slopes = directional(primal, args, tangents, sizes)
        gradient[place] = sum(float(np.sum(ct * s.value)) for ct, s in zip(cotangents, slopes, strict=True))
    return gradient
