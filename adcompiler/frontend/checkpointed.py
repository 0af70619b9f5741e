"""Calls of checkpointed functions: each is traced into a block of its own, which the adjoint runs again.

Inside, arrays are what they are around: the function may write them, and views of them are views. Afterwards
what the block uses from around becomes operands of a `call`, what it writes and returns results. Arrays that
it makes and returns are storage of the caller's from then on; parts of one array, returned side by side, may
be the same memory, so that a write to one makes the others unreadable.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from adcompiler.ir.build import emit
from adcompiler.ir.graph import Block, Value, captured
from adcompiler.ir.ops.control import call

from .aliasing import near
from .cells import Cell, pair
from .facts import in_scope
from .frames import Frame, current, opened, refuse, reopened
from .handles import Traced
from .leaves import children, number_type, rebuilt
from .loop_equations import substituted
from .outside import is_user_class
from .scalars import TracedScalar, value
from .scopes import outlives
from .values import TracedArray
from .views import same_path

if TYPE_CHECKING:
    from .calls import Transformed
    from .runtime import Tracer

Finish = Callable[[Sequence[Value]], Any]
"""Makes what the caller gets of the results of the `call`."""

PLAIN = (bool, int, float, complex, str, bytes, slice, range, np.generic, np.ndarray, np.dtype, type(None))


def trace_checkpointed(
    tracer: Tracer, transformed: Transformed, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Any:
    """What `transformed.function` returns, as a `call` of the program that is traced.

    Raises
    ------
    CaptureError
        If it returns something that is no number, no array and no container of these, or an array whose size
        it computes.
    """
    place, function = tracer.world.place(transformed), transformed.function
    if place is not None:
        function = tracer.world.take(function, place.attribute("function"))
    with opened("call") as frame:
        returned = tracer.call(function, *args, **kwargs)
    name = getattr(function, "__name__", "function")
    results = _Results(frame, name)
    finish = results.of(returned)
    ends = frame.ends.items()
    written = {cell: results.add(end.value) for cell, end in ends if cell in frame.written}
    outputs = _emitted(name, frame, results.values)
    for cell, number in written.items():
        cell.write(outputs[number])
    for cell, end in ends:
        if end.stale is not None:
            cell.spoil(end.stale)
    after = finish(outputs)
    results.link()
    return after


def _emitted(name: str, frame: Frame, results: Sequence[Value]) -> tuple[Value, ...]:
    """The equation; what its block uses from around are its operands."""
    block = Block((), tuple(frame.builder.eqns), tuple(results))
    if not block.eqns:
        return block.results
    free = {v: Value(v.type, v.name) for v in captured(block)}
    closed = dataclasses.replace(substituted(block, free), params=tuple(free.values()))
    return emit(call, list(free), {"name": name}, [closed], [r.name for r in results])


class _Results:
    """The results of a `call`, leaf by leaf of what the function returns."""

    def __init__(self, frame: Frame, name: str) -> None:
        self.frame = frame
        self.name = name
        self.values: list[Value] = []
        self._arrays: list[tuple[TracedArray, Finish]] = []
        self._containers: dict[int, Any] = {}
        self._made: dict[Cell, set[Cell]] = {}

    def add(self, result: Value) -> int:
        """One more result: its number."""
        self.values.append(result)
        return len(self.values) - 1

    def of(self, returned: Any) -> Finish:
        """What a part of the returned value is for the caller."""
        if isinstance(returned, Traced):
            return self._leaf(returned)
        if id(returned) in self._containers or isinstance(returned, PLAIN):
            return lambda outputs: returned
        whole = dataclasses.is_dataclass(returned) or hasattr(returned, "__dict__")
        own = isinstance(returned, list | dict) or (whole and is_user_class(type(returned)))
        if own and id(returned) in self.frame.fresh:
            return self._container(returned)
        if isinstance(returned, list | tuple | dict):
            return self._rebuilt(returned)
        refuse(
            f"`{self.name}`, which is checkpointed, returns a {type(returned).__name__}",
            "return numbers, arrays, or tuples, lists, dicts and dataclasses of them",
        )

    def _container(self, made: Any) -> Finish:
        """A list, dict or object that the function has made: the caller's now, its elements exchanged."""
        self._containers[id(made)] = made
        items = isinstance(made, list | dict)
        parts = {key: self.of(part) for key, part in (children(made) if items else _attributes(made))}

        def finish(outputs: Sequence[Value]) -> Any:
            for key, part in parts.items():
                if items:
                    made[key] = part(outputs)
                else:
                    object.__setattr__(made, key, part(outputs))
            current().frame.fresh[id(made)] = made
            return made

        return finish

    def _rebuilt(self, container: Any) -> Finish:
        """A tuple, or a container from around: the same one where nothing in it is new."""
        inside = [part for _, part in children(container)]
        parts = [self.of(part) for part in inside]

        def finish(outputs: Sequence[Value]) -> Any:
            after = [part(outputs) for part in parts]
            same = all(map(lambda one, other: one is other, inside, after))
            return container if same else rebuilt(container, after)

        return finish

    def _leaf(self, leaf: Any) -> Finish:
        if outlives(leaf):
            return lambda outputs: leaf
        if type(leaf) is TracedArray:
            return self._array(leaf)
        kind = number_type(leaf)
        place = self.add(self._inside(lambda: value(leaf, kind.dtype)))
        return lambda outputs: TracedScalar.of(outputs[place], kind)

    def _array(self, leaf: TracedArray) -> Finish:
        for known, made in self._arrays:
            if known.cell is leaf.cell and same_path(known.path, leaf.path):
                return made
        if not all(map(in_scope, leaf.type.shape)):
            refuse(
                f"`{self.name}`, which is checkpointed, returns an array whose size it computes",
                "compute the size before the call and hand it over, or return an array of known size",
            )
        place = self.add(self._inside(leaf.read))
        cells: list[Cell] = []

        def finish(outputs: Sequence[Value]) -> TracedArray:
            if not cells:
                cells.append(Cell(outputs[place], None, leaf.cell.readonly, leaf.contiguous))
                self._made[cells[0]] = near(leaf.cell)
            return TracedArray(cells[0])

        self._arrays.append((leaf, finish))
        return finish

    def link(self) -> None:
        """Let every array that is new to the caller know what it may be the same memory as; asked last."""
        made = list(self._made.items())
        for k, (cell, storage) in enumerate(made):
            for later, other in made[k + 1 :]:
                if storage & other:
                    pair(cell, later)
            for around in storage:
                if around.frame.encloses(current().frame):
                    pair(cell, around)

    def _inside(self, write: Callable[[], Value]) -> Value:
        """What `write` gives at the end of the block."""
        with reopened(self.frame):
            return write()


def _attributes(made: Any) -> list[tuple[str, Any]]:
    """The attributes of an object of a user's class."""
    if dataclasses.is_dataclass(made):
        return [(field.name, getattr(made, field.name)) for field in dataclasses.fields(made)]
    return list(vars(made).items())
