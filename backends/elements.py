"""Elements of arrays as Python source, and the statements that compute them, each in the loop where it
belongs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ..ir.graph import Eqn, Value
from ..ir.op import Element, Scalar
from ..ir.ops.indexing import element_indices
from ..ir.ops.shape import broadcast_indices
from .blocks import BlockWriter, place_text
from .source import zero

Written = tuple[str, Eqn | None]


@dataclass
class Level:
    """What is written in one loop, before and after the loop inside it."""

    before: list[Written] = field(default_factory=list)
    after: list[Written] = field(default_factory=list)


class Elements:
    """Sources of elements of arrays, and the statements that compute them, by loop."""

    def __init__(self, writer: BlockWriter, inlined: Mapping[Value, Eqn], loops: Sequence[str]) -> None:
        self.writer = writer
        self.inlined = inlined
        self.levels = [Level() for _ in range(len(loops) + 1)]
        self.depth = {name: k + 1 for k, name in enumerate(loops)}
        self.known: dict[tuple[Value, tuple[str, ...]], str] = {}

    def level(self, text: str) -> int:
        """The loop in which everything that a source mentions is known."""
        return max((self.depth.get(word, 0) for word in re.findall(r"[A-Za-z_]\w*", text)), default=0)

    def name(self, hint: str | None, text: str, eqn: Eqn) -> str:
        """A variable with this value."""
        level = self.level(text)
        name = self.writer.names.fresh(hint)
        self.depth[name] = level
        self.levels[level].before.append((f"{name} = {text}", eqn))
        return name

    def element(self, value: Value, indices: Sequence[str]) -> str:
        """Source of one element: a name, a literal, or a read of memory."""
        key = (value, tuple(indices))
        if key not in self.known:
            self.known[key] = self._element(value, indices)
        return self.known[key]

    def _element(self, value: Value, indices: Sequence[str]) -> str:
        eqn = self.inlined.get(value)
        if eqn is None:
            return self.memory(value, indices)
        text = self.computed(eqn, indices)
        simple = re.fullmatch(r"\w+(\[[^\[\]]*\])?|-?[\d.]+", text)
        return text if simple else self.name(value.name, text, eqn)

    def memory(self, value: Value, indices: Sequence[str]) -> str:
        """Source of an element that is stored."""
        if not value.type.rank:
            return self.writer.text(value)
        return place_text(self.writer.place(value).at(*map(self.writer.index_text, indices)))

    def computed(self, eqn: Eqn, indices: Sequence[str]) -> str:
        """Source of an element that is computed."""
        if eqn.op.name == "zeros":
            return zero(eqn.output.type.dtype)
        if eqn.op.name == "index":
            x, *operands = eqn.inputs
            where = element_indices(
                x.type, [v.type for v in operands], eqn.attrs, self.reader(operands), indices
            )
            return self.element(x, where)
        lowering = eqn.op.lowering
        if isinstance(lowering, Element):
            return lowering.source(eqn, self.reader(eqn.inputs), indices)
        assert isinstance(lowering, Scalar)
        operands_ = [self.element(v, broadcast_indices(v.type.shape, indices)) for v in eqn.inputs]
        return lowering.source(operands_, eqn.attrs, eqn.output.type.dtype, vector=True)

    def reader(self, operands: Sequence[Value]) -> Callable[[int, Sequence[str]], str]:
        """What lowerings read operands with."""
        return lambda k, indices: self.element(operands[k], indices)

    def forget(self, level: int) -> None:
        """What was computed in a loop is not known in another loop."""
        self.known = {key: text for key, text in self.known.items() if self.level(text) < level}
