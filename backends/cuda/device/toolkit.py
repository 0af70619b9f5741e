"""The one module that knows which package compiles kernels, and what there is of a device.

The package is numba-cuda, imported as `numba.cuda` when it is first asked for; with NUMBA_ENABLE_CUDASIM=1 in
the environment, read when numba is imported, it is its simulator, which runs kernels as Python threads.

Its successor numba-cuda-mlir is another package: `numba_cuda_mlir.cuda` in place of `numba.cuda`, and so
`numba_cuda_mlir.numba_cuda.cudadrv`, `numba_cuda_mlir.types`. `jit`, `compile_ptx`, arrays, streams and
launches have the same signatures. It has no simulator, no `vectorize` and no `compile_all`, wants a device of
capability 7.0, and takes extensions (`intrinsic`, `overload`) that are written in MLIR. A move is made here.
"""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from ....ir.errors import DeviceError
from ..kernels import functions
from . import simulator, streams

INSTALL = 'pip install "adcompiler[cuda]"'
Capability = tuple[int, int]
Extents = tuple[int, int, int]
"""Along x, y and z."""


@cache
def cuda() -> Any:
    """The module `numba.cuda`, or its simulator.

    Raises
    ------
    DeviceError
        It is not installed as it should be.
    """
    problem = _not_installed()
    if problem is not None:
        raise DeviceError(problem, hint=INSTALL)
    from numba import cuda as found

    (simulator if simulated() else functions).prepare()
    return found


def _not_installed() -> str | None:
    """What of the package is not there; `numba.cuda` alone may be the one that Numba has given up."""
    for name in ("numba_cuda", "cuda.bindings", "cuda.core"):
        try:
            if importlib.util.find_spec(name) is not None:
                continue
        except ModuleNotFoundError:  # there is no `cuda` at all
            pass
        return f"the package {name.replace('_', '-')} is not installed"
    return None


@cache
def simulated() -> bool:
    """Whether kernels run in the simulator."""
    from numba.core import config

    return bool(config.ENABLE_CUDASIM)


# ---- what is missing ----


@cache
def missing() -> str | None:
    """What keeps kernels from running here, and what to do; None where nothing does."""
    problem = _not_installed()
    if problem is not None:
        return f"{problem}: {INSTALL}"
    return None if simulated() else _without_driver() or _without_toolkit()


def demand_device() -> None:
    """Raise a DeviceError where kernels cannot run."""
    problem = missing()
    if problem is not None:
        raise DeviceError(
            f'backend="cuda" cannot run here: {problem}',
            hint='backend="numba" computes on the CPU; NUMBA_ENABLE_CUDASIM=1 simulates small kernels',
        )


def _without_driver() -> str | None:
    from numba.cuda.cudadrv.driver import driver
    from numba.cuda.cudadrv.error import CudaSupportError

    try:
        available = driver.is_available
    except CudaSupportError:
        available = False
    if available and driver.get_device_count():
        return None
    reason = " ".join((driver.initialization_error or "").split())
    if "cannot be found" in reason:
        return "no NVIDIA driver is found: install one (CUDA 13 needs release 580 or later)"
    if available or "NO_DEVICE" in reason:
        return "the driver sees no device (CUDA_VISIBLE_DEVICES may hide it)"
    return f"the NVIDIA driver does not start: {reason}"


def _without_toolkit() -> str | None:
    from numba.cuda.cudadrv import nvrtc, nvvm
    from numba.cuda.cudadrv.driver import driver

    try:
        toolkit, _ = cuda().runtime.get_version()
    except (RuntimeError, ImportError) as error:
        return f"NVRTC of the CUDA toolkit cannot be loaded ({error}): {INSTALL}"
    if not nvvm.is_available():
        return f"NVVM of the CUDA toolkit cannot be loaded: {INSTALL}"
    release = driver.get_version()
    if release[0] < toolkit:
        return (
            f"the driver is for CUDA {release[0]}.{release[1]}, and the toolkit is CUDA {toolkit}: "
            f'update the driver, or pip install "numba-cuda[cu{release[0]}]"'
        )
    capability, least = cuda().get_current_device().compute_capability, min(nvrtc.get_supported_ccs())
    if capability < least:
        return f"the device has capability {_dotted(capability)}, and CUDA {toolkit} needs {_dotted(least)}"
    return None


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


# ---- what a device offers ----


@dataclass(frozen=True)
class Limits:
    """What a device offers to a launch.

    Attributes
    ----------
    capability
        The compute capability.
    threads, block
        Threads of a block, in all and along each of its axes.
    grid
        Blocks along each axis of a grid.
    shared
        Bytes of shared memory of a block.
    multiprocessors
        How many blocks run side by side, at least.
    memory
        Bytes of the device's memory.
    """

    capability: Capability
    threads: int
    block: Extents
    grid: Extents
    shared: int
    multiprocessors: int
    memory: int


GUARANTEED = Limits((9, 0), 1024, (1024, 1024, 64), (2**31 - 1, 65535, 65535), 48 * 2**10, 132, 2**36)
"""What all capabilities since 3.0 have ("Compute Capabilities" in NVIDIA's CUDA C++ Programming Guide); the
multiprocessors and the memory are those of no device in particular."""

SIMULATED = replace(GUARANTEED, multiprocessors=2, memory=2**30)


@cache
def limits(capability: Capability | None = None) -> Limits:
    """What the current device offers, or any device of a compute capability; constants in the simulator."""
    if capability is not None:
        return replace(GUARANTEED, capability=capability)
    if simulated():
        return SIMULATED
    demand_device()
    return _limits_of(cuda().get_current_device(), cuda().current_context().get_memory_info().total)


def _limits_of(device: Any, memory: int) -> Limits:
    return Limits(
        device.compute_capability,
        device.MAX_THREADS_PER_BLOCK,
        (device.MAX_BLOCK_DIM_X, device.MAX_BLOCK_DIM_Y, device.MAX_BLOCK_DIM_Z),
        (device.MAX_GRID_DIM_X, device.MAX_GRID_DIM_Y, device.MAX_GRID_DIM_Z),
        device.MAX_SHARED_MEMORY_PER_BLOCK,
        device.MULTIPROCESSOR_COUNT,
        memory,
    )


def versions() -> dict[str, str]:
    """The versions of the driver and of the toolkit's compiler, as far as they are there."""
    if _not_installed() is not None or simulated():
        return {}
    from numba.cuda.cudadrv.driver import driver

    found = {}
    if _without_driver() is None:
        found["driver"] = _dotted(driver.get_version())
    try:
        found["toolkit"] = _dotted(cuda().runtime.get_version())
    except (RuntimeError, ImportError):
        pass
    return found


def devices() -> list[str]:
    """The devices by name, with their compute capabilities."""
    if _not_installed() is not None or not simulated() and _without_driver() is not None:
        return []
    if simulated():
        return ["simulator"]
    from numba.cuda.cudadrv.driver import driver

    found = [driver.get_device(number) for number in range(driver.get_device_count())]
    return [f"{_text(d.name)} ({_dotted(d.compute_capability)})" for d in found]


def _text(name: str | bytes) -> str:
    return name.decode() if isinstance(name, bytes) else name


# ---- kernels ----


def ptx(function: Any, signature: Any, cc: Capability = (9, 0), fastmath: bool = False) -> str:
    """The PTX of a kernel, a Python function or what `jit` made of one; it needs no device.

    Raises
    ------
    DeviceError
        In the simulator, which has no compiler.
    """
    if simulated():
        raise DeviceError("the simulator has no compiler", hint="unset NUMBA_ENABLE_CUDASIM")
    bare = getattr(function, "py_func", function)
    with _compiling, _as_if_on(cc):
        text, _ = cuda().compile_ptx(bare, signature, device=False, cc=cc, fastmath=fastmath)
    return str(text)


_compiling, _configuring = threading.Lock(), threading.Lock()


@contextmanager
def _as_if_on(cc: Capability) -> Iterator[None]:
    """Device functions that a kernel calls are compiled for the device at hand; here for one of this kind."""
    from numba.cuda import dispatcher

    asked, dispatcher.get_current_device = dispatcher.get_current_device, lambda: _Device(cc)
    try:
        yield
    finally:
        dispatcher.get_current_device = asked


@dataclass(frozen=True)
class _Device:
    compute_capability: Capability


def configured(kernel: Any, grid: Any, block: Any, shared: int = 0) -> Callable[..., None]:
    """A kernel to be called, on the current stream, without numba-cuda's advice against small grids."""
    if simulated():
        return kernel[grid, block]  # type: ignore[no-any-return]
    from numba.cuda.core import config

    with _configuring:
        advised, config.CUDA_LOW_OCCUPANCY_WARNINGS = config.CUDA_LOW_OCCUPANCY_WARNINGS, 0
        try:
            return kernel[grid, block, streams.current(), shared]  # type: ignore[no-any-return]
        finally:
            config.CUDA_LOW_OCCUPANCY_WARNINGS = advised
