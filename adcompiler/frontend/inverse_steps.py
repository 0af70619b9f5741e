"""How a trip of a loop is undone: the `inverse` of `checkpointed`, traced at the end of the loop's body.

It runs in a block of its own, on copies of the variables, so that it changes nothing. Its equations are then
the last ones of the body, and an `inverse_step` pairs the values after the trip with those before it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from inspect import CO_VARARGS, CO_VARKEYWORDS
from types import FunctionType
from typing import TYPE_CHECKING, Any, NoReturn

from adcompiler.checkpointing.annotation import Annotation
from adcompiler.ir.build import emit
from adcompiler.ir.graph import Value
from adcompiler.ir.ops.inverses import end_of_trip, inverse_step

from .calls import followed
from .cells import Cell
from .extents import same_dim
from .frames import absorb, current, opened, refuse
from .joins import joined
from .leaves import MISSING, Leaf, Slot, describe, found, is_number, leaves, mapped, number_type, skeleton
from .loops import State
from .maybe import Maybe
from .protocol import Undefined
from .scalars import TracedScalar
from .scalars import value as number_value
from .values import TracedArray

if TYPE_CHECKING:
    from .runtime import Tracer


@dataclass(frozen=True)
class Variables:
    """The variables of a loop whose body is being traced: those assigned, and arrays that are written."""

    state: State
    body: Callable[..., None]

    def after_trip(self, name: str) -> Any:
        """What a trip has left in a variable that a later trip may read."""
        value = self._handed_on(name)
        if value is MISSING or any(
            isinstance(leaf, Undefined | Maybe) for _, leaf in leaves(value, Slot(name))
        ):
            refuse(
                f"`inverse` has a parameter `{name}`, which is no variable that this loop hands on from trip "
                "to trip",
                "name its parameters, but for the first, like such variables; what the loop does not change "
                "is read from the scope around",
            )
        return value

    def _handed_on(self, name: str) -> Any:
        if name in self.state.assigned:
            return self.state.read()[name] if name in self.state.live_head else MISSING
        cells = dict(zip(self.body.__code__.co_freevars, self.body.__closure__ or (), strict=True))
        array = cells[name].cell_contents if name in cells else MISSING
        written = type(array) is TracedArray and array.cell in current().frame.written
        return array if written else MISSING


def step_back(tracer: Tracer, annotation: Annotation, item: Any, variables: Variables) -> None:
    """Trace the inverse on what the variables are now, at the end of a trip."""
    assert annotation.inverse is not None
    names = _parameters(tracer, annotation.inverse)
    after = {name: variables.after_trip(name) for name in names}
    ends: dict[Slot, Value] = {}
    with opened("branch") as frame:
        copies = [
            mapped(after[name], lambda slot, leaf: _copied(slot, leaf, ends), Slot(name)) for name in names
        ]
        before = dict(
            zip(names, _results(names, tracer.call(annotation.inverse, item, *copies)), strict=True)
        )
        starts = [start for name in names for start in _starts(name, after[name], before[name])]
    for cell in frame.written:
        refuse(f"`inverse` changes {cell.label}", "return new arrays: write to copies")
    absorb(frame)
    emit(inverse_step, [*ends.values(), *starts], {"tolerance": annotation.tolerance})


def _parameters(tracer: Tracer, inverse: Any) -> Sequence[str]:
    """The names of the parameters that are variables; those that have a default are not."""
    function, first = followed(tracer, inverse, ()) or (None, ())
    if not isinstance(function, FunctionType):
        refuse(
            f"`inverse` is a {type(inverse).__name__}, and it is not captured",
            "pass a function written in Python: def back(i, u): ...",
        )
    code = function.__code__
    given = code.co_argcount - len(function.__defaults__ or ())
    names = code.co_varnames[len(first) : given]
    if len(names) < 2 or code.co_kwonlyargcount or code.co_flags & (CO_VARARGS | CO_VARKEYWORDS):
        refuse(
            "`inverse` takes something else than the item of a trip and variables of the loop",
            "write it as def back(i, u, v): ..., with u and v variables of the loop",
        )
    return names[1:]


def _copied(slot: Slot, leaf: Leaf, ends: dict[Slot, Value]) -> Leaf:
    """What the inverse is given for a leaf; `ends` gets its value."""
    if type(leaf) is TracedArray:
        ends[slot] = end_of_trip(leaf.read())
        return TracedArray(Cell(ends[slot]))
    if _is_number(leaf):
        kind = number_type(leaf)
        ends[slot] = end_of_trip(number_value(leaf, kind.dtype))
        return TracedScalar.of(ends[slot], kind)
    return leaf


def _results(names: Sequence[str], result: Any) -> Sequence[Any]:
    if len(names) == 1:
        return [result]
    number = len(result) if isinstance(result, tuple | list) else 1
    if number != len(names):
        listed = ", ".join(f"`{name}`" for name in names)
        refuse(
            f"`inverse` returns {number} value{'s' if number > 1 else ''} for {len(names)} variables",
            f"return those before the trip of {listed}, in this order",
        )
    return list(result)


def _starts(name: str, after: Any, before: Any) -> list[Value]:
    """What the inverse gives for each leaf that a variable has after a trip."""
    if skeleton(after) != skeleton(before):
        _refuse_other(Slot(name), after, before)
    return [_start(slot, end, found(before, slot)) for slot, end in leaves(after, Slot(name))]


def _start(slot: Slot, end: Leaf, start: Leaf) -> Value:
    if _is_number(end) and _is_number(start):
        kind = number_type(end)
        both = joined(kind, number_type(start))
        if both is not None and both.dtype is kind.dtype:
            return number_value(start, kind.dtype)
    elif type(end) is TracedArray and type(start) is TracedArray and _same_type(end, start):
        return start.read()
    _refuse_other(slot, end, start)


def _is_number(leaf: Leaf) -> bool:
    return type(leaf) is TracedScalar or is_number(leaf)


def _same_type(one: TracedArray, other: TracedArray) -> bool:
    mine, its = one.type, other.type
    return (
        mine.dtype is its.dtype
        and mine.rank == its.rank
        and all(same_dim(a, b) for a, b in zip(mine.shape, its.shape, strict=True))
    )


def _refuse_other(slot: Slot, after: Any, before: Any) -> NoReturn:
    refuse(
        f"{slot.label} is {describe(after)} after a trip, and `inverse` gives {describe(before)} for what it "
        "was before",
        f"return what `{slot}` was before the trip, of the same dtype and shape",
    )
