"""What the CPU targets share: blocks, loops, branches and updates as Python source.

A target says how a block is scheduled and how single steps are written; which buffer is overwritten, copied or handed
on is decided here, by the rules of `memory.py`.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any

from ..ir.errors import VerifierError
from ..ir.graph import Block, Constant, Eqn, Function, Value, walk
from ..ir.ops.control import trip_count
from ..ir.types import Dim
from .kernels import Nest, Schedule
from .memory import Group, Place, Scope, born_in_stack, note, states, stays, used
from .source import Names, Page, allocation, literal


class BlockWriter(ABC):
    """Writes the body of one generated function."""

    def __init__(self, function: Function, taken: Iterable[str] = ()) -> None:
        self.function = function
        self.names = Names([*taken, *_size_names(function)])
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
        self._items: dict[Value, list[Place]] = {}

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
    def update(self, eqn: Eqn, place: Place) -> None:
        """Write the update of a part of the array at a place."""

    @abstractmethod
    def trips(self, length: Dim, reverse: bool) -> str:
        """What a loop runs over."""

    @abstractmethod
    def index_text(self, text: str) -> str:
        """An index that is known not to be negative."""

    @abstractmethod
    def stop(self, eqn: Eqn) -> str:
        """The statement that leaves the function because a check failed."""

    # ---- values ----

    def text(self, value: Value) -> str:
        """Source of a value: a literal, a variable, or the place of an array."""
        if value.type.rank:
            return place_text(self.place(value))
        return literal(value) if isinstance(value, Constant) else self.texts[value]

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
        """Where a new array is to be made; True where that is a row of a stack, so that memory is there already."""
        row = self.rows.get(value)
        name, indices = (row.name, row.indices) if row else (self.names.fresh(value.name), ())
        self.places[value] = Place(name, indices, Group(scope, [value]))
        return self.places[value], row is not None

    def assign(self, eqn: Eqn, expression: str, scope: Scope) -> None:
        """Write `output = expression`, a scalar or a fresh array."""
        value = eqn.output
        if value.type.rank:
            place, _ = self.target(value, scope)
            self.page.write(f"{place_text(place)} = {expression}", eqn)
        else:
            self.page.write(f"{self.define(value)} = {expression}", eqn)

    def allocate(self, value: Value, scope: Scope, eqn: Eqn | None = None) -> Place:
        """Memory for a new array, not filled."""
        place, there = self.target(value, scope)
        if not there:
            self.page.write(f"{place.name} = {allocation('np.empty', value.type)}", eqn)
        return place

    def view(self, eqn: Eqn, place: Place) -> None:
        """The output of an equation shares memory with what lies at a place."""
        self.places[eqn.output] = place
        place.group.members.append(eqn.output)

    # ---- the function ----

    def body(self) -> list[str]:
        """Write everything but the last line; the sources of the results."""
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
        own = self._owns(scope, place) and place.group not in seen
        seen.add(place.group)
        return place_text(place) if own else f"{place_text(place)}.copy()"

    def _owns(self, scope: Scope, place: Place) -> bool:
        """Whether a scope may hand an array on as it is: all of a variable's memory, not a part of other memory."""
        return place.group.owner is scope and not place.indices and self.places[place.group.members[0]] == place

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
                self._store_items(value)

    def _step(self, eqn: Eqn, scope: Scope) -> None:
        match eqn.op.name:
            case "for":
                self._loop(eqn, scope)
            case "if":
                self._branch(eqn, scope)
            case "call":
                self._call(eqn, scope)
            case "put" | "add_at":
                self.update(eqn, self.updated(eqn, scope))
            case "check":
                self.check(eqn, self.text(eqn.inputs[0]))
            case "bind":
                self.page.write(f"{eqn.attrs['size']} = {self.text(eqn.inputs[0])}", eqn)
            case _:
                self.statement(eqn, scope)

    def check(self, eqn: Eqn, ok: str) -> None:
        """Leave the function, before anything else happens, where a check fails."""
        self.checks.append(eqn)
        self.page.write(f"if not {ok}:", eqn)
        with self.page.indented():
            self.page.write(self.stop(eqn))

    def updated(self, eqn: Eqn, scope: Scope) -> Place:
        """The memory that `put` and `add_at` write into: that of operand 0, or a copy of it."""
        x, place = eqn.inputs[0], self.place(eqn.inputs[0])
        if used(eqn).count(x) == 1 and scope.dies(x, eqn, place):
            self.view(eqn, place)
        else:
            self._noted(eqn, x, scope)
            self.assign(eqn, f"{place_text(place)}.copy()", scope)
        return self.places[eqn.output]

    def _noted(self, eqn: Eqn, copied: Value, scope: Scope) -> None:
        if scope.depth:
            self.notes.append(note(eqn, copied.name or "an array"))

    def _store_items(self, value: Value) -> None:
        """Items of loops are stored when they are born, so that they may be overwritten afterwards."""
        for place in self._items.pop(value, ()):
            if not value.type.rank or self.place(value) != place:
                self.page.write(f"{place_text(place)} = {self.text(value)}")

    # ---- for ----

    def _loop(self, eqn: Eqn, scope: Scope) -> None:
        (body,) = eqn.blocks
        k = states(eqn)
        rows = born_in_stack(eqn)
        live = [*body.results[:k], *(body.results[n] for n in rows.values())]
        inner = self.scope(body, live, scope.depth + 1)
        for n in range(k):
            self._start(eqn, n, scope, inner)
        stacks = [self.allocate(o, scope, eqn) for o in eqn.outputs[k:]]
        index = self._loop_index(eqn, body.params[0])
        reverse = bool(eqn.attrs.get("reverse"))
        if not reverse:
            self.ascending.add(index)
        self.page.write(f"for {index} in {self.trips(trip_count(eqn.attrs), reverse)}:", eqn)
        with self.page.indented():
            at = self.index_text(index)
            self._slices(eqn, body.params[1 + k :], at)
            self._place_items(body, body.results[k:], [s.at(at) for s in stacks], rows, k)
            self.block(inner)
            self._next_trip(body, k, inner)
            if self.page.lines[-1].depth < self.page.depth:
                self.page.write("pass")
        for n, output in enumerate(eqn.outputs[:k]):
            self._finish(body.params[1 + n], output, scope)

    def _loop_index(self, eqn: Eqn, param: Value) -> str:
        """The variable of a loop; sizes may mention it under the name in attribute `index`."""
        named = eqn.attrs.get("index")
        self.texts[param] = str(named) if named else self.names.fresh(param.name or "i")
        return self.texts[param]

    def _start(self, eqn: Eqn, n: int, scope: Scope, inner: Scope) -> None:
        """Carry n before the loop: its start's own buffer if that dies here, else a copy."""
        start, param = eqn.inputs[n], eqn.blocks[0].params[1 + n]
        if not param.type.rank:
            value = self.text(start)
            self.page.write(f"{self.define(param)} = {value}", eqn)
            return
        place = self.place(start)
        taken = used(eqn).count(start) == 1 and scope.dies(start, eqn, place)
        if taken and stays(eqn, n):
            self.places[param] = Place(place.name, place.indices, Group(inner, [param]))
            return
        if not taken:
            self._noted(eqn, start, scope)
        name = self.names.fresh(param.name)
        own = taken and self._owns(scope, place)
        self.page.write(f"{name} = {place_text(place)}{'' if own else '.copy()'}", eqn)
        self.places[param] = Place(name, (), Group(inner, [param]))

    def _slices(self, eqn: Eqn, params: Sequence[Value], at: str) -> None:
        for param, operand in zip(params, eqn.inputs[len(eqn.inputs) - len(params) :], strict=True):
            place = self.place(operand).at(at)
            if param.type.rank:
                self.places[param] = Place(place.name, place.indices, Group(None))
            else:
                self.page.write(f"{self.define(param)} = {place_text(place)}", eqn)

    def _place_items(
        self, body: Block, results: Sequence[Value], places: Sequence[Place], rows: dict[Value, int], k: int
    ) -> None:
        """Say where items go; those that the body does not make are stored at once."""
        self.rows.update({first: places[n - k] for first, n in rows.items()})
        made = {o for eqn in body.eqns for o in eqn.outputs}
        for result, place in zip(results, places, strict=True):
            self._items.setdefault(result, []).append(place)
        for result in dict.fromkeys(results):
            if result not in made:
                self._store_items(result)

    def _next_trip(self, body: Block, k: int, inner: Scope) -> None:
        """Carries for the next trip."""
        moves: list[tuple[str, str]] = []
        kept = {
            self.places[r].group
            for p, r in zip(body.params[1:], body.results[:k], strict=False)
            if r.type.rank and not isinstance(r, Constant) and self.places[p] == self.places[r]
        }
        for param, result in zip(body.params[1:], body.results[:k], strict=False):
            source = self.text(result)
            if not param.type.rank:
                moves.append((self.texts[param], source))
                continue
            place, found = self.places[param], self.place(result)
            if place == found:
                continue
            fresh = self._owns(inner, found) and found.group not in kept
            kept.add(found.group)
            copied = source if fresh or place.indices else f"{source}.copy()"
            moves.append((place_text(place), copied))
        self._move([(to, source) for to, source in moves if to != source])

    def _move(self, moves: Sequence[tuple[str, str]]) -> None:
        """Assign at once where a later source reads an earlier target."""
        words = [set(re.findall(r"\w+", source)) for _, source in moves]
        targets = [to.partition("[")[0] for to, _ in moves]
        if any(targets[a] in words[b] for b in range(len(moves)) for a in range(b)):
            self.page.write(f"{', '.join(to for to, _ in moves)} = {', '.join(source for _, source in moves)}")
        else:
            for to, source in moves:
                self.page.write(f"{to} = {source}")

    def _finish(self, param: Value, output: Value, scope: Scope) -> None:
        """A carry after the loop is what its variable holds."""
        if output.type.rank:
            place = self.places[param]
            self.places[output] = Place(place.name, place.indices, Group(scope, [output]))
        else:
            self.texts[output] = self.texts[param]

    # ---- if, call ----

    def _lent(self, eqn: Eqn, scope: Scope) -> list[Group]:
        """Memory that an `if` or `call` reads for the last time: its blocks may overwrite it."""
        arrays = [v for v in dict.fromkeys(used(eqn)) if v.type.rank and not isinstance(v, Constant)]
        once = [v for v in arrays if eqn.op.name == "if" or used(eqn).count(v) == 1]
        return [self.places[v].group for v in once if scope.dies(v, eqn, self.places[v])]

    def _branch(self, eqn: Eqn, scope: Scope) -> None:
        lent = self._lent(eqn, scope)
        inners, sides = [], []
        for block in eqn.blocks:
            inner = self.scope(block, block.results, scope.depth)
            for group in lent:
                group.owner = inner
            with self.page.aside() as lines, self.page.indented():
                self.block(inner)
            inners.append(inner)
            sides.append(lines)
        targets, shared = self._branch_targets(eqn, lent, scope)
        for block, inner, lines in zip(eqn.blocks, inners, sides, strict=True):
            for group in lent:
                group.owner = inner
            with self.page.aside() as ends, self.page.indented():
                self._branch_ends(block, inner, targets, shared)
                if not lines and not ends:
                    self.page.write("pass")
            lines += ends
        for group in lent:
            group.owner = scope
        self.page.write(f"if {self.text(eqn.inputs[0])}:", eqn)
        self.page.extend(sides[0])
        self.page.write("else:")
        self.page.extend(sides[1])

    def _branch_targets(self, eqn: Eqn, lent: Sequence[Group], scope: Scope) -> tuple[list[str | None], set[Group]]:
        """The variable of each output; None where both branches leave it in the same lent memory."""
        targets: list[str | None] = []
        shared: set[Group] = set()
        for output, a, b in zip(eqn.outputs, *(block.results for block in eqn.blocks), strict=True):
            if output.type.rank:
                place, other = self.place(a), self.place(b)
                if place == other and place.group in lent and place.group not in shared:
                    shared.add(place.group)
                    self.places[output] = Place(place.name, place.indices, Group(scope, [output]))
                    targets.append(None)
                    continue
                name = self.names.fresh(output.name)
                self.places[output] = Place(name, (), Group(scope, [output]))
                targets.append(name)
            else:
                targets.append(self.define(output))
        return targets, shared

    def _branch_ends(self, block: Block, inner: Scope, targets: Sequence[str | None], shared: set[Group]) -> None:
        taken = set(shared)
        for target, result in zip(targets, block.results, strict=True):
            if target is None:
                continue
            source = self.text(result)
            if result.type.rank:
                place = self.place(result)
                own = self._owns(inner, place) and place.group not in taken
                taken.add(place.group)
                source = source if own else f"{source}.copy()"
            self.page.write(f"{target} = {source}")

    def _call(self, eqn: Eqn, scope: Scope) -> None:
        """The block is written in place of the call."""
        (block,) = eqn.blocks
        lent = self._lent(eqn, scope)
        inner = self.scope(block, block.results, scope.depth)
        for param, value in zip(block.params, eqn.inputs, strict=True):
            if param.type.rank:
                self.places[param] = self.place(value)
                self.places[param].group.members.append(param)
            else:
                self.texts[param] = self.text(value)
        for group in lent:
            group.owner = inner
        self.block(inner)
        for output, result in zip(eqn.outputs, block.results, strict=True):
            if output.type.rank:
                place = self.places[output] = self.place(result)
                place.group.members.append(output)
                place.group.owner = scope if place.group.owner is inner else place.group.owner
            else:
                self.texts[output] = self.text(result)


def place_text(place: Place) -> str:
    """`x`, `tape[t, i]`."""
    return f"{place.name}[{', '.join(place.indices)}]" if place.indices else place.name


def _size_names(function: Function) -> list[str]:
    """Every name of a size; a block may not use again one that stands around it."""
    bound = [str(e.attrs["size"]) for e in walk(function.body) if e.op.name == "bind"]
    _require_distinct(function.body, frozenset(function.sizes))
    return [*function.sizes, *bound, *(str(e.attrs["index"]) for e in walk(function.body) if e.attrs.get("index"))]


def _require_distinct(block: Block, around: frozenset[str]) -> None:
    for eqn in block.eqns:
        own = eqn.attrs.get("size") if eqn.op.name == "bind" else eqn.attrs.get("index") if eqn.blocks else None
        if own in around:
            raise VerifierError(f"the size {own} is bound again where it is bound already", eqn.location)
        for inner in eqn.blocks:
            _require_distinct(inner, around | {str(own)} if own else around)
        around = around | {str(own)} if own and eqn.op.name == "bind" else around
