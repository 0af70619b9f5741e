"""From a Python callable and example arguments to a Function, and all that is needed to call it again."""

from __future__ import annotations

import dataclasses
import keyword
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import optree

from adcompiler.ir.errors import ArgumentError, CaptureError
from adcompiler.ir.graph import Function, Value
from adcompiler.ir.types import Dim

from .arguments import Binder, Kind, LeafKey, binder, flatten, leaf_key, leaf_names
from .captured import Argument, Captured, Implied, Output, Request, SizeSource
from .cells import Cell
from .frames import Outcome, Trace, run
from .numpy_functions import ARITHMETIC
from .observations import CALLEE, Path
from .outputs import results_of
from .outside import Outside
from .runtime import Tracer
from .scalars import TracedScalar
from .sharing import Shared, shared_memory
from .sizes import integer
from .values import TracedArray


def capture(
    function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any] | None = None
) -> Captured:
    """Trace a function at example arguments.

    Parameters
    ----------
    function
        A Python function, method, lambda, `functools.partial`, callable object, Numba dispatcher or NumPy
        function.
    args, kwargs
        Arguments: their kinds, dtypes, ranks and small sizes are what the program is for; other sizes are
        symbolic, and stand for all values under which the same branches are taken.

    Raises
    ------
    CaptureError
        If the function does something that is not captured.
    ArgumentError, DTypeError
        If an argument is of a kind or dtype that the compiler does not have.
    """
    binding = binder(function)
    return capture_request(request(function, binding, binding.bind(tuple(args), kwargs or {})))


def request(
    function: Callable[..., Any], binding: Binder, values: tuple[Any, ...], on_device: bool = False
) -> Request:
    """What is to be captured, of one value a parameter; arrays may be on a GPU for programs that are."""
    leaves, structure = flatten(values)
    names = tuple(leaf_names(values, binding.names))
    keys = tuple(leaf_key(leaf, name, on_device) for leaf, name in zip(leaves, names, strict=True))
    shared = shared_memory(leaves)
    return Request(function, binding, values, tuple(leaves), structure, names, keys, shared)


def capture_request(asked: Request) -> Captured:
    """Trace a call. Arguments that share memory are taken for different arrays unless one is written."""
    captured = _Capture(asked).run()
    touched = [pair for pair in asked.shared if _writes(captured, pair)]
    for pair in touched:
        if not pair.same:
            one, other = captured.arguments[pair.first].name, captured.arguments[pair.second].name
            raise ArgumentError(
                f"`{one}` and `{other}` overlap in memory, and the function writes one of them",
                hint=f"pass a copy: {other}.copy()",
            )
    return _Capture(asked, {pair.second: pair.first for pair in touched}).run() if touched else captured


def _writes(captured: Captured, pair: Shared) -> bool:
    return any(captured.arguments[k].written or captured.arguments[k].lost for k in (pair.first, pair.second))


@dataclass
class _Capture:
    """One capture; `same` maps argument leaves to earlier ones that are the same array."""

    asked: Request
    same: Mapping[int, int] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    world: Outside = field(init=False)
    tracer: Tracer = field(init=False)
    handles: list[Any] = field(init=False)
    parameters: dict[int, Value] = field(init=False)
    outputs: tuple[Output, ...] = ()
    result: Any = None
    trace: Trace = field(init=False)

    def run(self) -> Captured:
        self.names = identifiers(self.asked.names)
        name = getattr(self.asked.function, "__name__", type(self.asked.function).__name__)
        try:
            function = run(identifiers([name])[0], self._body, ARITHMETIC)
        except RecursionError:
            raise CaptureError(
                f"`{name}` calls itself without end while it is traced",
                hint="recursion must stop at plain Python values, not at traced ones",
            ) from None
        return self._captured(function)

    # The trace ---------------------------------------------------------------------------------------------

    def _body(self, trace: Trace) -> Outcome:
        asked = self.asked
        self.trace = trace
        self.world = Outside(asked.function, asked.leaves, self._hidden)
        self.handles, self.parameters = [], {}
        for k, (leaf, key) in enumerate(zip(asked.leaves, asked.keys, strict=True)):
            self.handles.append(self._argument(k, leaf, key))
        self.tracer = tracer = Tracer(self.world)
        arguments: Any = optree.tree_unflatten(asked.structure, self.handles)
        args, kwargs = asked.binder.unbind(arguments)
        returned = tracer.call(self.world.take(asked.function, CALLEE), *args, **kwargs)
        results, self.outputs, self.result = results_of(returned)
        written = []
        for k, handle in enumerate(self.handles):
            cell = handle.cell if type(handle) is TracedArray and k not in self.same else None
            if cell is not None and cell.stale is None and cell.value is not self.parameters[k]:
                written.append((len(results), trace.params.index(self.parameters[k])))
                results.append(cell.value)
        return Outcome(results, written)

    def _argument(self, k: int, leaf: Any, key: LeafKey) -> Any:
        name = self.names[k]
        if key.kind is Kind.SIZE:
            size = self.trace.size(name, abs(leaf))
            return integer(-size if key.negative else size)
        if key.kind is Kind.STATIC:
            return self.world.placed(leaf, Path(k)) if callable(leaf) else leaf
        made = self._parameter(name, leaf, key)
        self.parameters[k] = made
        if key.kind is Kind.ARRAY:
            return self.handles[self.same[k]] if k in self.same else TracedArray(Cell(made, name))
        return TracedScalar(made, "float" if key.kind is Kind.NUMBER else None)

    def _parameter(self, name: str, leaf: Any, key: LeafKey) -> Value:
        assert key.dtype is not None
        return self.trace.parameter(name, key.dtype, np.shape(leaf), key.shape)

    def _hidden(self, leaf: Any, key: LeafKey, path: Path) -> Any:
        """An array or float from outside: a parameter, wherever in the program it is met first."""
        known = [*self.names, *(v.name or "" for v in self.trace.params)]
        name = identifiers([*known, str(path)])[-1]
        made = self._parameter(name, leaf, key)
        if key.kind is not Kind.ARRAY:
            return TracedScalar(made, "float" if key.kind is Kind.NUMBER else None)
        cell = Cell(
            made, str(path), readonly="it is not an argument: it is read from outside of the function"
        )
        cell.frame = self.trace.top
        return TracedArray(cell)

    # What is kept of it ------------------------------------------------------------------------------------

    def _captured(self, function: Function) -> Captured:
        sources = self._sources()
        known = {dim.name for _, dim, _ in sources}
        function = dataclasses.replace(function, sizes=tuple(n for n in function.sizes if n in known))
        free = {dim.name: source for source, dim, _ in sources if dim.name in function.sizes}
        own = {(source, name) for name, source in free.items()}
        implied = (Implied(s, dim, name) for s, dim, name in sources if (s, dim.name) not in own)
        return Captured(
            function,
            tuple(self._kept_argument(k, function) for k in range(len(self.asked.leaves))),
            self.asked.structure,
            tuple(self.world.hidden),
            tuple(free[name] for name in function.sizes),
            tuple(implied),
            tuple(self.world.observations),
            self.outputs,
            self.result,
            self.tracer.traces,
        )

    def _kept_argument(self, k: int, function: Function) -> Argument:
        made = self.parameters.get(k) if self.asked.keys[k].traced else None
        number = None if made is None else function.body.params.index(made)
        handle = self.handles[k]
        lost = handle.cell.stale if type(handle) is TracedArray else None
        written = any(parameter == number for _, parameter in function.written)
        return Argument(self.asked.names[k], self.asked.keys[k], number, written, lost, self.same.get(k))

    def _sources(self) -> list[tuple[SizeSource, Dim, str]]:
        """Every size but those static by the key: where it is read, what it was taken for, its name."""
        found: list[tuple[SizeSource, Dim, str]] = []
        same = self.trace.assumptions.same
        names = self.trace.assumptions.names
        by_name = {p.name: p for p in self.trace.params}
        order = [*self.names, *(p.name for p in self.trace.params if p.name not in self.names)]
        hidden = {p.name: len(self.asked.leaves) + j for j, p in enumerate(self._hidden_parameters())}
        for (name, axis), size in names.items():
            if axis is not None and name not in by_name:
                continue
            operand = hidden[name] if name in hidden else order.index(name)
            label = name if axis is None else f"{name}.shape[{axis}]"
            found.append((SizeSource(operand, axis), same.get(size, Dim.of(size)), label))
        return found

    def _hidden_parameters(self) -> list[Value]:
        traced = sum(key.traced for key in self.asked.keys)
        return self.trace.params[traced:]


def identifiers(names: Sequence[str]) -> list[str]:
    """Names as Python identifiers, each another one."""
    found: list[str] = []
    for name in names:
        plain = re.sub(r"\W+", "_", name).strip("_") or "x"
        plain = f"_{plain}" if plain[0].isdigit() or keyword.iskeyword(plain) else plain
        number = 2
        chosen = plain
        while chosen in found:
            chosen, number = f"{plain}_{number}", number + 1
        found.append(chosen)
    return found
