"""A program for a device: what runs on the host, and the nests, loops and branches that become kernels."""

from __future__ import annotations

from ....ir.graph import Eqn
from ...kernels import Nest
from ...memory import Scope
from ..passes.placement import Runs
from .host_writer import HostWriter
from .nests import write_nest
from .threads import write_region


class DeviceWriter(HostWriter):
    """The body of one host program, and its kernels."""

    def nest(self, nest: Nest, scope: Scope) -> None:
        with self.in_kernel():
            write_nest(self, nest, scope)

    def control(self, eqn: Eqn, scope: Scope) -> None:
        region = self.placement.regions[eqn]
        if region.runs is Runs.HOST:
            super().control(eqn, scope)
        else:
            write_region(self, region, scope)
