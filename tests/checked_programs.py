"""Random programs of checks that may fail, in loops of every kind, before reads that they guard.

Each check has a message of its own, so that it shows which one was the first.
"""

import random
from itertools import count

from adcompiler.ir.build import emit, function
from adcompiler.ir.graph import Function, Value, constant
from adcompiler.ir.ops import OPS
from adcompiler.ir.ops.control import branch
from adcompiler.ir.ops.loops import loop, loop_while
from adcompiler.ir.types import Dim, array_type

N, M = Dim.of("n"), Dim.of("m")


def checked_program(seed: int) -> Function:
    """A function of u, v (n), w (n, m) and the integers p (n), some of which are no indices."""
    return _Writer(random.Random(seed)).program()


def op(name: str, *operands: Value | float, **attrs: object) -> Value:
    return OPS[name](*operands, **attrs)


class _Writer:
    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.numbers = count()

    def program(self) -> Function:
        shapes = {"u": ("n",), "v": ("n",), "w": ("n", "m")}
        params = [Value(array_type("f64", *shape), name) for name, shape in shapes.items()]
        params.append(Value(array_type("i64", "n"), "p"))
        return function("checked", params, self.body, ops=OPS, sizes=["n", "m"])

    def body(self, u: Value, v: Value, w: Value, p: Value) -> list[Value]:
        self.v, self.p = v, p
        for _ in range(self.rng.randint(1, 3)):
            step = self.rng.choice([self.each, self.each, self.grid, self.turns, self.until, self.whole])
            u, w = step(u, w)
        return [u, w]

    def check(self, ok: Value) -> None:
        """A check that the numbers of most calls fulfil."""
        emit(OPS["check"], [ok], {"kind": "ValueError", "message": f"number {next(self.numbers)}"})

    def maybe(self, x: Value) -> None:
        if self.rng.random() < 0.6:
            self.check(op("less", x, self.rng.choice([0.9, 0.95, 0.99])))

    def picked(self, array: Value, i: Value) -> Value:
        """An element at a place that data say, which is checked before."""
        k = op("index", self.p, i)
        self.check(op("less", k, op("dim", size=N)))
        return op("index", array, k)

    def number(self, i: Value) -> Value:
        x = op("index", self.v, i)
        self.maybe(x)
        if self.rng.random() < 0.5:
            x = 0.5 * (x + self.picked(self.v, i))
            self.maybe(x)
        return x

    def each(self, u: Value, w: Value) -> tuple[Value, Value]:
        """A loop whose trips are independent."""

        def trip(i: Value, u: Value) -> list[Value]:
            x = self.number(i)
            if self.rng.random() < 0.4:
                (x,) = branch(op("less", x, 0.6), lambda: [self.number(i)], lambda: [x])
            return [op("put", u, 0.5 * (x + op("index", u, i)), i)]

        (u,) = loop(N, trip, [u], reverse=self.rng.random() < 0.4)
        return u, w

    def grid(self, u: Value, w: Value) -> tuple[Value, Value]:
        """Two of them, in one another."""

        def trip(i: Value, w: Value) -> list[Value]:
            def inner(j: Value, w: Value) -> list[Value]:
                x = op("index", w, i, j)
                self.maybe(x)
                return [op("put", w, 0.5 * (x + self.number(i)), i, j)]

            return list(loop(M, inner, [w], reverse=self.rng.random() < 0.3))

        (w,) = loop(N, trip, [w], reverse=self.rng.random() < 0.3)
        return u, w

    def turns(self, u: Value, w: Value) -> tuple[Value, Value]:
        """A loop whose trips follow one another, with whole arrays in it or not."""
        arrays = self.rng.random() < 0.6

        def trip(i: Value, u: Value, w: Value) -> list[Value]:
            if arrays:
                u, w = self.rng.choice([self.whole, self.each])(u, w)
            s = op("index", u, constant(0))
            self.maybe(s)
            return [op("put", u, 0.5 * (s + self.number(i)), i), w]

        u, w = loop(N, trip, [u, w])
        return u, w

    def until(self, u: Value, w: Value) -> tuple[Value, Value]:
        """A loop of unknown length, which goes by what its checks guard."""
        arrays = self.rng.random() < 0.5

        def test(i: Value, s: Value, u: Value) -> Value:
            return op("less", s, 2.0)

        def trip(i: Value, s: Value, u: Value) -> list[Value]:
            self.maybe(s)
            if arrays:
                u = 0.9 * u
                self.check(op("less", u, 0.9))
            return [s + self.picked(self.v, constant(0)) + 0.1, u]

        some = op("greater", op("dim", size=N), 0)
        (u,) = branch(some, lambda: [loop_while(test, trip, [constant(0.0), u], self.name())[1]], lambda: [u])
        return u, w

    def name(self) -> str:
        return f"t{next(self.numbers)}"

    def whole(self, u: Value, w: Value) -> tuple[Value, Value]:
        """Whole arrays, and gathers of checked places."""
        if self.rng.random() < 0.5:
            self.check(op("less", u, self.rng.choice([0.9, 0.99])))
        if self.rng.random() < 0.5:
            self.check(op("less", self.p, op("dim", size=N)))
            u = 0.5 * (u + op("index", self.v, self.p, at=("gather",)))
        if self.rng.random() < 0.4:
            self.check(op("less", op("sum", u, axes=(0,)), 3.0))
        if self.rng.random() < 0.4:
            self.check(op("less", self.p, op("dim", size=N)))
            rows = op("index", w, self.p, at=("gather",))
            u = 0.3 * u + 0.1 * op("sum", rows, axes=(1,))
        if self.rng.random() < 0.4:
            self.check(op("less", self.p, op("dim", size=N)))
            u = op("add_at", u, 0.1 * self.v, self.p, at=("gather",))
        return u, w
