"""How far gradients of the compiled backends are from NumPy's, in ulp; run in a fresh process.

All three compute in the order of their own sums, with their own elementary functions.
"""

import time
from typing import Any

import numpy as np
import peers
import workloads

from adcompiler import adjoint
from adcompiler.backends.cuda.device import toolkit

SIMULATED = {"diagonal_lstm": (2, 3), "gmm": (2, 3)}
"""Sizes that the simulator gets through, where those of small workloads would take it long."""


def measured(seconds: float) -> dict[str, dict[str, float]]:
    """By workload: how far Numba and CUDA are from NumPy; those that are reached in so many seconds."""
    end, found = time.monotonic() + seconds, {}
    for name in workloads.gradients():
        if time.monotonic() > end:
            break
        found[name] = of(name)
    return found


def of(name: str) -> dict[str, float]:
    """The largest difference of any element, in its own units, and in those of the largest of its array."""
    workload, args = workloads.small(name, SIMULATED)
    if not toolkit.simulated():
        args = workload.arguments(workload.sizes["small"])
    exact, *others = (
        peers.as_tuple(adjoint(workload.function, workload.argnums, backend=backend)(*args))
        for backend in ("numpy", "numba", "cuda")
    )
    found = {}
    for backend, gradient in zip(("numba", "cuda"), others, strict=True):
        pairs = list(zip(exact, gradient, strict=True))
        found[backend] = max(ulps(a, b) for a, b in pairs)
        found[f"{backend}, of the largest"] = max(ulps(a, b, np.max(np.abs(a))) for a, b in pairs)
    return found


def ulps(exact: Any, other: Any, unit_of: Any = None) -> float:
    """The largest difference in units in the last place of `unit_of`, by default of each element."""
    if np.shape(exact) != np.shape(other) or np.result_type(exact) != np.result_type(other):
        raise ValueError("results differ in shape or dtype")
    with np.errstate(invalid="ignore"):
        gap = np.abs(np.subtract(exact, other)) / np.spacing(np.abs(exact if unit_of is None else unit_of))
    return float(np.max(np.where(np.equal(exact, other), 0.0, gap), initial=0.0))
