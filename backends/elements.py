"""Elements of arrays as Python source, and the statements that compute them, each in the loop where it
belongs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..ir.graph import Eqn, Value
from .blocks import BlockWriter, place_text
from .roots import element_source
from .source import Line, remark


@dataclass
class Level:
    """What is written in one loop: up to now, and behind the loop inside it that is being written."""

    lines: list[Line] = field(default_factory=list)
    after: list[Line] = field(default_factory=list)


class Elements:
    """Sources of elements of arrays, and the statements that compute them, by loop.

    `levels` are the loops that are being written, the outermost first, before them what stands around all;
    `own` are the values that live in these loops alone: the axes that are kept of each. `vector` says whether
    functions are taken that LLVM vectorises.
    """

    def __init__(self, writer: BlockWriter, inlined: Mapping[Value, Eqn], vector: bool = True) -> None:
        self.writer = writer
        self.vector = vector
        self.inlined = inlined
        self.levels = [Level()]
        self.depth: dict[str, int] = {}
        self.known: dict[tuple[Value, tuple[str, ...]], str] = {}
        self.own: dict[Value, tuple[int, ...]] = {}

    def level(self, text: str) -> int:
        """The loop in which everything that a source mentions is known."""
        return max((self.depth.get(word, 0) for word in re.findall(r"[A-Za-z_]\w*", text)), default=0)

    def say(self, level: int, text: str, eqn: Eqn) -> None:
        """A statement in a loop, before the loop inside it that is being written."""
        self.levels[level].lines.append(Line(text, 0, remark(eqn)))

    def say_after(self, level: int, text: str, eqn: Eqn) -> None:
        """A statement behind the loop inside that is being written."""
        self.levels[level].after.append(Line(text, 0, remark(eqn)))

    def name(self, hint: str | None, text: str, eqn: Eqn) -> str:
        """A variable with this value."""
        level = self.level(text)
        name = self.writer.names.fresh(hint)
        self.depth[name] = level
        self.say(level, f"{name} = {text}", eqn)
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
        if value in self.own:
            indices = [indices[a] for a in self.own[value]]
        if not value.type.rank or value in self.own and not indices:
            return self.writer.text_of_scalar(value)
        return place_text(self.writer.place(value).at(*map(self.writer.index_text, indices)))

    def computed(self, eqn: Eqn, indices: Sequence[str]) -> str:
        """Source of an element that is computed."""
        return element_source(eqn, indices, self.element, self.vector)

    def forget(self, level: int) -> None:
        """What was computed further inside is not known in another loop."""
        self.known = {key: text for key, text in self.known.items() if self.level(text) <= level}
