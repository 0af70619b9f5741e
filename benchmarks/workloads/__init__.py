"""What people differentiate, in plain NumPy as they write it: nothing of adcompiler, nothing for its sake.

Each module holds one function of its own name, the `ARGNUMS` that it is differentiated by, its `SIZES` by
name, and `arguments(size)`. `products(*args)` are the pairs of matrices that the function multiplies, if any:
their share of its time decides whether a workload counts as bound by BLAS. The formulas of the Gaussian
mixture, the LSTM and k-means are ADBench's (https://github.com/microsoft/ADBench), those of log-sum-exp,
least squares and the differential equation cmpad's (https://github.com/bradbell/cmpad); GradBench
(https://github.com/gradbench/gradbench) runs both in many languages.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

NAMES = (
    "three_scalars",
    "logsumexp",
    "mse",
    "affine_fit",
    "layer_norm",
    "softmax_cross_entropy",
    "black_scholes",
    "least_squares",
    "kmeans",
    "kmeans_hvp",
    "heat",
    "ode",
    "diagonal_lstm",
    "gmm",
    "mlp",
    "softmax_regression",
    "logistic_regression",
)

FEW = 12
FEW_OF = {
    "three_scalars": None,
    "heat": 30,
    "diagonal_lstm": (2, 7),
    "gmm": (10, 4),
    "kmeans": (3, 9, 2),
    "kmeans_hvp": (3, 9, 2),
    "layer_norm": (5, 7),
    "softmax_cross_entropy": (6, 5),
}
"""Sizes that are checked, not measured; of all others `FEW`."""


@dataclass(frozen=True)
class Workload:
    """A user's function, and with what it is measured.

    `derivative(jvp, grad)`, where it is not the gradient that is measured, makes that of the jvp and grad of
    whoever differentiates.
    """

    name: str
    function: Callable[..., Any]
    argnums: int | tuple[int, ...]
    arguments: Callable[[Any], tuple[Any, ...]]
    sizes: Mapping[str, Any]
    products: Callable[..., Any] | None
    derivative: Callable[..., Callable[..., Any]] | None


def load(name: str) -> Workload:
    """The workload of that name."""
    module = import_module(f".{name}", __name__)
    return Workload(
        name,
        getattr(module, name),
        module.ARGNUMS,
        module.arguments,
        module.SIZES,
        getattr(module, "products", None),
        getattr(module, "derivative", None),
    )


def small(name: str, sizes: Mapping[str, Any] | None = None) -> tuple[Workload, tuple[Any, ...]]:
    """A workload with a few arguments to check it by; those in `sizes` with arguments of that size."""
    workload = load(name)
    return workload, workload.arguments((FEW_OF | dict(sizes or {})).get(name, FEW))


def gradients() -> list[str]:
    """The workloads whose gradient is measured."""
    return [name for name in NAMES if load(name).derivative is None]
