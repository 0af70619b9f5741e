"""What a backend gives back, and what it may be asked for."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from ..ir.errors import CheckError
from ..ir.graph import Eqn, Function
from ..ir.op import Library
from ..ir.types import Dim, Sizes
from . import cuts
from .peak import Needs

Results = tuple[Any, ...]


@dataclass(frozen=True)
class Options:
    """How code is generated.

    `fastmath` lets the compiler reassociate and assume that there is no NaN and no infinity. Without it the
    user's arithmetic is compiled as written, up to contraction of a multiplication and an addition.

    A call with much to do has at most so many `threads`, or all that there are where that is None; one where
    it is not `parallel`. No result depends on that.

    With `carve` arrays lie in one piece of memory that is kept between calls, which is quick; those share a
    part of it whose sizes differ by a constant. Without, each is made where it is needed and freed behind its
    last use, so that any two share memory.

    A device may add up in any order, by atomic additions, unless results are to be `deterministic`: the same
    bits in every run. CPUs always are. With `graphs` it is given the launches of calls that repeat as graphs.
    """

    fastmath: bool = False
    parallel: bool = True
    threads: int | None = None
    carve: bool = True
    deterministic: bool = True
    graphs: bool = False


@dataclass(eq=False)
class Compiled:
    """A Function as a callable.

    `call(*arguments, *sizes)` takes the parameters in order (C-contiguous arrays and NumPy scalars of
    exactly the parameter's dtype), then the sizes in the order of `Function.sizes` as integers; it returns
    a tuple of fresh arrays and NumPy scalars. Behind the sizes may stand, for each result that is `destined`,
    the C-contiguous array to make it in, which shares no memory with another argument, or None.
    `compile(*call)` does beforehand what the first call with these arguments would do, `compile()` what one
    with few elements would; it may replace `call` by something faster, so look `call` up anew for each call.
    `notes` tells of copies that a loop makes in each trip.
    """

    function: Function
    source: str
    kernels: Callable[[], str]
    notes: tuple[str, ...]
    call: Callable[..., Results]
    needs: Needs
    """The memory that a call takes which is not large."""
    compile: Callable[..., None] = field(default=lambda *call: None)
    kernel: Any = None
    """What Numba compiled, once it has."""
    large: Callable[[], Compiled] | None = None
    """What large calls run instead, where there is something to do for threads; made at the first of them."""
    staying: Callable[..., Sequence[Any]] = field(init=False)
    """The call whose results stay where they are computed, on a GPU as arrays of numba-cuda."""
    work: Dim = Dim.of(0)
    """Operations that could be spread over threads: calls with many of them are large."""

    def __post_init__(self) -> None:
        self.staying = lambda *given: self.call(*given)

    def needs_at(self, sizes: Sizes) -> Needs:
        """The memory that a call with these sizes takes, by what runs then."""
        if self.large is not None and self.work.value(sizes) >= cuts.WORTH:
            return self.large().needs
        return self.needs

    @cached_property
    def kernels_text(self) -> str:
        """The loop nests over buffers, as text."""
        return self.kernels()


def failure(check: Eqn) -> Exception:
    """The exception that a failed `check` raises, or a library that fails; its note shows the user's line."""
    error: Exception
    if isinstance(check.op.lowering, Library):
        error = np.linalg.LinAlgError(check.op.lowering.fails)
    else:
        kind = getattr(builtins, str(check.attrs["kind"]), CheckError)
        error = kind(str(check.attrs["message"]))
    if check.location is not None:
        error.add_note(f"{check.location}: {check.location.source}")
    return error


def raising(entry: Callable[..., Results], checks: Sequence[Eqn]) -> Callable[..., Results]:
    """`entry` returns a status before its results: 0, or the number of the check that failed first."""
    if not checks:
        return entry

    def call(*args: Any) -> Results:
        results = entry(*args)
        if results[0]:
            raise failure(checks[results[0] - 1])
        return results[1:]

    return call


def destined(function: Function) -> tuple[int, ...]:
    """The results for which a caller may bring arrays: those of a size that is known before the call."""
    sizes = set(function.sizes)
    types = [result.type for result in function.body.results]
    return tuple(k for k, t in enumerate(types) if t.rank and all(d.names() <= sizes for d in t.shape))


def copied_into(results: Results, numbers: Sequence[int], outs: Sequence[Any]) -> Results:
    """The results, those with these numbers in the arrays that the caller brought, where it did."""
    found = list(results)
    for number, out in zip(numbers, outs, strict=False):
        if out is not None:
            out[...] = found[number]
            found[number] = out
    return tuple(found)
