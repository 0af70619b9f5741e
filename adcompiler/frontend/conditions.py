"""Traced tests: what decides an `if`, a `while` or an `assert` when the program runs."""

from __future__ import annotations

from typing import Any

from adcompiler.ir.graph import constant
from adcompiler.ir.ops.comparison import logical_and, logical_not, logical_or, not_equal
from adcompiler.ir.types import BOOL, Relation

from .facts import NOTHING, Facts
from .scalars import TracedScalar
from .sizes import Size, SizePredicate

Test = SizePredicate | TracedScalar
"""A bool that is known only when the program runs."""


def asked(x: Any) -> Test:
    """The truth of a traced number, or array of rank 0: whether it is not zero."""
    if type(x) is SizePredicate:
        return x
    if type(x) is Size:
        return SizePredicate(x.dim, Relation.NONZERO)
    value = x.read()
    if value.type.dtype is BOOL:
        return TracedScalar(value, facts=facts_of(x))
    return TracedScalar(not_equal(value, constant(0, value.type.dtype)))


def is_bool(x: Any) -> bool:
    """Whether a traced value is its own truth."""
    return type(x) is SizePredicate or (type(x) is TracedScalar and x.value.type.dtype is BOOL)


def facts_of(x: Any) -> Facts:
    """What the truth of anything says of sizes."""
    return x.facts if type(x) in (SizePredicate, TracedScalar) else NOTHING


def negated(test: Test) -> Test:
    """`not test`."""
    if type(test) is SizePredicate:
        return test.negated()
    return TracedScalar(logical_not(test.read()), facts=facts_of(test).negated())


def both(one: Test, other: Test) -> Test:
    """Whether both hold; each of them is evaluated."""
    return TracedScalar(logical_and(one.read(), other.read()), facts=facts_of(one).and_(facts_of(other)))


def either(one: Test, other: Test) -> Test:
    """Whether one of them holds; each of them is evaluated."""
    return TracedScalar(logical_or(one.read(), other.read()), facts=facts_of(one).or_(facts_of(other)))
