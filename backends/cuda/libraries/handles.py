"""What NVIDIA's libraries keep of a device: a handle, the stream that its calls go to, memory of its own.

A device has one handle of each library, and one call at a time is made with it. The workspace of cuBLAS is
ours: a call then allocates nothing, so that it may be recorded into a graph, and adds in an order that
depends on sizes alone. Calls that are recorded need handles that exist: the first call makes them.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np

from ....ir.errors import DeviceError
from ..device import arrays, driver_memory, streams
from ..device.toolkit import INSTALL

WORKSPACE = 32 * 2**20
"""Bytes that cuBLAS may use beside operands and results: what NVIDIA advises for compute capability 9.0."""


@cache
def bindings(library: str) -> Any:
    """The functions of a library, `cublas` or `cusolverDn`, as nvmath-python has them.

    Raises
    ------
    DeviceError
        The package is not installed.
    """
    try:
        return importlib.import_module(f"nvmath.bindings.{library}")
    except ImportError as error:
        raise DeviceError(f"the package nvmath-python cannot be loaded ({error})", hint=INSTALL) from None


class Handle:
    """A handle of a library on the current device."""

    def __init__(self, library: str) -> None:
        self.functions = bindings(library)
        self.lock = threading.RLock()
        try:
            self.number: int = self.functions.create()
        except Exception as error:  # the library is not there, or the device has no room for it
            raise DeviceError(f"{library} does not start: {error}", hint=INSTALL) from None
        self.stream: int | None = None

    @contextmanager
    def on_current_stream(self) -> Iterator[Any]:
        """The functions of the library, whose calls go to the current stream."""
        with self.lock:
            stream = int(streams.current())
            if stream != self.stream:
                self.functions.set_stream(self.number, stream)
                self.stream = stream
                self.moved()
            yield self.functions

    def moved(self) -> None:
        """What a library forgets when it is given a stream."""


class Blas(Handle):
    """A handle of cuBLAS, and its workspace."""

    def __init__(self) -> None:
        super().__init__("cublas")
        with arrays.memory_from(arrays.SHARED):
            self.workspace = arrays.empty((WORKSPACE,), np.uint8)

    def moved(self) -> None:
        self.functions.set_workspace(self.number, driver_memory.address(self.workspace), WORKSPACE)


class Solver(Handle):
    """A handle of cuSOLVER, and the parameters of its functions."""

    def __init__(self) -> None:
        super().__init__("cusolverDn")
        self.parameters: int = self.functions.create_params()


def blas() -> Blas:
    """The handle of cuBLAS on the current device."""
    return _blas(driver_memory.device())


def solver() -> Solver:
    """The handle of cuSOLVER on the current device."""
    return _solver(driver_memory.device())


@cache
def _blas(device: int) -> Blas:
    return Blas()


@cache
def _solver(device: int) -> Solver:
    return Solver()
