"""Which array lives in which buffer, and who may overwrite it.

Values are pure; buffers are not. An array value has a *place*: a variable and the indices fixed so far (`tape[t, i]`),
so that a stack of stacks is one buffer. Values that share memory form a *group*: an array, its updates in place, and
views of them. A group belongs to the scope that made it, or to the loop that took it over as a carry; captured values,
slices and arguments belong to nobody here. `put`, `add_at` and carries overwrite a group if and only if it belongs to
the scope and nothing of it is read afterwards; otherwise they copy, and a copy inside a loop is noted.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from ..ir.graph import Block, Eqn, Value, captured
from ..ir.ops.control import count_of
from .kernels import Schedule, overwritten


@dataclass(eq=False)
class Group:
    """Values that share memory; `owner` is the scope that may overwrite them."""

    owner: Scope | None
    members: list[Value] = field(default_factory=list)


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
        position = {eqn: n for n, eqn in enumerate(block.eqns)}
        return Scope(block, _last_reads(block, schedule, live), position, overwritten(block), depth)

    def dies(self, value: Value, eqn: Eqn, place: Place) -> bool:
        """Whether an equation may take over the memory of an array: owned here, and read here for the last time."""
        now = self.position[eqn]
        return (
            place.group.owner is self
            and self.last.get(value, -1) <= now
            and all(self.last.get(m, -1) < now for m in place.group.members if m is not value)
        )

    def outlives(self, row: Value, base: Value, eqn: Eqn) -> bool:
        """Whether a row that an equation takes of an array is read after that array is overwritten."""
        written = self.overwritten.get(base)
        return written is not None and self.position[eqn] < written <= self.last.get(row, -1)


def _last_reads(block: Block, schedule: Schedule, live: Collection[Value]) -> dict[Value, int]:
    last = dict.fromkeys(live, len(block.eqns))
    for n in range(len(block.eqns) - 1, -1, -1):
        eqn = block.eqns[n]
        read = schedule.last_read.get(eqn, n)
        for value in used(eqn):
            last[value] = max(last.get(value, -1), read)
    return last


def used(eqn: Eqn) -> list[Value]:
    """What an equation reads, what its blocks capture included."""
    return [*eqn.inputs, *(v for inner in eqn.blocks for v in captured(inner))]


# ---- loops -----------------------------------------------------------------------------------------------------------


def states(loop: Eqn) -> int:
    """The number of carries and sums of a `for`."""
    return count_of(loop.attrs, "carry") + count_of(loop.attrs, "sums")


def origin(block: Block, value: Value) -> Value:
    """The array that a value of a block is an update of, as far as the block tells."""
    made = {o: (eqn, k) for eqn in block.eqns for k, o in enumerate(eqn.outputs)}
    while value in made:
        eqn, k = made[value]
        if eqn.op.name in ("put", "add_at"):
            value = eqn.inputs[0]
        elif eqn.op.name == "for" and k < states(eqn) and stays(eqn, k):
            value = eqn.inputs[k]
        else:
            break
    return value


def stays(loop: Eqn, k: int) -> bool:
    """Whether carry k of a `for` is updated only, so that it can live in one buffer all along."""
    (body,) = loop.blocks
    return origin(body, body.results[k]) is body.params[1 + k]


def born_in_stack(loop: Eqn) -> dict[Value, int]:
    """Arrays of a loop's body that can be made in their row of a stack: (first version, number of the item).

    Those that the body makes for this item alone, and does not overwrite after it is what the item is.
    """
    (body,) = loop.blocks
    made = {o for eqn in body.eqns for o in eqn.outputs}
    consumed = overwritten(body)
    found: dict[Value, int] = {}
    for k, result in enumerate(body.results):
        first = origin(body, result)
        alone = sum(origin(body, r) is first for r in body.results) == 1
        if k >= states(loop) and result.type.rank and first in made and alone and result not in consumed:
            found[first] = k
    return found




def note(eqn: Eqn, what: str) -> str:
    """What is said of a copy inside a loop."""
    place = f"{eqn.location}: " if eqn.location else ""
    return f"{place}{what} is copied in each trip of a loop, because its old version is still needed ({eqn.op.name})"

