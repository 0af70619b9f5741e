"""Compiles the gradient of a NumPy function as it stands, and proves it right.

The names below are loaded when they are first used, so that the import of the package costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api import adjoint, check_grads, grad, jvp, value_and_grad, verify, vjp
    from .backends.cache import compilations
    from .backends.workspace import clear_buffers
    from .checkpointing.annotation import checkpointed
    from .checkpointing.plans import Budget, MaxExtra, Online, Snapshots, Sqrt, StoreAll
    from .ir.errors import (
        AdcompilerError,
        ArgumentError,
        CaptureError,
        CheckError,
        DerivativeError,
        DeviceError,
        DeviceMemoryError,
        DTypeError,
        PlanError,
        ShapeError,
    )
    from .recomputed import checkpoint
    from .vectorised import vmap

__version__ = "0.1.0"
__all__ = [
    "AdcompilerError",
    "ArgumentError",
    "Budget",
    "CaptureError",
    "CheckError",
    "DTypeError",
    "DerivativeError",
    "DeviceError",
    "DeviceMemoryError",
    "MaxExtra",
    "Online",
    "PlanError",
    "ShapeError",
    "Snapshots",
    "Sqrt",
    "StoreAll",
    "adjoint",
    "check_grads",
    "checkpoint",
    "checkpointed",
    "clear_buffers",
    "compilations",
    "grad",
    "jvp",
    "value_and_grad",
    "verify",
    "vjp",
    "vmap",
]


def __getattr__(name: str) -> Any:
    """Load a public name, once."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    homes = {
        "checkpoint": "recomputed",
        "checkpointed": "checkpointing.annotation",
        "clear_buffers": "backends.workspace",
        "compilations": "backends.cache",
        "vmap": "vectorised",
        **dict.fromkeys(
            ("Budget", "MaxExtra", "Online", "Snapshots", "Sqrt", "StoreAll"), "checkpointing.plans"
        ),
    }
    home = homes.get(name, "ir.errors" if name.endswith("Error") else "api")
    found = getattr(importlib.import_module(f".{home}", __name__), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
