"""The device that figures were measured on: whether there is one, and what it does at best.

As `machine` measures the processor: a copy of arrays well beyond the caches counts what it reads and what it
writes, a product of f64 matrices of order n 2 n^3 operations. The times of the simulator are no device's.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from adcompiler.backends.cuda.device import arrays, driver_memory, toolkit
from adcompiler.ir.errors import DeviceError

from .clock import in_turn

COPIED = 2**30  # bytes of an array that is copied, where the device has eight times as many
ORDER = 4096  # of the matrices that are multiplied


@dataclass(frozen=True)
class Device:
    """GB/s of a copy of `copied` bytes, and GFLOP/s of a product by cuBLAS, None where that is missing."""

    name: str
    copied: int
    copy: float
    matmul: float | None

    @property
    def bandwidth(self) -> float:
        """GB/s of the copy."""
        return self.copy


def absent() -> str | None:
    """Why nothing can be measured on a device; None where it can."""
    return toolkit.missing() or ("kernels run in the simulator" if toolkit.simulated() else None)


def measured(seconds: float = 1.0, copied: int = COPIED, order: int = ORDER) -> Device:
    """The current device and its ceilings, measured for about `seconds`."""
    size = min(copied, toolkit.limits().memory // 8)
    name = toolkit.devices()[driver_memory.device()]
    return Device(name, size, copy_bandwidth(size, seconds / 2), matmul_rate(order, seconds / 2))


def copy_bandwidth(size: int, seconds: float) -> float:
    """GB/s of copies of `size` bytes from the device to itself, read and written."""
    source, target = (arrays.zeros((max(1, size // 8),), np.float64) for _ in range(2))
    moved: int = 2 * source.nbytes
    return moved / on_device(partial(arrays.overwrite, target, source), seconds) / 1e9


def matmul_rate(order: int, seconds: float) -> float | None:
    """GFLOP/s of a product of square f64 matrices; None where the device's libraries are not installed."""
    from adcompiler.backends.cuda.libraries.linear_algebra import product

    a, b = map(arrays.to_device, np.random.default_rng(0).random((2, order, order)))
    out = arrays.empty((order, order), np.float64)
    multiply = partial(product, a, b, out, "ij,jk->ik", "i", "j", "k")
    try:
        multiply()
    except DeviceError:
        return None
    return 2 * order**3 / on_device(multiply, seconds) / 1e9


def on_device(call: Callable[[], Any], seconds: float) -> float:
    """The median seconds of a call that only starts what it computes, several calls one after the other."""
    return in_turn({"": call}, seconds, time.perf_counter, {"": wait})[""].median


def wait(result: Any) -> None:
    """Until all that was started is done."""
    driver_memory.synchronize()
