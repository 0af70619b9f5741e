"""Sums that trips share leave a loop as items: the same numbers, in other forms."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from pathlib import Path

import numpy as np
import pytest
from loop_oracle import arguments
from parallel_programs import random_program
from roundtrip import assert_round_trip
from trip_orders import parallel_loops

from adcompiler import adjoint, pipeline
from adcompiler.backends.cuda.passes import contributions, extraction, owners, scattering
from adcompiler.backends.cuda.passes.accumulations import accumulated
from adcompiler.backends.cuda.passes.scattering import scattered
from adcompiler.ir.check import verify
from adcompiler.ir.evaluate import evaluate
from adcompiler.ir.graph import Block, Eqn, Function, walk
from adcompiler.ir.integers import Integers, integers
from adcompiler.ir.ops import OPS
from adcompiler.ir.parallel import parallel
from adcompiler.ir.parse import parse

sys.path.append(str(Path(__file__).parent.parent / "benchmarks"))
import kernels  # noqa: E402

PROGRAMS = int(os.environ.get("FUZZ_SCATTERING_PROGRAMS", "30"))
SIZES = [
    {"n": 5, "m": 2},
    {"n": 4, "m": 3},
    {"n": 3, "m": 0},
    {"n": 7, "m": 4},
    {"n": 0, "m": 2},
    {"n": 1, "m": 1},
]


def assert_same(before: Function, after: Function, seed: int, sizes: dict[str, int]) -> None:
    args = arguments(before, seed, sizes)
    for a, b in zip(evaluate(after, args, sizes), evaluate(before, args, sizes), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


# ---- random programs ----


@pytest.fixture(autouse=True)
def unwatched(monkeypatch):
    """Verifying and printing after every pass would take most of the time."""
    monkeypatch.setattr(pipeline, "_WATCHERS", ContextVar("watchers", default=()))
    monkeypatch.setenv("ADCOMPILER_CHECK", "0")


@pytest.fixture
def every_loop(monkeypatch):
    """Loops are written anew whether threads could run them or not."""
    monkeypatch.setattr(scattering, "_worth_threads", lambda eqn, known: True)


def failures(programs: Sequence[tuple[int, Function]]) -> dict[int, str]:
    found = {}
    for seed, before in programs:
        try:
            after = scattered(before)
            verify(after)
            for sizes in (SIZES[seed % 6], SIZES[(seed + 1) % 6]):
                assert_same(before, after, seed, sizes)
        except Exception as error:
            found[seed] = f"{type(error).__name__}: {error}"
    return found


@pytest.mark.parametrize("start", range(0, PROGRAMS, 15))
def test_random_programs_come_to_the_same(every_loop, start):
    assert failures([(seed, random_program(seed, sums=0.8)) for seed in range(start, start + 15)]) == {}


@pytest.mark.parametrize("start", range(0, PROGRAMS // 3, 7))
def test_adjoints_of_random_programs_come_to_the_same(every_loop, start):
    seeds = range(start, start + 7)
    assert failures([(s, pipeline.adjoint(random_program(s), [0, 1, 2, 3, 4], "auto")) for s in seeds]) == {}


def test_most_random_loops_lose_their_shared_sums(every_loop):
    def shared(f: Function) -> int:
        return outermost_shared(f.body, integers(f.body))

    programs = [random_program(seed, sums=0.8) for seed in range(30)]
    assert sum(shared(scattered(f)) for f in programs) < 0.6 * sum(map(shared, programs))


def _beside(original):
    def terms(self, group, at, total, env):
        return original(self, group, {axis: k + 1 for axis, k in at.items()}, total, env)

    return terms


PLANTED = {
    "strides": (contributions._Update, "_slope", lambda f: lambda self, place: f(self, place) + 1),
    "what adds up": (extraction.Extraction, "_adds_up", lambda _: lambda self, eqn, c: eqn not in self.grid),
    "what a branch does not add": (extraction, "_zeros", lambda f: lambda v: OPS["add"](f(v), 1)),
    "axes that are left": (contributions.Around, "_unused", lambda _: lambda self, c: []),
    "who owns": (owners.Owners, "_terms", _beside),
}


@pytest.mark.parametrize("planted", PLANTED)
def test_the_fuzzer_finds_planted_errors(monkeypatch, every_loop, planted):
    where, name, change = PLANTED[planted]
    monkeypatch.setattr(where, name, change(getattr(where, name)))
    assert any(failures([(seed, random_program(seed, sums=0.8))]) for seed in range(40))


# ---- what becomes of a sum ----

PARAMETERS = (
    "s: f64, x: f64[n], z: f64[q], w: f64[n, q], square: f64[n, n], long: f64[n + q], nine: f64[n + 9], "
    "twice: f64[2*n], space: f64[n, 3], turned: f64[3, n], p: i64[n]"
)
CASES = [
    case.partition("\n")[::2]
    for case in Path(__file__).with_name("scattering.txt").read_text().split("=== ")[1:]
]


def program(body: str) -> Function:
    """A Function with this loop, which returns what the loop leaves."""
    f = parse(f"func f[n, q, r]({PARAMETERS}) -> () {{\n{body}return\n}}", OPS)
    outputs = f.body.eqns[-1].outputs
    return Function(f.name, Block(f.body.params, f.body.eqns, outputs), f.sizes)


def behind(block: Block) -> Iterator[str]:
    """The updates of a block, of branches in it, and of the sequential loops."""
    for eqn in block.eqns:
        if eqn.op.name == "for" and eqn.attrs.get("carry"):
            yield from behind(eqn.blocks[0])
        elif eqn.op.name == "for" and eqn.attrs.get("sums"):
            yield "owners"
        elif eqn.op.name == "if":
            yield "if"
            yield from behind(eqn.blocks[0])
        elif eqn.op.name in ("sum", "add_at"):
            yield form(eqn)


def form(eqn: Eqn) -> str:
    at = eqn.attrs.get("at", ())
    items = [item if isinstance(item, str) else item[0] for item in at]
    return " ".join(items) or (f"sum {[*eqn.attrs['axes']]}" if eqn.op.name == "sum" else "points")


@pytest.mark.parametrize(("title", "body"), CASES, ids=[title for title, _ in CASES])
def test_how_a_sum_leaves_its_loop(title, body):
    before = program(body)
    verify(before)
    after = scattered(before)
    verify(after)
    assert_round_trip(after)
    for n, q, r in ((5, 3, 0), (4, 4, 2), (0, 2, 1), (1, 0, 0)):
        assert_same(before, after, 3, {"n": n, "q": q, "r": r})
    loops = parallel_loops(after)
    outermost = [how for eqn, how in loops.items() if not any(eqn in walk(e.blocks[0]) for e in loops)]
    kept = any(how.shared for how in outermost)
    assert title.rpartition(": ")[2] == ("kept" if kept else ", ".join(behind(after.body)))


# ---- the gradients of loops as users write them ----

SMALL = {"heat": 30, "lstm": 6, "lennard_jones": 18, "hmm": 9}
LEFT = {"newton": 1}
"""Loops of gradients that keep shared sums: one makes stacks in a `while`: no memory for a thread."""


def outermost_shared(block: Block, known: Integers) -> int:
    """How many outermost parallel loops have shared sums."""
    total = 0
    for eqn in block.eqns:
        how = parallel(eqn, known)
        if how is not None:
            total += bool(how.shared)
        else:
            total += sum(outermost_shared(inner, known) for inner in eqn.blocks)
    return total


@pytest.mark.parametrize("name", kernels.NAMES)
def test_kernels_and_their_gradients(name):
    kernel = kernels.load(name)
    gradient = adjoint(kernel.function, argnums=kernel.argnums, backend="numpy")
    programs, operands = gradient.specialised(kernel.arguments(SMALL.get(name, 12)), {})
    for stage in ("primal", "gradient"):
        before = pipeline.finished(programs.stage(stage))
        after = scattered(accumulated(before))
        verify(after)
        sizes = dict(zip(before.sizes, operands.sizes, strict=True))
        expected = evaluate(before, operands.values, sizes)
        for a, b in zip(evaluate(after, operands.values, sizes), expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13)
    assert outermost_shared(after.body, integers(after.body)) == LEFT.get(name, 0)
