"""Random programs of nested `for`, `while` and `if` over arrays that are updated, swapped and kept as items.

What backends must get right about memory: which array lives where, in which branch, in which trip. Old
versions are read now and then, so that copies are due as well; what a branch leaves undefined is never
looked at.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from backend_cases import N, op

from adcompiler.ir.build import function
from adcompiler.ir.graph import Function, Value, constant
from adcompiler.ir.ops import OPS
from adcompiler.ir.ops.control import branch
from adcompiler.ir.ops.loops import loop, loop_while
from adcompiler.ir.types import DType, array_type

DEEPEST = 3


@dataclass(frozen=True)
class State:
    """What every construct hands on: two vectors, a matrix, two numbers."""

    vectors: tuple[Value, Value]
    matrix: Value
    numbers: tuple[Value, Value]

    @property
    def values(self) -> list[Value]:
        return [*self.vectors, self.matrix, *self.numbers]

    @staticmethod
    def of(values: Sequence[Value]) -> "State":
        u, v, w, s, t = values
        return State((u, v), w, (s, t))


def branching_program(seed: int) -> Function:
    """A function of u, v (n), w (n, n), s and t; its results are what they end as."""
    return _Writer(random.Random(seed)).program()


class _Writer:
    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.loops = 0

    def program(self) -> Function:
        params = [
            Value(array_type("f64", "n"), "u"),
            Value(array_type("f64", "n"), "v"),
            Value(array_type("f64", "n", "n"), "w"),
            Value(array_type("f64"), "s"),
            Value(array_type("f64"), "t"),
        ]

        def body(*values: Value) -> Sequence[Value]:
            state = State.of(values)
            for _ in range(self.rng.randint(2, 3)):
                state = self.construct(state, [constant(0), op("dim", size=N - 1)], 0)
            return state.values

        return function("branching", params, body, ops=OPS, sizes=["n"])

    def statements(self, state: State, places: Sequence[Value], depth: int) -> State:
        for _ in range(self.rng.randint(1, 3)):
            state = self.construct(state, places, depth)
        return state

    def construct(self, state: State, places: Sequence[Value], depth: int) -> State:
        kinds = [self.element, self.element, self.number, self.whole, self.swap, self.row]
        if depth < DEEPEST:
            kinds += [self.branches, self.branches, self.for_loop, self.while_loop]
        if depth == 0:
            kinds = kinds[-4:]
        return self.rng.choice(kinds)(state, places, depth)

    # ---- statements ----

    def value(self, state: State, places: Sequence[Value]) -> Value:
        """A number between -2 and 2."""
        i, j = self.rng.choice(places), self.rng.choice(places)
        read = self.rng.choice(
            [
                lambda: op("index", self.rng.choice(state.vectors), i),
                lambda: op("index", state.matrix, i, j),
                lambda: self.rng.choice(state.numbers),
            ]
        )
        return op("sin", read()) + self.rng.choice([0.5, -0.5, 1.0])

    def element(self, state: State, places: Sequence[Value], depth: int) -> State:
        """Write or add to one element; sometimes the old array is read afterwards."""
        update = self.rng.choice(["put", "add_at"])
        new = self.value(state, places)
        i, j = self.rng.choice(places), self.rng.choice(places)
        if self.rng.random() < 0.3:
            return State(state.vectors, op(update, state.matrix, new, i, j), state.numbers)
        k = self.rng.randrange(2)
        array = op(update, state.vectors[k], new, i)
        if self.rng.random() < 0.15:
            array = op("add_at", array, op("index", state.vectors[k], i), j)
        vectors = (array, state.vectors[1]) if k == 0 else (state.vectors[0], array)
        return State(vectors, state.matrix, state.numbers)

    def number(self, state: State, places: Sequence[Value], depth: int) -> State:
        return State(state.vectors, state.matrix, (self.value(state, places), state.numbers[0]))

    def whole(self, state: State, places: Sequence[Value], depth: int) -> State:
        """One vector computed from both."""
        u, v = state.vectors
        return State((op("sin", u) * 0.5 + v, v), state.matrix, state.numbers)

    def swap(self, state: State, places: Sequence[Value], depth: int) -> State:
        return State(state.vectors[::-1], state.matrix, state.numbers)

    def row(self, state: State, places: Sequence[Value], depth: int) -> State:
        """A row is read, perhaps while its matrix is overwritten, and becomes a vector."""
        i, j = self.rng.choice(places), self.rng.choice(places)
        row = op("index", state.matrix, i)
        matrix = state.matrix
        if self.rng.random() < 0.5:
            matrix = op("put", matrix, self.value(state, places), i, j)
        u, v = state.vectors
        if self.rng.random() < 0.5:
            return State((op("put", row, 0.25, j), v), matrix, state.numbers)
        return State((u, v), op("put", matrix, op("sin", row), j), state.numbers)

    # ---- blocks ----

    def predicate(self, state: State, places: Sequence[Value]) -> Value:
        return op("less", self.value(state, places), 0.4)

    def branches(self, state: State, places: Sequence[Value], depth: int) -> State:
        """Each branch does what it likes, or nothing; sometimes what was before is read afterwards."""

        def side() -> list[Value]:
            busy = self.rng.random() < 0.75
            return (self.statements(state, places, depth + 1) if busy else state).values

        after = State.of(branch(self.predicate(state, places), side, side))
        if self.rng.random() < 0.2:
            after = self.element(after, places, depth)
            return State(after.vectors, after.matrix, (self.value(state, places), after.numbers[0]))
        return after

    def trip(self, state: State, places: Sequence[Value], depth: int) -> tuple[State, list[Value]]:
        """The state after a trip, and its items: whether a row is kept, the row, a vector, a number."""
        kept = self.predicate(state, places)

        def keep() -> list[Value]:
            row = op("zeros", shape=(N,), dtype=DType.F64)
            row = early = op("put", row, self.value(state, places), self.rng.choice(places))
            if self.rng.random() < 0.5:
                (row,) = branch(
                    self.predicate(state, places), lambda: [op("put", row, 3.0, 0)], lambda: [row]
                )
            else:
                row = op("add_at", row, 0.5, self.rng.choice(places))
            if self.rng.random() < 0.3:
                return [row, op("sum", early, axes=(0,))]
            return [row, self.value(state, places)]

        def drop() -> list[Value]:
            return [op("undefined", shape=(N,), dtype=DType.F64), constant(0.0)]

        row, number = branch(kept, keep, drop)
        early = self.rng.choice(state.vectors)
        after = self.statements(state, places, depth + 1)
        late = self.rng.choice(after.vectors)
        return after, [kept, row, self.rng.choice([early, late]), number]

    def replayed(self, trips: object, state: State, stacks: Sequence[Value]) -> State:
        """Walk back over the items."""

        def back(
            i: Value, total: Value, kept: Value, row: Value, vector: Value, number: Value
        ) -> list[Value]:
            (found,) = branch(kept, lambda: [op("sum", row, axes=(0,)) + number], lambda: [constant(0.5)])
            return [op("sin", total + found + op("index", vector, 0))]

        (total,) = loop(trips, back, [constant(0.0)], [], stacks, reverse=True)
        return State(state.vectors, state.matrix, (total, state.numbers[1]))

    def for_loop(self, state: State, places: Sequence[Value], depth: int) -> State:
        def trip(i: Value, *values: Value) -> list[Value]:
            after, items = self.trip(State.of(values), [*places, i], depth)
            return [*after.values, *items]

        outs = loop(N, trip, state.values, reverse=self.rng.random() < 0.3)
        return self.replayed(N, State.of(outs[:5]), outs[5:])

    def while_loop(self, state: State, places: Sequence[Value], depth: int) -> State:
        """At most n trips, by the limit or by the test."""
        self.loops += 1
        trips = f"t_{self.loops}"
        limit = N if self.rng.random() < 0.5 else None

        def test(i: Value, *values: Value) -> Value:
            asked = State.of(values)
            if self.rng.random() < 0.3:
                asked = self.element(asked, places, depth)
            going = op("less", self.value(asked, places), 1.2)
            return going if limit else op("logical_and", going, op("less", i, op("dim", size=N)))

        def trip(i: Value, *values: Value) -> list[Value]:
            after, items = self.trip(State.of(values), [*places, i], depth)
            return [*after.values, *items]

        outs = loop_while(test, trip, state.values, trips, limit=limit)
        return self.replayed(trips, State.of(outs[:5]), outs[5:])
