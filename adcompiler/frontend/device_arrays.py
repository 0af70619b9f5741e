"""Arrays on a GPU as arguments: whoever made them, by the protocols that they speak.

Tracing needs their dtype and shape alone. Nothing here loads a package or looks at what they hold.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np

ON_GPU = (2, 13)
"""The device types of DLPack that are memory of CUDA: its own, and managed."""


def is_device_array(x: Any) -> bool:
    """Whether an object is an array on a GPU: of numba-cuda, or by DLPack or `__cuda_array_interface__`."""
    if isinstance(x, np.ndarray | type):
        return False
    if getattr(type(x), "__cuda_ndarray__", False) is True:
        return True
    if hasattr(type(x), "__dlpack_device__"):
        return int(x.__dlpack_device__()[0]) in ON_GPU
    return all(hasattr(x, name) for name in ("__cuda_array_interface__", "shape", "dtype"))


def dtype_of(x: Any) -> np.dtype[Any] | None:
    """The dtype of a device array as NumPy's, None if NumPy has none: PyTorch's are called alike."""
    for name in (x.dtype, str(x.dtype).rpartition(".")[2]):
        with suppress(TypeError):
            return np.dtype(name)
    return None


def is_device_array_of(x: Any, dtype: np.dtype[Any]) -> bool:
    """Whether an object is a device array of this dtype that may be an argument."""
    return is_device_array(x) and dtype_of(x) == dtype and not getattr(x, "requires_grad", False)


class _Addresses:
    """The memory of an array, for NumPy to reason about and never to read."""

    def __init__(self, interface: dict[str, Any]) -> None:
        known = {key: interface.get(key) for key in ("shape", "typestr", "strides")}
        self.__array_interface__ = {**known, "data": (interface["data"][0], True), "version": 3}


def addresses(x: Any) -> np.ndarray[Any, Any] | None:
    """A NumPy array at the addresses of an array, which may not be read; None where they are not known."""
    if isinstance(x, np.ndarray):
        return x
    simulated = getattr(x, "_ary", None)  # what an array of numba-cuda's simulator wraps
    if isinstance(simulated, np.ndarray):
        return simulated
    interface = getattr(x, "__cuda_array_interface__", None)
    return None if interface is None else np.asarray(_Addresses(interface))
