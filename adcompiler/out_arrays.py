"""Arrays that users bring for results: `out=`, in NumPy's manner.

Such an array must have exactly the dtype and shape of its result, be writeable, and share no memory with an
argument nor with another one. The compiled program makes the result there; where the array is not contiguous
it is copied there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .backends import destined
from .backends.cuda.device import interchange
from .backends.cuda.device.foreign import is_read_only
from .frontend.arguments import READY
from .frontend.captured import Inputs
from .frontend.device_arrays import dtype_of, is_device_array
from .frontend.sharing import overlaps
from .ir.errors import ArgumentError
from .ir.graph import Function
from .planned import Program

Named = tuple[str, Any]
"""An array, and what the user calls it."""


@dataclass(frozen=True)
class Out:
    """What is brought for one result of a program; `what` is its name in messages."""

    what: str
    result: int
    array: Any


def call_into(
    program: Program, inputs: Inputs, outs: Sequence[Out], read: Sequence[Named], on_device: bool
) -> tuple[Any, ...]:
    """The results of a program, which are in the arrays brought, too; `read` are the arrays that it reads.

    Arrays may be on a GPU for a program that runs there, `on_device`.
    """
    function = program.function
    sizes = dict(zip(function.sizes, inputs[len(function.body.params) :], strict=True))
    known = destined(function)
    for n, out in enumerate(outs):
        _check(out, function, sizes if out.result in known else None, on_device)
        others = [(f"`{name}`", array) for name, array in read]
        _check_apart(out, [*others, *((other.what, other.array) for other in outs[:n])])
    ready = {o.result: o.array for o in outs if on_device or _is_ready(o.array)}
    results = program.call(*inputs, *(ready.get(k) for k in known))
    for out in outs:
        if results[out.result] is not out.array:
            _fill(out, results[out.result], on_device)
    return results


def _check(out: Out, function: Function, sizes: dict[str, int] | None, on_device: bool) -> None:
    """That an array can hold its result exactly; of its shape only the rank where sizes are not known."""
    array, type_ = out.array, function.body.results[out.result].type
    there = on_device and is_device_array(array)
    if not isinstance(array, np.ndarray) and not there:
        raise ArgumentError(
            f"{out.what} is a {type(array).__name__}, where an array of {type_.dtype.numpy} is expected"
        )
    if (dtype_of(array) if there else array.dtype) != type_.dtype.numpy:
        raise ArgumentError(f"{out.what} is of dtype {array.dtype}, where the result is {type_.dtype.numpy}")
    given = tuple(array.shape)
    shape = given if sizes is None else tuple(d.positive().value(sizes) for d in type_.shape)
    if len(given) != type_.rank or given != shape:
        raise ArgumentError(f"{out.what} has shape {given}, where the result has {shape}")
    if is_read_only(array) if there else not array.flags.writeable:
        raise ArgumentError(f"{out.what} is read-only")


def _check_apart(out: Out, others: Sequence[Named]) -> None:
    for name, array in others:
        if overlaps(out.array, array):
            raise ArgumentError(
                f"{out.what} shares memory with {name}", hint="bring an array of its own, or none"
            )


def _is_ready(array: Any) -> bool:
    """Whether compiled code can write there."""
    return type(array) is np.ndarray and array.ndim > 0 and array.flags.num & READY == READY


def _fill(out: Out, result: Any, on_device: bool) -> None:
    given, shape = tuple(out.array.shape), tuple(np.shape(result))
    if given != shape:
        raise ArgumentError(f"{out.what} has shape {given}, where the result has {shape}")
    if on_device:
        interchange.put(out.array, result)
    else:
        out.array[...] = result
