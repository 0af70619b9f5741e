"""A derivative inside a captured function: the function that it transforms, as a Function of its own.

It is traced in a block inside the current one. What it uses from around becomes further parameters, so that
the Function captures nothing and can be transformed; the result is written into the current block by
`spliced`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import optree

from adcompiler.ir.build import active, replay_origin
from adcompiler.ir.graph import Block, Constant, Function, Value, captured
from adcompiler.ir.types import Dim

from .arguments import binder, flatten, leaf_names
from .captured import Output
from .cells import Cell
from .frames import Frame, current, opened, refuse
from .handles import Traced
from .loop_equations import substituted
from .outputs import results_of
from .scalars import TracedScalar, is_floating, value
from .sizes import Size
from .values import TracedArray

if TYPE_CHECKING:
    from .runtime import Tracer


@dataclass(frozen=True)
class Inner:
    """A function called inside a captured one.

    Attributes
    ----------
    function
        First one parameter for each traced leaf of the arguments, then what the function uses from around.
    operands
        The values of its parameters.
    parameters
        For each leaf of the arguments the number of its parameter, None for one that is not traced.
    names, structure
        What the leaves are called, and their tree: one subtree a parameter of the user's function.
    outputs, result
        The leaves of what the function returns, and their tree.
    """

    function: Function
    operands: tuple[Value, ...]
    parameters: tuple[int | None, ...]
    names: tuple[str, ...]
    structure: optree.PyTreeSpec
    outputs: tuple[Output, ...]
    result: optree.PyTreeSpec


def trace_inner(
    tracer: Tracer,
    transformed: Any,
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
) -> Inner:
    """Trace `function`, which is `transformed.function`, at traced arguments.

    Raises
    ------
    CaptureError
        If it writes an array from around, or one of its arguments.
    """
    place = tracer.world.place(transformed)
    binding = binder(function)
    values = binding.bind(args, kwargs)
    if place is not None:
        function = tracer.world.take(function, place.attribute("function"))
    leaves, structure = flatten(values)
    names = leaf_names(values, binding.names)
    with opened("loop") as frame:
        params = [_param(leaf, name) for leaf, name in zip(leaves, names, strict=True)]
        handles = [_handle(leaf, p) for leaf, p in zip(leaves, params, strict=True)]
        tree: Any = optree.tree_unflatten(structure, handles)
        positional, keywords = binding.unbind(tree)
        results, outputs, result = results_of(tracer.call(function, *positional, **keywords))
        _refuse_writes(handles, params, names)
    traced = [p for p in params if p is not None]
    name = getattr(function, "__name__", "function")
    program, around = _closed(name, traced, frame, results)
    given = [value(leaf) for leaf, p in zip(leaves, params, strict=True) if p is not None]
    numbers = tuple(None if p is None else traced.index(p) for p in params)
    return Inner(program, (*given, *around), numbers, tuple(names), structure, outputs, result)


def spliced(function: Function, operands: Sequence[Value]) -> tuple[Value, ...]:
    """Write a Function into the current block; its sizes are those of the trace."""
    environment = dict(zip(function.body.params, operands, strict=True))
    trace = current()
    renamed = {
        str(eqn.attrs["size"]): Dim.of(trace.fresh_name("k"))
        for eqn in function.body.eqns
        if eqn.op.name == "bind"
    }
    for eqn in function.body.eqns:
        if eqn.op.name == "bind":
            size = renamed[str(eqn.attrs["size"])].name
            active().emit(eqn.op, [environment.get(v, v) for v in eqn.inputs], {"size": size})
        else:
            replay_origin(eqn, environment, renamed)
    return tuple(environment.get(result, result) for result in function.body.results)


def _param(leaf: Any, name: str) -> Value | None:
    if type(leaf) is Size or not (isinstance(leaf, Traced | np.ndarray) or is_floating(leaf)):
        return None  # a size is one inside as well
    kind = leaf.type if type(leaf) is TracedArray else value(leaf).type
    trace = current()
    return trace.own(Value(kind, name), trace.frame)


def _handle(leaf: Any, param: Value | None) -> Any:
    if param is None:
        return leaf
    if param.type.rank or type(leaf) is TracedArray:
        return TracedArray(Cell(param))
    return TracedScalar(param, "float" if type(leaf) is float else getattr(leaf, "weak", None))


def _refuse_writes(handles: Sequence[Any], params: Sequence[Value | None], names: Sequence[str]) -> None:
    for handle, param, name in zip(handles, params, names, strict=True):
        if type(handle) is TracedArray and param is not None and handle.cell.value is not param:
            refuse(
                f"a function that is differentiated inside another one writes its argument `{name}`",
                "copy it",
            )


def _closed(
    name: str, params: Sequence[Value], frame: Frame, results: Sequence[Value]
) -> tuple[Function, list[Value]]:
    """The block as a Function, and the values from around that it has for further parameters."""
    around: dict[Value, Value] = {}
    for cell, entry in frame.entries.items():
        assert entry.param is not None
        if frame.ends[cell].value is not entry.param:
            refuse(
                f"a function that is differentiated inside another one writes {cell.label}",
                "return the new array instead",
            )
        around[entry.param] = entry.value
    block = Block((*params, *around), tuple(frame.builder.eqns), tuple(results))
    free = {v: Value(v.type, v.name) for v in captured(block) if not isinstance(v, Constant)}
    closed = substituted(block, free)
    params = (*block.params, *free.values())
    trace = current()
    free_sizes = (name for name in trace.hints if name not in trace.assumptions.same)
    sizes = [*free_sizes, *(name for f in trace.frame.outwards() for name in f.sizes)]
    function = Function(name, Block(params, closed.eqns, closed.results), tuple(dict.fromkeys(sizes)))
    return function, [*around.values(), *free]
