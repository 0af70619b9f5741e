"""Which array lives in which buffer, and who may overwrite it.

Values are pure; buffers are not. An array value has a *place*: a variable and the indices fixed so far
(`tape[t, i]`), so that a stack of stacks is one buffer. Values that share memory form a *group*: an array,
its updates in place, and views of them. A group belongs to the scope that made it, or to the loop that took
it over as a carry; captured values, slices and arguments belong to nobody here. `put`, `add_at` and carries
overwrite a group if and only if it belongs to the scope and nothing of it is read afterwards; otherwise
they copy, and a copy inside a loop is noted. An `if` lends its branches what it reads for the last time.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from ..ir.graph import Block, Eqn, Value, reads
from ..ir.loops import loop_body, state_count
from .inlining import overwritten
from .kernels import Schedule


@dataclass(eq=False)
class Group:
    """Values that share memory; `owner` is the scope that may overwrite them."""

    owner: Scope | None
    members: list[Value] = field(default_factory=list)

    def pass_to(self, owner: Scope, member: Value) -> None:
        """Another scope owns this memory from now on, and knows it by a value of its own."""
        self.owner = owner
        self.members.append(member)


@dataclass(frozen=True)
class Place:
    """Where an array value lives."""

    name: str
    indices: tuple[str, ...]
    group: Group = field(compare=False)

    def at(self, *indices: str) -> Place:
        """A part of it."""
        return Place(self.name, (*self.indices, *indices), self.group)


@dataclass(eq=False)
class Scope:
    """A block while it is written: up to which position each value is read, and where it is overwritten."""

    block: Block
    last: Mapping[Value, int]
    position: Mapping[Eqn, int]
    overwritten: Mapping[Value, int]
    depth: int
    """The number of loops around."""

    @staticmethod
    def of(block: Block, schedule: Schedule, live: Collection[Value], depth: int) -> Scope:
        """`live` are the values that must outlast the block."""
        position = schedule.position
        last = _last_reads(position, live, len(block.eqns))
        return Scope(block, last, position, overwritten(block, position), depth)

    def dies(self, value: Value, eqn: Eqn, place: Place) -> bool:
        """Whether an equation may take over the memory of an array: owned here, and read here for the last
        time.

        Updates of one array that stand in one nest read its versions one after the other.
        """
        now = self.position[eqn]
        others = [m for m in place.group.members if m is not value]
        return (
            place.group.owner is self
            and self.last.get(value, -1) <= now
            and all(
                self.last.get(m, -1) < now or (eqn.op.updates and self.overwritten.get(m) == now)
                for m in others
            )
        )

    def freed(self, group: Group, eqn: Eqn) -> bool:
        """Whether nothing reads an array that is owned here any more when an equation begins."""
        now = self.position[eqn]
        return group.owner is self and all(self.last.get(m, -1) < now for m in group.members)

    def unread(self, value: Value) -> bool:
        """Whether nothing in the block, nor after it, reads a value."""
        return value not in self.last

    def outlives(self, row: Value, base: Value, eqn: Eqn) -> bool:
        """Whether a row that an equation takes of an array is read after that array is overwritten."""
        written = self.overwritten.get(base)
        return written is not None and self.position[eqn] < written <= self.last.get(row, -1)


def _last_reads(position: Mapping[Eqn, int], live: Collection[Value], end: int) -> dict[Value, int]:
    last = dict.fromkeys(live, end)
    for eqn in position:
        for value in reads(eqn):
            last[value] = max(last.get(value, -1), position[eqn])
    return last


# ---- loops ----


def origin(block: Block, value: Value) -> Value:
    """The array that a value of a block is an update of, as far as the block tells."""
    return versions(block, value)[-1]


def versions(block: Block, value: Value) -> list[Value]:
    """A value, what it is an update of, and so on back to the array that was updated first."""
    made = {o: (eqn, k) for eqn in block.eqns for k, o in enumerate(eqn.outputs)}
    found = [value]
    while found[-1] in made:
        eqn, k = made[found[-1]]
        before = _updated(eqn, k)
        if before is None:
            break
        found.append(before)
    return found


def _updated(eqn: Eqn, k: int) -> Value | None:
    """The array that output k of an equation is an update of, if that is so."""
    if eqn.op.updates:
        return eqn.inputs[0]
    if eqn.op.loop:
        return eqn.inputs[k] if k < state_count(eqn.attrs) and stays(eqn, k) else None
    if not eqn.blocks:
        return None
    first, *others = (origin(branch, branch.results[k]) for branch in eqn.blocks)
    return first if all(other is first for other in others) else None


def stays(loop: Eqn, k: int) -> bool:
    """Whether carry k of a loop is updated only, so that it can live in one buffer all along."""
    body = loop_body(loop)
    return origin(body, body.results[k]) is body.params[1 + k]


def born_in_place(block: Block, stored: Collection[int]) -> dict[Value, int]:
    """Arrays of a block that can be made where they are to be stored: (first version, number of the result).

    `stored` are the numbers of the results that are stored. Those that the block makes for one of them alone
    and all of whose versions can share the memory: none is read, or may be read, once it is overwritten.
    """
    made = {o for eqn in block.eqns for o in eqn.outputs if eqn.op.loop or not eqn.blocks}
    consumed = overwritten(block)
    found: dict[Value, int] = {}
    for k, result in enumerate(block.results):
        _, *earlier = chain = versions(block, result)
        first = chain[-1]
        alone = sum(origin(block, r) is first for r in block.results) == 1
        if k not in stored or not result.type.rank or first not in made or not alone or result in consumed:
            continue
        if all(_read_before_update(block, v) for v in earlier):
            found[first] = k
    return found


def _read_before_update(block: Block, value: Value) -> bool:
    """Whether an array is read for numbers only, and before the one equation that updates it."""
    readers = [eqn for eqn in block.eqns if value in reads(eqn)]
    *before, update = readers
    numbers = all(not o.type.rank for eqn in before for o in eqn.outputs)
    once = reads(update).count(value) == 1 or (bool(update.blocks) and not update.op.loop)
    return numbers and once and overwritten(block).get(value) == block.eqns.index(update)


def note(eqn: Eqn, what: str) -> str:
    """What is said of a copy inside a loop."""
    place = f"{eqn.location}: " if eqn.location else ""
    why = f"its old version is still needed ({eqn.op.name})"
    return f"{place}{what} is copied in each trip of a loop, because {why}"
