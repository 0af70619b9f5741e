"""Nests as kernels, each in its form."""

from __future__ import annotations

from ..kernels import Nest
from ..memory import Scope
from .grid_nests import GridNest, RowNest, TileNest
from .grids import Form, adds_by_data, mapped
from .host_writer import HostWriter
from .scatter_nests import ScatterNest


def write_nest(writer: HostWriter, nest: Nest, scope: Scope) -> None:
    """Write a nest as a kernel, and its launch."""
    found = mapped(nest.tree, writer.scheduled(scope.block).inlined)
    kind = {Form.LANES: RowNest, Form.TILES: TileNest}.get(found.form, GridNest)
    if any(map(adds_by_data, nest.roots)):
        kind = ScatterNest
    kind(writer, nest, scope, found.points).write()
