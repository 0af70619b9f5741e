"""The CUDA backend as a runner: arguments are on the device already, and results stay there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import optree

from adcompiler.backends.cuda.device import arrays
from adcompiler.backends.cuda.device.interchange import is_foreign

from . import device
from .backends import Backend
from .workload import Ready, Workload

COPYING = 0.1  # seconds for which copies are timed


class Cuda(Backend):
    """Our backend for devices, at its best; copies between host and device are measured apart."""

    def prepare(self, workload: Workload, program: str) -> Sequence[Ready]:
        there: Any = _each(arrays.to_device, workload.values, _is_array)
        (ready,) = super().prepare(replace(workload, values=there), program)

        def transfers(result: Any) -> tuple[float, float]:
            return (
                _copying(arrays.to_device, workload.values, _is_array),
                _copying(arrays.to_host, result, is_foreign),
            )

        def on_host(result: Any) -> list[Any]:
            return ready.arrays(_each(arrays.to_host, result, is_foreign))

        return [replace(ready, arrays=on_host, wait=device.wait, transfers=transfers)]


def _is_array(x: Any) -> bool:
    return isinstance(x, np.ndarray)


def _each(copy: Callable[[Any], Any], tree: Any, chosen: Callable[[Any], bool]) -> Any:
    """The same with copies of the arrays that are chosen."""
    return optree.tree_map(lambda x: copy(x) if chosen(x) else x, tree)


def _copying(copy: Callable[[Any], Any], tree: Any, chosen: Callable[[Any], bool]) -> float:
    """Seconds in which all that is chosen is copied."""
    found: list[Any] = [x for x in optree.tree_leaves(tree) if chosen(x)]
    return device.on_device(partial(_copied, copy, found), COPYING) if found else 0.0


def _copied(copy: Callable[[Any], Any], found: Sequence[Any]) -> list[Any]:
    return [copy(x) for x in found]
