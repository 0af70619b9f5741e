"""The whole adjoint against the derivative of the whole primal, to 50 digits; and where it goes wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from adcompiler.ir.graph import Function
from adcompiler.ir.op import Partials
from adcompiler.ir.types import Sizes

from .blocks import Key, home, key
from .precise import DIGITS, elementwise, is_float, negligible
from .symbolic import Standing, prove_partials
from .tape import Backward, Edge, Number, Run, backward, moving, numbers, play
from .verdict import Fault

ENOUGH_DIGITS = 12
"""Fewer are a wrong derivative: constants of 16 digits in a program cost no more than that."""


@dataclass(frozen=True)
class Gradient:
    """One element of one argument: what the adjoint gives, and what is right."""

    argument: int
    index: tuple[int, ...]
    found: Any
    expected: Any

    def digits(self, scale: Any) -> int:
        """To how many digits both agree; rounding of what cancels is measured by `scale`."""
        import mpmath

        gap = abs(self.found - self.expected)
        if negligible(gap):
            return DIGITS
        size = max(abs(self.expected), scale * mpmath.mpf(10) ** -DIGITS)
        if not mpmath.isfinite(gap) or size == 0:
            return 0
        return max(0, min(DIGITS, int(-mpmath.log10(gap / size))))


@dataclass(frozen=True)
class Comparison:
    """Both programs at one point."""

    primal: Run
    back: Backward
    active: frozenset[Number]
    adjoint: Run
    gradients: tuple[Gradient, ...]

    @property
    def defined(self) -> bool:
        """Whether the program and its derivative are finite here."""
        import mpmath

        outputs = (n.value for r in self.primal.results for n in numbers(r))
        return all(map(mpmath.isfinite, (*outputs, *(g.expected for g in self.gradients))))

    @property
    def digits(self) -> int:
        """To how many digits all gradients agree."""
        scale = max((abs(g.expected) for g in self.gradients), default=0)
        return min((g.digits(scale) for g in self.gradients), default=DIGITS)

    @property
    def worst(self) -> Gradient:
        """The gradient with the fewest digits."""
        scale = max(abs(g.expected) for g in self.gradients)
        return min(self.gradients, key=lambda g: g.digits(scale))


def compare(
    primal: Function,
    adjoint: Function,
    wrt: Sequence[int],
    args: Sequence[Any],
    sizes: Sizes,
    random: np.random.Generator,
) -> Comparison:
    """Run both programs; call it under `precision()`. The cotangents of the results are random."""
    run = play(primal, args, sizes)
    active = moving(run, wrt)
    floats = [r for r in run.results if is_float(r)]
    seeds = [elementwise(_as_mpf, random.uniform(0.5, 1.5, np.shape(r))) for r in floats]
    back = backward(run, seeds, active)
    walked = play(adjoint, [*args, *seeds], sizes)
    return Comparison(run, back, active, walked, tuple(_gradients(run, back, walked, wrt)))


def _as_mpf(x: float) -> Any:
    import mpmath

    return mpmath.mpf(x)


def _gradients(run: Run, back: Backward, adjoint: Run, wrt: Sequence[int]) -> Iterator[Gradient]:
    import mpmath

    found = adjoint.results[len(run.results) :]
    for k, gradient in zip(wrt, found, strict=True):
        places = np.ndindex(np.shape(run.params[k]))
        for index, number, ours in zip(places, numbers(run.params[k]), numbers(gradient), strict=True):
            yield Gradient(k, index, ours.value, back.bars.get(number, mpmath.mpf(0)))


# ---- where it goes wrong -----------------------------------------------------------------------------------


def locate(comparison: Comparison) -> Fault | None:
    """The first equation, walking backwards, whose cotangents the adjoint does not have.

    A cotangent of the primal that occurs nowhere in the adjoint, while those that it is made of do, and none
    of those that are made of it does: there the adjoint leaves the right path.
    """
    back = comparison.back
    seen = frozenset(key(n.value) for s in comparison.adjoint.steps for y in s.outputs for n in numbers(y))
    seen |= {key(n.value) for x in comparison.adjoint.params for n in numbers(x)}
    feeding: dict[Number, list[Number]] = {}
    for edges in back.edges.values():
        for edge in edges:
            feeding.setdefault(edge.target, []).append(edge.source)

    def there(number: Any) -> bool:
        return negligible(number) or key(number) in seen

    def present(number: Any) -> bool:
        return not negligible(number) and key(number) in seen

    for n in _backwards(comparison):
        edges = back.edges.get(n, ())
        lost = not there(back.bars[n]) and all(there(back.bars[e.target]) for e in edges)
        if edges and lost and not any(present(back.bars[m]) for m in feeding.get(n, ())):
            return _fault(comparison, seen, n, edges)
    return None


def _backwards(comparison: Comparison) -> Iterator[Number]:
    """The Numbers that have a cotangent, last ones first."""
    run = comparison.primal
    steps = (n for step in reversed(run.steps) for y in step.outputs for n in numbers(y))
    params = (n for x in run.params for n in numbers(x))
    return (n for group in (steps, params) for n in group if n in comparison.back.bars)


def _fault(comparison: Comparison, seen: frozenset[Key], n: Number, edges: Sequence[Edge]) -> Fault:
    missing = [e for e in edges if not negligible(e.part) and key(e.part) not in seen]
    if not missing:
        loop = next((home(e.step.path) for e in edges if e.step.path), None)
        eqn = loop or edges[0].step.eqn
        return Fault(
            eqn.op.name,
            eqn.location,
            f"the terms of the cotangent of {n.name or 'a value'} are right, not their sum",
        )
    edge = missing[0]
    for other in (e for found in comparison.back.edges.values() for e in found):
        if (
            other.step.eqn is edge.step.eqn
            and other.k == edge.k
            and not negligible(other.part)
            and key(other.part) in seen
        ):
            loop = home(edge.step.path)
            if loop is not None and other.step is not edge.step:
                return Fault(loop.op.name, loop.location, _threading(edge, other))
    return Fault(edge.step.eqn.op.name, edge.step.eqn.location, _op_cause(edge))


def _threading(wrong: Edge, right: Edge) -> str:
    """Words for a body that is right in one trip only."""
    (_, i), (_, j) = wrong.step.path[-1], right.step.path[-1]
    return (
        f"the body is right in trip {j} and not in trip {i}: "
        "what one trip hands to the next, or takes of an array, is mixed up"
    )


def _op_cause(edge: Edge) -> str:
    op = edge.step.eqn.op
    operand = f"operand {edge.k}"
    if not isinstance(op.derivative, Partials):
        return f"what its adjoint hands to {operand} is wrong"
    inputs = [next(np.asarray(x).flat, None) for x in edge.step.inputs]
    point = [x.value if isinstance(x, Number) else x for x in inputs]
    proof = prove_partials(op, tuple(sorted(edge.step.attrs.items())), point)
    if proof.standing is Standing.WRONG:
        return proof.reason
    return f"its partials are right, but what the adjoint hands to {operand} is not"
