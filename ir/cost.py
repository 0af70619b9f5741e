"""What a program costs at given sizes, read off the program: operations, bytes that must move, bytes alive.

Operations are those of the records: `Op.cost` an element of the result, for reductions of the operand, for
additions into an array of what is added, for products a term (2 m n k for a matrix product); once a trip in
loops. Whatever only moves data, and integer arithmetic, is free.

Where data decide, the count is a bound or a guess, and `exact` is False: the dearer branch of an `if`; the
limit of a `while`, or one trip where there is none. Of a loop whose sizes follow the index, the first and the
last trip are counted, and their mean stands for all: exact where the work is linear in the index.

Bytes are the compulsory traffic: arguments that are used, once, and results, once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod

from .graph import Block, Eqn, Function, Value, captured
from .loops import most_trips, trip_count
from .op import Reduction, Scalar, Scan
from .types import ArrayType, Sizes


@dataclass(frozen=True)
class Cost:
    """Floating-point operations, compulsory bytes, and bytes alive at once; `exact`: see the operations."""

    flops: float
    bytes: int
    alive: int
    exact: bool


def static_cost(function: Function, sizes: Sizes) -> Cost:
    """The cost of a call with these values of the function's sizes."""
    body = function.body
    counter = Counter(dict(sizes))
    flops = counter.flops(body)
    used = set(captured(Block((), body.eqns, body.results)))
    moved = [*(p for p in body.params if p in used), *body.results]
    alive = counter.nbytes(body.params) + counter.alive(body)
    return Cost(flops, counter.nbytes(moved), alive, counter.exact)


@dataclass
class Counter:
    """A count that is under way: the sizes known so far."""

    sizes: dict[str, int]
    exact: bool = True

    # ---- operations ----

    def flops(self, block: Block) -> float:
        return sum(self._eqn(eqn) for eqn in block.eqns)

    def runs(self, block: Block, times: float = 1.0) -> Iterator[tuple[Eqn, float]]:
        """Every equation, and how often it runs: as the walk goes on, sizes are those of the trip counted.

        One in a loop of which two trips are counted comes twice. Of branches both count.
        """
        for eqn in block.eqns:
            self._bind(eqn)
            yield eqn, times
            if not eqn.op.loop:
                for inner in eqn.blocks:
                    yield from self.runs(inner, times)
                continue
            trips, ends = self._trips(eqn)
            for index in ends:
                self._enter(eqn, index)
                for inner in eqn.blocks:
                    yield from self.runs(inner, times * trips / len(ends))

    def alone(self, eqn: Eqn) -> float:
        """The operations of one run of an equation, those of its blocks left out."""
        return eqn.op.cost * self._terms(eqn) if not eqn.blocks and _computes(eqn) else 0.0

    def _eqn(self, eqn: Eqn) -> float:
        self._bind(eqn)
        if eqn.op.loop:
            return self._loop(eqn)
        if eqn.blocks:
            counts = [self.flops(block) for block in eqn.blocks]
            self.exact &= len(set(counts)) == 1
            return max(counts)
        return self.alone(eqn)

    def _bind(self, eqn: Eqn) -> None:
        if eqn.op.binds and eqn.op.binds in eqn.attrs:
            self._guess(str(eqn.attrs[eqn.op.binds]), eqn)

    def _loop(self, eqn: Eqn) -> float:
        trips, ends = self._trips(eqn)
        return trips * sum(self._trip(eqn, index) for index in ends) / len(ends)

    def _trips(self, eqn: Eqn) -> tuple[int, tuple[int, ...]]:
        """How many trips a loop makes, and which of them are counted."""
        trips = max(trip_count(eqn.attrs).value(self.sizes), 0)
        return trips, (0, trips - 1) if "index" in eqn.attrs and trips > 1 else (0,)

    def _trip(self, eqn: Eqn, index: int) -> float:
        self._enter(eqn, index)
        return sum(self.flops(block) for block in eqn.blocks)

    def _enter(self, eqn: Eqn, index: int) -> None:
        if "index" in eqn.attrs:
            self.sizes[str(eqn.attrs["index"])] = max(index, 0)

    def _guess(self, name: str, eqn: Eqn) -> None:
        """A size that data decide."""
        limit = most_trips(eqn.attrs) if eqn.op.loop else None
        self.sizes[name] = 1 if limit is None else max(limit.value(self.sizes), 0)
        self.exact = False

    def _terms(self, eqn: Eqn) -> int:
        if eqn.op.terms is not None:
            return eqn.op.terms([v.type for v in eqn.inputs], eqn.attrs).value(self.sizes)
        if isinstance(eqn.op.lowering, Reduction | Scan):
            return self.elements(eqn.inputs[0].type)
        return self.elements(
            eqn.inputs[1].type if eqn.op.updates and len(eqn.inputs) > 1 else eqn.outputs[0].type
        )

    # ---- bytes ----

    def elements(self, type: ArrayType) -> int:
        return prod(max(d.value(self.sizes), 0) for d in type.shape)

    def nbytes(self, values: Sequence[Value]) -> int:
        return sum(self.elements(v.type) * v.type.dtype.itemsize for v in values)

    def alive(self, block: Block) -> int:
        """The most bytes that equations have made and that are still read, were each to make its arrays.

        Results of free ops (reshapes, broadcasts) are views; a result takes the place of what dies.
        """
        last = {v: k for k, eqn in enumerate(block.eqns) for v in (*eqn.inputs, *_captured(eqn))}
        kept, made, most, now = set(block.results), dict[Value, int](), 0, 0
        for k, eqn in enumerate(block.eqns):
            if eqn.op.loop:
                self._enter(eqn, trip_count(eqn.attrs).value(self.sizes) - 1)
            inside = max((self.alive(inner) for inner in eqn.blocks), default=0)
            dying = [v for v in made if last.get(v) == k and v not in kept]
            now -= sum(made.pop(v) for v in dying)
            for v in eqn.outputs:
                made[v] = self.nbytes([v]) if eqn.op.cost else 0
                now += made[v]
            most = max(most, now + inside)
        return most


def _captured(eqn: Eqn) -> list[Value]:
    return [v for block in eqn.blocks for v in captured(block)]


def _computes(eqn: Eqn) -> bool:
    """Whether an equation without blocks is floating-point arithmetic, and no move."""
    op = eqn.op
    arithmetic = isinstance(op.lowering, Scalar | Reduction | Scan) or op.adds or op.dear
    return arithmetic and any(v.type.dtype.is_float for v in eqn.outputs)
