"""The inverses of trips that users gave: what they say of a loop, and programs without them.

An `inverse_step` at the end of a body pairs values after the trip with those before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from adcompiler.ir.errors import DerivativeError
from adcompiler.ir.graph import Block, Eqn, Function, Value, reads, walk
from adcompiler.ir.loops import loop_body, split, state_count
from adcompiler.transforms.dce import dce

from .pairs import Pair, trip

WAY_OUT = "keep states in place of an inverse: checkpointed(..., Snapshots(10))"


def without_inverse_steps(function: Function) -> Function:
    """The same Function without `inverse_step` equations and what only they need."""
    if not any(eqn.op.name == "inverse_step" for eqn in walk(function.body)):
        return function
    return dce(replace(function, body=_without(function.body)))


def _without(block: Block) -> Block:
    eqns = (e for e in block.eqns if e.op.name != "inverse_step")
    return replace(block, eqns=tuple(replace(e, blocks=tuple(map(_without, e.blocks))) for e in eqns))


@dataclass(frozen=True)
class Inverse:
    """The inverse of the trips of a loop.

    `ends` are the values of the body that stand for what its variables are after the trip, each with the
    variable; `body` is what is left without them and without the equation that says what was before.
    """

    pair: Pair
    step: Eqn
    ends: Mapping[Value, Value]
    body: Block

    @staticmethod
    def of(pair: Pair) -> Inverse:
        source = loop_body(pair.forward)
        (step,) = (e for e in source.eqns if e.op.name == "inverse_step")
        ends = {e.output: e.inputs[0] for e in source.eqns if e.op.name == "end_of_trip"}
        left = (e for e in source.eqns if e is not step and e.op.name != "end_of_trip")
        return Inverse(pair, step, ends, replace(source, eqns=tuple(left)))

    @property
    def tolerance(self) -> float:
        found = self.step.attrs["tolerance"]
        assert isinstance(found, float)
        return found

    def name(self, number: int) -> str:
        """What messages call a carry."""
        name = self.body.params[1 + number].name
        return f"`{name}`" if name else "a variable"

    def before(self, number: int) -> Value:
        """What a carry was before the trip."""
        half, after = len(self.step.inputs) // 2, self.body.results[number]
        both = zip(self.step.inputs[:half], self.step.inputs[half:], strict=True)
        found = list(dict.fromkeys(start for end, start in both if self.ends[end] is after))
        if not found:
            raise self._refusal(
                f"`inverse` does not say what {self.name(number)} was before a trip, and the way back needs "
                "that",
                f"give it that parameter, and return its value before the trip; or {WAY_OUT}",
            )
        if len(found) > 1:
            raise self._refusal(
                f"{self.name(number)} and another variable are one after a trip, and `inverse` gives two for "
                "what they were before it",
                WAY_OUT,
            )
        return found[0]

    def _refusal(self, message: str, hint: str) -> DerivativeError:
        return DerivativeError(message, self.pair.forward.location, hint=hint)

    @cached_property
    def state(self) -> tuple[int, ...]:
        """The carries that the way back has: those of the tape, and what their inverse and trips need."""
        states = range(state_count(self.pair.forward.attrs))
        found = self.pair.state
        while True:
            undo, again = _read(self.undo(found)), _read(self.again(found))
            more = tuple(
                k
                for k in states
                if k in found
                or self.body.params[1 + k] in again
                or any(end in undo and after is self.body.results[k] for end, after in self.ends.items())
            )
            if more == found:
                self._demand_known(undo)
                return found
            found = more

    def undo(self, state: Sequence[int]) -> Block:
        """The equations of the inverse, for these carries."""
        params = self.body.params[1 : 1 + state_count(self.pair.forward.attrs)]
        return self._evaluated([self.before(k) for k in state], self.ends, params)

    def again(self, state: Sequence[int]) -> Block:
        """Those of the trip: for the state after it, and what is taped."""
        states = range(state_count(self.pair.forward.attrs))
        known = [self.body.params[1 + k] for k in states if k in state]
        others = [self.body.params[1 + k] for k in states if k not in state]
        return self._evaluated([*(self.body.results[k] for k in state), *self.pair.row], known, others)

    def _evaluated(self, wanted: Sequence[Value], known: Iterable[Value], others: Iterable[Value]) -> Block:
        """What is evaluated for some values; checks are made again of what depends on known ones alone."""
        doubtful = _dependents(self.body, known) - _dependents(self.body, others)
        return trip(self.body, wanted, doubtful)

    def _demand_known(self, read: set[Value]) -> None:
        """Refuse an inverse that reads what is not there on the way back."""
        params, results = self.body.params[1:], set(self.body.results)
        lost = [p for p in split(self.pair.forward.attrs, params).carries if p in read]
        lost += [p for p in split(self.pair.forward.attrs, params).sums if p in read]
        lost += [after for end, after in self.ends.items() if end in read and after not in results]
        if lost:
            name = f"`{lost[0].name}`" if lost[0].name else "a value of the trip"
            raise self._refusal(
                f"`inverse` needs {name}, which is not there on the way back: it may read what its "
                "parameters are after a trip, the item of the trip, and what the loop does not change",
                f"compute it from these in `inverse`; or {WAY_OUT}",
            )


def _read(block: Block) -> set[Value]:
    return {*block.results, *(v for eqn in block.eqns for v in reads(eqn))}


def _dependents(block: Block, seeds: Iterable[Value]) -> set[Eqn]:
    moved, found = set(seeds), set[Eqn]()
    for eqn in block.eqns:
        if not moved.isdisjoint(reads(eqn)):
            found.add(eqn)
            moved.update(eqn.outputs)
    return found
