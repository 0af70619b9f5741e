"""How often a function is compiled for many shapes of equal rank; run in a fresh process."""

import numpy as np
import workloads

from adcompiler import adjoint, compilations

SHAPES = 100


def compiled() -> dict[str, int]:
    """Compilations of the gradient of a layer normalisation for random shapes, by dtype."""
    workload = workloads.load("layer_norm")
    gradient = adjoint(workload.function, workload.argnums)
    found = {}
    for dtype in ("float64", "float32"):
        before = compilations()
        for shape in np.random.default_rng(0).integers(5, 60, (SHAPES, 2)):
            gradient(*(a.astype(dtype) for a in workload.arguments(tuple(map(int, shape)))))
        found[dtype] = compilations() - before
    return found
