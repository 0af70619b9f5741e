"""Loops and branches as Python source, for the CPU targets."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..ir.errors import VerifierError
from ..ir.graph import Block, Constant, Eqn, Value, reads
from ..ir.loops import state_count, trip_count
from .blocks import BlockWriter, place_text
from .memory import Group, Place, Scope, born_in_stack, stays


class ControlWriter(BlockWriter):
    """A writer of blocks that writes equations with blocks, too."""

    def control(self, eqn: Eqn, scope: Scope) -> None:
        match eqn.op.name:
            case "for":
                self._loop(eqn, scope)
            case "if":
                self._branch(eqn, scope)
            case _:
                raise VerifierError(f"{eqn.op.name} is inlined before a Function is compiled", eqn.location)

    # ---- for ----

    def _loop(self, eqn: Eqn, scope: Scope) -> None:
        (body,) = eqn.blocks
        k = state_count(eqn.attrs)
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
        taken = reads(eqn).count(start) == 1 and scope.dies(start, eqn, place)
        if taken and stays(eqn, n):
            self.places[param] = Place(place.name, place.indices, Group(inner, [param]))
            return
        if not taken:
            self.noted(eqn, start, scope)
        name = self.names.fresh(param.name)
        own = taken and self.owns(scope, place)
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
            self.items.setdefault(result, []).append(place)
        for result in dict.fromkeys(results):
            if result not in made:
                self.store_items(result)

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
            fresh = self.owns(inner, found) and found.group not in kept
            kept.add(found.group)
            copied = source if fresh or place.indices else f"{source}.copy()"
            moves.append((place_text(place), copied))
        self._move([(to, source) for to, source in moves if to != source])

    def _move(self, moves: Sequence[tuple[str, str]]) -> None:
        """Assign at once where a later source reads an earlier target."""
        words = [set(re.findall(r"\w+", source)) for _, source in moves]
        targets = [to.partition("[")[0] for to, _ in moves]
        if any(targets[a] in words[b] for b in range(len(moves)) for a in range(b)):
            self.page.write(
                f"{', '.join(to for to, _ in moves)} = {', '.join(source for _, source in moves)}"
            )
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

    # ---- if ----

    def _lent(self, eqn: Eqn, scope: Scope) -> list[Group]:
        """Memory that an `if` reads for the last time: its blocks may overwrite it."""
        arrays = [v for v in dict.fromkeys(reads(eqn)) if v.type.rank and not isinstance(v, Constant)]
        return [self.places[v].group for v in arrays if scope.dies(v, eqn, self.places[v])]

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

    def _branch_targets(
        self, eqn: Eqn, lent: Sequence[Group], scope: Scope
    ) -> tuple[list[str | None], set[Group]]:
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

    def _branch_ends(
        self, block: Block, inner: Scope, targets: Sequence[str | None], shared: set[Group]
    ) -> None:
        taken = set(shared)
        for target, result in zip(targets, block.results, strict=True):
            if target is None:
                continue
            source = self.text(result)
            if result.type.rank:
                place = self.place(result)
                own = self.owns(inner, place) and place.group not in taken
                taken.add(place.group)
                source = source if own else f"{source}.copy()"
            self.page.write(f"{target} = {source}")
