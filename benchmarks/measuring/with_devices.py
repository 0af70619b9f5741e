"""JAX and PyTorch on a device; who has none there raises ImportError."""

from typing import Any


def __getattr__(name: str) -> Any:
    """`jax` or `torch`, imported when it is asked for."""
    match name:
        case "jax":
            return _jax()
        case "torch":
            return _torch()
    raise AttributeError(name)


def _jax() -> Any:
    import jax

    if jax.default_backend() != "gpu":
        raise ImportError(f"jax runs on the {jax.default_backend()} here")
    jax.config.update("jax_enable_x64", True)
    return jax


def _torch() -> Any:
    import torch

    if not torch.cuda.is_available():
        raise ImportError("torch is built without CUDA, or sees no device")
    return torch
