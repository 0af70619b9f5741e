"""Loops as Python source, for the CPU targets: `for`, and `while` with tapes that grow."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from math import prod

from ..ir.graph import Block, Eqn, Value
from ..ir.loops import loop_body, most_trips, state_count, trip_count
from ..ir.types import ArrayType, Dim
from .blocks import place_text
from .carries import CarryWriter
from .memory import Group, Place, Scope, born_in_place, versions
from .source import Fresh, Line, Trips, allocation
from .tapes import first_rows


class LoopWriter(CarryWriter):
    """A writer of blocks that writes loops, too."""

    @abstractmethod
    def trips(self, length: Dim, reverse: bool) -> str:
        """What a `for` runs over."""

    @abstractmethod
    def first_index(self) -> str:
        """Where the index of a `while` starts."""

    @abstractmethod
    def left(self, scope: Scope) -> None:
        """Go on leaving the function behind a loop in which a check may have failed."""

    # ---- for ----

    def for_loop(self, eqn: Eqn, scope: Scope) -> None:
        (body,) = eqn.blocks
        k = state_count(eqn.attrs)
        inner, rows = self._started(eqn, scope)
        stacks = [self.allocate(o, scope, eqn) for o in eqn.outputs[k:]]
        index = self._loop_index(eqn, body.params[0])
        reverse = bool(eqn.attrs.get("reverse"))
        (self.ascending.discard if reverse else self.ascending.add)(index)
        checks = len(self.checks)
        length = trip_count(eqn.attrs)
        trips = Trips(index, length, reverse)
        self.page.write(f"for {index} in {self.trips(length, reverse)}:", eqn, trips=trips)
        with self.page.indented():
            at = self.index_text(index)
            self._slices(eqn, body.params[1 + k :], at)
            self._place_rows(body, k, stacks, rows, at)
            begin = len(self.page.lines)
            self.block(inner)
            self.next_trip(body, k, inner, begin)
            if self.page.lines[-1].depth < self.page.depth:
                self.page.write("pass")
        if len(self.checks) > checks:
            self.left(scope)
        for n, output in enumerate(eqn.outputs[:k]):
            self.finish(body.params[1 + n], output, scope)

    def _started(self, eqn: Eqn, scope: Scope) -> tuple[Scope, dict[Value, int]]:
        """The scope of a body whose carries have their variables, and which arrays are made in stacks."""
        body, k = loop_body(eqn), state_count(eqn.attrs)
        rows = born_in_place(body, range(k, len(body.results)))
        live = [*body.results[:k], *(body.results[n] for n in rows.values())]
        inner = self.scope(body, live, scope.depth + 1)
        for n in range(k):
            self.start(eqn, n, scope, inner)
        arrays = [(p, r) for p, r in zip(body.params[1:], body.results[:k], strict=False) if p.type.rank]
        for param, result in arrays:
            self.onward[versions(body, result)[-1]] = (param, *(p for p, _ in arrays))
        return inner, rows

    def _loop_index(self, eqn: Eqn, param: Value) -> str:
        """The variable of a loop; sizes may mention it under the name in attribute `index`."""
        named = eqn.attrs.get("index")
        self.texts[param] = str(named) if named else self.names.fresh(param.name or "i")
        return self.texts[param]

    def _slices(self, eqn: Eqn, params: Sequence[Value], at: str) -> None:
        for param, operand in zip(params, eqn.inputs[len(eqn.inputs) - len(params) :], strict=True):
            place = self.place(operand).at(at)
            if param.type.rank:
                self.places[param] = Place(place.name, place.indices, Group(None))
            else:
                self.page.write(f"{self.define(param)} = {place_text(place)}", eqn)

    def _place_rows(
        self, body: Block, k: int, stacks: Sequence[Place], rows: Mapping[Value, int], at: str
    ) -> None:
        """The items of a trip go into its rows of the stacks; `rows` are made there."""
        places = [stack.at(at) for stack in stacks]
        self.rows.update({first: places[n - k] for first, n in rows.items()})
        self.place_items(body, list(zip(body.results[k:], places, strict=True)))

    # ---- while ----

    def while_loop(self, eqn: Eqn, scope: Scope) -> None:
        test, body = eqn.blocks
        k = state_count(eqn.attrs)
        inner, rows = self._started(eqn, scope)
        index = self._loop_index(eqn, body.params[0])
        checks = len(self.checks)
        tapes, growing = self._tapes(eqn)
        self.page.write(f"{index} = {self.first_index()}", eqn)
        self._lend(body, test)
        with self._growing(eqn, index, tapes) if growing else nullcontext():
            with self.page.aside() as asked, self.page.indented():
                self.block(self.scope(test, test.results, scope.depth + 1))
            self._head(eqn, index, asked, self.text(test.results[0]), tapes if growing else ())
            with self.page.indented():
                self._place_rows(body, k, tapes, rows, self.index_text(index))
                begin = len(self.page.lines)
                self.block(inner)
                self.next_trip(body, k, inner, begin)
                self.page.write(f"{index} += 1")
        if len(self.checks) > checks:
            self.left(scope)
        trips = str(eqn.attrs["trips"])
        self.page.write(f"{trips} = {index}")
        for tape, output in zip(tapes, eqn.outputs[k:], strict=True):
            self.cut_off(output, tape, trips)
        for n, output in enumerate(eqn.outputs[:k]):
            self.finish(body.params[1 + n], output, scope)

    def cut_off(self, stack: Value, tape: Place, trips: str) -> None:
        """A stack is what the trips have written of a tape."""
        name = self.names.fresh(stack.name)
        self.places[stack] = Place(name, (), Group(None, [stack]))
        self.handed_on.setdefault(tape.name, set()).add(name)
        self.page.write(f"{name} = {tape.name}[:{trips}]")

    def tape(self, name: str, type: ArrayType, eqn: Eqn) -> None:
        """Memory for rows of a stack."""
        self.page.write(f"{name} = {allocation('np.empty', type)}", eqn, Fresh(name, type))

    def _lend(self, body: Block, test: Block) -> None:
        """The test reads the body's carries where they are, and may overwrite none."""
        for param, asked in zip(body.params, test.params, strict=True):
            if param.type.rank:
                place = self.places[param]
                self.places[asked] = Place(place.name, place.indices, Group(None))
            else:
                self.texts[asked] = self.texts[param]

    def _head(self, eqn: Eqn, index: str, asked: Sequence[Line], ok: str, tapes: Sequence[Place]) -> None:
        """`while i < limit and x > 0.0:` where the test is one expression, else a test in the loop.

        It ends without a `break` only where tapes are full, or the limit is reached.
        """
        conditions = [*(f"{index} < {tape.name}.shape[0]" for tape in tapes[:1]), *_within(eqn, index)]
        single = [line.text.removeprefix(f"{ok} = ") for line in asked]
        inline = len(asked) == 1 and single[0] != asked[0].text and not tapes
        if inline or not asked and not tapes:
            test = single[0] if inline else ok
            loose = re.search(r"\b(or|if)\b", test) and conditions
            conditions += [] if test == "True" else [f"({test})" if loose else test]
        self.page.write(f"while {' and '.join(conditions) or 'True'}:", eqn)
        if not inline and (asked or tapes) and ok != "True":
            self.page.extend(asked)
            with self.page.indented():
                self.page.write(f"if not {ok}:")
                with self.page.indented():
                    self.page.write("break")

    def _tapes(self, eqn: Eqn) -> tuple[list[Place], bool]:
        """Tapes for the first trips; whether they may have to grow.

        They are not the loop's stacks, which are as long as it has trips, so that where the loop is run anew
        it finds tapes that have grown.
        """
        outputs, limit = eqn.outputs[state_count(eqn.attrs) :], most_trips(eqn.attrs)
        if not outputs:
            return [], False
        row = sum((_row_bytes(o.type) for o in outputs), Dim.of(0))
        most = Dim.of(-1) if limit is None else limit
        if row.constant is not None and most.constant is not None:
            rows = Dim.of(first_rows(row.constant, most.constant))
        else:
            rows = Dim.of(self.names.fresh("rows"))
            self.page.write(f"{rows} = first_rows({row}, {most})", eqn)
        tapes: list[Place] = []
        for output in outputs:
            tape = Place(self.names.fresh(f"{output.name or 't'}_rows"), (), Group(None))
            type_ = output.type.with_shape((rows, *output.type.shape[1:]))
            self.tape(tape.name, type_, eqn)
            tapes.append(tape)
        return tapes, limit is None or rows != limit

    @contextmanager
    def _growing(self, eqn: Eqn, index: str, tapes: Sequence[Place]) -> Iterator[None]:
        """A loop around a loop: the inner one ends when tapes are full.

        In a loop that replaced them, their addresses, shapes and owners would be moved about in each trip.
        """
        self.page.write(f"while {' and '.join(_within(eqn, index)) or 'True'}:", eqn)
        with self.page.indented():
            self.page.write(f"if {index} == {tapes[0].name}.shape[0]:")
            with self.page.indented():
                for tape in tapes:
                    self.page.write(f"{tape.name} = grown({tape.name})")
            yield
            self.page.write("else:")
            with self.page.indented():
                self.page.write("continue")
            self.page.write("break")


def _within(eqn: Eqn, index: str) -> list[str]:
    """The condition that a loop has not reached its limit, if it has one."""
    limit = most_trips(eqn.attrs)
    return [] if limit is None else [f"{index} < {limit}"]


def _row_bytes(stack: ArrayType) -> Dim:
    """What one trip stores."""
    return prod(stack.shape[1:], start=Dim.of(stack.dtype.itemsize))
