"""From a host program, which takes and gives arrays of the device, to the `call` that `Compiled` promises.

NumPy arrays are copied to the device at each call, and results back to NumPy. Where an argument is an array
on the device, results stay there, as arrays of the kind of the first such argument; NumPy arrays beside it are
copied in.

The host program takes the parameters in order, then the sizes, and returns `status`, None where it has no
checks, then its results. `status` is an array of i32 on the device: word 0 says whether any check failed, and
word k whether number k did, counted from 1 in program order.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np

from ...ir.graph import Eqn, Function
from ..compiled import Results, destined, failure
from . import arrays, interchange, toolkit

HostProgram = Callable[..., Sequence[Any]]


def words(checks: Sequence[Eqn]) -> int:
    """The words of `status`."""
    return 1 + len(checks)


def raise_failed(status: Any, checks: Sequence[Eqn]) -> None:
    """Raise what the first failed check raises; this waits for the device."""
    if status is None:
        return
    failed = np.flatnonzero(arrays.to_host(status)[1:])
    if failed.size:
        raise failure(checks[failed[0]])


def calling(
    program: HostProgram, function: Function, checks: Sequence[Eqn], on_host: Collection[int] = ()
) -> Callable[..., Results]:
    """The call of a host program for a Function; the parameters with numbers in `on_host` are arrays of NumPy
    to it."""
    ranks = [p.type.rank for p in function.body.params]
    last = len(ranks) + len(function.sizes)
    brought = destined(function)

    def call(*given: Any) -> Results:
        toolkit.demand_device()
        guest = next((x for x in given[: len(ranks)] if _is_foreign(x)), None)
        entered = [
            _on_host(x) if not rank or k in on_host else _entered(x)
            for k, (x, rank) in enumerate(zip(given, ranks, strict=False))
        ]
        status, *results = program(*entered, *given[len(ranks) : last])
        raise_failed(status, checks)
        outs = dict(zip(brought, given[last:], strict=False))
        leave = arrays.to_host if guest is None else interchange.exporter(guest)
        return tuple(_left(result, outs.get(k), leave) for k, result in enumerate(results))

    return call


def _is_foreign(x: Any) -> bool:
    """Whether a value is an array on the device."""
    return not isinstance(x, np.ndarray | np.generic | int | float)


def _entered(x: Any) -> Any:
    return interchange.entered(x) if _is_foreign(x) else arrays.to_device(x)


def _on_host(x: Any) -> Any:
    """An array of NumPy; of rank 0, a scalar."""
    return arrays.to_host(interchange.entered(x))[()] if _is_foreign(x) else x


def _left(result: Any, out: Any, leave: interchange.Exporter) -> Any:
    """A result as the caller gets it: in the array that he brought, if any."""
    if isinstance(out, np.ndarray):
        out[...] = arrays.to_host(result) if _is_foreign(result) else result
        return out
    if out is not None:
        arrays.copy_into(interchange.view(out), result)
        return out
    return leave(result) if _is_foreign(result) else result
