"""Branches that data decide: both are traced from the same state, in blocks of their own, and become an `if`.

What is after it is found in `merging.py`. A branch takes for granted what its test says of sizes. One that
raises an error while it is traced raises it when it is taken.

`and`, `or` and chained comparisons do not evaluate what Python would not; only where the right side is
nothing but cheap arithmetic on numbers, which cannot fail, both sides are evaluated and joined.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import FunctionType
from typing import Any

import numpy as np

from adcompiler.ir.build import emit
from adcompiler.ir.errors import CaptureError, NeedsConcrete
from adcompiler.ir.graph import Block, Eqn, Value
from adcompiler.ir.op import Scalar
from adcompiler.ir.ops.arrays import dim
from adcompiler.ir.ops.control import if_
from adcompiler.ir.types import Guard

from .cells import Cell
from .conditions import Test, asked, both, either, facts_of, is_bool
from .facts import suppose
from .frames import Frame, absorb, current, opened, refuse
from .merging import Merge, Side
from .protocol import Get, Names, Set, Thunk, Undefined
from .raising import RAISED, is_pythons, raise_here

_DEEP = 48
"""Calls of a function in itself, each in a branch of its own, that are taken for endless."""


def statement(
    test: Test,
    then: Callable[[], None],
    otherwise: Callable[[], None],
    get: Get,
    set: Set,
    *,
    assigned: Names,
    live_out: Names,
    line: int,
) -> None:
    """The statement `if`: see `protocol.Runtime.if_`."""
    before = get()

    def side(run: Callable[[], None]) -> Callable[[], Mapping[str, Any]]:
        def traced() -> Mapping[str, Any]:
            set(before)
            run()
            return dict(zip(assigned, get(), strict=True))

        return traced

    try:
        sides = _both_sides(test, side(then), side(otherwise))
    finally:
        set(before)
    where = f"the `if` at line {line}"
    after = _merged(test, sides, live_out, where)
    local = Undefined(f"it is local to a branch of {where}")
    set(tuple(after.get(name, local) for name in assigned))


def expression(test: Test, then: Thunk, otherwise: Thunk, text: str) -> Any:
    """The expression `then() if test else otherwise()`; messages call it `text`."""
    sides = _both_sides(test, lambda: {text: then()}, lambda: {text: otherwise()})
    return _value(test, sides, text)


def short_circuit(left: Any, right: Thunk, conjunction: bool) -> Any:
    """`left and right()`, or `left or right()`, where the program decides on `left`."""
    text = "a and b" if conjunction else "a or b"
    test = asked(left)
    if not is_bool(left):
        sides = (right, lambda: left) if conjunction else (lambda: left, right)
        return expression(test, *sides, text)
    facts = facts_of(test)
    side = _side(lambda: {text: right()}, facts.when_true if conjunction else facts.when_false)
    found: Any = side.ends.get(text)
    if _free(side.frame):
        if type(found) in (bool, np.bool_):
            return test if bool(found) is conjunction else bool(found)
        if is_bool(found):
            absorb(side.frame)
            return both(test, found) if conjunction else either(test, found)
    known = _side(lambda: {text: _decided(conjunction, found)}, ())
    return _value(test, (side, known) if conjunction else (known, side), text)


def _decided(conjunction: bool, other: Any) -> Any:
    """What `left` is if it decides: NumPy's False is 0 beside a number, but its True + True is not 2."""
    return not conjunction if conjunction or type(other) is bool or is_bool(other) else np.True_


def _value(test: Test, sides: tuple[Side, Side], text: str) -> Any:
    value = _merged(test, sides, (text,), "")[text]
    if isinstance(value, Undefined):
        kind = NeedsConcrete if value.unroll else CaptureError
        refuse(f"`{text}` has no value here: {value.why}", value.way_out, kind)
    return value


def check_recursion(function: FunctionType, path: tuple[Any, ...]) -> None:
    """Refuse a function that calls itself in a branch: both branches are traced, so that never ends.

    `path` has the line and the code of each call around.
    """
    if path.count(id(function.__code__)) < _DEEP:
        return
    if sum(frame.kind == "branch" for frame in current().frame.outwards()) >= _DEEP:
        refuse(
            f"`{function.__name__}` calls itself in a branch of an `if` that is decided when the program "
            "runs: tracing both branches never ends",
            "write it as a `while` loop, or let a plain Python number end it",
        )


# ---- the blocks ----


def _both_sides(
    test: Test, then: Callable[[], Mapping[str, Any]], otherwise: Callable[[], Mapping[str, Any]]
) -> tuple[Side, Side]:
    facts = facts_of(test)
    return _side(then, facts.when_true), _side(otherwise, facts.when_false)


def _side(run: Callable[[], Mapping[str, Any]], known: Iterable[Guard]) -> Side:
    with opened("branch") as frame:
        suppose(known)
        try:
            return Side(frame, run())
        except (NameError, *RAISED) as error:
            if not is_pythons(error):
                raise
            raise_here(error)
            return Side(frame, {}, error)


def _free(frame: Frame) -> bool:
    """Whether a block may as well be run where its branch is not taken."""
    return not frame.written and not frame.sizes and all(map(_cheap, frame.builder.eqns))


def _cheap(eqn: Eqn) -> bool:
    """Arithmetic on numbers that costs less than a branch, and cannot fail."""
    if any(value.type.rank for value in eqn.outputs) or not eqn.outputs:
        return False
    return eqn.op is dim or (isinstance(eqn.op.lowering, Scalar) and eqn.op.cost <= 1)


# ---- the equation ----


def _merged(test: Test, sides: tuple[Side, Side], names: Names, where: str) -> dict[str, Any]:
    """Emit the `if`; answers with these variables after it."""
    merge = Merge(test, facts_of(test), sides, where)
    finish = {name: merge.variable(name) for name in names}
    cells = _changed(sides)
    places = [merge.result(cell.name, *(_end(side, cell) for side in sides)) for cell in cells]
    blocks = [
        Block((), tuple(side.frame.builder.eqns), tuple(values))
        for side, values in zip(sides, merge.results, strict=True)
    ]
    results: tuple[Value, ...] = ()
    if any(block.eqns or block.results for block in blocks):
        results = emit(if_, [test.read()], None, blocks, merge.names)
    for cell, place in zip(cells, places, strict=True):
        cell.write(results[place])
    for side in sides:
        for cell, end in side.frame.ends.items():
            if end.stale is not None:
                cell.spoil(end.stale)
    first, second = (side.error for side in sides)
    if first is not None and second is not None:
        raise first
    after = {name: made(results) for name, made in finish.items()}
    merge.link()
    return after


def _changed(sides: tuple[Side, Side]) -> list[Cell]:
    """The storage from outside that a branch writes."""
    written = dict.fromkeys(cell for side in sides for cell in side.frame.written)
    return [cell for cell in written if any(_end(side, cell) is not cell.value for side in sides)]


def _end(side: Side, cell: Cell) -> Value:
    """What a cell holds at the end of a branch."""
    end = side.frame.ends.get(cell)
    return cell.value if end is None else end.value
