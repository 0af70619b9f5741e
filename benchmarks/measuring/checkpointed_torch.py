"""The loop of `checkpointing.py` in PyTorch, eager: every step recorded, or only where segments begin."""

import ctypes
from collections.abc import Callable
from math import isqrt
from typing import Any

import numpy as np
import torch
from torch.utils.checkpoint import checkpoint

from . import status

MMAP_THRESHOLD = -3  # of glibc's mallopt(3): bytes from which memory is mapped for each request


def step(y, theta):
    inner = torch.sin(theta * y)
    return y + 0.01 * (inner + torch.cos(theta * inner))


def segment(y, theta, steps):
    for _ in range(steps):
        y = step(y, theta)
    return y


def recorded(y, theta, steps):
    return torch.sum(segment(y, theta, steps) ** 2)


def in_segments(y, theta, steps):
    inner = isqrt(steps)
    assert steps % inner == 0
    for _ in range(steps // inner):
        y = checkpoint(segment, y, theta, inner, use_reentrant=False)
    return torch.sum(y**2)


FORMS = {"PyTorch": recorded, "PyTorch, sqrt segments": in_segments}


def gradients(y: Any, theta: Any, steps: int) -> dict[str, Callable[[], list[np.ndarray]]]:
    """By what they are called in a table; called without arguments they give those by y and by theta."""
    given = [torch.tensor(a, requires_grad=True) for a in (y, theta)]

    def gradient(form):
        return [g.numpy() for g in torch.autograd.grad(form(*given, steps), given)]

    return {name: lambda form=form: gradient(form) for name, form in FORMS.items()}


def bytes_taken(name: str, size: int, steps: int) -> int:
    """The most that a gradient takes beyond its arguments; run in a fresh process, on Linux.

    Every tensor is made a mapping of its own, which is gone when it is freed: in glibc's heap they leave
    holes among the nodes of the graph, and the process takes up to 25 times what it needs, as it happens.
    """
    ctypes.CDLL(None).mallopt(MMAP_THRESHOLD, 2**16)
    y = np.linspace(-2.0, 2.0, size, dtype=np.float32)
    gradient = gradients(y, np.float32(1.0), steps)[name]
    gradients(y[:10], np.float32(1.0), 2**4)[name]()
    before = status.resident()
    status.forget_peak()
    gradient()
    return status.peak() - before
