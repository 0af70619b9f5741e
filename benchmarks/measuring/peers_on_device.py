"""JAX and PyTorch where they have a device; ImportError where they do not."""

from typing import Any


def jax_there() -> Any:
    """The module `jax`, in double precision."""
    import jax

    if jax.default_backend() != "gpu":
        raise ImportError(f"jax runs on the {jax.default_backend()} here")
    jax.config.update("jax_enable_x64", True)
    return jax


def torch_there() -> Any:
    """The module `torch`."""
    import torch

    if not torch.cuda.is_available():
        raise ImportError("torch is built without CUDA, or sees no device")
    return torch
