"""Carries that are only added to become sums, and nothing else does."""

import numpy as np
import pytest
from loop_oracle import arguments
from parallel_programs import random_program
from roundtrip import assert_round_trip

from adcompiler.backends.cuda.accumulations import accumulating
from adcompiler.ir.check import verify
from adcompiler.ir.evaluate import evaluate
from adcompiler.ir.graph import walk
from adcompiler.ir.ops import OPS
from adcompiler.ir.parse import parse

LOOPS = {
    "added to": ("b: f64 = add a, e", 0, 1),
    "taken from": ("b: f64 = sub a, e", 0, 1),
    "added to in a branch": (
        "t: bool = less e, 0.5\n b: f64 = if t {} () {\n c: f64 = add a, e\n yield c\n } () {\n yield a\n }",
        0,
        1,
    ),
    "added to in a loop": (
        "b: f64 = for a, x {length=n, carry=1} (j: i64, c: f64, g: f64) {\n d: f64 = add c, g\n yield d\n }",
        0,
        1,
    ),
    "multiplied": ("b: f64 = mul a, e", 1, 0),
    "the other operand": ("b: f64 = sub e, a", 1, 0),
    "read": ("g: f64 = sin a\n h: f64 = mul g, e\n b: f64 = add a, h", 1, 0),
    "another number": ("b: f64 = sin e", 1, 0),
}


def function(body):
    return parse(
        f"func f[n](s: f64, x: f64[n]) -> (f64) {{\n"
        f"y: f64 = for s, x {{length=n, carry=1}} (i: i64, a: f64, e: f64) {{\n{body}\nyield b\n}}\n"
        "return y\n}",
        OPS,
    )


@pytest.mark.parametrize("name", LOOPS)
def test_what_is_only_added_to_is_a_sum(name):
    body, carries, sums = LOOPS[name]
    before = function(body)
    after = accumulating(before)
    verify(after)
    assert_round_trip(after)
    (loop,) = after.body.eqns
    assert (loop.attrs.get("carry", 0), loop.attrs.get("sums", 0)) == (carries, sums)
    args = [np.float64(0.5), np.linspace(0.1, 0.9, 5)]
    assert evaluate(after, args) == evaluate(before, args)


def test_a_compensated_sum_keeps_its_order():
    f = parse(
        """func kahan[n](x: f64[n]) -> (f64) {
          s: f64, c: f64 = for 0.0, 0.0, x {length=n, carry=2} (i: i64, a: f64, b: f64, e: f64) {
            y: f64 = sub e, b
            t: f64 = add a, y
            u: f64 = sub t, a
            v: f64 = sub u, y
            yield t, v
          }
          return s
        }""",
        OPS,
    )
    (loop,) = accumulating(f).body.eqns
    assert loop.attrs == {"length": loop.attrs["length"], "carry": 2}


def test_random_programs_keep_their_bits():
    """States change places; where each trip adds to them it does not."""
    changed = 0
    for seed in range(40):
        before = random_program(seed)
        after = accumulating(before)
        verify(after)
        sizes = {"n": 4, "m": 3}
        args = arguments(before, seed, sizes)
        for a, b in zip(evaluate(after, args, sizes), evaluate(before, args, sizes), strict=True):
            np.testing.assert_array_equal(a, b)
        counts = [[e.attrs.get("sums", 0) for e in walk(f.body) if e.op.loop] for f in (before, after)]
        changed += counts[0] != counts[1]
    assert changed > 2
