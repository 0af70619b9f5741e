"""From a host program, which takes and gives arrays of the device, to the `call` that `Compiled` promises.

NumPy arrays are copied to the device at each call, and results back to NumPy. Where an argument is an array
on the device, results stay there, in the kind of the first such argument; NumPy arrays beside it are copied
in.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ....ir.graph import Eqn, Function
from ....ir.types import ArrayType
from ...compiled import Results, destined, failure
from . import interchange, toolkit
from .checks import first_failed

HostProgram = Callable[..., Sequence[Any]]


@dataclass(frozen=True, eq=False)
class Caller:
    """The call of a host program for a Function.

    The program takes the parameters, then the sizes, and returns its results, numbers also as arrays of one
    element. Where there are checks, the number of the one that failed first stands before them, or 0, or the
    words that tell (`checks`). Parameters with numbers in `on_host` are arrays of NumPy to it.
    """

    program: HostProgram
    function: Function
    checks: Sequence[Eqn] = ()
    on_host: Collection[int] = ()

    def __call__(self, *given: Any) -> Results:
        """What `Compiled.call` promises."""
        params = len(self._types)
        leave = interchange.leaving(given[:params])
        outs = dict(zip(self._brought, given[params + len(self.function.sizes) :], strict=False))
        results = []
        for k, result in enumerate(self.staying(*given)):
            if outs.get(k) is None:
                results.append(leave(result) if interchange.is_foreign(result) else result)
            else:
                interchange.put(outs[k], result)
                results.append(outs[k])
        return tuple(results)

    def staying(self, *given: Any) -> Sequence[Any]:
        """The results as arrays of numba-cuda, wherever the arguments are."""
        toolkit.demand_device()
        types = self._types
        entered = [
            _on_host(x, type_) if not type_.rank or k in self.on_host else interchange.entered(x)
            for k, (x, type_) in enumerate(zip(given, types, strict=False))
        ]
        sizes = given[len(types) : len(types) + len(self.function.sizes)]
        with np.errstate(all="ignore"):  # the device warns of nothing
            results = self.program(*entered, *sizes)
        if self.checks:
            status, *results = results
            number = first_failed(status) if interchange.is_foreign(status) else status
            if number:
                raise failure(self.checks[number - 1])
        outcome = zip(results, self.function.body.results, strict=True)
        return [r if kind.type.rank or np.isscalar(r) else _number(r, kind.type) for r, kind in outcome]

    @cached_property
    def _types(self) -> list[ArrayType]:
        return [p.type for p in self.function.body.params]

    @cached_property
    def _brought(self) -> tuple[int, ...]:
        return destined(self.function)


def _number(x: Any, type_: ArrayType) -> Any:
    """The one element of an array."""
    return type_.dtype.numpy.type(interchange.on_host(x)[0] if interchange.is_foreign(x) else x[0])


def _on_host(x: Any, type_: ArrayType) -> Any:
    """An array of NumPy, or a scalar of it where the rank is 0."""
    found = interchange.on_host(x) if interchange.is_foreign(x) else x
    return found if type_.rank else type_.dtype.numpy.type(found)
