"""The host program: Python that makes device arrays, launches kernels, and runs loops over launches.

Blocks, carries and branches are written as for NumPy; in place of statements on arrays stand launches. A
number that the device has computed is memory of one element: its source text reads it, in a kernel from the
device, on the host when all before is done.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ....ir.graph import Block, Constant, Eqn, Value, reads
from ....ir.op import Library
from ....ir.types import ArrayType
from ...blocks import place_text
from ...inlining import overwritten
from ...kernels import Schedule, fused
from ...memory import Group, Place, Scope
from ...products import library_product
from ...roots import is_row
from ...source import Fresh, Line, Page, zero
from .device_calls import DeviceCallWriter
from .grid_text import ONE, over_points, points_shape
from .grids import ON_GRID
from .launch_writer import LaunchWriter


class HostWriter(LaunchWriter):
    """The body of one host program, and its kernels."""

    # ---- what a target says ----

    def schedule(self, block: Block) -> Schedule:
        """That of nests on a grid; elements are read where they lie, as late as they are used."""
        found = fused(block, ON_GRID)
        position, written = dict(found.position), overwritten(block, found.position)
        for eqn in reversed(block.eqns):
            if not _is_element(eqn) or eqn not in position:
                continue
            readers = [position[e] for e in position if eqn.output in reads(e)]
            used = max([position[eqn], *readers, *([len(block.eqns)] if eqn.output in block.results else [])])
            if position[eqn] < written.get(eqn.inputs[0], used + 1) <= used:
                self.kept.add(eqn)
            else:
                position[eqn] = used
        return replace(found, position=position)

    def statement(self, eqn: Eqn, scope: Scope) -> None:
        if _is_element(eqn):
            self._element(eqn)
        elif is_row(eqn):
            self._row(eqn, scope)
        elif eqn.output.type.rank and eqn.op.name in ("zeros", "undefined"):
            nothing = zero(eqn.output.type.dtype)
            self.allocate(eqn.output, scope, eqn, nothing if eqn.op.name == "zeros" else "")
        elif library_product(eqn) is not None:
            DeviceCallWriter(self, eqn, scope).product()
        elif isinstance(eqn.op.lowering, Library):
            DeviceCallWriter(self, eqn, scope).noted(eqn.op.lowering, self.status, self.numbered(eqn))
        else:
            assert not eqn.output.type.rank, f"{eqn.op.name} has no lowering"
            super().statement(eqn, scope)

    def _element(self, eqn: Eqn) -> None:
        """An element is read where it lies, unless the array is overwritten before."""
        base, *operands = eqn.inputs
        text = place_text(self.place(base).at(*map(self.text, operands)))
        if eqn in self.kept:
            place = self.number_place(eqn.output, eqn)
            self.launch([Line(f"{place_text(place)} = {text}")], ONE, eqn)
        else:
            self.texts[eqn.output] = text

    def _row(self, eqn: Eqn, scope: Scope) -> None:
        """A row is looked at where it lies, unless the array is overwritten while the row is still read."""
        base, *operands = eqn.inputs
        place = self.place(base).at(*map(self.text, operands))
        if eqn.output in self.rows:
            made, _ = self.target(eqn.output, scope)
            self.overwrite(self.page, made, place, eqn.output.type, eqn)
        elif scope.outlives(eqn.output, base, eqn):
            self.assign(eqn, f"copy({place_text(place)})", scope)
        else:
            self.view(eqn, place)

    def update(self, eqn: Eqn, place: Place) -> None:
        if self.placement.knows(eqn.inputs[0]):
            super().update(eqn, place)
            return
        with self.in_kernel():
            at = place.at(*(self.index_text(self.text(v)) for v in eqn.inputs[2:]))
            sign = "+=" if eqn.op.name == "add_at" else "="
            self.launch([Line(f"{place_text(at)} {sign} {self.text(eqn.inputs[1])}")], ONE, eqn)

    def overwrite(
        self, page: Page, place: Place, source: Place, type: ArrayType, eqn: Eqn | None = None
    ) -> None:
        page.write(f"overwrite({place_text(place)}, {place_text(source)})", eqn)

    def allocate(self, value: Value, scope: Scope, eqn: Eqn | None = None, fill: str = "") -> Place:
        place, there = self._reused(value, scope, eqn) or self.target(value, scope)
        if not there:
            self.make(place.name, value.type, eqn, "zeros" if fill == zero(value.type.dtype) else "empty")
        if fill and (there or fill != zero(value.type.dtype)):
            self._filled(place, value.type, fill, eqn)
        return place

    def _filled(self, place: Place, type_: ArrayType, fill: str, eqn: Eqn | None) -> None:
        """A kernel that writes a number to each element."""
        with self.in_kernel():
            indices = [self.names.loop(axis) for axis in range(type_.rank)]
            at = place_text(place.at(*map(self.index_text, indices)))
            self.launch(over_points(indices, type_.shape, f"{at} = {fill}"), points_shape(type_.shape), eqn)

    def copy(self, name: str, value: Value, eqn: Eqn | None = None) -> None:
        if self.placement.knows(value):
            super().copy(name, value, eqn)
            return
        source = place_text(self.place(value))
        self.page.write(f"{name} = copy({source})", eqn, Fresh(name, value.type, filling=None))

    def place(self, value: Value) -> Place:
        if value not in self.places:
            assert isinstance(value, Constant)
            held, name = self.names.fresh("constant"), self.names.fresh("constant_there")
            self.constants[held] = value.data
            self.globals = self.globals | {held}
            self.resident[name] = held
            self.places[value] = Place(name, (), Group(None))
        return self.places[value]

    def store_items(self, value: Value) -> None:
        for place in self.items.pop(value, ()):
            if value.type.rank:
                if self.place(value) != place:
                    self.overwrite(self.page, place, self.place(value), value.type)
            else:
                self.launch([Line(f"{place_text(place)} = {self.text(value)}")], ONE, None)

    # ---- what the host waits for ----

    def wait(self, name: str, text: str, eqn: Eqn) -> None:
        """A number for the host that a kernel leaves; it leaves none where a check has failed."""
        self.page.extend(self._leave())
        self.page.write(f"{name} = int({text})", eqn)

    def _leave(self) -> list[Line]:
        """Leave the program if a check has failed on the device."""
        if not self.checks_on_device:
            return []
        depth = self.page.depth
        return [
            Line(f"if first_failed({self.status}.words):", depth),
            Line(f"return {self.stopped('0')}", depth + 1),
        ]

    def _step(self, eqn: Eqn, scope: Scope) -> None:
        if eqn.op.name == "bind" and not self.placement.knows(eqn.inputs[0]):
            self.wait(str(eqn.attrs["size"]), self.text(eqn.inputs[0]), eqn)
        else:
            super()._step(eqn, scope)

    def _head(self, eqn: Eqn, index: str, asked: Sequence[Line], ok: str, tapes: Sequence[Place]) -> None:
        if not self.placement.knows(eqn.blocks[0].results[0]):
            with self.page.indented():
                asked = [*asked, *self._leave()]
        super()._head(eqn, index, asked, ok, tapes)

    def tape(self, name: str, type: ArrayType, eqn: Eqn) -> None:
        self.make(name, type, eqn)

    # ---- checks ----

    def check(self, eqn: Eqn, ok: str, scope: Scope) -> None:
        number = self.numbered(eqn)
        self.page.write(f"if not {ok}:", eqn)
        with self.page.indented():
            self.page.write(f"return {self.stopped(str(number))}")

    def stopped(self, number: str) -> str:
        """What the program returns when a check fails: its number, and no results."""
        failed = f"first_failed({self.status}.words, {number})" if self.checks_on_device else number
        return f"({', '.join([failed, *['None'] * len(self.function.body.results)])},)"

def _is_element(eqn: Eqn) -> bool:
    """Whether it reads one number of an array."""
    return eqn.op.name == "index" and not eqn.output.type.rank
