"""Arrays of other libraries on the device: views of what users hand over, results as what they handed over.

A view is an array of numba-cuda in the memory of the other library, by DLPack or `__cuda_array_interface__`
(Numba's documentation has its third version), which it keeps alive. Either way what computes the array on
another stream is done before what runs here. Results are views the other way round, in memory of the pool.
That memory serves again when the last view is gone, in the order of the default stream, so a library whose
current stream is another one gets a copy in its own memory.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from ...ir.errors import ArgumentError
from . import arrays, driver_memory, foreign

Exporter = Callable[[Any], Any]


def entered(array: Any) -> Any:
    """An array of the device, of any library, as a C-contiguous one that programs take: itself, a view of it,
    or a copy where it is not contiguous.

    Raises
    ------
    ArgumentError
        It lies on another device than the current one.
    """
    found = view(array)
    return found if found.is_c_contiguous() else arrays.copy(found)


def view(array: Any) -> Any:
    """The same array as one of numba-cuda."""
    found, number = foreign.view_of(array)
    current = driver_memory.device()
    if number != current:
        raise ArgumentError(
            f"an argument lies on GPU {number}, and the current one is GPU {current}",
            hint=f"call numba.cuda.select_device({number}) first",
        )
    return found


def exporter(array: Any) -> Exporter:
    """What makes results of the kind of an argument: tensors for tensors of PyTorch, arrays of CuPy likewise,
    arrays of numba-cuda for all others."""
    match type(array).__module__.partition(".")[0]:
        case "torch":
            return _to_torch
        case "cupy":
            return _to_cupy
        case _:
            return lambda result: result


def _to_torch(result: Any) -> Any:
    torch = sys.modules["torch"]
    stream = torch.cuda.current_stream()
    made = torch.as_tensor(result, device="cuda")
    return _copied(made.clone, stream.synchronize) if stream.cuda_stream else made


def _to_cupy(result: Any) -> Any:
    cupy = sys.modules["cupy"]
    stream = cupy.cuda.get_current_stream()
    made = cupy.asarray(result)
    return _copied(made.copy, stream.synchronize) if stream.ptr else made


def _copied(copy: Callable[[], Any], synchronize: Callable[[], None]) -> Any:
    """A copy made on a stream that the default one does not wait for, nor the other way round."""
    driver_memory.synchronize()
    made = copy()
    synchronize()
    return made
