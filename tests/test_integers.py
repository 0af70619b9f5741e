"""What is known of integers: polynomials, and ranges of those that loops carry and branches choose."""

from __future__ import annotations

import random

import numpy as np
import pytest

from adcompiler.ir.build import function
from adcompiler.ir.evaluate import evaluate
from adcompiler.ir.graph import Function, Value, constant
from adcompiler.ir.integers import Integers, integers
from adcompiler.ir.ops import OPS
from adcompiler.ir.ops.control import branch
from adcompiler.ir.ops.loops import loop
from adcompiler.ir.types import I64, ArrayType, Dim, array_type

X, K = Value(array_type("f64", "n"), "x"), Value(ArrayType(I64), "k")
N = Dim.of("n")
less, where = OPS["less"], OPS["where"]


def made(body) -> Function:
    return function("f", [X, K], body, ops=OPS, sizes=["n"])


def range_of(known: Integers, value: Value):
    """The range of a value that is not taken apart."""
    return known.ranges.get(known.of(value).name, (None, None))


def searched(start, step):
    """An integer that is `start`, and where data say so becomes `step(i, p)`."""

    def body(x: Value, k: Value):
        def trip(i: Value, p: Value):
            better = less(OPS["index"](x, i), 0.5)
            return branch(better, lambda: [step(i, p)], lambda: [p])

        return loop(N, trip, [start(k)])

    return made(body)


def test_what_a_search_finds_lies_in_what_is_searched() -> None:
    f = searched(lambda k: constant(0), lambda i, p: i)
    known = integers(f.body)
    assert range_of(known, f.body.results[0]) == (Dim(), None)


def test_a_carry_that_only_falls_stays_below_its_start() -> None:
    f = searched(lambda k: k, lambda i, p: p - 1)
    known = integers(f.body)
    assert range_of(known, f.body.results[0]) == (None, known.of(K))


@pytest.mark.parametrize("step", [lambda i, p: -p, lambda i, p: 3 - i, lambda i, p: p - i + 2])
def test_a_carry_that_goes_both_ways_has_no_range(step) -> None:
    f = searched(lambda k: constant(2), step)
    assert range_of(integers(f.body), f.body.results[0]) == (None, None)


def test_an_index_that_cannot_be_negative_does_not_count_from_the_end() -> None:
    def body(x: Value, k: Value):
        def trip(i: Value, p: Value):
            size = OPS["dim"](size=N)
            return [where(less(p, constant(0)), p + size, p) + 1]

        return loop(N, trip, [constant(0)])

    f = made(body)
    inner = f.body.eqns[0].blocks[0]
    known = integers(f.body)
    assert known.of(inner.results[0]) == known.of(inner.params[1]) + 1


# ---- ranges hold ----


def random_integers(rng: random.Random) -> Function:
    """Loops that carry two integers through steps chosen by data."""

    def step(i: Value, p: Value, q: Value) -> Value:
        return rng.choice(
            [
                lambda: p + rng.randint(-1, 2),
                lambda: i + rng.randint(0, 1),
                lambda: q,
                lambda: p + i,
                lambda: OPS["dim"](size=N - 1) - i,
                lambda: p - q,
                lambda: where(less(p, q), p, q),
            ]
        )()

    def chosen(i: Value, p: Value, q: Value, x: Value) -> Value:
        if rng.random() < 0.3:
            return step(i, p, q)
        test = less(OPS["index"](x, i), rng.random())
        return branch(test, lambda: [step(i, p, q)], lambda: [step(i, p, q)])[0]

    def body(x: Value, k: Value):
        def trip(i: Value, p: Value, q: Value):
            if rng.random() < 0.4:
                p, q = loop(Dim.of("i"), lambda j, a, b: [chosen(j, a, b, x), b], [p, q])
            return [chosen(i, p, q, x), chosen(i, q, p, x)]

        first = loop(N, trip, [constant(rng.randint(0, 2)), k], index="i")
        second = loop(N, lambda i, p: [chosen(i, p, first[1], x)], [first[0]], index="i")
        return [*first, *second]

    return made(body)


@pytest.mark.parametrize("start", range(0, 400, 50))
def test_integers_stay_in_their_ranges(start: int) -> None:
    for seed in range(start, start + 50):
        f = random_integers(random.Random(seed))
        known = integers(f.body)
        for n in range(5):
            x = np.random.default_rng(n).random(n)
            for k in (-1, 0, 3):
                values = {"n": n, str(known.of(K)): k}
                found = evaluate(f, [x, np.int64(k)], {"n": n})
                values |= {str(known.of(r)): int(v) for r, v in zip(f.body.results, found, strict=True)}
                for result, value in zip(f.body.results, found, strict=True):
                    low, high = range_of(known, result)
                    assert low is None or low.value(values) <= value, (seed, n, k)
                    assert high is None or high.value(values) >= value, (seed, n, k)


def test_random_integers_have_ranges() -> None:
    """The test above says something."""
    pairs = [(f, integers(f.body)) for f in (random_integers(random.Random(seed)) for seed in range(400))]
    known = [end for f, found in pairs for r in f.body.results for end in range_of(found, r)]
    assert sum(end is not None for end in known) > 150
