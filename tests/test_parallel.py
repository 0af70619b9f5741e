"""Loops of independent trips: their trips in any order, and all from the same start, come to the same."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from parallel_programs import random_program
from trip_orders import at_once, parallel_loops, permuted

from adcompiler.ir import parallel as module
from adcompiler.ir.check import verify
from adcompiler.ir.evaluate import evaluate
from adcompiler.ir.graph import Function, walk
from adcompiler.ir.integers import integers
from adcompiler.ir.ops import OPS
from adcompiler.ir.parallel import parallel
from adcompiler.ir.parse import parse

PROGRAMS = int(os.environ.get("FUZZ_PARALLEL_PROGRAMS", "80"))
SIZES = [{"n": 5, "m": 2}, {"n": 4, "m": 3}, {"n": 3, "m": 1}, {"n": 6, "m": 4}, {"n": 2, "m": 5}]


# ---- whatever is said to be parallel is ----


def arguments(f: Function, seed: int, sizes: dict[str, int]) -> list:
    rng = np.random.default_rng(seed)
    shapes = [[d.value(sizes) for d in p.type.shape] for p in f.body.params]
    return [
        np.asarray(rng.uniform(0.3, 0.9, shape))[()]
        if p.type.dtype.is_float
        else rng.integers(0, max(sizes["n"], 1), shape)
        for p, shape in zip(f.body.params, shapes, strict=True)
    ]


def differences(f: Function, seed: int) -> str | None:
    """How the results in other orders differ; None if they do not."""
    sizes = SIZES[seed % len(SIZES)]
    args = arguments(f, seed, sizes)
    expected = evaluate(f, args, sizes)
    for found in (permuted(f, args, sizes, seed), at_once(f, args, sizes)):
        for k, (a, b) in enumerate(zip(found, expected, strict=True)):
            if not np.allclose(a, b, rtol=1e-12, atol=1e-12):
                return f"result {k}: {a} is not {b}"
    return None


def failures(seeds: Sequence[int]) -> dict[int, str]:
    found = {}
    for seed in seeds:
        try:
            wrong = differences(random_program(seed), seed)
        except AssertionError as error:
            wrong = str(error)
        found.update({} if wrong is None else {seed: wrong})
    return found


@pytest.mark.parametrize("start", range(0, PROGRAMS, 40))
def test_parallel_loops_come_to_the_same_in_any_order(start):
    assert failures(range(start, min(start + 40, PROGRAMS))) == {}


def test_random_loops_are_often_parallel_and_often_not():
    found = [parallel_loops(f) for f in map(random_program, range(60))]
    owned = [how for loops in found for how in loops.values() if how.owned]
    assert 20 < sum(map(bool, found)) < 58
    assert len(owned) > 20


def _forward_alone(original):
    return lambda w, r, index, varies, apart, known: original(w, r, index, varies, apart[:1], known)


def _nothing_varies(original):
    return lambda w, r, index, varies, apart, known: original(w, r, index, lambda v: False, apart, known)


PLANTED = {
    "later trips alone": (module, "never_meet", _forward_alone),
    "inner loops stand still": (module, "never_meet", _nothing_varies),
    "a span is its start": (module._State, "_span", lambda _: lambda self, start, length, step: start),
}


@pytest.mark.parametrize("planted", PLANTED)
def test_the_fuzzer_finds_planted_errors(monkeypatch, planted):
    where, name, change = PLANTED[planted]
    monkeypatch.setattr(where, name, change(getattr(where, name)))
    assert any(failures([seed]) for seed in range(100))


# ---- what is parallel ----

PARAMETERS = "x: f64[n], p: i64[n], w: f64[n, n], xx: f64[2*n], flat: f64[n*m], square: f64[n*n]"
CASES = [
    case.partition("\n")[::2]
    for case in Path(__file__).with_name("parallel.txt").read_text().split("=== ")[1:]
]


@pytest.mark.parametrize(("title", "body"), CASES, ids=[title for title, _ in CASES])
def test_how_a_loop_is_parallel(title, body):
    """The first loop of a body: "owned", with a "shared" sum, or "sequential"."""
    f = parse(f"func f[n, m]({PARAMETERS}) -> () {{\n{body}return\n}}", OPS)
    verify(f)
    how = parallel(next(eqn for eqn in walk(f.body) if eqn.op.loop), integers(f.body))
    verdict = "sequential" if how is None else "shared" if how.shared else "owned"
    assert verdict == title.partition(":")[0]
