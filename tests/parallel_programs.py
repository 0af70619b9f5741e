"""Random loops whose trips touch arrays at affine places: many are independent, and many all but.

Each array has a place that most statements take; some take another one. Places are `a*i + b*j + k`, in a loop
over i and perhaps one over j inside it, with strides, symbolic factors and shifts, mirrored, ragged, or said
by data. Every place is in range: the arrays are long enough.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from adcompiler.ir.build import function
from adcompiler.ir.graph import Function, Value, constant
from adcompiler.ir.ops import OPS
from adcompiler.ir.ops.control import branch
from adcompiler.ir.ops.loops import loop, loop_while
from adcompiler.ir.types import Dim, array_type

N, M = Dim.of("n"), Dim.of("m")
LONG = (M + 1) * N + 3 * N + 4 * M + 8
"""Above every place."""

ARRAYS = {"u": (LONG,), "v": (LONG,), "w": (LONG, M + 4)}
FACTORS = (0, 1, 1, 1, 1, 2, 3, M, M, M + 1)
SHIFTS = (0, 0, 0, 1, 2, M, N)


def op(name: str, *operands: Value | float, **attrs: object) -> Value:
    return OPS[name](*operands, **attrs)


@dataclass(frozen=True)
class Form:
    """A place: `a*i + b*j + k`, i counted from the end perhaps, or what data say of i."""

    a: Dim | int
    b: int
    k: Dim | int
    mirrored: bool = False
    data: bool = False


@dataclass(frozen=True)
class Trip:
    """The indices of a trip; the inner one is zero outside of the inner loop."""

    i: Value
    j: Value | None
    p: Value

    def at(self, form: Form) -> Value:
        i = op("dim", size=N - 1) - self.i if form.mirrored else self.i
        if form.data:
            i = op("index", self.p, i)
        place = i * op("dim", size=Dim.of(form.a)) if form.a != 1 else i
        if self.j is not None and form.b:
            place = place + form.b * self.j
        return place if form.k == 0 else place + op("dim", size=Dim.of(form.k))


def random_program(seed: int, sums: float = 0.3) -> Function:
    """A function of u, v, w, what they are added to, integers p and a number c, with one loop of n trips.

    `sums` is how many of the arrays are sums; where these are most, few are added to by rows, and many at
    indices and shifts.
    """
    writer = _Writer(random.Random(seed), sums)
    params = [Value(array_type("f64", *shape), name) for name, shape in ARRAYS.items()]
    params += [Value(array_type("f64", LONG), "x"), Value(array_type("f64"), "c")]
    params += [Value(array_type("i64", "n"), "p")]
    return function("random", params, writer.body, ops=OPS, sizes=["n", "m"])


class _Writer:
    def __init__(self, rng: random.Random, sums: float) -> None:
        self.rng = rng
        self.sums = sums
        self.rows = 0.15 if sums < 0.5 else 0.03
        self.nested = rng.random() < 0.6
        self.plain = sums > 0.5 and rng.random() < 0.6
        self.home = {name: self.form() for name in ("u", "v", "w")}
        self.wild = 0.5 if self.plain else rng.choice([0.0, 0.0, 0.1, 0.3])
        self.shifted = rng.choice([0.0, 0.3, 0.6])
        self.row = "row" if rng.random() < 0.5 else None
        self.length = M
        self.fresh = 0

    def form(self) -> Form:
        rng = self.rng
        if self.plain:
            a, b = rng.choice([(1, 0), (0, 1), (1, 1)]) if self.nested else (1, 0)
            return Form(a, b, rng.choice(SHIFTS))
        b = rng.choice([0, 1, 1, 2]) if self.nested else 0
        data = 0.25 if self.sums > 0.5 else 0.05
        return Form(
            rng.choice(FACTORS), b, rng.choice(SHIFTS), rng.random() < 0.15, rng.random() < data
        )

    def place(self, name: str, read: bool = False) -> Form:
        """Where an array is touched: at home, near it (where it is read, often), or anywhere."""
        home = self.home[name]
        if read and self.rng.random() < self.shifted:
            return Form(home.a, home.b, self.rng.choice(SHIFTS), home.mirrored, home.data)
        if self.rng.random() >= self.wild:
            return home
        if self.rng.random() < 0.5:
            return Form(home.a, home.b, self.rng.choice(SHIFTS), home.mirrored, home.data)
        return self.form()

    def body(self, u: Value, v: Value, w: Value, x: Value, c: Value, p: Value) -> Sequence[Value]:
        self.x, self.c, self.p = x, c, p
        given = {"u": u, "v": v, "w": w}
        added = [name for name in given if self.rng.random() < self.sums]
        carried = [name for name in given if name not in added and self.rng.random() < 0.7]
        total = constant(0.0)

        def trip(i: Value, *arrays: Value) -> Sequence[Value]:
            now = dict(zip([*carried, *added, "s"], arrays, strict=True))
            now = self.inside(Trip(i, None, p), now, set(added), 0)
            return [*now.values(), self.value(Trip(i, None, p), now, set(added), 1)]

        index = self.row
        start = [given[name] for name in carried], [*(given[name] for name in added), total]
        return loop(N, trip, *start, reverse=self.rng.random() < 0.3, index=index)

    def inside(self, trip: Trip, now: dict[str, Value], added: set[str], depth: int) -> dict[str, Value]:
        """Statements, and the inner loop among them."""
        now = self.statements(trip, now, added, depth)
        if self.nested:
            now = self.inner(trip, now, added, depth)
        return self.statements(trip, now, added, depth) if self.rng.random() < 0.3 else now

    def inner(self, trip: Trip, now: dict[str, Value], added: set[str], depth: int) -> dict[str, Value]:
        """A loop over the places of a row, as a `for` or a `while` that data may end."""
        sums = [name for name in now if name in added or name == "s"]
        carried = [name for name in now if name not in sums]
        row = Dim.of(self.row or 0)
        self.length = self.rng.choice([M, M, N, row, N - row - 1] if self.row else [M, M, N])

        def inside(j: Value, *arrays: Value) -> Sequence[Value]:
            here = Trip(trip.i, j, trip.p)
            given = dict(zip([*carried, *sums], arrays, strict=True))
            return list(self.statements(here, given, added, depth).values())

        start = [now[name] for name in carried]
        if self.rng.random() < self.rows:
            self.fresh += 1
            outs = loop_while(
                lambda j, *arrays: op("less", op("index", self.x, j), self.rng.uniform(0.5, 1.0)),
                inside,
                [*start, *(now[name] for name in sums)],
                f"t{self.fresh}",
                limit=self.length,
            )
        else:
            back, column = self.rng.random() < 0.3, self.rng.choice([None, "column"])
            totals = [now[name] for name in sums]
            outs = loop(self.length, inside, start, totals, reverse=back, index=column)
        return dict(zip([*carried, *sums], outs, strict=True))

    def statements(self, trip: Trip, now: dict[str, Value], added: set[str], depth: int) -> dict[str, Value]:
        for _ in range(self.rng.randint(1, 3)):
            if depth < 2 and self.rng.random() < 0.15:
                now = self.branches(trip, now, added, depth)
            else:
                now = self.write(trip, now, added)
        return now

    def branches(self, trip: Trip, now: dict[str, Value], added: set[str], depth: int) -> dict[str, Value]:
        """Statements in one branch or both; sums pass through both."""

        def side(idle: bool) -> Callable[[], Sequence[Value]]:
            return lambda: list(
                (now if idle else self.statements(trip, dict(now), added, depth + 1)).values()
            )

        test = op("less", self.value(trip, now, added, 1), self.rng.uniform(0.3, 0.9))
        outs = branch(test, side(self.rng.random() < 0.3), side(self.rng.random() < 0.3))
        return dict(zip(now, outs, strict=True))

    def write(self, trip: Trip, now: dict[str, Value], added: set[str]) -> dict[str, Value]:
        name = self.rng.choice(list(now))
        value = self.value(trip, now, added, 2)
        if name == "s":
            return now | {"s": op(self.rng.choice(["add", "sub"]), now["s"], value)}
        span, place = self.rng.random() < self.rows, trip.at(self.place(name))
        at = {"at": (("span", self.rng.choice([Dim.of(2), M]), 1),)} if span else {}
        if name == "w":
            at = {"at": (("span", Dim.of(1), 1), "all")} if self.rng.random() < self.rows else {}
            if at:
                value = op("broadcast", value, shape=(1, M + 4))
            else:
                inner = trip.j is not None and self.length == M
                column = trip.j if inner else constant(self.rng.randrange(2))
                return now | {name: self.stored(name, now, value, added, at, [place, column])}
        elif span:
            value = op("broadcast", value, shape=(at["at"][0][1],))
        return now | {name: self.stored(name, now, value, added, at, [place])}

    def stored(self, name: str, now: dict[str, Value], value: Value, added: set[str], at, where) -> Value:
        kind = "add_at" if name in added or self.rng.random() < 0.3 else "put"
        return op(kind, now[name], value, *where, **at)

    def value(self, trip: Trip, now: dict[str, Value], added: set[str], depth: int) -> Value:
        """A number no greater than one: of elements that are there, and what is only read."""
        if depth and self.rng.random() < 0.6:
            a = self.value(trip, now, added, depth - 1)
            b = self.value(trip, now, added, depth - 1)
            return op("sin", a) * 0.7 + 0.3 * b
        readable = [name for name in ("u", "v") if name in now and name not in added]
        if readable and self.rng.random() < 0.7:
            name = self.rng.choice(readable)
            return op("index", now[name], trip.at(self.place(name, read=True)))
        return op("index", self.x, trip.at(self.form())) if self.rng.random() < 0.8 else self.c + 0.0
