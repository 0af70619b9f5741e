"""Loops whose tapes a schedule can keep small: a loop, and the one adjoint loop that reads what it stacks.

A trip of the loop is a function of its *state*, the carries that what is stacked depends on. So from the
state before a trip, that trip and all later ones can be evaluated again.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from adcompiler.ir.graph import Block, Eqn, Value, mentioned, reads, walk
from adcompiler.ir.loops import loop_body, split, trip_count
from adcompiler.transforms.dce import dce_block


@dataclass(frozen=True)
class Pair:
    """A loop, and the `for` over the same trips in the other direction that alone reads its tape.

    `tape` are the numbers of the results of the first that are stacked for the second, `state` those of the
    carries that a trip needs for the tape of its own and of later trips.
    """

    forward: Eqn
    reverse: Eqn
    tape: tuple[int, ...]
    state: tuple[int, ...]

    @property
    def row(self) -> list[Value]:
        """What is taped of a trip, as values of the body."""
        return [loop_body(self.forward).results[k] for k in self.tape]

    @property
    def before(self) -> list[Value]:
        """The state before a trip, as values of the body."""
        return [loop_body(self.forward).params[1 + k] for k in self.state]

    @property
    def after(self) -> list[Value]:
        """The state after a trip."""
        return [loop_body(self.forward).results[k] for k in self.state]

    @property
    def taken(self) -> list[tuple[Value, int]]:
        """The parameters of the adjoint's body that are parts of the tape, with their number in `tape`."""
        place = {self.forward.outputs[k]: n for n, k in enumerate(self.tape)}
        return [(p, place[x]) for p, x in _slices(self.reverse) if x in place]

    @property
    def others(self) -> list[tuple[Value, Value]]:
        """The other slices of the adjoint loop: parameter of the body, and array."""
        stacks = {self.forward.outputs[k] for k in self.tape}
        return [(p, x) for p, x in _slices(self.reverse) if x not in stacks]


def _slices(loop: Eqn) -> list[tuple[Value, Value]]:
    params = split(loop.attrs, loop_body(loop).params[1:]).slices
    return list(zip(params, split(loop.attrs, loop.inputs).slices, strict=True))


def pairs(block: Block, sizes: Iterable[str]) -> Iterator[Pair]:
    """The pairs of this block, blocks inside it left out.

    The trips of a `for` depend on these sizes alone; those of a `while` may be anything.
    """
    known = set(sizes)
    loops = [eqn for eqn in block.eqns if eqn.op.loop]
    readers = _readers(block)
    for forward in loops:
        if forward.op.name == "for" and not trip_count(forward.attrs).names() <= known:
            continue
        for reverse in (eqn for eqn in loops if eqn.op.name == "for"):
            tape = tuple(k for k in _stacks(forward) if _alone(forward.outputs[k], reverse, readers))
            if tape and _backwards(forward, reverse):
                yield Pair(forward, reverse, tape, _state(forward, tape))


def _stacks(loop: Eqn) -> Sequence[int]:
    return split(loop.attrs, range(len(loop.outputs))).slices


def _readers(block: Block) -> Mapping[Value, list[Eqn | None]]:
    """Who reads each value, as often as he does; None stands for the results of the block."""
    found: dict[Value, list[Eqn | None]] = {}
    for eqn in block.eqns:
        for value in reads(eqn):
            found.setdefault(value, []).append(eqn)
    for value in block.results:
        found.setdefault(value, []).append(None)
    return found


def _alone(stack: Value, reverse: Eqn, readers: Mapping[Value, list[Eqn | None]]) -> bool:
    """Whether a stack is read as a slice of this loop and nowhere else."""
    slices = [x for _, x in _slices(reverse)]
    found = readers.get(stack, [])
    return bool(found) and found == [reverse] * slices.count(stack)


def _backwards(forward: Eqn, reverse: Eqn) -> bool:
    same = trip_count(forward.attrs) == trip_count(reverse.attrs)
    return same and bool(forward.attrs.get("reverse")) != bool(reverse.attrs.get("reverse"))


def _state(loop: Eqn, tape: Iterable[int]) -> tuple[int, ...]:
    """The carries on which what is taped depends, in the same trip or in later ones."""
    body = loop_body(loop)
    carries = split(loop.attrs, range(len(loop.outputs))).carries
    state: tuple[int, ...] = ()
    while True:
        read = _read(trip(body, [body.results[k] for k in (*tape, *state)]))
        more = tuple(k for k in carries if body.params[1 + k] in read)
        if more == state:
            return state
        state = more


def _read(block: Block) -> set[Value]:
    return {*block.results, *(v for eqn in block.eqns for v in reads(eqn))}


def trip(body: Block, results: Sequence[Value], doubtful: Container[Eqn] = ()) -> Block:
    """What of a body is evaluated again for these of its values: its checks have held already.

    Those of doubtful equations are made again.
    """
    eqns = tuple(e if e in doubtful else _unchecked(e) for e in body.eqns if e in doubtful or not _checks(e))
    found = dce_block(Block(body.params, eqns, tuple(results)))
    while True:
        mentions = frozenset[str]().union(*map(mentioned, (e for e in walk(found) if e.op.name != "bind")))
        idle = [e for e in found.eqns if e.op.name == "bind" and e.attrs["size"] not in mentions]
        if not idle:
            return found
        found = dce_block(replace(found, eqns=tuple(e for e in found.eqns if e not in idle)))


def _checks(eqn: Eqn) -> bool:
    return eqn.op.name == "check"


def _unchecked(eqn: Eqn) -> Eqn:
    blocks = (replace(b, eqns=tuple(_unchecked(e) for e in b.eqns if not _checks(e))) for b in eqn.blocks)
    return replace(eqn, blocks=tuple(blocks))
