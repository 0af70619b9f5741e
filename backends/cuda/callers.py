"""From a host program, which takes and gives arrays of the device, to the `call` that `Compiled` promises.

NumPy arrays are copied to the device at each call, and results back to NumPy. Where an argument is an array
on the device, results stay there, as arrays of the kind of the first such argument; NumPy arrays beside it are
copied in.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np

from ...ir.graph import Eqn, Function
from ...ir.types import ArrayType
from ..compiled import Results, destined, failure
from . import arrays, interchange, toolkit

HostProgram = Callable[..., Sequence[Any]]


def calling(
    program: HostProgram, function: Function, checks: Sequence[Eqn] = (), on_host: Collection[int] = ()
) -> Callable[..., Results]:
    """The call of a host program for a Function.

    The program takes the parameters, then the sizes, and returns its results; where there are checks, before
    them the number of the one that failed first, or 0. Parameters with numbers in `on_host` are arrays of
    NumPy to it.
    """
    types = [p.type for p in function.body.params]
    last = len(types) + len(function.sizes)
    brought = destined(function)

    def call(*given: Any) -> Results:
        toolkit.demand_device()
        guest = next((x for x in given[: len(types)] if _is_on_device(x)), None)
        entered = [
            _on_host(x, type_) if not type_.rank or k in on_host else _on_device(x)
            for k, (x, type_) in enumerate(zip(given, types, strict=False))
        ]
        with np.errstate(all="ignore"):  # the device warns of nothing
            results = program(*entered, *given[len(types) : last])
        if checks:
            number, *results = results
            if number:
                raise failure(checks[number - 1])
        outs = dict(zip(brought, given[last:], strict=False))
        leave = arrays.to_host if guest is None else interchange.exporter(guest)
        return tuple(_left(result, outs.get(k), leave) for k, result in enumerate(results))

    return call


def _is_on_device(x: Any) -> bool:
    return not isinstance(x, np.ndarray | np.generic | int | float)


def _on_device(x: Any) -> Any:
    return interchange.entered(x) if _is_on_device(x) else arrays.to_device(x)


def _on_host(x: Any, type_: ArrayType) -> Any:
    """An array of NumPy, or a scalar of it where the rank is 0."""
    found = arrays.to_host(interchange.entered(x)) if _is_on_device(x) else x
    return found if type_.rank else type_.dtype.numpy.type(found)


def _left(result: Any, out: Any, leave: interchange.Exporter) -> Any:
    """A result as the caller gets it: in the array that he brought, if any."""
    if isinstance(out, np.ndarray):
        out[...] = arrays.to_host(result) if _is_on_device(result) else result
    elif out is not None:
        arrays.overwrite(interchange.view(out), result)
    else:
        return leave(result) if _is_on_device(result) else result
    return out
