"""Arrays of other libraries on the device as arrays of numba-cuda."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import toolkit

LEGACY = 1
"""What DLPack and `__cuda_array_interface__` call the default stream."""


def view_of(array: Any) -> tuple[Any, int]:
    """An array as one of numba-cuda, which keeps it alive, and the number of the device that it lies on."""
    if toolkit.simulated():
        return (array if _is_ours(array) else _simulated_view(array)), 0
    if _is_ours(array):
        return array, int(array.gpu_data.context.device.id)
    from cuda.core.utils import StridedMemoryView

    found = StridedMemoryView.from_any_interface(array, stream_ptr=LEGACY)
    strides = found.strides and tuple(step * found.dtype.itemsize for step in found.strides)
    interface = {
        "shape": tuple(found.shape),
        "strides": strides,
        "typestr": found.dtype.str,
        "data": (found.ptr, found.readonly),
        "version": 3,
    }
    return toolkit.cuda().from_cuda_array_interface(interface, owner=found, sync=False), found.device_id


def is_read_only(array: Any) -> bool:
    """Whether an array says of itself that it may not be written."""
    interface = getattr(array, "__cuda_array_interface__", None)
    return interface is not None and bool(interface["data"][1])


def _is_ours(array: Any) -> bool:
    return getattr(array, "__cuda_ndarray__", False) is True


def _simulated_view(array: Any) -> Any:
    """Memory of the simulated device is the host's."""
    from numba.cuda.cudadrv.devicearray import FakeCUDAArray

    return FakeCUDAArray(np.asarray(_OnHost(array)))


class _OnHost:
    """An array by its interface, which NumPy keeps alive."""

    def __init__(self, array: Any) -> None:
        self.__array_interface__ = {**array.__cuda_array_interface__, "version": 3}
        self.owner = array
