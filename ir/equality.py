"""When two Functions are the same: structure, types, attributes and the bits of constants.

Names of values, places in the source and notes do not count; the name of the Function does. In attributes a
Dim that is a number equals that integer, as in the text.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from .graph import Attr, Attrs, Block, Constant, Eqn, Function, Value
from .text import Names, eqn_text
from .types import Dim


def same(f: Function, g: Function) -> bool:
    """Whether two Functions are structurally equal."""
    return difference(f, g) is None


def difference(f: Function, g: Function) -> str | None:
    """The first difference in program order, as one line; None where there is none."""
    return (
        _differ("name", f.name, g.name)
        or _differ("sizes", _list(f.sizes), _list(g.sizes))
        or _differ("guards", _list(f.guards), _list(g.guards))
        or _differ("written", f.written, g.written)
        or _Comparison(f, g).blocks(f.body, g.body)
    )


class _Comparison:
    def __init__(self, f: Function, g: Function) -> None:
        self.f_names = Names(f)
        self.g_names = Names(g)
        self.partner: dict[Value, Value] = {}

    def blocks(self, one: Block, other: Block) -> str | None:
        """Parameters, equations in order, results."""
        if found := self.defined(one.params, other.params):
            return f"parameters: {found}"
        for mine, yours in zip(one.eqns, other.eqns, strict=False):
            if found := self.equations(mine, yours):
                return found
        if len(one.eqns) != len(other.eqns):
            return f"number of equations {len(one.eqns)} and {len(other.eqns)}"
        found = self.used(one.results, other.results)
        return f"results: {found}" if found else None

    def equations(self, one: Eqn, other: Eqn) -> str | None:
        """The op, operands, attributes, blocks and the types of the outputs."""
        line = f"{eqn_text(one, self.f_names)} and {eqn_text(other, self.g_names)}"
        found = (
            _differ("op", one.op.name, other.op.name)
            or self.used(one.inputs, other.inputs)
            or _attributes(one.attrs, other.attrs)
            or _differ("number of blocks", len(one.blocks), len(other.blocks))
        )
        if found:
            return f"{line}: {found}"
        for mine, yours in zip(one.blocks, other.blocks, strict=True):
            if found := self.blocks(mine, yours):
                return found
        found = self.defined(one.outputs, other.outputs)
        return f"{line}: {found}" if found else None

    def defined(self, one: Sequence[Value], other: Sequence[Value]) -> str | None:
        """Types of values that begin here; from now on they are partners."""
        self.partner.update(zip(one, other, strict=False))
        return _differ("types", _list(v.type for v in one), _list(v.type for v in other))

    def used(self, one: Sequence[Value], other: Sequence[Value]) -> str | None:
        """Operands that are partners, or Constants of the same type and bits."""
        if found := _differ("number of operands", len(one), len(other)):
            return found
        for mine, yours in zip(one, other, strict=True):
            if not self.equal(mine, yours):
                return f"operands {self.f_names.operand(mine)} and {self.g_names.operand(yours)}"
        return None

    def equal(self, one: Value, other: Value) -> bool:
        if isinstance(one, Constant) and isinstance(other, Constant):
            mine, yours = np.asarray(one.data), np.asarray(other.data)
            return one.type == other.type and mine.tobytes() == yours.tobytes()
        return self.partner.get(one) is other


def _differ(what: str, one: Any, other: Any) -> str | None:
    return f"{what} {one} and {other}" if one != other else None


def _list(items: Iterable[object]) -> str:
    """Sizes, guards and types are equal exactly if they print alike."""
    return f"[{', '.join(map(str, items))}]"


def _attributes(one: Attrs, other: Attrs) -> str | None:
    for name in dict.fromkeys((*one, *other)):
        if name not in one or name not in other:
            return f"attribute {name} is in one only"
        if _canonical(one[name]) != _canonical(other[name]):
            return f"attribute {name}"
    return None


def _canonical(attr: Attr) -> Any:
    """What two equal attributes have in common and no others: the type, and the bits of a float."""
    match attr:
        case tuple():
            return tuple(map(_canonical, attr))
        case float():
            return float, struct.pack(">d", attr)
        case Dim() if attr.constant is not None:
            return int, attr.constant
        case _:
            return type(attr), attr
