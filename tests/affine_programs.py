"""Random programs of loops over arrays, written in the IR: what the choice of residuals must get right.

Arrays u, v (n), w (n, n) and the number s change; x, the integers p and the number c are only read. Loops run
near the ends of the arrays (margins of 0 to 2), inwards and outwards, with strides, over triangles, through
time, until something happens; they read and write at distances of -2 to 2, mirrored, at positions that data
say, by rows and spans, in one branch and in the other. Every index is in range by construction: a `Place` is
an integer with the distances that it may be moved. Sizes may be small: then loops make one trip, or none.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from affine_reads import N, Place, Reader, Scope, op, size

from adcompiler.ir.build import function
from adcompiler.ir.graph import Function, Value, constant
from adcompiler.ir.ops import OPS
from adcompiler.ir.ops.control import branch
from adcompiler.ir.ops.loops import loop, loop_while
from adcompiler.ir.types import F64, Dim, array_type

M = Dim.of("m")
TYPES = {"u": ("n",), "v": ("n",), "w": ("n", "n"), "s": (), "c": (), "x": ("n",)}
READ_ONLY = ("c", "x")

CONSTRUCTS = frozenset(
    "time reverse stride triangle swap add mirror data row span gather ragged local tiny branch index_branch "
    "while open_while items sum matrix nest fixed".split()
)
"""What a program may contain; `random_program` leaves out what is not asked for."""

WHOLE = frozenset({"row", "span", "gather", "ragged"})
"""Constructs that read or write more than one element at a time."""


@dataclass(frozen=True)
class Program:
    """A Function of u, v, w (perhaps), s, c, x, p with the sizes n and m, and the constructs in it."""

    function: Function
    used: frozenset[str]


def random_program(seed: int, constructs: Collection[str] = CONSTRUCTS) -> Program:
    """The program of a seed; each has some of the constructs, so that those it has meet often."""
    rng = random.Random(seed)
    whole = rng.random() < 0.4
    chosen = [c for c in sorted(constructs) if rng.random() < 0.5 and (whole or c not in WHOLE)]
    writer = _Writer(rng, chosen)
    types = {name: shape for name, shape in TYPES.items() if name != "w" or writer.takes("matrix", 0.9)}
    params = [Value(array_type("f64", *shape), name) for name, shape in types.items()]
    params.append(Value(array_type("i64", "n"), "p"))
    return Program(function("random", params, writer.body, ops=OPS, sizes=["n", "m"]), frozenset(writer.used))


class _Writer(Reader):
    """Draws loops and statements."""

    def body(self, *params: Value) -> Sequence[Value]:
        given = {str(p.name): p for p in params}
        state = tuple(name for name in given if name not in (*READ_ONLY, "p"))
        scope = Scope(given, state)
        for _ in range(self.rng.choice([1, 1, 2])):
            scope = self.time(scope) if self.takes("time", 0.35) else self.sweep(scope)
        return [scope.values[name] for name in state]

    # ---- loops ----

    def time(self, scope: Scope) -> Scope:
        """A few steps, each a sweep."""

        def step(inner: Scope) -> Scope:
            if self.takes("gather", 0.5):
                inner = self.whole(inner)
            return self.sweep(inner)

        return self.loop(scope, self.rng.choice([Dim.of(3), M]), lambda i: (), step)

    def sweep(self, scope: Scope) -> Scope:
        """One loop over the elements."""
        named = [place for place in scope.places if place.dim is not None]
        low, high = (self.rng.choice([0, 1, 1, 2]) for _ in range(2))
        if self.takes("open_while", 0.12):
            return self.open_while(scope, low, high)
        if named and self.takes("triangle", 0.6):
            return self.triangle(scope, self.rng.choice(named), high)
        if self.takes("stride", 0.2):
            half = (N - low - high + 1) // 2
            return self.loop(
                scope, half, lambda i: (Place(2 * i + low, low, high), Place(i + low, low, high))
            )
        name = self.fresh("k") if self.rng.random() < 0.6 else None
        dim = None if name is None else Dim.of(name) + low
        if self.takes("items", 0.2):
            return self.produced_and_consumed(scope, N - low - high, low, high)
        return self.loop(
            scope,
            N - low - high,
            lambda i: (Place(i + low if low else i, low, high, dim),),
            index=name,
        )

    def triangle(self, scope: Scope, outer: Place, high: int) -> Scope:
        """A loop below or above an outer index."""
        assert outer.dim is not None
        name = self.fresh("k") if self.rng.random() < 0.3 else None
        own = None if name is None else Dim.of(name)
        if self.rng.random() < 0.5:
            beside = outer.value - 1
            return self.loop(
                scope,
                outer.dim,
                lambda j: (Place(j, 0, outer.up + 1, own), Place(beside - j, 0, outer.up + 1)),
                index=name,
            )
        start, down = outer.value + 1, outer.down + 1
        above = None if own is None else own + outer.dim + 1
        length = N - high - 1 - outer.dim
        return self.loop(scope, length, lambda j: (Place(j + start, down, high, above),), index=name)

    def loop(
        self,
        scope: Scope,
        length: Dim,
        places: Callable[[Value], tuple[Place, ...]],
        body: Callable[[Scope], Scope] | None = None,
        index: str | None = None,
    ) -> Scope:
        """A `for`, or a `while` of at most so many trips, that carries some of what may be written."""
        carried = self.some(scope.writable)
        added = [] if self.rng.random() < 0.9 else [n for n in scope.writable if n not in carried][:1]
        if added and not self.takes("sum", 1.0):
            added = []
        write = body or self.trip

        def trip(i: Value, *params: Value) -> Sequence[Value]:
            sums = dict(zip(added, params[len(carried) :], strict=True))
            inner = self.inside(scope, carried, params, places(i), added)
            inner = write(inner)
            return [*self.ends(inner, carried), *(self.summed(inner, name, sums[name]) for name in added)]

        start = [scope.values[name] for name in carried]
        if not added and self.takes("while", 0.2):
            outs = loop_while(
                lambda i, *params: self.condition(self.inside(scope, carried, params, places(i), [])),
                trip,
                start,
                self.fresh("t"),
                limit=length,
                index=index,
            )
        else:
            more = [scope.values[name] for name in added]
            outs = loop(length, trip, start, more, reverse=self.takes("reverse", 0.7), index=index)
        return scope.set(**dict(zip([*carried, *added], outs, strict=True)))

    def inside(
        self,
        scope: Scope,
        carried: Sequence[str],
        params: Sequence[Value],
        places: tuple[Place, ...],
        hidden: Collection[str],
    ) -> Scope:
        """What the body of a loop sees: sums are hidden from it."""
        values = {name: value for name, value in scope.values.items() if name not in hidden}
        values.update(zip(carried, params, strict=False))
        return Scope(values, tuple(carried), (*scope.places, *places), scope.depth + 1)

    def ends(self, scope: Scope, carried: Sequence[str]) -> list[Value]:
        """The carries that a trip yields; two arrays may have been swapped."""
        values = {name: scope.values[name] for name in carried}
        if {"u", "v"} <= set(carried) and self.takes("swap", 0.2):
            values["u"], values["v"] = values["v"], values["u"]
        return list(values.values())

    def summed(self, scope: Scope, name: str, total: Value) -> Value:
        value = self.expression(scope, 2)
        if not total.type.rank:
            return op("add", total, value)
        where = self.indices(scope, total)
        return total if where is None else op("add_at", total, 0.5 * value, *where)

    def open_while(self, scope: Scope, low: int, high: int) -> Scope:
        """A `while` that counts by itself, up to the end of the arrays or until data say so."""
        carried = self.some(scope.writable)
        stride = self.rng.choice([1, 1, 2])
        watched = self.rng.random() < 0.5

        def test(i: Value, k: Value, *params: Value) -> Value:
            there = op("less", k, size(N - low - high))
            if not watched:
                return there
            inner = self.inside(scope, carried, params, (), [])
            return op("logical_and", there, self.condition(inner))

        def trip(i: Value, k: Value, *params: Value) -> Sequence[Value]:
            place = Place(k + low if low else k, low, high)
            inner = self.trip(self.inside(scope, carried, params, (place,), []))
            return [k + stride, *self.ends(inner, carried)]

        start = [constant(0), *(scope.values[name] for name in carried)]
        _, *outs = loop_while(test, trip, start, self.fresh("t"))
        return scope.set(**dict(zip(carried, outs, strict=True)))

    def produced_and_consumed(self, scope: Scope, length: Dim, low: int, high: int) -> Scope:
        """A loop that stacks a number of each trip, and one that takes them as slices."""
        first, second = self.some(scope.writable), self.some(scope.writable)
        back = self.rng.random() < 0.5

        def make(i: Value, *params: Value) -> Sequence[Value]:
            inner = self.inside(scope, first, params, (Place(i + low, low, high),), [])
            inner = self.statements(inner)
            return [*self.ends(inner, first), self.expression(inner, 2)]

        *ends, stack = loop(length, make, [scope.values[name] for name in first])
        after = scope.set(**dict(zip(first, ends, strict=True)))

        def take(i: Value, *params: Value) -> Sequence[Value]:
            inner = self.inside(after, second, params, (Place(i + low, low, high),), [])
            return self.ends(self.trip(inner.set(e=params[-1])), second)

        outs = loop(length, take, [after.values[name] for name in second], slices=[stack], reverse=back)
        return after.set(**dict(zip(second, outs, strict=True)))

    def trip(self, scope: Scope) -> Scope:
        """The body of a loop: statements, perhaps a loop inside, statements."""
        nested = scope.depth in (1, 2) and self.takes("nest", 0.6 / scope.depth)
        if self.takes("local", 0.15):
            scope = self.with_local(scope)
        if not nested or self.rng.random() < 0.5:
            scope = self.statements(scope)
        if nested:
            scope = self.sweep(scope)
            if self.rng.random() < 0.4:
                scope = self.statements(scope)
        return scope

    def with_local(self, scope: Scope) -> Scope:
        """An array that lives for one trip: of n elements, filled by a loop, or of three."""
        if self.takes("tiny", 0.5):
            tiny = op("zeros", shape=(Dim.of(3),), dtype=F64)
            for k in range(2):
                tiny = op("put", tiny, self.expression(scope, 1), constant(k))
            return self.with_name(scope, tiny)
        scope = self.with_name(scope, op("zeros", shape=(N,), dtype=F64))
        return scope if scope.depth > 2 else self.sweep(scope)

    def with_name(self, scope: Scope, array: Value) -> Scope:
        name = self.fresh("local")
        return replace(scope.set(**{name: array}), writable=(*scope.writable, name))

    # ---- statements ----

    def statements(self, scope: Scope) -> Scope:
        for _ in range(self.rng.choice([1, 1, 2])):
            if self.takes("branch", 0.2):
                scope = self.branches(scope)
            elif scope.places and self.takes("row", 0.15):
                scope = self.row(scope)
            elif self.takes("span", 0.12):
                scope = self.span(scope)
            else:
                scope = self.write(scope)
        return scope

    def write(self, scope: Scope) -> Scope:
        """An element, or a number, gets a new value."""
        name = self.rng.choice(scope.writable)
        array = scope.values[name]
        value = self.expression(scope, self.rng.choice([1, 1, 2]))
        if not array.type.rank:
            return scope.set(**{name: value})
        where = self.indices(scope, array)
        if where is None:
            return scope
        if self.takes("add", 0.25):
            return scope.set(**{name: op("add_at", array, 0.5 * value, *where)})
        if self.rng.random() < 0.4:
            value = 0.5 * (value + op("index", array, *where))
        return scope.set(**{name: op("put", array, value, *where)})

    def branches(self, scope: Scope) -> Scope:
        """Statements in one branch or in both; what is not written in one stays as it was there."""
        changed = self.some(scope.writable)
        swapped = {"u", "v"} <= set(changed) and self.takes("swap", 0.2)
        inner = replace(scope, writable=tuple(changed), depth=scope.depth + 1)
        idle = self.rng.random() < 0.5

        def one() -> Sequence[Value]:
            after = (
                self.sweep(inner) if scope.depth < 2 and self.rng.random() < 0.15 else self.statements(inner)
            )
            return [after.values[name] for name in changed]

        def other() -> Sequence[Value]:
            values = (inner if idle else self.statements(inner)).values
            if swapped:
                values = {**values, "u": values["v"], "v": values["u"]}
            return [values[name] for name in changed]

        first = self.rng.random() < 0.5
        outs = branch(self.condition(scope), one if first else other, other if first else one)
        return scope.set(**dict(zip(changed, outs, strict=True)))

    # ---- more than one element at a time ----

    def row(self, scope: Scope) -> Scope:
        """A row or a column of w gets new numbers."""
        if "w" not in scope.writable:
            return self.write(scope)
        where = self.near(scope)
        column = {"at": ("all", "point")} if self.rng.random() < 0.3 else {}
        return scope.set(w=op("put", scope.values["w"], self.vector(scope, 2), where, **column))

    def whole(self, scope: Scope) -> Scope:
        name = next((name for name in scope.writable if name in ("u", "v")), None)
        return scope if name is None else scope.set(**{name: self.vector(scope, 2)})

    def span(self, scope: Scope) -> Scope:
        """Two neighbours get the numbers of two others."""
        name = next((name for name in scope.writable if name in ("u", "v")), None)
        wide = [place for place in scope.places if place.up > 0]
        if name is None or not wide:
            return self.write(scope)
        at = (("span", Dim.of(2), 1),)
        target, source = self.rng.choice(wide), self.rng.choice(wide)
        read = self.rng.choice([n for n in ("u", "v", "x") if n in scope.values])
        start = source.moved(self.rng.randint(-source.down, source.up - 1))
        value = 0.9 * op("sin", op("index", scope.values[read], start, at=at))
        where = target.moved(self.rng.randint(-target.down, target.up - 1))
        return scope.set(**{name: op("put", scope.values[name], value, where, at=at)})
