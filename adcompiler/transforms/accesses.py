"""Accesses of one element, or one part, of an array that can be had more cheaply.

    index(put(x, v, i), i)               v
    index(put(x, v, i), j)               index(x, j)         (where i and j are apart, as x[0] and x[1:] are)
    put(x, index(x, i), i)               x
    put(x, index(x, i) + v, i)           add_at(x, v, i)
    put(put(x, u, i), v, i)              put(x, v, i)
    add_at(put(x, 0, i), v, i)           put(x, v, i)        (in what a transform has written: 0 + -0 is 0)

An array version that is taken out of the middle must not be read elsewhere: two arrays would be needed.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping

from adcompiler.ir.graph import Constant, Eqn, Value
from adcompiler.ir.ops import OPS
from adcompiler.ir.types import Dim

Made = Mapping[Value, Eqn]


def simpler_access(eqn: Eqn, made: Made, once: Collection[Value], derived: bool) -> Value | None:
    """What the output of an access equals, if that is simpler.

    `once` are the operands of the equation that nothing else reads.
    """
    found = _simpler_put(eqn, made, once) if eqn.op.name == "put" else None
    before = made.get(eqn.inputs[0]) if eqn.inputs else None
    if found is not None or before is None or not before.op.updates:
        return found
    if eqn.op.name == "index" and eqn.inputs[0] in once and _apart(before, eqn):
        return OPS["index"](before.inputs[0], *eqn.inputs[1:], **eqn.attrs)
    if _place(before) != _place(eqn):
        return None
    written = before.inputs[1]
    match before.op.name, eqn.op.name:
        case "put", "index":
            return written
        case _, "put" if eqn.inputs[0] in once:
            return OPS["put"](before.inputs[0], *eqn.inputs[1:], **eqn.attrs)
        case "put", "add_at" if derived and eqn.inputs[0] in once and _is_zero(written):
            return OPS["put"](before.inputs[0], *eqn.inputs[1:], **eqn.attrs)
    return None


def _simpler_put(eqn: Eqn, made: Made, once: Collection[Value]) -> Value | None:
    """A `put` of what was read in its place, or of that with something added."""
    x, stored, *_ = eqn.inputs
    maker = made.get(stored)
    if maker is None:
        return None
    if _reads_place(maker, eqn):
        return x
    if stored not in once or maker.op.name not in ("add", "sub"):
        return None
    left, right = maker.inputs
    for element, other in ((left, right), (right, left))[: 2 if maker.op.name == "add" else 1]:
        reader = made.get(element)
        if reader is not None and _reads_place(reader, eqn) and other.type == stored.type:
            more = other if maker.op.name == "add" else -other
            return OPS["add_at"](x, more, *eqn.inputs[2:], **eqn.attrs)
    return None


def _reads_place(reader: Eqn, put: Eqn) -> bool:
    return reader.op.name == "index" and reader.inputs[0] is put.inputs[0] and _place(reader) == _place(put)


def _place(eqn: Eqn) -> tuple[Hashable, ...]:
    """Which part of operand 0 is accessed; of another op, nothing that an access could be."""
    if eqn.op.name != "index" and not eqn.op.updates:
        return ()
    indices = eqn.inputs[1:] if eqn.op.name == "index" else eqn.inputs[2:]
    numbers = (int(i.data) if isinstance(i, Constant) and not i.type.shape else i for i in indices)
    return (*numbers, eqn.attrs.get("at"))


def _apart(update: Eqn, reader: Eqn) -> bool:
    """Whether an update and a read touch no element in common, as their constants tell."""
    return any(
        behind is not None and begin is not None and behind <= begin
        for mine, theirs in zip(_ranges(update), _ranges(reader), strict=False)
        for behind, begin in ((mine[1], theirs[0]), (theirs[1], mine[0]))
    )


def _ranges(eqn: Eqn) -> list[tuple[int | None, int | None]]:
    """Of each leading axis the first index that is touched, and the one behind the last, as far as known."""
    operands = iter(eqn.inputs[1:] if eqn.op.name == "index" else eqn.inputs[2:])
    at = eqn.attrs.get("at", ("point",) * len(eqn.inputs))
    assert isinstance(at, tuple)
    found: list[tuple[int | None, int | None]] = []
    for item in at:
        start = None if item == "all" else next(operands, None)
        known = int(start.data) if isinstance(start, Constant) and not start.type.shape else None
        if known is None or item == "gather":
            found.append((None, None))
        elif item == "point":
            found.append((known, known + 1))
        else:
            assert isinstance(item, tuple)
            kind, length, *rest = item
            whole = length.constant if isinstance(length, Dim) else None
            end = None if whole is None else known + whole
            found.append((known, end) if kind == "span" and rest == [1] else (None, None))
    return found


def _is_zero(value: Value) -> bool:
    return isinstance(value, Constant) and not value.type.shape and bool(value.data == 0)
