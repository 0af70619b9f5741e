"""Running sums: what they run over is computed by a kernel, where it is not in memory, then summed there."""

from __future__ import annotations

from collections.abc import Sequence

from ....ir.graph import Eqn
from ....ir.op import Scan
from ....ir.ops.attributes import integer
from ...blocks import place_text
from ...fusion import Loop
from ...kernels import Nest
from ...memory import Scope
from .grid_nests import GridNest
from .host_writer import HostWriter


class ScanNest(GridNest):
    """A running sum; the kernel writes its terms to where it will be."""

    def __init__(self, writer: HostWriter, nest: Nest, scope: Scope, points: Sequence[Loop]) -> None:
        (self.root,) = nest.roots
        super().__init__(writer, nest, scope, nest.tree.path[self.root])

    def write(self) -> None:
        """Write the call, behind the kernel where one is needed."""
        root = self.root
        (terms,) = root.inputs
        result = place_text(self._memory(root))
        if terms in self.inlined:
            super().write()
            given = result
        else:
            given = place_text(self.writer.place(terms))
        axis, reverse = integer(root.attrs["axis"]), bool(root.attrs.get("reverse"))
        self.page.write(f"running_sum({given}, {result}, {axis}, {reverse}, launch, empty)", root)

    def _scan(self, root: Eqn, lowering: Scan, indices: Sequence[str]) -> None:
        term = self.elements.element(root.inputs[0], indices)
        self._say(root, f"{self._at(root, self._memory(root), indices)} = {term}")
