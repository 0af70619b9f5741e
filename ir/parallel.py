"""Loops whose trips are independent: they may run in any order, or at once.

The trips of a `for` are independent if each touches, of every array that the loop carries, only elements of
its own: no trip writes what another one reads or writes. Then it *owns* them. Sums need less: where trips add
to the same elements, or to a whole, the sum is *shared*, and only the order of additions is free. A scalar
that is carried from trip to trip makes a loop sequential, unless it stays as it is.

Items, slices and what the body captures are always each trip's own. The test of indices is `never_meet`: a
sufficient one, so that None means not shown.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from .accesses import Access, access
from .graph import Attr, Block, Eqn, Value, values
from .indices import never_meet
from .integers import Integers
from .loops import carry_count, loop_body, state_count
from .types import I64, ArrayType, Dim

_WHOLE: Access = ()


@dataclass(frozen=True)
class Parallel:
    """The states of a loop of independent trips, by number: carries come first, then sums.

    Of those that are `owned` a trip touches only elements that no other one writes; to the sums that are
    `shared` several trips may add at one place.
    """

    owned: tuple[int, ...]
    shared: tuple[int, ...]


def parallel(eqn: Eqn, known: Integers) -> Parallel | None:
    """How the trips of a `for` are independent; None if they may not be.

    Parameters
    ----------
    eqn
        Any equation; only a `for` can be parallel.
    known
        The survey `integers(function.body)` of the Function that the equation is in.
    """
    if eqn.op.name != "for":
        return None
    shared: list[int] = []
    for k in range(state_count(eqn.attrs)):
        state = _State.of(eqn, k, known)
        if state is None:
            return None
        if not state.owned():
            if k < carry_count(eqn.attrs):
                return None
            shared.append(k)
    return Parallel(tuple(k for k in range(state_count(eqn.attrs)) if k not in shared), tuple(shared))


@dataclass(frozen=True)
class _State:
    """What one trip of a loop does to a state.

    `versions` are the values that equal the state except where `writes` says. What becomes of them in other
    ways than by `index` is in `reads` as a read of the whole. `inside` are the values that change within the
    loop, `sizes` what the names mean that the body gives to sizes.
    """

    loop: Eqn
    known: Integers
    inside: set[Value]
    versions: set[Value]
    reads: list[Access] = field(default_factory=list)
    writes: list[Access] = field(default_factory=list)

    @staticmethod
    def of(loop: Eqn, k: int, known: Integers) -> _State | None:
        """The survey of state k; None if it is another array after a trip, or a number that changed."""
        body = loop_body(loop)
        state = _State(loop, known, set(values(body)), {body.params[1 + k]})
        named = _index_name(loop, body, known)
        return state if state._follow(body, named) and state._handed_on(body, {k}) else None

    def owned(self) -> bool:
        """Whether no trip writes what another one touches."""
        index = loop_body(self.loop).params[0]
        return all(
            never_meet(write, other, index, self.inside.__contains__, (1, -1), self.known)
            for write in self.writes
            for other in (*self.writes, *self.reads)
        )

    # ---- following an array through a block: False where its versions are lost sight of ----

    def _follow(self, block: Block, sizes: Mapping[str, Dim]) -> bool:
        sizes = dict(sizes)
        for eqn in block.eqns:
            if not self._equation(eqn, sizes):
                return False
            if eqn.op.binds is not None:
                sizes[str(eqn.attrs[eqn.op.binds])] = self._bound(eqn)
        return True

    def _equation(self, eqn: Eqn, sizes: Mapping[str, Dim]) -> bool:
        held = {k for k, v in enumerate(eqn.inputs) if v in self.versions}
        if eqn.op.loop:
            return self._loop(eqn, held, sizes)
        if eqn.op.name == "if":
            return self._branches(eqn, sizes)
        if held == {0} and eqn.op.name == "index":
            self.reads.append(self._touched(eqn, sizes))
        elif held == {0} and eqn.op.name in ("put", "add_at"):
            self.writes.append(self._touched(eqn, sizes))
            self.versions.add(eqn.output)
        elif held == {0} and eqn.op.adds:
            self.writes.append(_WHOLE)
            self.versions.add(eqn.output)
        elif held:
            self.reads.append(_WHOLE)
        return True

    def _loop(self, eqn: Eqn, held: set[int], sizes: Mapping[str, Dim]) -> bool:
        states = {k for k in held if k < state_count(eqn.attrs)}
        if states != held:
            self.reads.append(_WHOLE)
        for block in eqn.blocks:
            self.versions.update(block.params[1 + k] for k in states)
            if not self._follow(block, {**sizes, **_index_name(eqn, block, self.known)}):
                return False
        self.versions.update(eqn.outputs[k] for k in states)
        return self._handed_on(loop_body(eqn), states)

    def _handed_on(self, body: Block, states: Collection[int]) -> bool:
        """Whether the states of a trip that are versions still are at its end; other ones may copy them."""
        ends = {k for k, result in enumerate(body.results) if result in self.versions}
        if not ends <= set(states):
            self.reads.append(_WHOLE)
        return ends >= set(states)

    def _branches(self, eqn: Eqn, sizes: Mapping[str, Dim]) -> bool:
        if not all(self._follow(block, sizes) for block in eqn.blocks):
            return False
        for output, *ends in zip(eqn.outputs, *(block.results for block in eqn.blocks), strict=True):
            handed = [end in self.versions for end in ends]
            if all(handed):
                self.versions.add(output)
            elif any(handed):
                self.reads.append(_WHOLE)
        return True

    # ---- places ----

    def _touched(self, eqn: Eqn, sizes: Mapping[str, Dim]) -> Access:
        """What is touched along each axis: that of a span as an integer that varies."""
        at = eqn.attrs.get("at")
        if not isinstance(at, tuple):
            return access(eqn)
        operands = iter(eqn.inputs[1 if eqn.op.name == "index" else 2 :])
        return tuple(
            None if item == "all" else self._along(item, next(operands), sizes) for item in at
        )

    def _along(self, item: Attr, operand: Value, sizes: Mapping[str, Dim]) -> Value | None:
        match item:
            case "point":
                return operand
            case ("span", Dim() | int() as length, int(step)):
                return self._span(operand, Dim.of(length).substitute(sizes), step)
        return None

    def _span(self, start: Value, length: Dim, step: int) -> Value:
        place = self._anything(length - 1)
        self.known.polynomials[place] = self.known.of(start) + self.known.of(place) * step
        return place

    def _anything(self, high: Dim | None) -> Value:
        """An integer from zero to `high` that may be another one in each trip."""
        value = Value(ArrayType(I64))
        self.known.named(value, Dim(), high)
        self.inside.add(value)
        return value

    def _bound(self, eqn: Eqn) -> Dim:
        """A size that an equation of the body binds."""
        return self.known.of(self._anything(None) if eqn.blocks else eqn.inputs[0])


def _index_name(loop: Eqn, block: Block, known: Integers) -> dict[str, Dim]:
    """The size that is a loop's index, if it has a name."""
    name = loop.attrs.get("index")
    return {} if name is None else {str(name): known.of(block.params[0])}
