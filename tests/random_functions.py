"""Random Functions for Hypothesis: all dtypes, odd constants, nested loops and branches, ragged sizes."""

from functools import cache
from math import prod

import numpy as np
from hypothesis import strategies as st

from adcompiler.ir.build import emit, function, origin
from adcompiler.ir.errors import AdcompilerError, Location
from adcompiler.ir.graph import Value, constant
from adcompiler.ir.loops import split
from adcompiler.ir.op import Scalar
from adcompiler.ir.ops import OPS
from adcompiler.ir.ops.control import branch
from adcompiler.ir.ops.loops import loop
from adcompiler.ir.types import BOOL, ArrayType, Dim, DType, Guard, Relation

ELEMENTWISE = [op for op in OPS.values() if isinstance(op.lowering, Scalar) and not op.samples[0].attrs]
HINTS = st.sampled_from([None, "x", "x_1", "v0", "y", "yield", "u[0]", "α", "f64", "max", "_", "9"])
NOTES = st.none() | st.text(max_size=12) | st.sampled_from(["adjoint of L", "# of", "replayed"])
PLACES = st.none() | st.sampled_from([Location(__file__, line, column=0) for line in (3, 4, 5)])


# zeros of both signs, the largest and smallest integers, denormals, infinities, NaNs of all kinds
DTYPES = tuple(DType)
COMPUTED = tuple(dtype for dtype in DType if not dtype.is_half)
"""What backends know of: floats of 16 bits are computed with in f32."""

ODD = {dtype: [0, 1, (1 << 8 * dtype.itemsize - 1) - 1, 1 << 8 * dtype.itemsize - 1] for dtype in DType}
ODD[DType.F64] += [
    0x7FF << 52,
    0xFFF << 52,
    0x7FF8 << 48,
    0xFFF8 << 48,
    (0x7FF << 52) + 5,
    (0x7FF8 << 48) + 7,
]
ODD[DType.F32] += [0xFF << 23, 0x1FF << 23, 0x7FC0 << 16, 0xFFC0 << 16, (0xFF << 23) + 5, (0x7FC0 << 16) + 7]


@st.composite
def dims(draw, sizes=("n", "m"), depth=2):
    """Polynomials with opaque atoms."""
    leaf = st.integers(-4, 9).map(Dim.of) | (st.sampled_from(sizes).map(Dim.of) if sizes else st.nothing())
    if depth == 0:
        return draw(leaf)
    one, other = draw(dims(sizes, depth - 1)), draw(dims(sizes, depth - 1))
    match draw(st.integers(0, 5)):
        case 0:
            return one * other
        case 1:
            return one - other
        case 2:
            return one // draw(st.integers(1, 5))
        case 3:
            return one.positive()
        case _:
            return one + other


@st.composite
def constants(draw, dtype=None, shape=None, dtypes=DTYPES):
    """Any bits at all: payloads of NaNs, signed zeros, infinities; arrays small, large and empty."""
    dtype = dtype or draw(st.sampled_from(dtypes))
    if shape is None:
        shape = draw(st.sampled_from([(), (), (), (3,), (2, 2), (0,), (2, 0, 3), (17,), (3, 6)]))
    if dtype is BOOL:
        return constant(np.full(shape, draw(st.booleans())))
    size, width = prod(shape), 8 * dtype.itemsize
    first = draw(st.sampled_from(ODD[dtype]) | st.integers(0, 2**width - 1))
    bits = [(first + k * k * k) % 2**width for k in range(size)]
    return constant(np.array(bits, f"u{dtype.itemsize}").view(dtype.numpy).reshape(shape))


class Writer:
    """Emits random equations on values that are in scope."""

    def __init__(self, draw, dtypes):
        self.draw = draw
        self.dtypes = dtypes
        self.sizes = 0

    def fresh_size(self):
        self.sizes += 1
        return f"s{self.sizes}"

    def block(self, scope, sizes, depth):
        """Emit a few equations; the values then in scope."""
        scope, sizes = list(scope), list(sizes)
        for _ in range(self.draw(st.integers(1, 4))):
            with origin(self.draw(PLACES), self.draw(NOTES)):
                scope += self.equation(scope, sizes, depth)
        return scope

    def equation(self, scope, sizes, depth):
        kinds = [self.elementwise, self.elementwise, self.cast, self.sized, self.effect]
        kinds += [self.loop, self.branch] if depth else []
        return self.draw(st.sampled_from(kinds))(scope, sizes, depth)

    def pick(self, scope):
        return self.draw(st.sampled_from(scope))

    def elementwise(self, scope, sizes, depth):
        first = self.pick(scope)
        peers = [v for v in scope if v.type == first.type]
        peers.append(self.draw(constants(first.type.dtype, ())))
        ops = [op for op in ELEMENTWISE if accepts(op, first.type.dtype)]
        op = self.draw(st.sampled_from(ops))
        rest = [self.pick(peers) for _ in range(len(op.samples[0].inputs) - 1)]
        return emit(op, [first, *rest], names=[self.draw(HINTS)])

    def cast(self, scope, sizes, depth):
        return emit(OPS["cast"], [self.pick(scope)], {"dtype": self.draw(st.sampled_from(self.dtypes))})

    def sized(self, scope, sizes, depth):
        length = self.draw(dims(tuple(sizes), 1))
        if self.draw(st.booleans()):
            return emit(OPS["dim"], [], {"size": length}, names=[self.draw(HINTS)])
        return emit(
            OPS["zeros"],
            [],
            {"shape": (length.positive(), 2), "dtype": self.draw(st.sampled_from(self.dtypes))},
        )

    def effect(self, scope, sizes, depth):
        truths = [v for v in scope if v.type == ArrayType(BOOL)]
        if truths and self.draw(st.booleans()):
            message = self.draw(st.text(max_size=8))
            return emit(OPS["check"], [self.pick(truths)], {"kind": "ValueError", "message": message})
        sizes.append(self.fresh_size())
        (count,) = emit(OPS["dim"], [], {"size": Dim.of(2)})
        emit(OPS["bind"], [count], {"size": sizes[-1]})
        return emit(OPS["iota"], [], {"length": Dim.of(sizes[-1])})

    def loop(self, scope, sizes, depth):
        length = self.draw(dims(tuple(sizes), 1))
        carries = [self.pick(scope) for _ in range(self.draw(st.integers(0, 2)))]
        sums = [v for v in scope if v.type.dtype.is_float][: self.draw(st.integers(0, 1))]
        slices = [v for v in scope if v.type.shape[:1] == (length.positive(),)][:1]
        index = self.draw(st.none() | st.just(self.fresh_size()))

        def trip(i, *given):
            parts = split({"carry": len(carries), "sums": len(sums)}, given)
            states, added, items = parts.carries, parts.sums, parts.slices
            inside = self.block(
                [*scope, i, *states, *items], [*sizes, *([index] if index else [])], depth - 1
            )
            ends = [self.pick([v for v in inside if v.type == s.type]) for s in states]
            total = [emit(OPS["add"], [s, self.draw(constants(s.type.dtype, ()))])[0] for s in added]
            stacked = [v for v in inside if not (mentions(v) - set(sizes))]
            return [*ends, *total, self.pick(stacked), self.draw(constants(dtypes=self.dtypes))]

        reverse = self.draw(st.booleans())
        return loop(length, trip, carries, sums, slices, reverse=reverse, index=index)

    def branch(self, scope, sizes, depth):
        predicate = self.pick([v for v in scope if v.type == ArrayType(BOOL)] or [constant(True)])
        kinds = []

        def first():
            found = [v for v in self.block(scope, sizes, depth - 1) if not (mentions(v) - set(sizes))]
            kinds.extend(v.type for v in found[-2:])
            return found[-2:]

        def second():
            inside = self.block(scope, sizes, depth - 1)
            return [self.pick([v for v in inside if v.type == t] or [filler(t)]) for t in kinds]

        return branch(predicate, first, second)


def filler(kind):
    """A value of any type."""
    return emit(OPS["zeros"], [], {"shape": kind.shape, "dtype": kind.dtype})[0]


def mentions(value):
    """The sizes in the type of a value."""
    return {name for dim in value.type.shape for name in dim.names()}


@cache
def accepts(op, dtype):
    """Whether an elementwise op takes operands that are all of this dtype."""
    try:
        op.infer([ArrayType(dtype)] * len(op.samples[0].inputs), {}, [])
    except AdcompilerError:
        return False
    return True


@st.composite
def functions(draw, dtypes=DTYPES):
    """A Function that verifies, with everything that the text can say of these dtypes."""
    shape = st.sampled_from([(), (), ("n",), ("n", "m"), (2, "n")])
    chosen = st.sampled_from(dtypes)
    types = st.builds(lambda dtype, s: ArrayType(dtype, tuple(map(Dim.of, s))), chosen, shape)
    kinds = draw(st.lists(types, min_size=1, max_size=3))
    params = [Value(kind, draw(HINTS)) for kind in kinds]
    guards = [Guard(draw(dims()), draw(st.sampled_from(Relation))) for _ in range(draw(st.integers(0, 1)))]

    def body(*given):
        scope = Writer(draw, dtypes).block(given, ["n", "m"], 2)
        outer = [v for v in scope if mentions(v) <= {"n", "m"}]
        return [given[0], *draw(st.lists(st.sampled_from(outer) | constants(dtypes=dtypes), max_size=3))]

    name = draw(st.sampled_from(["f", "<lambda>", "for", "loss_vjp"]))
    written = [(0, 0)] if draw(st.booleans()) else []
    return function(name, params, body, ops=OPS, sizes=["n", "m"], guards=guards, written=written)
