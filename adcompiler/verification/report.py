"""What has been proven of an adjoint, in words.

Three things are looked at: the partials of every op that occurs (SymPy), every block of the program, equation
by equation (SymPy), and the whole program at random points (50 digits). Only the last one sees how loops hand
on carries, sums and slices, and it is no proof: so `proven` is never said of a whole program with a loop.
Proofs hold near the points that were tried: for the branches, and the sides of `where`, maximum and abs, that
were met there, and for the sizes there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np

from adcompiler.ir.graph import Block, Eqn, Function, walk
from adcompiler.ir.op import Partials
from adcompiler.ir.types import Sizes

from .blocks import BlockProof, prove_blocks
from .compare import ENOUGH_DIGITS, Comparison, compare, locate
from .precise import NoSymbolicForm, precision
from .rough import roughly
from .sampling import Place, places
from .symbolic import Attributes, Standing, prove_partials, sign
from .tape import Number, ProgramFails, Step, TooLong, numbers
from .transpose import pairing
from .verdict import Counterexample, Verdict

POINTS = 3
TRIES = 10


def verify(
    primal: Function,
    adjoint: Function,
    wrt: Sequence[int],
    *,
    tangent: Function | None = None,
    args: Sequence[Any] | None = None,
    sizes: Sizes | None = None,
    seed: int = 0,
) -> Verdict:
    """Prove as much as can be proven of the adjoint of a program.

    Parameters
    ----------
    primal :
        The program.
    adjoint :
        Its vector-Jacobian product, as `transforms.reverse` has it: cotangents of the float results follow
        the parameters, those of the parameters in `wrt` follow the results. It may have been rewritten since.
    wrt :
        The parameters that are differentiated.
    tangent :
        Its Jacobian-vector product, as `transforms.forward` has it; with it the transpose identity is tested.
    args :
        Arguments, one a parameter, near which random points are drawn; between 0.5 and 1.5 if not given.
        Large arrays are cut to sizes of at most 3, if the program runs on them.
    sizes :
        Sizes that no argument's shape tells.
    seed :
        Of the random numbers.

    Raises
    ------
    ArgumentError
        Arguments contradict the types, or the guards allow no small sizes.
    """
    random = np.random.default_rng(seed)
    reasons: list[str] = []
    for place in places(primal, args, sizes):
        try:
            verdict = _at(place, primal, adjoint, wrt, random)
        except ProgramFails as error:
            where = _sizes_text(place.sizes) or "random arguments"
            reasons.append(f"nothing proven at {where}: {error.message}")
            continue
        if tangent is None or not verdict.ok:
            return verdict
        given = place.point(primal, random)
        digits = pairing(tangent, adjoint, wrt, given, place.sizes, seed).digits
        identity = f"forward and reverse are transposes to {digits} digits"
        return replace(verdict, lines=(*verdict.lines, identity))
    return Verdict(tuple(reasons))


def _at(
    place: Place, primal: Function, adjoint: Function, wrt: Sequence[int], random: np.random.Generator
) -> Verdict:
    """With 150 digits where that is possible, else in double precision."""
    try:
        with precision():
            return _precisely(place, primal, adjoint, wrt, random)
    except (NoSymbolicForm, TooLong) as error:
        return roughly(primal, adjoint, wrt, place, random, error.message)


def _precisely(
    place: Place, primal: Function, adjoint: Function, wrt: Sequence[int], random: np.random.Generator
) -> Verdict:
    tried = (
        compare(primal, adjoint, wrt, place.point(primal, random), place.sizes, random) for _ in range(TRIES)
    )
    comparisons = list(islice((c for c in tried if c.defined), POINTS))
    if not comparisons:
        return Verdict((f"nothing proven: not finite at {TRIES} random points",))
    wrong = next((c for c in comparisons if c.digits < ENOUGH_DIGITS), None)
    if wrong is not None:
        return Verdict((), _counterexample(primal, wrong))
    return Verdict(tuple(_lines(primal, place.sizes, comparisons)))


def _counterexample(primal: Function, comparison: Comparison) -> Counterexample:
    worst = comparison.worst
    name = primal.body.params[worst.argument].name or f"argument {worst.argument}"
    return Counterexample(name, worst.index, float(worst.found), float(worst.expected), locate(comparison))


# ---- the lines of a verdict --------------------------------------------------------------------------------

PARTIALS = "partials proven"


def _lines(primal: Function, sizes: Sizes, comparisons: Sequence[Comparison]) -> Iterator[str]:
    partials = _partials_lines(comparisons)
    loops = [eqn for eqn in walk(primal.body) if eqn.op.loop]
    proofs = _block_proofs(comparisons)
    branches = list(_branches_not_taken(primal, comparisons))
    yield from partials
    yield from dict.fromkeys(
        _block_line(proofs[loop], number) for number, loop in enumerate(loops, 1) if loop in proofs
    )
    yield from branches
    if None in proofs:
        whole = not loops and not branches and partials in ([], [PARTIALS]) and proofs[None].proven
        yield _whole_line(sizes) if whole else _line("code outside loops", proofs[None])
    digits = min(c.digits for c in comparisons)
    yield f"whole program agrees to {digits} digits at {len(comparisons)} points"


def _line(name: str, proof: BlockProof) -> str:
    return f"{name} proven" if proof.proven else f"{name} not proven: {proof.reason}"


def _whole_line(sizes: Sizes) -> str:
    return f"whole program proven for {_sizes_text(sizes)}" if sizes else "whole program proven"


def _block_line(proof: BlockProof, number: int) -> str:
    place = proof.loop.location if proof.loop else None
    return _line(f"body of loop at line {place.line}" if place else f"body of loop {number}", proof)


def _sizes_text(sizes: Sizes) -> str:
    return ", ".join(f"{name}={n}" for name, n in sizes.items())


def _partials_lines(comparisons: Sequence[Comparison]) -> list[str]:
    """One line for all partials, or one for each op whose partials are not proven."""
    chosen: dict[tuple[Any, ...], Step] = {}
    for c in comparisons:
        for step in c.primal.steps:
            moving = any(n in c.active for x in step.inputs for n in numbers(x))
            if moving and isinstance(step.eqn.op.derivative, Partials):
                chosen.setdefault(_situation(step), step)
    proofs = [prove_partials(s.eqn.op, _attributes(s), _first(s)) for s in chosen.values()]
    open_ = {p.op.name: p.reason for p in proofs if p.standing is not Standing.PROVEN}
    lines = [f"partials of {name} not proven: {reason}" for name, reason in open_.items()]
    return lines or [PARTIALS] * bool(proofs)


def _situation(step: Step) -> tuple[Any, ...]:
    """What makes the formula of an op another one: its attributes, and the signs of its operands."""
    kinds = (x.item() if isinstance(x, np.generic) else sign(x) for x in _first(step))
    return step.eqn.op, _attributes(step), tuple(kinds)


def _attributes(step: Step) -> Attributes:
    return tuple(sorted(step.attrs.items()))


def _first(step: Step) -> list[Any]:
    """The operands' first elements."""
    elements = (np.asarray(x).flat[0] for x in step.inputs)
    return [x.value if isinstance(x, Number) else x for x in elements]


def _block_proofs(comparisons: Sequence[Comparison]) -> dict[Eqn | None, BlockProof]:
    """A proof of each block, from the first point and from those that take other branches."""
    entered: set[Block] = set()
    found: dict[Eqn | None, BlockProof] = {}
    for c in comparisons:
        if c.primal.entered <= entered:
            continue
        entered |= c.primal.entered
        for proof in prove_blocks(c.primal, c.back, c.active, c.adjoint):
            if proof.loop not in found or found[proof.loop].proven:
                found[proof.loop] = proof
    return found


def _branches_not_taken(primal: Function, comparisons: Sequence[Comparison]) -> Iterator[str]:
    entered: frozenset[Block] = frozenset().union(*(c.primal.entered for c in comparisons))
    for eqn in walk(primal.body):
        if eqn.op.name == "if":
            place = f" at line {eqn.location.line}" if eqn.location else ""
            for word, branch in zip(("first", "second"), eqn.blocks, strict=True):
                if branch not in entered:
                    yield f"{word} branch of the if{place} not proven: no point took it"
