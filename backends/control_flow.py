"""Equations with blocks as Python source, for the CPU targets."""

from __future__ import annotations

from ..ir.errors import VerifierError
from ..ir.graph import Eqn
from .branches import BranchWriter
from .loops import LoopWriter
from .memory import Scope


class ControlWriter(LoopWriter, BranchWriter):
    """A writer of blocks that writes equations with blocks, too."""

    def control(self, eqn: Eqn, scope: Scope) -> None:
        match eqn.op.name:
            case "for":
                self.for_loop(eqn, scope)
            case "while":
                self.while_loop(eqn, scope)
            case "if":
                self.branch(eqn, scope)
            case _:
                raise VerifierError(f"{eqn.op.name} is inlined before a Function is compiled", eqn.location)
