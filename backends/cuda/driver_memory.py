"""Memory of the device, as numba-cuda and its simulator have it, and the arrays that lie in it."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import streams, toolkit


class NoRoom(Exception):
    """The device has no room for what was asked."""


def device() -> int:
    """The number of the current device."""
    return 0 if toolkit.simulated() else int(toolkit.cuda().current_context().device.id)


def free_bytes() -> int | None:
    """The bytes that the device has left; None in the simulator."""
    return None if toolkit.simulated() else int(toolkit.cuda().current_context().get_memory_info().free)


def allocate(nbytes: int) -> Any:
    """Memory of the current device, freed with the last reference to it; NoRoom where there is none."""
    if toolkit.simulated():
        return bytearray(nbytes)
    from numba.cuda.cudadrv.driver import CudaAPIError, binding

    try:
        return toolkit.cuda().current_context().memalloc(nbytes)
    except CudaAPIError as error:
        if error.code == binding.CUresult.CUDA_ERROR_OUT_OF_MEMORY:
            raise NoRoom from None
        raise


def array_in(
    memory: Any, shape: tuple[int, ...], dtype: np.dtype[Any], done: Callable[[], None]
) -> Any:
    """A C-contiguous array that lies in memory; `done` is called when it and all views of it are gone."""
    if toolkit.simulated():
        return _simulated_array(memory, shape, dtype, done)
    from numba.cuda.cudadrv.devicearray import DeviceNDArray

    pointer = toolkit.cuda().MemoryPointer(memory.context, memory.device_pointer, memory.size, finalizer=done)
    return DeviceNDArray(shape, _strides(shape, dtype.itemsize), dtype, gpu_data=pointer)


def _simulated_array(
    memory: bytearray, shape: tuple[int, ...], dtype: np.dtype[Any], done: Callable[[], None]
) -> Any:
    """Views of a NumPy array have the array that the memory was first seen as for their base."""
    from numba.cuda.cudadrv.devicearray import FakeCUDAArray

    whole = np.frombuffer(memory, np.uint8)
    whole.fill(0xFF)  # who reads what nobody wrote reads NaNs
    weakref.finalize(whole, done)
    return FakeCUDAArray(np.ndarray(shape, dtype, buffer=whole))


def _strides(shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    found = []
    for extent in reversed(shape):
        found.append(itemsize)
        itemsize *= extent
    return tuple(reversed(found))


def nothing(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
    """An array without elements."""
    return toolkit.cuda().device_array(shape, dtype)


def clear(array: Any) -> None:
    """Fill a C-contiguous array with zeros."""
    if toolkit.simulated():
        array.fill(0)
    elif array.size:
        from numba.cuda.cudadrv.driver import device_memset

        device_memset(array, 0, array.nbytes, streams.current())


def copy_on_device(target: Any, source: Any) -> None:
    """Copy an array of the device into another one of its shape and dtype, both of any strides."""
    if toolkit.simulated():
        target[...] = source
    elif target.size and source.is_c_contiguous() and target.is_c_contiguous():
        target.copy_to_device(source, stream=streams.current())
    elif target.size:
        target.setitem(..., source, streams.current())


def copy_to_device(target: Any, source: NDArray[Any]) -> None:
    """Copy a C-contiguous NumPy array into a device array of its shape and dtype."""
    if target.size:
        target.copy_to_device(source, stream=streams.current())


def copy_to_host(source: Any) -> NDArray[Any]:
    """A C-contiguous array of the device as a NumPy array; this waits for it."""
    found: NDArray[Any] = source.copy_to_host()
    return found


def synchronize() -> None:
    """Wait for all that runs on the device."""
    toolkit.cuda().synchronize()


def rotated(array: Any, count: int) -> Any:
    """A view of a C-contiguous array whose first axes, so many, are the last ones."""
    axes = (*range(count, array.ndim), *range(count))
    if toolkit.simulated():
        return array.transpose(axes)
    from numba.cuda.cudadrv.devicearray import DeviceNDArray

    # its own `transpose` copies, and knows matrices alone
    shape, strides = (tuple(of[a] for a in axes) for of in (array.shape, array.strides))
    return DeviceNDArray(shape, strides, array.dtype, gpu_data=array.gpu_data)
