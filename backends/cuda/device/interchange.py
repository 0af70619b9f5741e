"""Arrays of other libraries on the device: views of what users hand over, results as what they handed over.

A view is an array of numba-cuda in the memory of the other library, by DLPack or `__cuda_array_interface__`
(Numba's documentation has its third version), which it keeps alive. Either way what computes the array on
another stream is done before what runs here. Results are views the other way round, in memory of the pool.
That memory serves again when the last view is gone, in the order of the default stream, so a library whose
current stream is another one gets a copy in its own memory.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ....ir.errors import ArgumentError
from . import arrays, driver_memory, foreign

Exporter = Callable[[Any], Any]


def is_foreign(x: Any) -> bool:
    """Whether a value of a program is an array on the device: no array, scalar or number of the host."""
    return not isinstance(x, np.ndarray | np.generic | int | float | None)


def entered(array: Any) -> Any:
    """An array as a C-contiguous one that programs take: itself, a view of it, or a copy where it is not
    contiguous, or not on the device.

    Raises
    ------
    ArgumentError
        It lies on another device than the current one.
    """
    if not is_foreign(array):
        return arrays.to_device(array)
    found = view(array)
    return found if found.is_c_contiguous() else arrays.copy(found)


def on_host(array: Any) -> Any:
    """An array on the device, of any library, as one of NumPy."""
    return arrays.to_host(entered(array))


def view(array: Any) -> Any:
    """An array on the device, of any library, as one of numba-cuda."""
    found, number = foreign.view_of(array)
    current = driver_memory.device()
    if number != current:
        raise ArgumentError(
            f"an array lies on GPU {number}, and the current one is GPU {current}",
            hint=f"call numba.cuda.select_device({number}) first",
        )
    return found


def put(target: Any, value: Any) -> None:
    """Copy a value of a program into an array of its shape and dtype that the caller brought.

    Raises
    ------
    ArgumentError
        The array is read-only.
    """
    if isinstance(target, np.ndarray):
        target[...] = arrays.to_host(value) if is_foreign(value) else value
        return
    if foreign.is_read_only(target):
        raise ArgumentError("an array that the function writes is read-only", hint="pass a copy")
    found = view(target)
    arrays.overwrite(found, entered(value if is_foreign(value) else np.asarray(value)))
    if found is not target:  # another library may go on on another stream
        driver_memory.synchronize()


def lent(array: Any) -> Any:
    """An array of numba-cuda as memory for a program to work in, which is no argument of a user."""
    array.is_lent = True
    return array


def leaving(arguments: Iterable[Any]) -> Exporter:
    """What makes of an array on the device what the caller gets: the kind of his first argument there, or a
    NumPy array if there is none."""
    guest = next((x for x in arguments if is_foreign(x) and not getattr(x, "is_lent", False)), None)
    return arrays.to_host if guest is None else exporter(guest)


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
