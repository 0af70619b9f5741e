"""Additions at places that data decide: a kernel lists places and values, and the list is added run by run.

So the order of each sum depends on the places alone. Where that does not matter atomic additions do it at
once.
"""

from __future__ import annotations

from collections.abc import Sequence

from ....ir.graph import Eqn
from ....ir.types import ArrayType, DType
from ... import roots
from ...blocks import place_text
from ...fusion import Loop
from ...kernels import Nest
from ...memory import Scope
from .flat import number, split
from .grid_nests import GridNest
from .host_writer import HostWriter


class ScatterNest(GridNest):
    """An `add_at` whose kernel writes a place and a row of values for each of its points.

    Axes at the end that are added to as a whole are a row.
    """

    def __init__(self, writer: HostWriter, nest: Nest, scope: Scope, points: Sequence[Loop]) -> None:
        super().__init__(writer, nest, scope, points)
        (self.root,) = nest.roots
        self.places_listed, self.values_listed = map(writer.names.fresh, ("places", "values"))

    def write(self) -> None:
        """Write the kernel, its launch, and the call that adds what it has listed."""
        root, target, value = self.root, self.root.inputs[0].type, self.root.inputs[1].type
        whole = self._whole()
        rows, width = split(value.shape, whole)
        self.writer.make(self.places_listed, ArrayType(DType.I64, (rows,)), root)
        self.writer.make(self.values_listed, value.with_shape([rows, width]), root)
        super().write()
        size, _ = split(target.shape, whole)
        flat = f"{place_text(self.places[root])}.reshape(({size}, {width}))"
        given = f"{flat}, {self.places_listed}, {self.values_listed}"
        add = "add_segments" if self.writer.deterministic else "add_atomically"
        self.page.write(f"{add}({given}, launch, empty)", root)

    def _whole(self) -> int:
        """How many axes at the end are added to as a whole."""
        target, value = self.root.inputs[0].type.shape, self.root.inputs[1].type.shape
        items = self.root.attrs["at"]
        assert isinstance(items, tuple)
        behind = len(target) - len(items)
        last = len(items) - 1
        while last >= 0 and items[last] == "all":
            behind, last = behind + 1, last - 1
        assert value[len(value) - behind :] == target[len(target) - behind :]
        return behind

    def _update(self, root: Eqn, indices: Sequence[str]) -> None:
        self.places[root] = self.writer.updated(root, self.scope)
        where = roots.target(root, indices, self.elements.element)
        whole, target, value = self._whole(), root.inputs[0].type.shape, root.inputs[1].type.shape
        row = number(indices[: len(value) - whole], value)
        column = number(indices[len(value) - whole :], value[len(value) - whole :])
        place = number(where[: len(target) - whole], target)
        at = ", ".join(self.writer.index_text(text) for text in (row, column))
        self._say(root, f"{self.values_listed}[{at}] = {self.elements.element(root.inputs[1], indices)}")
        first = "" if column == "0" else f"if {column} == 0: "
        self._say(root, f"{first}{self.places_listed}[{self.writer.index_text(row)}] = {place}")
