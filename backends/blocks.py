"""What the CPU targets share: values, updates and blocks as Python source.

A target says how a block is scheduled and how single steps are written; which buffer is overwritten, copied
or handed on is decided here, in `loops.py` and in `branches.py`, by the rules of `memory.py`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any

from ..ir.errors import VerifierError
from ..ir.graph import Block, Constant, Eqn, Function, Value, reads, walk
from ..ir.op import Whole
from ..ir.types import ArrayType, Dim
from .cuts import Cut
from .flow import reached
from .kernels import Nest, Schedule
from .memory import Group, Place, Scope, note
from .source import Fresh, Line, Names, Page, Scratch, allocation, literal, remark, zero


class BlockWriter(ABC):
    """Writes the body of one generated function."""

    def __init__(self, function: Function, taken: Iterable[str] = ()) -> None:
        self.function = function
        self.names = Names([*taken, *size_names(function)])
        self.page = Page()
        self.texts: dict[Value, str] = {}
        self.places: dict[Value, Place] = {}
        self.constants: dict[str, Any] = {}
        """Arrays that the program contains, by the names under which the source reads them."""
        self.notes: list[str] = []
        self.checks: list[Eqn] = []
        self._schedules: dict[Block, Schedule] = {}
        self.rows: dict[Value, Place] = {}
        """Rows of stacks in which arrays are made."""
        self.ascending: set[str] = set()
        """Loop variables that are never negative, as a compiler sees by itself."""
        self.handed_on: dict[str, set[str]] = {}
        """To which variables the array of a variable goes."""
        self.onward: dict[Value, Sequence[Value]] = {}
        """Arrays that a loop makes for its next trip, and its carries, whose buffers they may take."""
        self.items: dict[Value, list[Place]] = {}
        """Where in stacks values are stored, as soon as they are there."""
        self.lent: set[str] = set()
        """Variables of parameters whose memory the function may write to."""

    # ---- what a target says ----

    @abstractmethod
    def schedule(self, block: Block) -> Schedule:
        """The order in which a block is written."""

    @abstractmethod
    def nest(self, nest: Nest, scope: Scope) -> None:
        """Write loops over elements."""

    @abstractmethod
    def statement(self, eqn: Eqn, scope: Scope) -> None:
        """Write an equation that is neither a nest nor anything that is known here by name."""

    @abstractmethod
    def control(self, eqn: Eqn, scope: Scope) -> None:
        """Write an equation with blocks."""

    @abstractmethod
    def update(self, eqn: Eqn, place: Place) -> None:
        """Write the update of a part of the array at a place."""

    @abstractmethod
    def index_text(self, text: str) -> str:
        """An index that is known not to be negative."""

    @abstractmethod
    def overwrite(
        self, page: Page, place: Place, source: Place, type: ArrayType, eqn: Eqn | None = None
    ) -> None:
        """Write an array of this type from one place to another."""

    @abstractmethod
    def stop(self, scope: Scope) -> None:
        """Leave the function because the latest check failed."""

    # ---- values ----

    def text(self, value: Value) -> str:
        """Source of a value: a literal, a variable, or the place of an array."""
        return place_text(self.place(value)) if value.type.rank else self.text_of_scalar(value)

    def text_of_scalar(self, value: Value) -> str:
        """Source of a value that is one number where it is read."""
        return literal(value) if isinstance(value, Constant) else self.texts[value]

    def cut(self, extent: Dim, trip: Dim) -> Cut | None:
        """How a loop outside all others is cut into chunks, of which a trip costs that many operations; None
        where it is not."""
        return None

    def scalar(self, value: Value) -> str:
        """Source of a scalar that becomes a variable's."""
        return self.text(value)

    def place(self, value: Value) -> Place:
        """Where an array lives; a Constant gets a name when it is first met."""
        if value not in self.places:
            assert isinstance(value, Constant)
            name = self.names.fresh("constant")
            self.constants[name] = value.data
            self.places[value] = Place(name, (), Group(None))
        return self.places[value]

    def define(self, value: Value) -> str:
        """A new variable for a scalar."""
        self.texts[value] = self.names.fresh(value.name)
        return self.texts[value]

    def target(self, value: Value, scope: Scope) -> tuple[Place, bool]:
        """Where a new array is to be made; True where that is a row of a stack: memory is there already."""
        row = self.rows.get(value)
        name, indices = (row.name, row.indices) if row else (self.names.fresh(value.name), ())
        self.places[value] = Place(name, indices, Group(scope, [value]))
        return self.places[value], row is not None

    def assign(self, eqn: Eqn, expression: str, scope: Scope, scratch: Iterable[Scratch] = ()) -> None:
        """Write `output = expression`, a scalar or a fresh array; `scratch` is what that takes beside it."""
        value = eqn.output
        if value.type.rank:
            place, there = self.target(value, scope)
            made = None if there else Fresh(place.name, value.type, filling=None)
            self.page.write(f"{place_text(place)} = {expression}", eqn, made, scratch)
        else:
            self.page.write(f"{self.define(value)} = {expression}", eqn, None, scratch)

    def allocate(self, value: Value, scope: Scope, eqn: Eqn | None = None, fill: str = "") -> Place:
        """Memory for a new array, and what it is filled with, if anything."""
        place, there = self._reused(value, scope, eqn) or self.target(value, scope)
        if not there:
            if fill in ("", zero(value.type.dtype)):
                text = allocation("np.zeros" if fill else "np.empty", value.type)
            else:
                text = allocation("np.full", value.type, fill)
            whole = [Line(f"{place.name}[:] = {fill}", self.page.depth, remark(eqn))] if fill else []
            self.page.write(f"{place.name} = {text}", eqn, Fresh(place.name, value.type, lambda: whole))
        elif fill:
            self.page.write(f"{place_text(place)}{'' if place.indices else '[:]'} = {fill}", eqn)
        return place

    def _reused(self, value: Value, scope: Scope, eqn: Eqn | None) -> tuple[Place, bool] | None:
        """The buffer of a carry that is not read any more, for an array that goes on to the next trip."""
        for param in self.onward.get(value, ()):
            place = self.places[param]
            same = param.type == value.type and not place.indices
            if same and eqn is not None and scope.freed(place.group, eqn):
                place.group.members.append(value)
                self.places[value] = place
                return place, True
        return None

    def hand_on(self, name: str, place: Place, eqn: Eqn | None = None) -> None:
        """Another variable for an array that is not used under its old name any more."""
        place.group.owner = None
        self.handed_on.setdefault(place.name, set()).add(name)
        self.page.write(f"{name} = {place.name}", eqn)

    def copy(self, name: str, value: Value, eqn: Eqn | None = None) -> None:
        """A variable for a copy of an array."""
        source, depth = self.place(value), self.page.depth

        def filling() -> Sequence[Line]:
            page = Page(depth=depth)
            self.overwrite(page, Place(name, (), Group(None)), source, value.type, eqn)
            return page.lines

        self.page.write(f"{name} = {place_text(source)}.copy()", eqn, Fresh(name, value.type, filling))

    def view(self, eqn: Eqn, place: Place) -> None:
        """The output of an equation shares memory with what lies at a place."""
        self.places[eqn.output] = place
        place.group.members.append(eqn.output)

    # ---- the function ----

    def body(self) -> list[str]:
        """Write everything but the last line; the sources of the results, the variables of arrays."""
        scope = self.scope(self.function.body, self.function.body.results, 0)
        for param in self.function.body.params:
            name = self.define(param)
            if param.type.rank:
                self.places[param] = Place(name, (), Group(None))
        self.block(scope)
        seen: set[Group] = set()
        return [self._result(r, scope, seen) for r in self.function.body.results]

    def _result(self, value: Value, scope: Scope, seen: set[Group]) -> str:
        if not value.type.rank:
            return self.text(value)
        place = self.place(value)
        lent = {n for name in self.lent for n in reached(name, self.handed_on)}
        own = self.owns(scope, place) and place.group not in seen and place.name not in lent
        seen.add(place.group)
        if own:
            return place.name
        name = self.names.fresh(value.name)
        self.copy(name, value)
        return name

    def owns(self, scope: Scope, place: Place) -> bool:
        """Whether a scope may hand an array on as it is: its own, and not a part of other memory."""
        return (
            place.group.owner is scope and not place.indices and self.places[place.group.members[0]] == place
        )

    # ---- blocks ----

    def scope(self, block: Block, live: Sequence[Value], depth: int) -> Scope:
        return Scope.of(block, self.scheduled(block), live, depth)

    def scheduled(self, block: Block) -> Schedule:
        if block not in self._schedules:
            self._schedules[block] = self.schedule(block)
        return self._schedules[block]

    def block(self, scope: Scope) -> None:
        """Write the equations of a block whose parameters have names."""
        for step in self.scheduled(scope.block).steps:
            if isinstance(step, Nest):
                self.nest(step, scope)
                outputs = [o for root in step.roots for o in root.outputs]
            else:
                self._step(step, scope)
                outputs = list(step.outputs)
            for value in outputs:
                self.store_items(value)

    def _step(self, eqn: Eqn, scope: Scope) -> None:
        if eqn.op.name == "undefined" and scope.unread(eqn.output):
            return
        if eqn.op.name == "undefined" and eqn.inputs:
            self._lie_in(eqn, scope)
        elif eqn.blocks:
            self.control(eqn, scope)
        elif eqn.op.updates:
            place = self.updated(eqn, scope)
            if isinstance(eqn.op.lowering, Whole):
                self.page.write(eqn.op.lowering.source(eqn, [place_text(place)]), eqn)
            else:
                self.update(eqn, place)
        elif eqn.op.name == "check":
            self.check(eqn, self.text(eqn.inputs[0]), scope)
        elif eqn.op.name == "bind":
            self.page.write(f"{eqn.attrs['size']} = {self.text(eqn.inputs[0])}", eqn)
        elif eqn.op.name != "barrier":
            self.statement(eqn, scope)

    def _lie_in(self, eqn: Eqn, scope: Scope) -> None:
        """An array in the memory of a parameter."""
        name = self.places[eqn.inputs[0]].name
        self.lent.add(name)
        self.places[eqn.output] = Place(name, (), Group(scope, [eqn.output]))

    def check(self, eqn: Eqn, ok: str, scope: Scope) -> None:
        """Leave the function, before anything else happens, where a check fails."""
        self.checks.append(eqn)
        self.page.write(f"if not {ok}:", eqn)
        with self.page.indented():
            self.stop(scope)

    def updated(self, eqn: Eqn, scope: Scope) -> Place:
        """The memory that an update writes into: that of operand 0, or a copy of it."""
        x, place = eqn.inputs[0], self.place(eqn.inputs[0])
        if reads(eqn).count(x) == 1 and scope.dies(x, eqn, place):
            self.view(eqn, place)
        else:
            self.noted(eqn, x, scope)
            made, there = self._reused(eqn.output, scope, eqn) or self.target(eqn.output, scope)
            if there:
                self.overwrite(self.page, made, place, x.type, eqn)
            else:
                self.copy(made.name, x, eqn)
        return self.places[eqn.output]

    def noted(self, eqn: Eqn, copied: Value, scope: Scope) -> None:
        """Say that an array is copied, if that happens in a loop."""
        if scope.depth:
            self.notes.append(note(eqn, copied.name or "an array"))

    def place_items(self, block: Block, items: Sequence[tuple[Value, Place]]) -> None:
        """Say where results of a block are to be stored; those that the block does not make are, at once."""
        made = {o for eqn in block.eqns for o in eqn.outputs}
        for result, place in items:
            self.items.setdefault(result, []).append(place)
        for result in dict.fromkeys(result for result, _ in items):
            if result not in made:
                self.store_items(result)

    def store_items(self, value: Value) -> None:
        """Items of loops are stored when they are born, so that they may be overwritten afterwards."""
        for place in self.items.pop(value, ()):
            if not value.type.rank:
                self.page.write(f"{place_text(place)} = {self.text(value)}")
            elif self.place(value) != place:
                self.overwrite(self.page, place, self.place(value), value.type)


def place_text(place: Place) -> str:
    """`x`, `tape[t, i]`."""
    return f"{place.name}[{', '.join(place.indices)}]" if place.indices else place.name


def size_names(function: Function) -> list[str]:
    """Every name of a size; a block may not use again one that stands around it."""
    bound = [str(e.attrs[e.op.binds]) for e in walk(function.body) if e.op.binds]
    _require_distinct(function.body, frozenset(function.sizes))
    return [
        *function.sizes,
        *bound,
        *(str(e.attrs["index"]) for e in walk(function.body) if e.attrs.get("index")),
    ]


def _require_distinct(block: Block, around: frozenset[str]) -> None:
    for eqn in block.eqns:
        index = {str(eqn.attrs["index"])} if eqn.op.loop and eqn.attrs.get("index") else set()
        bound = {str(eqn.attrs[eqn.op.binds])} if eqn.op.binds else set()
        for name in sorted((index | bound) & around):
            raise VerifierError(f"the size {name} is bound again where it is bound already", eqn.location)
        for inner in eqn.blocks:
            _require_distinct(inner, around | index)
        around = around | bound
