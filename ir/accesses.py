"""Which element accesses of an array inside a loop can meet, and which cannot.

An index is taken apart into a linear form over loop indices, sizes and other integers. A write at `w` and a
read at `r`, some trips of a loop apart, never meet when along one axis `w - r = a * (trips apart) + c` has no
zero. The one test serves the choice of residuals, and the question whether the trips of a loop are
independent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from .graph import Block, Constant, Eqn, Value
from .loops import loop_body, state_count
from .types import Dim, Monomial

Form = Mapping[Value | Monomial, int]
"""Coefficients of loop indices and other integer values, and of monomials of sizes (`()` is the constant)."""

Access = tuple[Value | None, ...]
"""The index along each leading axis; None where a whole axis, a span or a gather is touched."""


def access(eqn: Eqn) -> Access:
    """What an `index`, `put` or `add_at` touches of its operand 0."""
    operands = list(eqn.inputs[1:] if eqn.op.name == "index" else eqn.inputs[2:])
    at = eqn.attrs.get("at")
    if at is None:
        return tuple(operands)
    assert isinstance(at, tuple)
    touched: list[Value | None] = []
    for item in at:
        operand = None if item == "all" else operands.pop(0)
        touched.append(operand if item == "point" else None)
    return tuple(touched)


def linear_forms(block: Block) -> dict[Value, Form]:
    """The linear form of every integer scalar that a block and the blocks inside it compute."""
    found: dict[Value, Form] = {}
    _scan(block, {}, found)
    return found


def _scan(block: Block, names: Mapping[str, Value], found: dict[Value, Form]) -> None:
    names = dict(names)
    for eqn in block.eqns:
        if eqn.op.name == "bind":
            names[str(eqn.attrs["size"])] = eqn.inputs[0]
        for inner in eqn.blocks:
            index = eqn.attrs.get("index")
            _scan(inner, {**names, str(index): inner.params[0]} if index else names, found)
        if len(eqn.outputs) == 1 and not eqn.output.type.shape and eqn.output.type.dtype.is_integer:
            found[eqn.output] = _form_of(eqn, names, found)


def _form_of(eqn: Eqn, names: Mapping[str, Value], found: Mapping[Value, Form]) -> Form:
    operands = [form(v, found) for v in eqn.inputs]
    match eqn.op.name:
        case "dim":
            size = eqn.attrs["size"]
            assert isinstance(size, Dim | int)
            return _of_dim(Dim.of(size), names, found)
        case "add":
            return _combined(operands[0], operands[1], 1)
        case "sub":
            return _combined(operands[0], operands[1], -1)
        case "neg":
            return _combined({}, operands[0], -1)
        case "mul" if any(set(f) <= {()} for f in operands):
            a, b = operands if set(operands[0]) <= {()} else operands[::-1]
            return {k: c * a.get((), 0) for k, c in b.items() if c * a.get((), 0)}
        case _:
            return {eqn.output: 1}


def form(value: Value, found: Mapping[Value, Form]) -> Form:
    """The linear form of an integer value."""
    if isinstance(value, Constant):
        return {(): int(value.data)} if int(value.data) else {}
    return found.get(value, {value: 1})


def _of_dim(dim: Dim, names: Mapping[str, Value], found: Mapping[Value, Form]) -> Form:
    total: Form = {}
    for monomial, c in dim.terms:
        atom = monomial[0] if len(monomial) == 1 else None
        bound = names.get(atom) if isinstance(atom, str) else None
        total = _combined(total, form(bound, found) if bound is not None else {monomial: 1}, c)
    return total


def _combined(a: Form, b: Form, scale: int) -> Form:
    total = dict(a)
    for key, c in b.items():
        total[key] = total.get(key, 0) + scale * c
    return {key: c for key, c in total.items() if c}


def never_meet(
    write: Access,
    read: Access,
    index: Value | None,
    varies: Callable[[Value | Monomial], bool],
    apart: Iterable[int],
    forms: Mapping[Value, Form],
) -> bool:
    """Whether no write hits the read element, at these distances in trips of the loop with this index.

    `apart` holds 0 for the same trip, 1 for all later values of the index, -1 for all earlier ones; `varies`
    says of a term whether it changes within the loop, or, of a branch, within the blocks inside it.
    """
    distances = tuple(apart)
    for w, r in zip(write, read, strict=False):
        if w is None or r is None:
            continue
        gap = _gap(form(w, forms), form(r, forms), index, varies)
        if gap is not None and not any(_hits(*gap, sign) for sign in distances):
            return True
    return False


def _gap(
    w: Form, r: Form, index: Value | None, varies: Callable[[Value | Monomial], bool]
) -> tuple[int, int] | None:
    """(a, c) with w - r = a * (distance in the index) + c; None where that is not known."""
    others = {*w, *r} - {(), index}
    if any(varies(key) or w.get(key, 0) != r.get(key, 0) for key in others):
        return None
    a = w.get(index, 0) if index else 0
    if index and a != r.get(index, 0):
        return None
    return a, w.get((), 0) - r.get((), 0)


def _hits(a: int, c: int, sign: int) -> bool:
    if sign == 0 or a == 0:
        return c == 0
    return c % a == 0 and (-c // a) * sign >= 1


@dataclass(frozen=True)
class Versions:
    """The versions of an array that a loop or branch updates, as one of them sees it.

    `begun` is the array before the loop or branch, `left` the one after it; `before` and `after` are the
    writes of one trip before this version and after it.
    """

    begun: Value
    left: Value
    before: Sequence[Access]
    after: Sequence[Access]


def chain(eqn: Eqn, k: int, value: Value) -> Versions | None:
    """The versions of an array through `value`, which block k of a loop or branch knows.

    None unless the array is only updated there, by `put`, `add_at`, and loops and branches inside.
    """
    block = eqn.blocks[k]
    later: dict[Value, tuple[Value, Sequence[Access]]] = {}
    earlier: dict[Value, tuple[Value, Sequence[Access]]] = {}
    for inner in block.eqns:
        for old, new, writes in _updates(inner):
            later[old], earlier[new] = (new, writes), (old, writes)
    first, before = _follow(value, earlier)
    last, after = _follow(value, later)
    if eqn.op.loop:
        starts = list(zip(block.params[1 : 1 + state_count(eqn.attrs)], eqn.inputs, strict=False))
    else:
        starts = [(first, first)] * len(eqn.outputs)
    for (start, begun), result, left in zip(starts, block.results, eqn.outputs, strict=False):
        if start is first and result is last:
            return Versions(begun, left, before, after)
    return None


def _updates(eqn: Eqn) -> list[tuple[Value, Value, Sequence[Access]]]:
    """(array before, array after, where it is written) for each array that an equation updates."""
    if eqn.op.updates:
        return [(eqn.inputs[0], eqn.output, [access(eqn)])]
    if eqn.op.loop:
        params = loop_body(eqn).params[1 : 1 + state_count(eqn.attrs)]
        found = ((chain(eqn, len(eqn.blocks) - 1, p), o) for p, o in zip(params, eqn.outputs, strict=False))
        return [(v.begun, v.left, v.after) for v, o in found if v is not None and v.left is o]
    return _branch_updates(eqn) if eqn.op.name == "if" else []


def _branch_updates(eqn: Eqn) -> list[tuple[Value, Value, Sequence[Access]]]:
    """Arrays that each branch hands on, updated or not."""
    found: list[tuple[Value, Value, Sequence[Access]]] = []
    for k, output in enumerate(eqn.outputs):
        ends = [chain(eqn, side, block.results[k]) for side, block in enumerate(eqn.blocks)]
        starts = {v.begun for v in ends if v is not None and v.left is output}
        if output.type.rank and len(starts) == 1 and all(v is not None and v.left is output for v in ends):
            writes = [access for v in ends if v is not None for access in v.before]
            found.append((starts.pop(), output, writes))
    return found


def _follow(
    value: Value, step: Mapping[Value, tuple[Value, Sequence[Access]]]
) -> tuple[Value, Sequence[Access]]:
    writes: list[Access] = []
    while value in step:
        value, more = step[value]
        writes += more
    return value, writes
