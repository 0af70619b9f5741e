"""Sums of cotangents that follow from sums which are known already.

    sum(-x)       -sum(x)
    sum(x + y)    sum(x) + sum(y)
    sum(x * c)    sum(x) * c            where c is constant along the axes

Only where every sum on the right is there: so the weights of a softmax are not added up again to find that
they add up to one. Sums that a user wrote stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from adcompiler.ir.graph import Eqn, Value
from adcompiler.ir.ops import OPS
from adcompiler.ir.ops.attributes import integers
from adcompiler.ir.types import Shape

DEEPEST = 6
"""Equations into one another through which a sum is followed."""

Made = Mapping[Value, Eqn]
Written = Callable[[], Value]
"""What writes a value, once it is known that all its parts can be written."""


def known_sum(eqn: Eqn, made: Made) -> Value | None:
    """What a sum equals by the sums in scope; None where it has to be added up."""
    axes = integers(eqn.attrs["axes"])
    sums = {e.inputs[0]: v for v, e in made.items() if e.op is eqn.op and integers(e.attrs["axes"]) == axes}
    found = _linear(eqn.inputs[0], eqn.output.type.shape, axes, sums, made, DEEPEST)
    return None if found is None else found()


def _linear(
    x: Value, shape: Shape, axes: tuple[int, ...], sums: Mapping[Value, Value], made: Made, depth: int
) -> Written | None:
    """The sum of x; None where a part of it is not known, or too deep."""
    if x in sums:
        return lambda: sums[x]
    maker = made.get(x)
    if not depth or maker is None or maker.op.name not in ("neg", "add", "sub", "mul"):
        return None
    inputs = maker.inputs
    parts = [
        _linear(v, shape, axes, sums, made, depth - 1) if v.type == x.type else None for v in inputs
    ]
    if maker.op.name != "mul":
        known = [part for part in parts if part is not None]
        return partial(_applied, maker, known) if len(known) == len(parts) else None
    for part, factor in zip(parts, reversed(inputs), strict=True):
        constant = _constant_along(factor, shape, axes, x.type.rank, made)
        if part is not None and constant is not None:
            return partial(_applied, maker, [part, constant])
    return None


def _applied(maker: Eqn, parts: Sequence[Written]) -> Value:
    return maker.op(*(part() for part in parts))


def _constant_along(
    factor: Value, shape: Shape, axes: tuple[int, ...], rank: int, made: Made
) -> Written | None:
    """A factor in the shape of the sum; None if it changes along the axes."""
    while factor in made and made[factor].op.name == "broadcast":
        factor = made[factor].inputs[0]
    if not factor.type.rank:
        return lambda: factor
    if factor.type.rank < rank or any(factor.type.shape[a].constant != 1 for a in axes):
        return None
    narrow = tuple(d for a, d in enumerate(factor.type.shape) if a not in axes)
    fits = all(d == s or d.constant == 1 for d, s in zip(narrow, shape, strict=True))
    return (lambda: OPS["reshape"](factor, shape=narrow)) if fits else None
