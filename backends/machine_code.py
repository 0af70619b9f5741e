"""What Numba makes of a compiled Function: LLVM's language, or the machine's."""

from __future__ import annotations

from ..ir.errors import ArgumentError
from .compiled import Compiled


def machine_code(compiled: Compiled, language: str) -> str:
    """The code of the kernel, "llvm" or "asm".

    Compiled afresh, since what comes from the cache on disk cannot be looked at. Raises ArgumentError for a
    backend without machine code.
    """
    from numba import jit

    compiled.compile()
    cached = compiled.kernel
    if cached is None:
        raise ArgumentError("only the backend 'numba' makes machine code")
    (signature,) = cached.signatures
    kernel = jit(**cached.targetoptions)(cached.py_func)
    kernel.compile(signature)
    text: str = (kernel.inspect_llvm if language == "llvm" else kernel.inspect_asm)(signature)
    return text.strip()
