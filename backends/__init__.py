"""Functions of the IR as callables: `compile_function` for each target."""

from __future__ import annotations

from ..ir.errors import ArgumentError
from ..ir.graph import Function
from . import cuda_backend, numba_backend, numpy_backend
from .compiled import Compiled, Options, destined
from .halves import in_bits, in_halves

BACKENDS = {
    "numba": numba_backend.compile_function,
    "numpy": numpy_backend.compile_function,
    "cuda": cuda_backend.compile_function,
}

__all__ = ["BACKENDS", "Compiled", "Options", "compile_function", "destined"]


def compile_function(function: Function, backend: str, options: Options | None = None) -> Compiled:
    """A Function for the backend of this name; ArgumentError where there is none of this name."""
    if backend not in BACKENDS:
        raise ArgumentError(
            f"there is no backend {backend!r}", hint="use one of " + ", ".join(sorted(BACKENDS))
        )
    stored = in_bits(function)
    compiled = BACKENDS[backend](stored, options or Options())
    return compiled if stored is function else in_halves(function, compiled)
