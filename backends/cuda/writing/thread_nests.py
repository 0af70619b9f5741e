"""Loops over elements that one thread runs, one trip after the other."""

from __future__ import annotations

from ....ir.graph import Eqn
from ...accumulate import step_template, stepped
from ...elements import Elements
from ...kernels import Nest
from ...memory import Group, Place, Scope
from ...nests import NestWriter
from .thread_memory import ThreadMemory


class ThreadNest(NestWriter):
    """A nest that one thread runs, one trip after the other."""

    writer: ThreadMemory

    def __init__(self, writer: ThreadMemory, nest: Nest, scope: Scope) -> None:
        super().__init__(writer, nest, scope)
        self.elements = Elements(writer, self.inlined, vector=False)

    def _sums(self, loop: object, depth: int) -> list[Eqn]:
        return []

    def _stepped(self, root: Eqn, accumulator: str, x: str) -> str:
        return stepped(step_template(root, vector=False), root.output.type.dtype, accumulator, x)

    def _found_memory(self, root: Eqn, fill: str) -> Place:
        output = root.output
        if output not in self.nest.own:
            return super()._found_memory(root, fill)
        axes = self._own_axes(root)
        name = self.writer.names.fresh(output.name)
        self.writer.own(name, output.type.with_shape([output.type.shape[a] for a in axes]), root)
        self.writer.places[output] = Place(name, (), Group(None))
        self.elements.own[output] = tuple(axes)
        self.elements.depth[name] = self.nest.own[output]
        return self.writer.places[output]
