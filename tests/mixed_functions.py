"""Random Functions that mix whole arrays, parts of them, reductions, loops and branches.

Old versions of arrays stay in scope after they were updated, rows are read after their array was
overwritten, values are yielded twice: whatever a backend decides about memory, the numbers must be those of
pure values.
"""

import random

from adcompiler.ir.build import emit, function
from adcompiler.ir.graph import Function, Value, constant
from adcompiler.ir.loops import split
from adcompiler.ir.ops import OPS
from adcompiler.ir.ops.control import branch
from adcompiler.ir.ops.loops import loop
from adcompiler.ir.types import Dim, array_type

N, M = Dim.of("n"), Dim.of("m")


def mixed_function(seed: int, dtype: str = "f64") -> Function:
    """A Function of a number, two vectors and two matrices over sizes n >= 1 and m >= 1."""
    writer = _Writer(random.Random(seed), dtype)
    shapes = [(), ("n",), ("m",), ("n", "m"), ("n", "n")]
    params = [Value(array_type(dtype, *shape), name) for shape, name in zip(shapes, "xvwaq", strict=True)]
    return function(f"mixed_{seed}", params, writer.results, ops=OPS, sizes=["n", "m"])


def op(name, *operands, **attrs):
    return OPS[name](*operands, **attrs)


class _Writer:
    def __init__(self, rng, dtype):
        self.rng = rng
        self.dtype = dtype
        self.indices = []
        """The loops around, as pairs of length and index."""

    def results(self, *params):
        scope = self.block(list(params), 2)
        return [*self.rng.sample(scope, min(3, len(scope))), self.rng.choice(params)]

    def block(self, scope, depth):
        scope = list(scope)
        for _ in range(self.rng.randint(2, 7)):
            kinds = [
                self.unary,
                self.binary,
                self.binary,
                self.reduce,
                self.part,
                self.store,
                self.shape,
                self.choose,
            ]
            kinds += [self.product, self.contract, self.loop, self.loop, self.branch] if depth else []
            scope += self.rng.choice(kinds)(scope, depth)
        return scope

    def floats(self, scope):
        return [v for v in scope if v.type.dtype.is_float]

    def pick(self, scope, *shapes):
        """A float value, of one of these shapes if there is one."""
        found = [v for v in self.floats(scope) if v.type.shape in shapes]
        # later values more often: what was computed is used
        return self.rng.choice((found or self.floats(scope))[-self.rng.randint(1, 8) :])

    def place(self, scope, size):
        """An index in 0..size-1: a loop's own, or an end."""
        own = [i for length, i in self.indices if length == size]
        ends = [constant(0), op("dim", size=size - 1)]
        return self.rng.choice([*own, *own, *ends])

    def unary(self, scope, depth):
        return [op(self.rng.choice(["sin", "tanh", "neg", "abs"]), self.pick(scope))]

    def binary(self, scope, depth):
        x = self.pick(scope)
        name = self.rng.choice(["add", "sub", "mul", "maximum"])
        peers = [v for v in self.floats(scope) if v.type.shape in (x.type.shape, x.type.shape[1:], ())]
        y = self.rng.choice([*peers, *peers, 0.5])
        return [op("tanh", op(name, *((x, y) if self.rng.random() < 0.7 else (y, x))))]

    def choose(self, scope, depth):
        x = self.pick(scope)
        peers = [v for v in self.floats(scope) if v.type == x.type]
        y = self.rng.choice(peers)
        return [op("where", op("less", x, y), op("sin", x), y)]

    def reduce(self, scope, depth):
        x = self.pick(scope, *(v.type.shape for v in scope if v.type.rank))
        axes = tuple(a for a in range(x.type.rank) if self.rng.random() < 0.6)
        if self.rng.random() < 0.2 and x.type.rank:
            return [
                op(
                    "tanh",
                    op("cumsum", x, axis=self.rng.randrange(x.type.rank), reverse=self.rng.random() < 0.5),
                )
            ]
        whole = set(x.type.shape) <= {N, M}
        return [op("tanh", op(self.rng.choice(["sum", "sum", "max"] if whole else ["sum"]), x, axes=axes))]

    def shape(self, scope, depth):
        x = self.pick(scope, (N, M), (M, N), (N, N))
        if x.type.rank != 2:
            return [op("flip", x, axes=tuple(range(x.type.rank)))]
        kind = self.rng.randrange(4)
        if kind == 0:
            return [op("transpose", x, axes=(1, 0))]
        if kind == 1:
            flat = op("reshape", x, shape=(x.type.size,))
            return [op("reshape", op("sin", flat), shape=x.type.shape)]
        if kind == 2:
            return [op("tril", op("sin", x), k=0)]
        return [op("broadcast", op("sum", x, axes=(0,)), shape=x.type.shape)]

    def product(self, scope, depth):
        a = self.pick(scope, (N, M), (N, N))
        if a.type.rank != 2:
            return []
        b = self.pick(scope, (a.type.shape[1],))
        right = op("transpose", a, axes=(1, 0)) if b.type.shape != (a.type.shape[1],) else b
        return [op("tanh", op("matmul", a, right))]

    def contract(self, scope, depth):
        """Sums of products over all axes, some, or none, beside a sum that may share their loops."""
        a = self.pick(scope, (N, M), (N, N))
        if a.type.rank != 2:
            return []
        peers = [v for v in self.floats(scope) if v.type.shape == a.type.shape[1:]]
        if not peers:
            return []
        result = self.rng.choice(["", "i", "j", "ij", "ij"])
        found = op("einsum", a, self.rng.choice(peers), subscripts=f"ij,j->{result}")
        beside = op("sum", a, axes=self.rng.choice([(0, 1), (1,), (0,)]))
        return [op("tanh", found), op("tanh", beside)]

    def part(self, scope, depth):
        x = self.pick(scope, *(v.type.shape for v in scope if v.type.rank))
        at = self.access(x, scope)
        return list(emit(OPS["index"], [x, *at[0]], at[1])) if x.type.rank else []

    def store(self, scope, depth):
        """An update; what is stored may read the array itself."""
        x = self.pick(scope, *(v.type.shape for v in scope if v.type.rank))
        if not x.type.rank:
            return []
        operands, attrs = self.access(x, scope)
        (old,) = emit(OPS["index"], [x, *operands], attrs)
        peers = [v for v in self.floats(scope) if v.type == old.type]
        other = self.rng.choice([*peers, old])
        new = self.rng.choice([other, op("sin", old), op("mul", other, op("tanh", old))])
        name = self.rng.choice(["put", "put", "add_at"])
        read = [old] if self.rng.random() < 0.3 else []
        return [*read, *emit(OPS[name], [x, new, *operands], attrs)]

    def access(self, x, scope):
        """Index operands and attributes for some part of an array."""
        operands, at = [], []
        for size in x.type.shape[: self.rng.randint(1, max(1, x.type.rank))]:
            kind = self.rng.choice(["point", "point", "point", "span", "back", "all"])
            if kind == "all" or size not in (N, M):
                at.append("all")
                continue
            at.append({"point": "point", "span": ("span", size - 1, 1), "back": ("span", size, -1)}[kind])
            ends = {
                "point": lambda s=size: self.place(scope, s),
                "span": lambda: constant(self.rng.randint(0, 1)),
            }
            operands.append(ends[kind]() if kind in ends else op("dim", size=size - 1))
        return operands, {} if all(item == "point" for item in at) else {"at": tuple(at)}

    def loop(self, scope, depth):
        length = self.rng.choice([N, N, M, Dim.of(2)])
        carries = [self.pick(scope) for _ in range(self.rng.randint(0, 3))]
        sums = [self.pick(scope) for _ in range(self.rng.randint(0, 1))]
        slices = [v for v in self.floats(scope) if v.type.shape[:1] == (length,)][-2:]

        def trip(i, *given):
            parts = split({"carry": len(carries), "sums": len(sums)}, given)
            self.indices.append((length, i))
            inside = self.block([*scope, *parts.carries, *parts.slices], depth - 1)
            self.indices.pop()
            ends = [self.end(inside, c) for c in parts.carries]
            total = [op("add", s, self.like(inside, s)) for s in parts.sums]
            items = self.rng.choices(self.floats(inside), k=self.rng.randint(0, 2))
            return [*ends, *total, *items]

        return list(loop(length, trip, carries, sums, slices, reverse=self.rng.random() < 0.4))

    def end(self, inside, carry):
        peers = [v for v in inside if v.type == carry.type]
        return self.rng.choice(peers[-4:])

    def like(self, inside, total):
        peers = [v for v in inside if v.type == total.type]
        return self.rng.choice(peers) if peers else constant(0.5, total.type.dtype)

    def branch(self, scope, depth):
        predicate = op("less", self.as_number(self.pick(scope)), 0.1)
        outs = [self.pick(scope) for _ in range(self.rng.randint(1, 2))]

        def side():
            inside = self.block(scope, depth - 1)
            return [self.rng.choice([v for v in inside if v.type == o.type][-3:]) for o in outs]

        return list(branch(predicate, side, side))

    def as_number(self, x):
        return op("sum", x, axes=tuple(range(x.type.rank)))
