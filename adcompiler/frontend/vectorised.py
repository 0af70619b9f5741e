"""Functions mapped over axes: `vmap(f)(x)` is a `for` without carries; slices go in, items come out.

The body is traced once, as that of any loop. What it uses from around is captured, and nothing of that may be
written: each call would find what others have left.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import optree

from adcompiler.ir.build import emit
from adcompiler.ir.errors import ArgumentError, ShapeError
from adcompiler.ir.graph import Block, Value, constant
from adcompiler.ir.loops import element_type
from adcompiler.ir.ops.arrays import checked
from adcompiler.ir.ops.comparison import equal
from adcompiler.ir.ops.indexing import index
from adcompiler.ir.ops.loops import for_, for_attrs
from adcompiler.ir.ops.shape import inverse, transpose
from adcompiler.ir.types import I64, ArrayType, Dim, Guard, Relation

from .aliasing import written_cells
from .arguments import binder, flatten, leaf_names
from .axes import in_front, leaf_axes
from .cells import Cell
from .extents import hint, same_dim, shown_shape, value_of
from .facts import in_scope, suppose
from .frames import Frame, current, opened, refuse
from .leaves import children, describe
from .loop_equations import substituted
from .outputs import results_of
from .scalars import TracedScalar, value
from .syntax import called
from .values import TracedArray

if TYPE_CHECKING:
    from .calls import Transformed
    from .runtime import Tracer

Function = Callable[..., Any]


def trace_vectorised(
    tracer: Tracer,
    transformed: Transformed,
    axes: tuple[Any, Any],
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
) -> Any:
    """What `transformed.function` returns in each trip, stacked; `axes` are the trees of those in and out.

    Raises
    ------
    ArgumentError
        If the axes are not those of arguments and results, or nothing is mapped.
    ShapeError
        If mapped axes have different lengths.
    CaptureError
        If the function writes what it is called with or uses from around, or what it returns has no stack.
    """
    place, function = tracer.world.place(transformed), transformed.function
    if place is not None:
        function = tracer.world.take(function, place.attribute("function"))
    bound, axes_in = _bound(function, axes[0], args, kwargs)
    values = tuple(bound.arguments.values())
    leaves, structure = flatten(values)
    names = leaf_names(values, tuple(bound.arguments))
    each = zip(leaves, names, leaf_axes(axes_in, values, "in_axes"), strict=True)
    mapped = [None if axis is None else Mapped.of(leaf, name, axis) for leaf, name, axis in each]
    length = _length([m for m in mapped if m is not None])
    with opened("loop") as frame:
        suppose([Guard(length - 1, Relation.NONNEGATIVE)])
        handles = [leaf if m is None else m.element() for leaf, m in zip(leaves, mapped, strict=True)]
        bound.arguments.update(zip(bound.arguments, optree.tree_unflatten(structure, handles), strict=True))
        returned = tracer.call(function, *bound.args, **bound.kwargs)
        results, result = _results(function, returned)
        shared = _written(frame, handles)
    _refuse_writes(function, shared, dict(zip(map(_cell, handles), names, strict=True)))
    slices = {_param(h): m.value for h, m in zip(handles, mapped, strict=True) if m is not None}
    stacks = _emitted(function, frame, slices, results, length)
    tree: Any = optree.tree_unflatten(result, stacks)
    out = leaf_axes(axes[1], tree, "out_axes")
    placed = [_placed(stack, axis or 0) for stack, axis in zip(stacks, out, strict=True)]
    return _new(tracer, optree.tree_unflatten(result, placed))


def _new(tracer: Tracer, made: Any) -> Any:
    """What is returned belongs to the caller: its lists and dicts may be changed, inner ones too."""
    for _, part in children(made):
        _new(tracer, part)
    return tracer.new(made)


# ---- arguments ----


def _bound(
    function: Function, in_axes: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> tuple[inspect.BoundArguments, tuple[Any, ...]]:
    """The arguments by parameter, without defaults, and the axes of each; keyword arguments have axis 0."""
    each = in_axes if isinstance(in_axes, tuple) else (in_axes,) * len(args)
    if len(each) != len(args):
        raise ArgumentError(
            f"in_axes has length {len(each)}, where {len(args)} positional arguments are given",
            current().location(),
        )
    signature = binder(function).signature
    try:
        bound = signature.bind(*args, **kwargs)
    except TypeError as error:
        raise ArgumentError(str(error), current().location()) from None
    return bound, tuple(signature.bind(*each, **dict.fromkeys(kwargs, 0)).arguments.values())


@dataclass(frozen=True)
class Mapped:
    """An argument with the axis over which it is mapped in front, and what messages call both."""

    value: Value
    name: str
    axis: int

    @staticmethod
    def of(leaf: Any, name: str, axis: int) -> Mapped:
        """That of a leaf.

        Raises
        ------
        ArgumentError
            If it does not have the axis.
        """
        rank = leaf.ndim if isinstance(leaf, np.ndarray) else 0
        if not -rank <= axis < rank:
            what = f"an array of shape {shown_shape(value(leaf).type.shape)}" if rank else describe(leaf)
            raise ArgumentError(
                f"vmap maps over axis {axis} of `{name}`, which is {what}",
                current().location(),
                "choose another axis by in_axes; what has the axis None is handed whole to every call",
            )
        whole, order = value(leaf), in_front(axis % rank, rank)
        return Mapped(transpose(whole, axes=order) if axis % rank else whole, name, axis)

    @property
    def length(self) -> Dim:
        """The length of the axis."""
        return self.value.type.shape[0]

    @property
    def label(self) -> str:
        """What messages call the axis."""
        return f"axis {self.axis} of `{self.name}`"

    def element(self) -> Any:
        """What the function is called with: one along the axis, a parameter of the current block."""
        param = current().own(Value(element_type(self.value.type), self.name), current().frame)
        if not param.type.rank:
            return TracedScalar(param)
        return TracedArray(Cell(param, self.name, "it is a part of what vmap maps over"))


def _param(handle: Any) -> Value:
    """The parameter of the block that a slice is."""
    param: Value = handle.cell.value if type(handle) is TracedArray else handle.value
    return param


def _length(mapped: Sequence[Mapped]) -> Dim:
    """The length that all mapped axes have."""
    if not mapped:
        raise ArgumentError(
            "vmap has nothing to map over: no argument has an axis in in_axes",
            current().location(),
            "give one of them its axis: in_axes=(0, None)",
        )
    first = mapped[0]
    for other in mapped[1:]:
        if not same_dim(first.length, other.length):
            _require_equal(first, other)
    return first.length


def _require_equal(one: Mapped, other: Mapped) -> None:
    """Refuse lengths that differ; where they are known only when the program runs, it checks them."""
    message = "vmap maps over axes of different lengths"
    if hint(one.length) is None or hint(other.length) is None:
        same = equal(value_of(one.length), value_of(other.length))
        checked(same, kind="ValueError", message=f"{message}: {one.label}, {other.label}")
    else:
        lengths = ", ".join(f"{m.label} has {hint(m.length)}" for m in (one, other))
        raise ShapeError(f"{message}: {lengths}", current().location())


# ---- the body ----


def _results(function: Function, returned: Any) -> tuple[list[Value], optree.PyTreeSpec]:
    """What a call returns, numbers that are known already too, and their tree."""
    values, outputs, structure = results_of(returned)
    for output in outputs:
        if isinstance(output.static, str | bytes):
            refuse(
                f"`{_name(function)}`, which vmap maps, returns {output.static!r}",
                "return numbers, arrays, or tuples, lists and dicts of them",
            )
    return [value(o.static) if o.result is None else values[o.result] for o in outputs], structure


def _written(frame: Frame, handles: Sequence[Any]) -> list[Cell]:
    """What calls share, and is written or may be; asked inside the block, at its end."""
    own = [cell for cell in map(_cell, handles) if cell is not None and cell.frame is frame]
    return [*written_cells(frame), *(cell for cell in own if cell.stale is not None)]


def _cell(handle: Any) -> Cell | None:
    return handle.cell if type(handle) is TracedArray else None


def _refuse_writes(function: Function, written: Sequence[Cell], names: Mapping[Cell | None, str]) -> None:
    for cell in written:
        what = called(names[cell]) if cell in names else cell.label
        refuse(
            f"`{_name(function)}`, which vmap maps, writes {what}, which is not its own",
            "write to a copy of it, and return that",
        )


def _emitted(
    function: Function, frame: Frame, slices: Mapping[Value, Value], results: Sequence[Value], length: Dim
) -> list[Value]:
    """The loop, and what it leaves: a stack for each result."""
    if not all(in_scope(dim) for result in results for dim in result.type.shape):
        refuse(
            f"`{_name(function)}`, which vmap maps, returns an array whose size it computes",
            "compute the size before the call and hand it over, or return an array of known size",
        )
    around = {e.param: e.value for e in frame.entries.values() if e.param is not None}
    trip = Value(ArrayType(I64), "i")
    block = Block((trip, *slices), tuple(frame.builder.eqns), tuple(results))
    given = [_sized(whole, length.positive()) for whole in slices.values()]
    attrs = for_attrs(length, 0, 0, False, None)
    stacks = emit(for_, given, attrs, [substituted(block, around)], [r.name for r in results])
    return [_sized(stack, length) for stack in stacks]


def _sized(x: Value, length: Dim) -> Value:
    """With the length of the first axis in another form: `max(e, 0)` is `e` where that is known."""
    return x if x.type.shape[0] == length else index(x, constant(0, I64), at=(("span", length, 1),))


def _placed(stack: Value, axis: int) -> TracedArray:
    """A stack with its new axis in this place of the result."""
    rank = stack.type.rank
    if not -rank <= axis < rank:
        raise ArgumentError(
            f"vmap cannot put its axis at {axis} of a result that has {rank} axes with it",
            current().location(),
            f"out_axes may be {-rank} to {rank - 1} here",
        )
    if axis % rank:
        stack = transpose(stack, axes=inverse(in_front(axis % rank, rank)))
    return TracedArray(Cell(stack, contiguous=True))


def _name(function: Function) -> str:
    return getattr(function, "__name__", "function")
