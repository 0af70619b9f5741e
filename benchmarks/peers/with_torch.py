"""PyTorch, eager: the graph is recorded and walked back in each call."""

import os
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from workloads import Workload

from . import Ready, as_tuple, torch_forms


def contestants(
    workload: Workload, args: tuple[Any, ...], now: Callable[[], float]
) -> dict[str, Callable[[], Ready]]:
    """By name, what gets one ready."""
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    return {"PyTorch": partial(ready, workload, args)}


def ready(workload: Workload, args: tuple[Any, ...]) -> Ready:
    function = getattr(torch_forms, workload.name)
    given = [a if isinstance(a, int) else torch.as_tensor(a, dtype=kind(a)) for a in args]
    if workload.derivative:
        return Ready(lambda: function(*given), to_numpy)
    leaves = [given[k].requires_grad_() for k in as_tuple(workload.argnums)]

    def gradient():
        for leaf in leaves:
            leaf.grad = None
        function(*given).backward()
        return [leaf.grad for leaf in leaves]

    return Ready(gradient, to_numpy)


def kind(a: Any) -> torch.dtype:
    return torch.int64 if np.asarray(a).dtype.kind == "i" else torch.float64


def to_numpy(gradient: Any) -> tuple[Any, ...]:
    return tuple(g.numpy() for g in as_tuple(gradient))
