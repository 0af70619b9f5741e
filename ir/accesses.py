"""Which element accesses of an array inside a loop can meet, and which cannot.

An index is taken apart into a linear form over loop indices, sizes and other integers. A write at `w` and a
read at `r`, some trips of a loop apart, never meet when along one axis `w - r = a * (trips apart) + c` has no
zero. The one test serves the choice of residuals, and the question whether the trips of a loop are
independent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from .graph import Block, Constant, Eqn, Value
from .loops import state_count
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
    index: Value,
    varies: Callable[[Value | Monomial], bool],
    apart: Iterable[int],
    forms: Mapping[Value, Form],
) -> bool:
    """Whether no write hits the read element, at these distances in trips of the loop with this index.

    `apart` holds 0 for the same trip, 1 for all later values of the index, -1 for all earlier ones; `varies`
    says of a term whether it changes within the loop.
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
    w: Form, r: Form, index: Value, varies: Callable[[Value | Monomial], bool]
) -> tuple[int, int] | None:
    """(a, c) with w - r = a * (distance in the index) + c; None where that is not known."""
    others = {*w, *r} - {(), index}
    if any(varies(key) or w.get(key, 0) != r.get(key, 0) for key in others):
        return None
    a = w.get(index, 0)
    if a != r.get(index, 0):
        return None
    return a, w.get((), 0) - r.get((), 0)


def _hits(a: int, c: int, sign: int) -> bool:
    if sign == 0 or a == 0:
        return c == 0
    return c % a == 0 and (-c // a) * sign >= 1


def chain(body: Block, value: Value, states: int) -> tuple[int, Sequence[Access], Sequence[Access]] | None:
    """The versions of a carried array through `value`: (which state, writes before it, writes after it).

    None unless parameter k becomes result k by `put`, `add_at` and inner loops alone.
    """
    later: dict[Value, tuple[Value, list[Access]]] = {}
    earlier: dict[Value, tuple[Value, list[Access]]] = {}
    for eqn in body.eqns:
        for old, new, writes in _updates(eqn):
            later[old], earlier[new] = (new, writes), (old, writes)
    first, before = _follow(value, earlier)
    last, after = _follow(value, later)
    for k in range(states):
        if body.params[1 + k] is first and body.results[k] is last:
            return k, before, after
    return None


def _updates(eqn: Eqn) -> list[tuple[Value, Value, list[Access]]]:
    if eqn.op.updates:
        return [(eqn.inputs[0], eqn.output, [access(eqn)])]
    if eqn.op.name != "for":
        return []
    (body,) = eqn.blocks
    states = state_count(eqn.attrs)
    found = []
    for k in range(states):
        through = chain(body, body.params[1 + k], states)
        if through is not None and through[0] == k:
            found.append((eqn.inputs[k], eqn.outputs[k], [*through[1], *through[2]]))
    return found


def _follow(value: Value, step: Mapping[Value, tuple[Value, list[Access]]]) -> tuple[Value, list[Access]]:
    writes: list[Access] = []
    while value in step:
        value, more = step[value]
        writes += more
    return value, writes
