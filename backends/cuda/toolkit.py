"""The one module that knows numba-cuda."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from unittest.mock import patch


def cuda() -> Any:
    """The module `numba.cuda`, or its simulator."""
    from numba import cuda

    return cuda


def simulated() -> bool:
    """Whether kernels run as Python threads."""
    from numba import config

    return bool(getattr(config, "ENABLE_CUDASIM", False))


def ptx(
    pyfunc: Any, signature: tuple[Any, ...], cc: tuple[int, int] = (9, 0), fastmath: bool = False
) -> str:
    """The PTX of a kernel, with the device functions that it calls: no device is needed."""
    from numba.cuda import dispatcher

    # Numba compiles device functions for the device at hand
    with patch.object(dispatcher, "get_current_device", lambda: SimpleNamespace(compute_capability=cc)):
        text, _ = cuda().compile_ptx(pyfunc, signature, cc=cc, fastmath=fastmath)
    return str(text)
