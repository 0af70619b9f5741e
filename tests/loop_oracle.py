"""What must hold for a random loop program: both modes, differences, second order, source, and its cost."""

from collections import defaultdict
from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from affine_programs import WHOLE, Program
from modes import directional, floats, random_like

from adcompiler import pipeline
from adcompiler.backends import compile_function
from adcompiler.backends.compiled import Options
from adcompiler.ir.errors import DerivativeError
from adcompiler.ir.evaluate import evaluate
from adcompiler.ir.graph import Block, Function, Value, walk
from adcompiler.ir.loops import state_count
from adcompiler.ir.types import Dim, Sizes
from adcompiler.transforms.forward import forward
from adcompiler.transforms.reverse import reverse

SIZES = [{"n": n, "m": m} for n, m in ((5, 2), (1, 1), (0, 0), (3, 2), (2, 3), (4, 1))]
"""What programs are tried with: always the first, and one of the others."""


class Wrong(Exception):
    """Numbers that differ, a copy inside a loop, or an adjoint that does more than its primal."""


def examine(program: Program, seed: int, plan: str = "auto", backend: str = "numpy") -> str:
    """What becomes of the gradient of a program, "right" or "refused"; raises `Wrong`."""
    f = program.function
    try:
        backward = pipeline.adjoint(f, floats(f), plan)
    except DerivativeError:
        return "refused"
    onward, primal = pipeline.tangent(f, floats(f)), pipeline.primal(f)
    compiled = compile_function(backward, backend, Options())
    if plan == "auto" and not program.used & WHOLE and not ragged(f.body):
        _bounded(f, backward)
        if compiled.notes and not keeps_arrays(backward.body):
            raise Wrong(f"copies: {compiled.notes}")
    for sizes in (SIZES[0], SIZES[1 + seed % 5]):
        given, bars = _at(f, seed, sizes)
        # the order of sums is free
        same("what is simplified", evaluate(primal, given, sizes), evaluate(f, given, sizes), rtol=1e-13)
        transposed(primal, backward, onward, given, bars, sizes)
        expected = evaluate(backward, [*given, *bars], sizes)
        same("the source", compiled.call(*given, *bars, *sizes.values()), expected)
    return "right"


def modes_agree(program: Program, seed: int) -> None:
    """The same for the numbers alone."""
    f = program.function
    backward, onward = reverse(f, floats(f)), forward(f, floats(f))
    for sizes in (SIZES[0], SIZES[1 + seed % 5]):
        transposed(f, backward, onward, *_at(f, seed, sizes), sizes)


def _at(f: Function, seed: int, sizes: Sizes) -> tuple[list[Any], list[Any]]:
    """Arguments, and cotangents of the results."""
    given = arguments(f, seed, sizes)
    return given, random_like(evaluate(f, given, sizes), np.random.default_rng(seed))


def arguments(f: Function, seed: int, sizes: Sizes) -> list[Any]:
    """Numbers between 0.3 and 0.9, and integers that are indices."""
    rng = np.random.default_rng(seed)
    shapes = [[d.value(sizes) for d in p.type.shape] for p in f.body.params]
    return [
        np.asarray(rng.uniform(0.3, 0.9, shape))[()]
        if p.type.dtype.is_float
        else rng.integers(0, max(sizes["n"], 1), shape)
        for p, shape in zip(f.body.params, shapes, strict=True)
    ]


# ---- numbers ----


def transposed(
    f: Function,
    backward: Function,
    onward: Function,
    given: Sequence[Any],
    bars: Sequence[Any],
    sizes: Sizes,
    rtol: float = 1e-10,
) -> None:
    """<y_bar, J x_dot> = <J^T y_bar, x_dot>, and both modes give the primal's results."""
    wrt = floats(f)
    primal = evaluate(f, given, sizes)
    dots = random_like([given[k] for k in wrt], np.random.default_rng(len(bars)))
    pulled = evaluate(backward, [*given, *bars], sizes)
    pushed = evaluate(onward, [*given, *dots], sizes)
    for found in (pulled, pushed):
        same("the primal", found[: len(primal)], primal, rtol=0)
    left = [np.sum(x * y) for x, y in zip(bars, pushed[len(primal) :], strict=True)]
    right = [np.sum(x * y) for x, y in zip(pulled[len(primal) :], dots, strict=True)]
    scale = sum(map(abs, left)) + sum(map(abs, right)) + 1e-3
    if not abs(sum(left) - sum(right)) <= rtol * scale:
        raise Wrong(f"{sizes}: forward {sum(left)}, reverse {sum(right)}")


def at_differences(program: Program, seed: int) -> None:
    """The tangents are what differences say; that they are, `examine` extends to the gradient."""
    f, sizes = program.function, SIZES[0]
    wrt, given = floats(f), arguments(program.function, seed, sizes)
    dots = random_like([given[k] for k in wrt], np.random.default_rng(seed))
    tangents = evaluate(pipeline.tangent(f, wrt), [*given, *dots], sizes)[len(f.body.results) :]
    moved = dict(zip(wrt, dots, strict=True))
    along = [moved.get(k, np.zeros_like(x)) for k, x in enumerate(given)]
    for a, b in zip(tangents, directional(f, given, along, sizes), strict=True):
        if not np.allclose(a, b, rtol=1e-6, atol=1e-7 * (1 + np.max(np.abs(b), initial=0.0))):
            raise Wrong(f"tangent {a}, differences {b}")


def at_second_order(program: Program, seed: int) -> str:
    """Both modes of the adjoint, and of the tangent, agree."""
    f, sizes = program.function, SIZES[0]
    try:
        first = [pipeline.adjoint(f, floats(f), "auto"), pipeline.tangent(f, floats(f))]
        twice = [(g, reverse(g, floats(g)), forward(g, floats(g))) for g in first]
    except DerivativeError:
        return "refused"
    for g, backward, onward in twice:
        given = [*arguments(f, seed, sizes), *arguments(g, seed + 1, sizes)[len(f.body.params) :]]
        bars = random_like(evaluate(g, given, sizes), np.random.default_rng(seed))
        transposed(g, backward, onward, given, bars, sizes, rtol=1e-9)
    return "right"


def same(what: str, found: Sequence[Any], expected: Sequence[Any], rtol: float = 1e-11) -> None:
    for a, b in zip(found, expected, strict=False):
        if np.shape(a) != np.shape(b) or not np.allclose(a, b, rtol=rtol, atol=rtol):
            raise Wrong(f"{what}: {a} is not {b}")


# ---- cost ----


def _bounded(primal: Function, adjoint: Function) -> None:
    """An adjoint makes and keeps a few numbers for each that its primal makes: no array for a number."""
    allowed = 8 * _elements(primal.body) + 12 * sum(map(_size, primal.body.params))
    if _elements(adjoint.body) > allowed:
        raise Wrong(f"{_elements(adjoint.body)} elements, where {_elements(primal.body)} are the primal's")


GUESS = defaultdict(lambda: 500, n=1000, m=1000)
"""Large sizes; indices are in the middle, loops make half of their trips."""


def _elements(block: Block) -> int:
    """How many numbers a run makes and stacks: an update makes as many as it writes."""
    total = 0
    for eqn in block.eqns:
        if eqn.op.updates:
            total += _size(eqn.inputs[1])
        elif eqn.blocks:
            trips = eqn.attrs.get("length", Dim.of(1) if eqn.op.name == "if" else GUESS["trips"])
            total += max(Dim.of(trips).value(GUESS), 0) * sum(map(_elements, eqn.blocks))
            total += sum(map(_size, eqn.outputs[state_count(eqn.attrs) :])) if eqn.op.loop else 0
        else:
            total += sum(map(_size, eqn.outputs))
    return total


def _size(value: Value) -> int:
    return prod(max(d.value(GUESS), 0) for d in value.type.shape)


def keeps_arrays(block: Block) -> bool:
    """Whether a loop stacks arrays, other than the stacks of loops inside it."""
    stacks = {o for e in walk(block) if e.op.loop for o in e.outputs[state_count(e.attrs) :]}
    return any(
        item.type.rank and item not in stacks
        for eqn in walk(block)
        if eqn.op.loop
        for item in eqn.blocks[-1].results[state_count(eqn.attrs) :]
    )


def ragged(block: Block, inside: bool = False) -> bool:
    """Whether there is a `while` inside another loop.

    It is run again from the arrays that it began with, so they may be kept.
    """
    for eqn in block.eqns:
        if inside and eqn.op.name == "while":
            return True
        if any(ragged(inner, inside or eqn.op.loop) for inner in eqn.blocks):
            return True
    return False
