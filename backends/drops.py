"""Where generated Python lets go of arrays: behind the line that mentions them last, on every path.

A variable of a frame keeps its array until it is assigned again, or the function ends. So `del` stands behind
the last use; at the start of a branch that does not use what another one does; and behind a loop for what its
trips hand to one another. Which variables are still needed is found backwards, over the lines as the
statements that they are; around a loop until nothing is added.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from .flow import HandedOn, assignments, reached
from .source import Line

WORTH = 1024
"""Bytes from which on an array is worth a `del`."""

Variables = frozenset[str]
NONE: Variables = frozenset()


@dataclass(frozen=True)
class Statement:
    """A line, the statements in it, and its `else`."""

    line: Line
    inside: Sequence[Statement] = ()
    otherwise: Statement | None = None

    @property
    def keyword(self) -> str:
        """`for`, `while`, `if`, `else`, `break`, `continue`, `return`, or what else it begins with."""
        found = re.match(r"\w+", self.line.text)
        return found[0] if found else ""

    @cached_property
    def targets(self) -> Variables:
        """The variables that it assigns."""
        return frozenset(name for name, _ in assignments(self.line))

    @cached_property
    def reads(self) -> Variables:
        """The words that it reads."""
        text = self.line.text
        return frozenset(re.findall(r"[A-Za-z_]\w*", text.partition(" = ")[2] if self.targets else text))


def statements(lines: Sequence[Line]) -> list[Statement]:
    """Lines of one depth, with what stands in them."""
    found: list[Statement] = []
    start = 0
    while start < len(lines):
        end = start + 1
        while end < len(lines) and lines[end].depth > lines[start].depth:
            end += 1
        one = Statement(lines[start], statements(lines[start + 1 : end]))
        if one.keyword == "else":
            found[-1] = Statement(found[-1].line, found[-1].inside, one)
        else:
            found.append(one)
        start = end
    return found


def droppable(lines: Sequence[Line], handed_on: HandedOn) -> set[str]:
    """The variables that may hold an array which is made here, and is not surely a small one."""
    made = [line.makes for line in lines if line.makes is not None]
    sizes = {make.name: (make.type.size * make.type.dtype.itemsize).constant for make in made}
    large = [name for name, size in sizes.items() if size is None or size >= WORTH]
    return {holder for name in large for holder in reached(name, handed_on)}


def with_drops(lines: Sequence[Line], names: Collection[str], results: Sequence[str]) -> list[Line]:
    """Lines that let go of what these variables hold as soon as they may; results are read behind them."""
    returned = frozenset(word for text in results for word in re.findall(r"\w+", text))
    found, _ = _Drops(frozenset(names)).block(statements(lines), returned & frozenset(names))
    while found and found[-1].text.startswith("del ") and not found[-1].depth:
        found.pop()  # the function ends here
    return found


@dataclass
class _Drops:
    """The variables concerned; what is needed where `break` and `continue` go."""

    names: Variables
    breaks: list[Variables] = field(default_factory=list)
    continues: list[Variables] = field(default_factory=list)

    def block(self, block: Sequence[Statement], after: Variables) -> tuple[list[Line], Variables]:
        """The lines of statements, and what is needed before them; `after` is needed behind them."""
        parts: list[list[Line]] = []
        for one in reversed(block):
            lines, after = self._one(one, after)
            parts.append(lines)
        return [line for part in reversed(parts) for line in part], after

    def _one(self, one: Statement, after: Variables) -> tuple[list[Line], Variables]:
        reads, depth = one.reads & self.names, one.line.depth
        match one.keyword:
            case "return":
                return [one.line], reads
            case "break":
                return [one.line], self.breaks[-1]
            case "continue":
                return [one.line], self.continues[-1]
            case "if":
                return self._branch(one, reads, after)
            case "for" | "while":
                return self._loop(one, reads, after)
        targets = one.targets & self.names
        return [one.line, *_del((reads | targets) - after, depth)], (after - targets) | reads

    def _branch(self, one: Statement, reads: Variables, after: Variables) -> tuple[list[Line], Variables]:
        depth = one.line.depth
        then, needed_then = self.block(one.inside, after)
        others = one.otherwise.inside if one.otherwise else ()
        otherwise, needed_else = self.block(others, after)
        before = reads | needed_then | needed_else
        if not _returns(one.inside):
            then = [*_del(before - needed_then, depth + 1), *then]
        if _returns(one.inside) and not others:
            return [one.line, *then, *_del(before - after, depth)], before
        if not _returns(others):
            otherwise = [*_del(before - needed_else, depth + 1), *otherwise]
        head = [one.otherwise.line if one.otherwise else Line("else:", depth)] if otherwise else []
        return [one.line, *then, *head, *otherwise], before

    def _loop(self, one: Statement, reads: Variables, after: Variables) -> tuple[list[Line], Variables]:
        depth = one.line.depth
        otherwise, leaving = self.block(one.otherwise.inside, after) if one.otherwise else ([], after)
        before, body = leaving | reads, list[Line]()
        while True:
            self.breaks.append(after if one.otherwise else after | before)
            self.continues.append(before)
            body, needed = self.block(one.inside, before)
            self.breaks.pop()
            self.continues.pop()
            if needed <= before:
                break
            before |= needed
        unneeded = before - leaving
        if one.otherwise:
            ends = [one.otherwise.line, *_del(unneeded, depth + 1), *otherwise]
        else:
            ends = _del(unneeded, depth)
        return [one.line, *body, *ends], before


def _returns(block: Sequence[Statement]) -> bool:
    return bool(block) and block[-1].keyword == "return"


def _del(names: Variables, depth: int) -> list[Line]:
    return [Line(f"del {', '.join(sorted(names, key=_natural))}", depth)] if names else []


def _natural(name: str) -> tuple[str, int]:
    """`t9` before `t10`."""
    stem = name.rstrip("0123456789")
    return stem, int(name[len(stem) :] or 0)
