"""The outcome of capturing a function: its program, and what is needed to call it again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import optree

from adcompiler.ir.errors import ArgumentError
from adcompiler.ir.graph import Function
from adcompiler.ir.types import Dim, Guard

from .arguments import Binder, LeafKey, ready
from .device_arrays import is_device_array
from .observations import Hidden, Observation
from .sharing import Shared, overlaps


@dataclass(frozen=True)
class Request:
    """A call to be captured: the function, how it takes its arguments, and their leaves.

    `values` has one entry a parameter of the function, `leaves` are those of its tree `structure`.
    """

    function: Callable[..., Any]
    binder: Binder
    values: tuple[Any, ...]
    leaves: tuple[Any, ...]
    structure: optree.PyTreeSpec
    names: tuple[str, ...]
    keys: tuple[LeafKey, ...]
    shared: tuple[Shared, ...]


@dataclass(frozen=True)
class Argument:
    """One leaf of the arguments: what the user calls it, and what it is to the program.

    `parameter` is the number of its parameter in the Function, None for one that is not traced. `written`
    says that the function changes it, `lost` why its contents after a call are not known, and `same_as` is
    the number of the argument that is the same array, if the function changes that.
    """

    name: str
    key: LeafKey
    parameter: int | None
    written: bool = False
    lost: str | None = None
    same_as: int | None = None


@dataclass(frozen=True)
class SizeSource:
    """Where a size is read: from an axis of an argument leaf or hidden argument, or from an int leaf.

    `operand` counts argument leaves first, then hidden arguments.
    """

    operand: int
    axis: int | None

    def read(self, values: Sequence[Any]) -> int:
        """The size; that of a negative int is its absolute value."""
        value = values[self.operand]
        return abs(value) if self.axis is None else int(value.shape[self.axis])


@dataclass(frozen=True)
class Implied:
    """A size that is not free: the trace assumed that it is a polynomial in others."""

    source: SizeSource
    dim: Dim
    name: str

    def __str__(self) -> str:
        return f"{self.name} == {self.dim}"


@dataclass(frozen=True)
class Output:
    """One leaf of what the function returns: a result of the program, or a value known when it was traced.

    `weak` says that plain Python would have returned a Python number.
    """

    result: int | None
    static: Any = None
    weak: bool = False


Inputs = tuple[Any, ...]
"""What a compiled program is called with: the values of its parameters, then its sizes."""


class Operands(NamedTuple):
    """What a compiled program is called with, in two parts: one value a parameter, one integer a size."""

    values: Sequence[Any]
    sizes: Sequence[int]

    @property
    def inputs(self) -> Inputs:
        """All of them in a row."""
        return (*self.values, *self.sizes)


@dataclass(frozen=True)
class Captured:
    """A Function, and how it is called.

    Attributes
    ----------
    function
        One parameter for each traced argument leaf, in order, then the hidden arguments.
    arguments
        Every leaf of the arguments, in order.
    structure
        The tree of the arguments: a tuple with one subtree a parameter of the user's function.
    hidden
        Arrays and floats that are read at each call, though they are no arguments.
    sizes, implied
        Where each size of the Function is read; sizes that must be what the trace took them for.
    observations
        What tracing read of the Python world; the program serves as long as it holds.
    outputs, result
        The leaves of what the user's function returns, and their tree.
    traces
        How often the body of the loop at each line was traced.
    """

    function: Function
    arguments: tuple[Argument, ...]
    structure: optree.PyTreeSpec
    hidden: tuple[Hidden, ...]
    sizes: tuple[SizeSource, ...]
    implied: tuple[Implied, ...]
    observations: tuple[Observation, ...]
    outputs: tuple[Output, ...]
    result: optree.PyTreeSpec
    traces: Mapping[int, int]

    @cached_property
    def _traced(self) -> tuple[int, ...]:
        return tuple(k for k, argument in enumerate(self.arguments) if argument.key.traced)

    def operands(self, callee: Any, leaves: Sequence[Any]) -> Operands | None:
        """What to call the program with; None if it does not serve this call."""
        for observation in self.observations:
            if not observation.holds(callee, leaves):
                return None
        hidden = [item.path.read(callee, leaves) for item in self.hidden]
        sizes: Sequence[int] = ()
        if self.sizes or self.implied:
            every = (*leaves, *hidden)
            sizes = [source.read(every) for source in self.sizes]
            if self._failing_size(every, sizes) is not None:
                return None
        if hidden:
            self._check_written(leaves, hidden)
        values = [leaves[k] for k in self._traced] + hidden
        return Operands([ready(v) if isinstance(v, np.ndarray) else v for v in values], sizes)

    def split(self, inputs: Inputs) -> Operands:
        """The values and the sizes among the inputs of the program."""
        values = len(self.function.body.params)
        return Operands(inputs[:values], inputs[values:])

    def arrays_read(self, leaves: Sequence[Any], inputs: Inputs) -> list[tuple[str, Any]]:
        """The arrays that a call with these leaves and inputs reads, and what the user calls them."""
        names = [*(a.name for a in self.arguments), *(str(hidden.path) for hidden in self.hidden)]
        first = len(self.function.body.params) - len(self.hidden)
        values = (*leaves, *inputs[first : len(self.function.body.params)])
        found = zip(names, values, strict=True)
        return [(n, v) for n, v in found if isinstance(v, np.ndarray) or is_device_array(v)]

    def failing(self, callee: Any, leaves: Sequence[Any]) -> str:
        """Why the program does not serve: the observation or the guard that does not hold any more."""
        for observation in self.observations:
            if not observation.holds(callee, leaves):
                return f"the guard that {observation} failed"
        every = (*leaves, *(item.path.read(callee, leaves) for item in self.hidden))
        failed = self._failing_size(every, [source.read(every) for source in self.sizes])
        return f"the guard `{failed}` on the sizes failed"

    def _failing_size(self, values: Sequence[Any], sizes: Sequence[int]) -> Guard | Implied | None:
        """The first of the guards on sizes that does not hold."""
        if not (self.implied or self.function.guards):
            return None
        named = dict(zip(self.function.sizes, sizes, strict=True))
        for implied in self.implied:
            if implied.source.read(values) != implied.dim.value(named):
                return implied
        return next((guard for guard in self.function.guards if not guard.holds(named)), None)

    def _check_written(self, leaves: Sequence[Any], hidden: Sequence[Any]) -> None:
        """An argument that the function changes must not be read as a global at the same time."""
        for argument, leaf in zip(self.arguments, leaves, strict=True):
            for item, value in zip(self.hidden, hidden, strict=True):
                if argument.written and isinstance(value, np.ndarray) and overlaps(leaf, value):
                    raise ArgumentError(
                        f"the function changes its argument `{argument.name}`, which shares memory with "
                        f"`{item.path}`, which it reads",
                        hint=f"pass a copy: {argument.name}.copy()",
                    )

    def returned(self, results: Sequence[Any]) -> Any:
        """What the user's function returns, of the results of the program."""
        leaves = [out.static if out.result is None else results[out.result] for out in self.outputs]
        return optree.tree_unflatten(self.result, leaves)
