"""What random loop programs read: indices that are in range, numbers, rows, conditions."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from adcompiler.ir.graph import Value, constant
from adcompiler.ir.ops import OPS
from adcompiler.ir.types import Dim

N = Dim.of("n")


@dataclass(frozen=True)
class Place:
    """An integer that is an index of every array, also when moved so far down or up."""

    value: Value
    down: int
    up: int
    dim: Dim | None = None
    """The same integer as a size, where loop indices have names."""

    def moved(self, by: int) -> Value:
        assert -self.down <= by <= self.up
        return self.value + by if by > 0 else self.value - -by if by else self.value

    def mirrored(self) -> Place:
        return Place(size(N - 1) - self.value, self.up, self.down)


@dataclass(frozen=True)
class Scope:
    """The newest version of every array and number, those that may be written, and indices."""

    values: Mapping[str, Value]
    writable: tuple[str, ...]
    places: tuple[Place, ...] = ()
    depth: int = 0

    def set(self, **values: Value) -> Scope:
        return replace(self, values={**self.values, **values})

    def of_rank(self, rank: int) -> list[str]:
        return [name for name, value in self.values.items() if value.type.rank == rank and name != "p"]


def op(name: str, *operands: Value | float, **attrs: object) -> Value:
    return OPS[name](*operands, **attrs)


def size(dim: Dim) -> Value:
    return op("dim", size=dim)


class Reader:
    """Draws what is read, from what a scope holds; notes the constructs that it takes."""

    def __init__(self, rng: random.Random, constructs: Collection[str]) -> None:
        self.rng = rng
        self.constructs = constructs
        self.used: set[str] = set()
        self.names = 0

    def takes(self, construct: str, chance: float) -> bool:
        """Whether the program has the construct here."""
        taken = self.rng.random() < chance and construct in self.constructs
        self.used.update([construct] if taken else [])
        return taken

    def fresh(self, prefix: str) -> str:
        self.names += 1
        return f"{prefix}{self.names}"

    def expression(self, scope: Scope, depth: int) -> Value:
        """A number no greater than those it is made of."""
        if depth == 0 or self.rng.random() < 0.25:
            return self.read(scope)
        a = self.expression(scope, depth - 1)
        kind = self.rng.random()
        if kind < 0.35:
            return op("sin", a)
        if kind < 0.45:
            return scope.values["c"] * a
        b = self.expression(scope, depth - 1)
        return op("sin", a) * op("sin", b) if kind < 0.7 else 0.5 * (a + b)

    def read(self, scope: Scope) -> Value:
        """An element of something, or a number."""
        if self.takes("ragged", 0.08):
            found = self.ragged(scope)
            if found is not None:
                return found
        arrays = [*scope.of_rank(1), *scope.of_rank(2)]
        if not scope.places or self.rng.random() < 0.15:
            return scope.values[self.rng.choice(scope.of_rank(0))]
        changing = [name for name in arrays if name in scope.writable]
        names = changing if changing and self.rng.random() < 0.7 else arrays
        array = scope.values[self.rng.choice(names)]
        return op("index", array, *self.indices(scope, array))

    def indices(self, scope: Scope, array: Value) -> list[Value] | None:
        """Where an element lies; None where no index is at hand."""
        if array.type.shape == (Dim.of(3),):
            return [constant(self.rng.randrange(3))]
        rank = array.type.rank
        return [self.near(scope, rank - axis) for axis in range(rank)] if scope.places else None

    def near(self, scope: Scope, level: int = 1) -> Value:
        """An index: near a loop index (often of this level, from inside), mirrored, fixed, or data."""
        natural = level <= len(scope.places) and self.rng.random() < 0.7
        place = scope.places[-level] if natural else self.rng.choice(scope.places)
        if self.takes("data", 0.08):
            return op("index", scope.values["p"], place.value)
        if self.takes("fixed", 0.08):
            return constant(0)
        if self.takes("mirror", 0.1):
            place = place.mirrored()
        moves = [by for by in (0, 0, 0, -1, 1, -1, 1, -2, 2) if -place.down <= by <= place.up]
        return place.moved(self.rng.choice(moves))

    def some(self, names: Sequence[str]) -> list[str]:
        """Most of these, at least one."""
        return [name for name in names if self.rng.random() < 0.75] or [self.rng.choice(names)]

    def condition(self, scope: Scope) -> Value:
        """A question to the indices, or to data."""
        if scope.places and self.takes("index_branch", 0.4):
            place = self.rng.choice(scope.places).value
            match self.rng.randrange(3):
                case 0:
                    return op("less", place, constant(self.rng.randint(1, 4)))
                case 1:
                    return op("equal", op("remainder", place, constant(2)), constant(0))
                case _:
                    return op("equal", place, self.rng.choice(scope.places).value)
        return op(self.rng.choice(["less", "greater"]), self.expression(scope, 1), self.rng.uniform(0.3, 0.8))

    def vector(self, scope: Scope, depth: int) -> Value:
        """Numbers for a row."""
        if depth:
            a = self.vector(scope, depth - 1)
            match self.rng.randrange(3):
                case 0:
                    return op("sin", a)
                case 1:
                    return 0.5 * (a + self.vector(scope, depth - 1))
                case _:
                    return scope.values["c"] * a
        if scope.places and "w" in scope.values and self.rng.random() < 0.5:
            column = {"at": ("all", "point")} if self.rng.random() < 0.3 else {}
            return op("index", scope.values["w"], self.near(scope), **column)
        vector = scope.values[self.rng.choice([name for name in ("u", "v", "x") if name in scope.values])]
        if self.takes("gather", 0.5):
            return op("index", vector, scope.values["p"], at=("gather",))
        return vector

    def ragged(self, scope: Scope) -> Value | None:
        """A sum over the first elements, as many as an index says."""
        ends = [place for place in scope.places if place.dim is not None]
        names = [name for name in ("u", "v", "x") if name in scope.values]
        if not ends:
            return None
        at = (("span", self.rng.choice(ends).dim, 1),)
        parts = [op("index", scope.values[self.rng.choice(names)], constant(0), at=at) for _ in range(2)]
        return op("sin", op("sum", parts[0] * parts[1], axes=(0,)))
