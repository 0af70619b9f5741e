"""Ten kernels as their users write them: plain loops over arrays, made for Numba, and nothing of adcompiler.

Each module holds one function of its own name that returns a float, the `ARGNUMS` that it is differentiated
by, `arguments(n)` for about n elements of work, and the `SIZES` n that measurements take, over three decades.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

NAMES = (
    "recurrence",
    "rk4",
    "heat",
    "wave",
    "thomas",
    "cumprod",
    "lstm",
    "lennard_jones",
    "hmm",
    "newton",
)


@dataclass(frozen=True)
class Kernel:
    """A user's function, and with what it is measured."""

    name: str
    function: Callable[..., float]
    argnums: int | tuple[int, ...]
    arguments: Callable[[int], tuple[Any, ...]]
    sizes: tuple[int, ...]


def load(name: str) -> Kernel:
    """The kernel of that name."""
    module = import_module(f".{name}", __name__)
    return Kernel(name, getattr(module, name), module.ARGNUMS, module.arguments, module.SIZES)
