"""Random programs of loops over arrays with affine indices, written in the IR.

Nests of one and two loops, time loops that swap arrays, reversed loops, `put` and `add_at`: what the choice
of residuals must get right. Sizes are small, so that every boundary case occurs.
"""

import random
from collections.abc import Sequence

from adcompiler.ir.build import function
from adcompiler.ir.graph import Function, Value, constant
from adcompiler.ir.ops import OPS
from adcompiler.ir.ops.loops import loop
from adcompiler.ir.types import Dim, array_type

index, put, add_at, sin = (OPS[name] for name in ("index", "put", "add_at", "sin"))
N = Dim.of("n")


def random_program(seed: int) -> Function:
    """A function of arrays u, v (n), w (n, n) and the number c; its results are the arrays it ends with."""
    return _Writer(random.Random(seed)).program()


class _Writer:
    def __init__(self, rng: random.Random) -> None:
        self.rng = rng

    def program(self) -> Function:
        params = [
            Value(array_type("f64", "n"), "u"),
            Value(array_type("f64", "n"), "v"),
            Value(array_type("f64", "n", "n"), "w"),
            Value(array_type("f64"), "c"),
        ]
        return function("random", params, self.body, ops=OPS, sizes=["n"])

    def body(self, u: Value, v: Value, w: Value, c: Value) -> Sequence[Value]:
        state: list[Value] = [u, v, w]
        for _ in range(self.rng.randint(1, 2)):
            kind = self.rng.choice(["sweep", "sweep", "time", "nest"])
            if kind == "time":
                state = self.time_loop(state, c)
            else:
                state = self.sweep(state, c, kind == "nest")
        return state

    def time_loop(self, state: list[Value], c: Value) -> list[Value]:
        """A few steps, each a sweep, that may swap the vectors."""
        swap = self.rng.random() < 0.5

        def step(t: Value, *arrays: Value) -> Sequence[Value]:
            u, v, w = self.sweep(list(arrays), c, self.rng.random() < 0.4)
            return [v, u, w] if swap else [u, v, w]

        return list(loop(3, step, state))

    def sweep(self, state: list[Value], c: Value, nested: bool) -> list[Value]:
        """One or two loops that read and write elements near their indices."""
        low, high = self.rng.choice([(0, 0), (1, 0), (0, 1), (1, 1)])
        reverse = self.rng.random() < 0.4

        def trip(i: Value, *arrays: Value) -> Sequence[Value]:
            place = [i + low if low else i]
            inside = list(arrays)
            if self.rng.random() < 0.5 or not nested:
                inside = self.statements(inside, place, c, low, high)
            if nested:
                inside = list(
                    loop(
                        N - low - high,
                        lambda j, *more: self.statements(
                            list(more), [*place, j + low if low else j], c, low, high
                        ),
                        inside,
                        reverse=self.rng.random() < 0.3,
                    )
                )
            return inside

        return list(loop(N - low - high, trip, state, reverse=reverse))

    def statements(
        self, arrays: list[Value], place: Sequence[Value], c: Value, low: int, high: int
    ) -> list[Value]:
        for _ in range(self.rng.randint(1, 3)):
            k = self.rng.randrange(3)
            where = self.indices(arrays[k], place, low, high)
            value = self.expression(arrays, place, c, low, high, 2)
            write = put if self.rng.random() < 0.7 else add_at
            if write is put and self.rng.random() < 0.5:
                value = value + 0.5 * index(arrays[k], *where)
            arrays[k] = write(arrays[k], value, *where)
        return arrays

    def indices(self, array: Value, place: Sequence[Value], low: int, high: int) -> list[Value]:
        """Affine indices in range: near a loop index, mirrored, or fixed."""

        def one() -> Value:
            i = self.rng.choice(list(place))
            shift = self.rng.choice([0, 0, 0, -1 if low else 0, 1 if high else 0])
            kind = self.rng.random()
            if kind < 0.08:
                return constant(0)
            if kind < 0.16:
                return OPS["dim"](size=N - 1) - i
            return i + shift if shift > 0 else (i - 1 if shift else i)

        return [one() for _ in range(array.type.rank)]

    def expression(
        self, arrays: list[Value], place: Sequence[Value], c: Value, low: int, high: int, depth: int
    ) -> Value:
        if depth == 0 or self.rng.random() < 0.3:
            array = self.rng.choice(arrays)
            return index(array, *self.indices(array, place, low, high))
        a = self.expression(arrays, place, c, low, high, depth - 1)
        kind = self.rng.random()
        if kind < 0.3:
            return sin(a)
        if kind < 0.5:
            return c * a
        b = self.expression(arrays, place, c, low, high, depth - 1)
        return sin(a) * sin(b) if kind < 0.75 else 0.5 * (a + b)
