"""What variables are after an `if`: in each place one of the two things that its branches left there.

    the same object, or equal constants      stays as it is
    numbers                                  a result of the `if`, of the type that holds both
    arrays                                   a result of the `if` in storage of its own, which may be the
                                             storage of either: writing one makes the others unreadable
    tuples, lists, dicts                     element by element
    a value and none                         a `Maybe`: an error where it is read, if it has none then
    anything else                            has no value, and is an error only if it is read

Where a branch has returned from the function or raised an error, nothing reads its variables any more, and
what the function returns is read nowhere else: any value will do in the place of those.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NoReturn

import numpy as np

from adcompiler.ir.errors import CaptureError, NeedsConcrete
from adcompiler.ir.graph import Constant, Value, constant
from adcompiler.ir.ops.arrays import undefined
from adcompiler.ir.types import Dim

from .aliasing import near
from .cells import Cell, pair
from .conditions import Test, facts_of, negated
from .extents import same_dim
from .facts import NOTHING, Facts, in_scope
from .frames import Frame, current, refuse, reopened
from .handles import Traced
from .joins import joined
from .leaves import Leaf, Slot, children, describe, is_flag, is_number, number_type, rebuilt
from .maybe import Half, Maybe, halves, is_unset
from .protocol import RESULT, RETURNED, Undefined
from .scalars import TracedScalar, common_dtype
from .scalars import value as number_value
from .scopes import outlives
from .sizes import Size, SizePredicate
from .values import TracedArray
from .views import Position, alike, placed, position_value, positions, same_path

_NEVER = Undefined()

Finish = Callable[[Sequence[Value]], Any]
"""Makes the merged thing of the results of the `if`."""


@dataclass(frozen=True)
class Side:
    """One traced branch: its block as it was left, and its variables at the end, or what error ended it."""

    frame: Frame
    ends: Mapping[str, Any]
    error: Exception | None = None

    @property
    def left(self) -> bool:
        """Whether nothing after the `if` reads what the branch leaves."""
        return self.error is not None or self.ends.get(RETURNED) is True


@dataclass
class Merge:
    """The results of an `if`, value by value of the first and of the second branch."""

    test: Test
    facts: Facts
    sides: tuple[Side, Side]
    where: str
    results: tuple[list[Value], list[Value]] = field(default_factory=lambda: ([], []))
    names: list[str | None] = field(default_factory=list)
    arrays: list[tuple[TracedArray, TracedArray, Finish]] = field(default_factory=list)
    made: dict[Cell, tuple[set[Cell], set[Cell]]] = field(default_factory=dict)

    # Variables ---------------------------------------------------------------------------------------------

    def variable(self, name: str) -> Finish:
        """A variable after the `if`."""
        ends = [side.ends.get(name, _NEVER) for side in self.sides]
        lost = any(isinstance(end, Undefined) and end.why for end in ends)
        partly = any(type(end) is Maybe for end in ends) or len({is_unset(end) for end in ends}) == 2
        if partly and not (lost or is_flag(Slot(name)) or any(side.left for side in self.sides)):
            ends = [halves(end) for end in ends]
        return self._value(Slot(name), *ends)

    def _value(self, slot: Slot, one: Any, other: Any) -> Finish:
        if _same(one, other):
            return lambda results: one
        inner, others = children(one), children(other)
        if type(one) is not type(other) or [k for k, _ in inner] != [k for k, _ in others] or not inner:
            return self._leaf(slot, one, other)
        for container in (one, other):
            _freeze(container)
        parts = [
            self._value(Slot(slot.name, (*slot.parts, key)), x, y)
            for (key, x), (_, y) in zip(inner, others, strict=True)
        ]
        return lambda results: _whole(one, [part(results) for part in parts])

    def _leaf(self, slot: Slot, one: Leaf, other: Leaf) -> Finish:
        only = self._only(slot, one, other)
        if only is not None:
            return self._filled(slot, only, (one, other)[only])
        if is_number(one) and is_number(other):
            return self._numbers(slot, one, other)
        if type(one) is TracedArray and type(other) is TracedArray:
            return self._arrays(slot, one, other)
        return self._lost(slot, one, other)

    def _only(self, slot: Slot, one: Leaf, other: Leaf) -> int | None:
        """The branch whose value is taken, where nothing reads that of the other one."""
        if slot.name == RESULT:
            unset = map(is_unset, (one, other))
            missing = [none or side.error is not None for none, side in zip(unset, self.sides, strict=True)]
        elif is_flag(slot):
            missing = [side.error is not None for side in self.sides]
        else:
            missing = [side.left for side in self.sides]
        if Half.VALUE in slot.parts and not any(missing):
            missing = [is_unset(one), is_unset(other)]
        return None if not any(missing) else int(missing[0])

    def _lost(self, slot: Slot, one: Leaf, other: Leaf) -> Finish:
        """Nothing that the program could hold: an error if it is read."""
        whys = [leaf for leaf in (one, other) if isinstance(leaf, Undefined) and leaf.why]
        if isinstance(one, Undefined) and isinstance(other, Undefined):
            known = whys[0] if whys else other
            return lambda results: known
        if whys:
            return lambda results: whys[0]
        why = f"it is {self._either(describe(one), describe(other))}"
        nothing = Undefined(why, self._way_out(slot), unroll=self.by_size)
        return lambda results: nothing

    def _either(self, one: str, other: str) -> str:
        if not self.where:
            return f"{one} or {other}, which of them depends on data"
        return f"{one} in one branch of {self.where} and {other} in the other"

    def _way_out(self, slot: Slot) -> str:
        if slot.name == RESULT:
            return "return numbers, or arrays of one dtype and shape, on every path"
        if not self.where:
            return "make both a number, or both an array of one dtype and shape"
        return f"make `{slot}` a number, or an array of one dtype and shape, in both branches"

    @property
    def by_size(self) -> bool:
        """Whether sizes and loop indices have a part in the test: unrolled loops might decide it."""
        return self.facts != NOTHING

    def refuse(self, slot: Slot, one: str, other: str, way_out: str | None = None) -> NoReturn:
        """The branches leave two things in a variable that no type holds."""
        kind = NeedsConcrete if self.by_size else CaptureError
        refuse(f"{slot.label} is {self._either(one, other)}", way_out or self._way_out(slot), kind)

    # Numbers -----------------------------------------------------------------------------------------------

    def _numbers(self, slot: Slot, one: Leaf, other: Leaf) -> Finish:
        if type(one) is bool and type(other) is bool:
            answer = self.test if one else negated(self.test)
            return lambda results: answer
        kinds = number_type(one), number_type(other)
        kind = joined(*kinds)
        if kind is None:
            wide = common_dtype([k.dtype.numpy for k in kinds]).numpy
            self.refuse(slot, str(kinds[0]), str(kinds[1]), f"convert both: `np.{wide}(...)`")
        values = (
            self._inside(k, partial(number_value, leaf, kind.dtype)) for k, leaf in enumerate((one, other))
        )
        facts = self._facts(one, other)
        place = self.result(str(slot), *values)
        return lambda results: TracedScalar.of(results[place], kind, facts)

    def _facts(self, one: Leaf, other: Leaf) -> Facts:
        """What the truth of a bool says of sizes, where one branch leaves a constant."""
        mine, its = facts_of(one), facts_of(other)
        test = self.facts
        true = [(test.when_true, mine.when_true, other), (test.when_false, its.when_true, one)]
        false = [(test.when_true, mine.when_false, other), (test.when_false, its.when_false, one)]
        sides = [
            next(((*by, *of) for by, of, constant in cases if constant is never), ())
            for cases, never in ((true, False), (false, True))
        ]
        return Facts(*sides).visible()

    # Arrays ------------------------------------------------------------------------------------------------

    def _arrays(self, slot: Slot, one: TracedArray, other: TracedArray) -> Finish:
        for mine, its, finish in self.arrays:
            if _same(mine, one) and _same(its, other):
                return finish
        if one.cell is other.cell and outlives(TracedArray(one.cell)) and alike(one.path, other.path):
            return self._views(one, other)
        doubt = self._doubt(0, one) or self._doubt(1, other)
        if doubt is not None:
            nothing = Undefined(doubt, "make a copy before: x.copy()")
            return lambda results: nothing
        if not _same_type(one, other):
            self.refuse(slot, describe(one), describe(other))
        place = self.result(str(slot), self._inside(0, one.read), self._inside(1, other.read))
        finish = self._stored(slot, place, (one, other))
        self.arrays.append((one, other, finish))
        return finish

    def _views(self, one: TracedArray, other: TracedArray) -> Finish:
        """Two parts of one array, of one shape: a view of it, at the positions of either."""
        chosen = [
            self._position(*pair) for pair in zip(positions(one.path), positions(other.path), strict=True)
        ]
        return lambda results: TracedArray(one.cell, placed(one.path, [found(results) for found in chosen]))

    def _position(self, one: Position, other: Position) -> Callable[[Sequence[Value]], Position]:
        if one is other or (isinstance(one, Dim) and one == other and in_scope(one)):
            return lambda results: one
        place = self.result(
            None, *(self._inside(k, partial(position_value, p)) for k, p in enumerate((one, other)))
        )
        return lambda results: results[place]

    def _doubt(self, k: int, array: TracedArray) -> str | None:
        """Why an array cannot be read at the end of a branch."""
        stale: str | None = self._inside(k, lambda: array.cell.stale)
        return stale

    def _stored(self, slot: Slot, place: int, arrays: Sequence[TracedArray]) -> Finish:
        """An array in storage of its own; one storage however many variables name it."""
        cells: list[Cell] = []

        def finish(results: Sequence[Value]) -> TracedArray:
            if not cells:
                readonly = next((a.cell.readonly for a in arrays if a.cell.readonly), None)
                contiguous = all(a.contiguous for a in arrays)
                cells.append(Cell(results[place], str(slot), readonly, contiguous))
                one, other = arrays[0], arrays[-1]
                self.made[cells[0]] = near(one.cell), near(other.cell)
            return TracedArray(cells[0])

        return finish

    def link(self) -> None:
        """Let every array that was made know what it may be; asked last."""
        made = list(self.made.items())
        for k, (cell, sides) in enumerate(made):
            for later, others in made[k + 1 :]:
                if any(a & b for a, b in zip(sides, others, strict=True)):
                    pair(cell, later)
        for cell, sides in made:
            for storage in set().union(*sides):
                pair(cell, storage)

    # Where one branch decides ------------------------------------------------------------------------------

    def _filled(self, slot: Slot, k: int, leaf: Any) -> Finish:
        """What branch k leaves, and anything of its type where the other one is taken."""
        inner = children(leaf)
        if inner:
            _freeze(leaf)
            parts = [self._filled(Slot(slot.name, (*slot.parts, key)), k, x) for key, x in inner]
            return lambda results: _whole(leaf, [part(results) for part in parts])
        if not isinstance(leaf, Traced) or outlives(leaf):
            return lambda results: leaf
        if type(leaf) is TracedArray:
            return self._filled_array(slot, k, leaf)
        kind = number_type(leaf)
        value = self._inside(k, lambda: number_value(leaf, kind.dtype))
        place = self.result(str(slot), *_placed(k, value, constant(0, kind.dtype)))
        return lambda results: TracedScalar.of(results[place], kind)

    def _filled_array(self, slot: Slot, k: int, leaf: TracedArray) -> Finish:
        doubt = self._doubt(k, leaf)
        if doubt is None and not all(map(in_scope, leaf.type.shape)):
            doubt = f"its size is known only in a branch of {self.where}"
        if doubt is not None:
            nothing = Undefined(doubt)
            return lambda results: nothing
        shape, dtype = leaf.type.shape, leaf.type.dtype
        filler = self._inside(1 - k, lambda: undefined(shape=shape, dtype=dtype))
        place = self.result(str(slot), *_placed(k, self._inside(k, leaf.read), filler))
        return self._stored(slot, place, (leaf,))

    # Results -----------------------------------------------------------------------------------------------

    def _inside(self, k: int, write: Callable[[], Any]) -> Any:
        """What `write` gives at the end of a branch."""
        with reopened(self.sides[k].frame):
            return write()

    def result(self, name: str | None, one: Value, other: Value) -> int:
        """One more result of the `if`: its number."""
        for side, values, value in zip(self.sides, self.results, (one, other), strict=True):
            if not isinstance(value, Constant):
                current().check_home(value, side.frame)
            values.append(value)
        self.names.append(name if name and name.isidentifier() else None)
        return len(self.names) - 1


# ---- values ----


def _same(one: Any, other: Any) -> bool:
    """Whether two things are one, or equal constants."""
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    match one:
        case _ if type(one) is TracedArray:
            return one.cell is other.cell and same_path(one.path, other.path)
        case _ if type(one) is TracedScalar:
            return one.value is other.value and one.number == other.number
        case _ if type(one) is Size:
            return bool(one.dim == other.dim)
        case _ if type(one) is SizePredicate:
            return one.dim == other.dim and one.relation is other.relation
        case float() | np.generic():
            return repr(one) == repr(other)  # nan is nan, and 0.0 is not -0.0
        case bool() | int() | str() | bytes() | slice() | range():
            return bool(one == other)
    return False


def _same_type(one: TracedArray, other: TracedArray) -> bool:
    """Whether two arrays have one dtype and one shape."""
    mine, its = one.type, other.type
    if mine.dtype is not its.dtype or mine.rank != its.rank:
        return False
    return all(same_dim(a, b) for a, b in zip(mine.shape, its.shape, strict=True))


def _freeze(container: Any) -> None:
    """What is one of two things after the `if` cannot be changed in place any more, under no name."""
    if isinstance(container, list | dict):
        current().merged[id(container)] = container
        for frame in current().frame.outwards():
            frame.fresh.pop(id(container), None)


def _whole(container: Any, parts: list[Any]) -> Any:
    """A container of merged elements; it has no value if one of them has none."""
    lost = next((part for part in parts if isinstance(part, Undefined)), None)
    if lost is not None:
        return lost
    made = rebuilt(container, parts)
    _freeze(made)
    return made


def _placed(k: int, mine: Any, other: Any) -> tuple[Any, Any]:
    """What belongs to branch k, and to the other one, in order."""
    return (mine, other) if k == 0 else (other, mine)
