"""Carries of loops as Python source, for the CPU targets: what they are before a loop, and after each trip.

Each array that is carried has a buffer. One that no carry holds any more, when a trip ends, takes the copy of
what the next trip may not overwrite, or changes places with an array that the trip has made: `y, y1 = y1, y`.
So such an array is made once, before the loop.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ..ir.graph import Block, Eqn, Value, reads
from ..ir.loops import loop_body
from ..ir.types import ArrayType
from .blocks import BlockWriter
from .memory import Group, Place, Scope, stays


@dataclass
class _Free:
    """The buffers that nobody holds when a trip ends: variables, and the types of what they are for."""

    buffers: dict[str, ArrayType]

    def take(self, wanted: str, type_: ArrayType) -> str | None:
        """That of a variable, else another one of its type; None where there is none."""
        found = [name for name, its in self.buffers.items() if its == type_]
        name = wanted if wanted in found else next(iter(found), None)
        self.buffers.pop(name or "", None)
        return name


class CarryWriter(BlockWriter):
    """A writer of blocks that writes what loops carry."""

    makes_once: bool
    """Whether arrays that a trip makes for the next one are made before the loop."""

    def start(self, eqn: Eqn, n: int, scope: Scope, inner: Scope) -> None:
        """Carry n before the loop: its start's own buffer if that dies here, else a copy."""
        first, param = eqn.inputs[n], loop_body(eqn).params[1 + n]
        if not param.type.rank:
            value = self.scalar(first)
            self.page.write(f"{self.define(param)} = {value}", eqn)
            return
        place = self.place(first)
        taken = reads(eqn).count(first) == 1 and scope.dies(first, eqn, place)
        if taken and stays(eqn, n):
            place.group.pass_to(inner, param)
            self.places[param] = place
            return
        if not taken:
            self.noted(eqn, first, scope)
        name = self.names.fresh(param.name)
        self.places[param] = Place(name, (), Group(inner, [param]))
        if taken and self.owns(scope, place):
            self.hand_on(name, place, eqn)
        else:
            self.copy(name, first, eqn)

    def next_trip(self, body: Block, k: int, inner: Scope, begin: int) -> None:
        """Carries for the next trip; the lines of this one start with number `begin`."""
        pairs = list(zip(body.params[1:], body.results[:k], strict=False))
        ends = {p: self.place(r) for p, r in pairs if p.type.rank}
        kept = {found.group for p, found in ends.items() if self.places[p] == found}
        free = self._free(ends, inner)
        moves: list[tuple[str, str]] = []
        for param, result in pairs:
            if not param.type.rank:
                moves.append((self.texts[param], self.scalar(result)))
                continue
            place, found = self.places[param], ends[param]
            if place == found:
                continue
            fresh = self.owns(inner, found) and found.group not in kept
            kept.add(found.group)
            if place.indices:
                self.overwrite(self.page, place, found, result.type)
            elif fresh:
                moves.append(self._goes(found.name, place.name))
            else:
                source = self._copied(result, free.take(place.name, param.type))
                moves.append(self._goes(source, place.name))
        moves += [self._goes(source, to) for to, source in self._exchanged(moves, free, begin)]
        self._move([(to, source) for to, source in moves if to != source])

    def _goes(self, source: str, to: str) -> tuple[str, str]:
        """The move of an array from a variable to another one."""
        self.handed_on.setdefault(source, set()).add(to)
        return to, source

    def _free(self, ends: Mapping[Value, Place], inner: Scope) -> _Free:
        """The buffers of carries that no result of a trip lies in."""
        used = {found.group for found in ends.values()}
        places = {p: self.places[p] for p in ends}
        mine = {p: at for p, at in places.items() if at.group.owner is inner and at.group not in used}
        return _Free({at.name: p.type for p, at in mine.items() if not at.indices})

    def _copied(self, value: Value, buffer: str | None) -> str:
        """The variable of a copy, in a buffer if there is one."""
        if buffer is not None:
            self.overwrite(self.page, Place(buffer, (), Group(None)), self.place(value), value.type)
            return buffer
        name = self.names.fresh(value.name)
        self.copy(name, value)
        return name

    def _exchanged(
        self, moves: Sequence[tuple[str, str]], free: _Free, begin: int
    ) -> Iterator[tuple[str, str]]:
        """The moves that give the arrays which a trip has made the buffers that are free when it ends."""
        for carry, name in moves if self.makes_once else ():
            for n, line in enumerate(self.page.lines[begin:], begin):
                made = line.makes if line.depth == self.page.depth else None
                if made is None or made.name != name or made.filling is None:
                    continue
                if buffer := free.take(carry, made.type):
                    self.page.lines[n] = replace(line, makes=replace(made, spare=True))
                    yield name, buffer

    def _move(self, moves: Sequence[tuple[str, str]]) -> None:
        """Assign at once where a later source reads an earlier target."""
        words = [set(re.findall(r"\w+", source)) for _, source in moves]
        targets = [to for to, _ in moves]
        if any(targets[a] in words[b] for b in range(len(moves)) for a in range(b)):
            self.page.write(
                f"{', '.join(to for to, _ in moves)} = {', '.join(source for _, source in moves)}"
            )
        else:
            for to, source in moves:
                self.page.write(f"{to} = {source}")

    def finish(self, param: Value, output: Value, scope: Scope) -> None:
        """A carry after the loop is what its variable holds."""
        if output.type.rank:
            self.places[output] = self.places[param]
            self.places[output].group.pass_to(scope, output)
        else:
            self.texts[output] = self.texts[param]
