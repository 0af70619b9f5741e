"""What every Function owes its text: parse(print(f)) is f, prints the same text, and gives the same bits."""

import numpy as np

from adcompiler.ir.equality import difference
from adcompiler.ir.evaluate import evaluate
from adcompiler.ir.ops import OPS
from adcompiler.ir.parse import parse
from adcompiler.ir.text import constants_of, to_text
from adcompiler.ir.types import BOOL

SIZE = 3  # of every named size, where a Function is evaluated
FEW = 2000  # equations, those of loops counted once a trip


def assert_round_trip(function, evaluated=True):
    """Check the text of a Function; with `evaluated` also its results, where that is soon done."""
    text = to_text(function)
    read = parse(text, OPS, constants_of(function))
    assert difference(function, read) is None
    assert to_text(read) == text
    assert to_text(read, locations=False) == to_text(function, locations=False)
    sizes = dict.fromkeys(function.sizes, SIZE)
    if evaluated and all(guard.holds(sizes) for guard in function.guards) and work(function.body) <= FEW:
        args = arguments(function, sizes)
        assert outcome(read, args, sizes) == outcome(function, args, sizes)


def work(block):
    """The number of equations that are evaluated, every symbolic trip count taken for SIZE."""
    total = 0
    for eqn in block.eqns:
        inner = sum(work(b) for b in eqn.blocks)
        length = eqn.attrs.get("length", SIZE)
        trips = getattr(length, "constant", length)
        total += 1 + inner * (SIZE if trips is None else max(trips, 0)) if eqn.op.name == "for" else 1 + inner
    return total


def arguments(function, sizes):
    """Floats around one, integers that are indices, random truth values."""
    rng = np.random.default_rng(0)
    return [argument(param.type, sizes, rng) for param in function.body.params]


def argument(kind, sizes, rng):
    shape = tuple(dim.value(sizes) for dim in kind.shape)
    if kind.dtype.is_float:
        return rng.uniform(0.5, 1.5, shape).astype(kind.dtype.numpy)[()]
    high = 2 if kind.dtype is BOOL else SIZE
    return rng.integers(0, high, shape).astype(kind.dtype.numpy)[()]


def outcome(function, args, sizes):
    """The results with all their bits, or the exception."""
    try:
        with np.errstate(all="ignore"):
            results = evaluate(function, args, sizes)
    except Exception as error:
        return type(error), str(error)
    return [(np.asarray(r).dtype, np.shape(r), np.asarray(r).tobytes()) for r in results]
