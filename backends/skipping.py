"""Loops that would add nothing but zeros, and what is known before them that says so.

A cotangent is zero where an extremum or a `where` did not take what it belongs to, and so is all that is made
of it by guarded products, negation and copies: of k means, what each coordinate adds to every centroid but
the nearest. A loop over such terms stands behind a test of a condition that is known outside it.

No bit changes: a sum starts at +0.0, and in round to nearest x + y is -0.0 only if both are. So it never is
-0.0, and neither zero changes it. What is added to an array that was there before may be -0.0: it is left as
it is, and so are sums of products (`matmul`, `einsum`), in which a zero may meet an infinity.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

from ..ir.graph import Constant, Eqn, Value
from ..ir.ops.shape import broadcast_indices
from . import roots
from .elements import Elements


@dataclass(frozen=True)
class Condition:
    """That an element is a number that is zero, or a bool that is `truth`."""

    value: Value
    indices: tuple[str, ...]
    truth: bool = False

    def opposite(self, element: str) -> str:
        """Source that says that it does not hold, by that of the element."""
        if self.value.type.dtype.is_float:
            return f"{element} != 0"
        return f"not {element}" if self.truth else element


def needed(
    inside: Sequence[Eqn], indices: Callable[[Eqn], Sequence[str]], elements: Elements, depth: int
) -> str:
    """What has to hold for these roots to take in anything but zeros, as far as is known so many loops deep.

    Only if all of them are sums; empty where nothing is known. `indices` has those of a root's loops.
    """
    if not all(roots.is_sum(root) and not roots.is_product(root) for root in inside):
        return ""
    first, *others = (_zero(root.inputs[0], indices(root), elements.inlined) for root in inside)
    for condition in first:
        outside = elements.level(" ".join(condition.indices)) <= depth
        if outside and all(condition in other for other in others):
            element = elements.element(condition.value, condition.indices)
            if elements.level(element) <= depth:
                return condition.opposite(element)
    return ""


def _zero(value: Value, at: Sequence[str], inlined: Mapping[Value, Eqn]) -> list[Condition]:
    """When an element is zero, whatever else is NaN or infinite."""
    if value not in inlined:
        return []
    eqn = inlined[value]
    if copied := _copied(eqn, at):
        return _zero(*copied, inlined)
    if eqn.op.name not in _RULES:
        return []
    places = [tuple(broadcast_indices(v.type.shape, at)) for v in eqn.inputs]
    found = [_zero(v, place, inlined) for v, place in zip(eqn.inputs, places, strict=True)]
    return _RULES[eqn.op.name](eqn, places, found)


def _copied(eqn: Eqn, at: Sequence[str]) -> tuple[Value, tuple[str, ...]] | None:
    """The element that an element is, as one of a broadcast is."""
    read: list[tuple[Value, tuple[str, ...]]] = []

    def note(value: Value, indices: Sequence[str]) -> str:
        read.append((value, tuple(indices)))
        return "x"

    text = roots.element_source(eqn, at, note)
    return read[0] if text == "x" and len(read) == 1 else None


# ---- by op ----

_Places = Sequence[tuple[str, ...]]
_Found = Sequence[list[Condition]]


def _of_neg(eqn: Eqn, places: _Places, found: _Found) -> list[Condition]:
    return found[0]


def _of_guarded(eqn: Eqn, places: _Places, found: _Found) -> list[Condition]:
    return [Condition(eqn.inputs[1], places[1]), *found[1]]


def _of_mul(eqn: Eqn, places: _Places, found: _Found) -> list[Condition]:
    """A number that is known and finite leaves a zero zero."""
    x, y = eqn.inputs
    return found[1] if _is_finite(x) else found[0] if _is_finite(y) else []


def _of_sum(eqn: Eqn, places: _Places, found: _Found) -> list[Condition]:
    return [c for c in found[0] if c in found[1]]


def _of_where(eqn: Eqn, places: _Places, found: _Found) -> list[Condition]:
    condition, *branches = eqn.inputs
    if isinstance(condition, Constant):
        return []
    first, second = map(_is_zero, branches)
    if first or second:
        return [Condition(condition, places[0], truth=first), *found[2 if first else 1]]
    return _of_sum(eqn, places[1:], found[1:])


_RULES = {
    "neg": _of_neg,
    "guarded_mul": _of_guarded,
    "mul": _of_mul,
    "add": _of_sum,
    "sub": _of_sum,
    "where": _of_where,
}


def _is_finite(value: Value) -> bool:
    return isinstance(value, Constant) and not value.type.rank and isfinite(value.data)


def _is_zero(value: Value) -> bool:
    return isinstance(value, Constant) and not value.type.rank and bool(value.data == 0)
