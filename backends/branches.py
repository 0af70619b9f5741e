"""Branches as Python source, for the CPU targets.

An array that both branches leave where it was, updated or as it is, goes through an `if` without a line of
source. What is only an item of a loop is stored by the branches, each its own; a branch that leaves it
undefined stores nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from ..ir.graph import Block, Constant, Eqn, reads
from .blocks import BlockWriter
from .memory import Group, Place, Scope, born_in_place
from .source import Line

Targets = Sequence[str | None]


class BranchWriter(BlockWriter):
    """A writer of blocks that writes branches, too."""

    def branch(self, eqn: Eqn, scope: Scope) -> None:
        lent = self._lent(eqn, scope)
        stored = {
            k: self.items.pop(o) for k, o in enumerate(eqn.outputs) if o in self.items and scope.unread(o)
        }
        sides = [self._side(block, stored, lent, scope) for block in eqn.blocks]
        targets = self._targets(eqn, stored, lent, [inner for inner, _ in sides], scope)
        for inner, lines in sides:
            _belong(lent, inner)
            with self.page.aside() as ends, self.page.indented():
                self._ends(inner, targets, stored)
            lines += ends
        _belong(lent, None)
        self._write(eqn, *(lines for _, lines in sides))

    def _lent(self, eqn: Eqn, scope: Scope) -> list[Group]:
        """Memory that an `if` reads for the last time: its blocks may overwrite it."""
        arrays = [v for v in dict.fromkeys(reads(eqn)) if v.type.rank and not isinstance(v, Constant)]
        return [self.places[v].group for v in arrays if scope.dies(v, eqn, self.places[v])]

    def _side(
        self, block: Block, stored: Mapping[int, Sequence[Place]], lent: Sequence[Group], scope: Scope
    ) -> tuple[Scope, list[Line]]:
        """One branch, up to what it hands on."""
        rows = born_in_place(block, stored.keys())
        live = [r for k, r in enumerate(block.results) if k not in stored or k in rows.values()]
        inner = self.scope(block, live, scope.depth)
        undefined = {o for e in block.eqns if e.op.name == "undefined" for o in e.outputs}
        items = [(block.results[k], place) for k, places in stored.items() for place in places]
        _belong(lent, inner)
        with self.page.aside() as lines, self.page.indented():
            self.rows.update({first: stored[k][0] for first, k in rows.items()})
            self.place_items(block, [(r, place) for r, place in items if r not in undefined])
            self.block(inner)
        return inner, lines

    def _targets(
        self,
        eqn: Eqn,
        stored: Collection[int],
        lent: Collection[Group],
        inners: Sequence[Scope],
        scope: Scope,
    ) -> Targets:
        """The variable of each output; None where nothing is to be handed on: it is stored, or both branches
        leave it in the same memory."""
        targets: list[str | None] = []
        shared: set[Place] = set()
        for k, output in enumerate(eqn.outputs):
            if k in stored:
                targets.append(None)
            elif not output.type.rank:
                targets.append(self.define(output))
            else:
                found = [(self.place(inner.block.results[k]), inner) for inner in inners]
                place, _ = found[0]
                kept = all(p == place and (p.group in lent or p.group.owner is inner) for p, inner in found)
                if kept and place not in shared:
                    shared.add(place)
                    targets.append(None)
                else:
                    place = Place(self.names.fresh(output.name), (), Group(None))
                    targets.append(place.name)
                self.places[output] = Place(place.name, place.indices, Group(scope, [output]))
        return targets

    def _ends(self, inner: Scope, targets: Targets, stored: Collection[int]) -> None:
        """What one branch hands on goes into the variables of the outputs."""
        results = inner.block.results
        kept = [r for k, r in enumerate(results) if targets[k] is None and k not in stored]
        taken = {self.place(r).group for r in kept}
        for target, result in zip(targets, results, strict=True):
            if target is None:
                continue
            if not result.type.rank:
                self.page.write(f"{target} = {self.scalar(result)}")
                continue
            place = self.place(result)
            if self.owns(inner, place) and place.group not in taken:
                self.hand_on(target, place)
            else:
                self.copy(target, result)
            taken.add(place.group)

    def _write(self, eqn: Eqn, then: Sequence[Line], otherwise: Sequence[Line]) -> None:
        condition = self.text(eqn.inputs[0])
        if not then and otherwise:
            condition, then, otherwise = f"not {condition}", otherwise, ()
        if then:
            self.page.write(f"if {condition}:", eqn)
            self.page.extend(then)
        if otherwise:
            self.page.write("else:")
            self.page.extend(otherwise)


def _belong(groups: Sequence[Group], scope: Scope | None) -> None:
    for group in groups:
        group.owner = scope
