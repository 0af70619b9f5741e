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


def api_error() -> type[Exception]:
    """What the driver's refusals are raised as."""
    from numba.cuda.cudadrv.driver import CudaAPIError

    return CudaAPIError  # type: ignore[no-any-return]


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


def pinned(elements: int, dtype: np.dtype[Any]) -> Any:
    """An array of the device that lies in the host's memory; NoRoom where that cannot be pinned."""
    if toolkit.simulated() or not elements:
        return nothing((elements,), dtype)
    from numba.cuda.cudadrv.devicearray import DeviceNDArray

    size = elements * dtype.itemsize
    try:
        memory = toolkit.cuda().current_context().memhostalloc(size, mapped=True)
    except api_error() as error:
        raise NoRoom from error
    return DeviceNDArray((elements,), (dtype.itemsize,), dtype, gpu_data=memory)


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
        target.copy_to_device(streams.lasting(source), stream=streams.current())


def copy_to_host(source: Any) -> NDArray[Any]:
    """A C-contiguous array of the device as a NumPy array; this waits for it."""
    found: NDArray[Any] = source.copy_to_host()
    return found


def synchronize() -> None:
    """Wait for all that runs on the device."""
    toolkit.cuda().synchronize()


def address(array: Any) -> int:
    """Where the first element of an array of the device lies; 0 where it has none."""
    if toolkit.simulated():
        return int(array.ctypes.data)
    return array.device_ctypes_pointer.value or 0


def transposed(matrix: Any) -> Any:
    """A view of a matrix with rows for columns."""
    return _rearranged(matrix, (1, 0))


def rotated(array: Any, count: int) -> Any:
    """A view of an array whose first axes, so many, are the last ones."""
    return _rearranged(array, (*range(count, array.ndim), *range(count)))


def _rearranged(array: Any, axes: tuple[int, ...]) -> Any:
    """A view with the axes in this order; numba-cuda's own `transpose` copies, and takes matrices alone."""
    if toolkit.simulated():
        return array.transpose(axes)
    from numba.cuda.cudadrv.devicearray import DeviceNDArray

    shape, strides = (tuple(along[a] for a in axes) for along in (array.shape, array.strides))
    return DeviceNDArray(shape, strides, array.dtype, gpu_data=array.gpu_data)
