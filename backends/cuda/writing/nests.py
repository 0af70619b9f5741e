"""Nests as kernels, each in its form."""

from __future__ import annotations

from ....ir.op import Scan
from ...kernels import Nest
from ...memory import Scope
from .chunked_nests import may_be_chunked, write_chunked
from .grid_nests import GridNest, RowNest, TileNest
from .grids import Form, adds_by_data, mapped
from .host_writer import HostWriter
from .scan_nests import ScanNest
from .scatter_nests import ScatterNest


def write_nest(writer: HostWriter, nest: Nest, scope: Scope) -> None:
    """Write a nest as a kernel, and its launch."""
    found = mapped(nest.tree, writer.scheduled(scope.block).inlined)
    if found.points and may_be_chunked(found.points, nest):
        write_chunked(writer, nest, scope, found.points, found.form is Form.LANES)
        return
    kind = {Form.LANES: RowNest, Form.TILES: TileNest}.get(found.form, GridNest)
    if any(map(adds_by_data, nest.roots)):
        kind = ScatterNest
    elif any(isinstance(root.op.lowering, Scan) for root in nest.roots):
        kind = ScanNest
    kind(writer, nest, scope, found.points).write()
