"""The memory that a call takes, computed before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .backends import Compiled
from .frontend.captured import Inputs


@dataclass(frozen=True)
class Memory:
    """Bytes that one call takes beyond its arguments.

    Attributes
    ----------
    results
        Arrays that the call returns; not taken where `out` brings them.
    workspace
        Memory for everything else that is planned, kept between calls: see `clear_buffers`. A call may be
        given a larger piece that is kept already.
    inside
        What arrays that the compiled code makes and frees on the way add to that, where most is taken.
    copies
        Arguments that are not contiguous, and are copied first.
    plans
        What loops that run by schedules are told to do.
    unknown
        What only the call finds out, and is not counted: tapes of loops whose number of trips the data
        decide, say. Empty where the numbers are all there is.
    """

    results: int
    workspace: int
    inside: int
    copies: int
    plans: int
    unknown: tuple[str, ...]

    @property
    def peak(self) -> int:
        """All of it: the most bytes that are taken at a time, up to a few kilobytes of Python's objects."""
        return self.results + self.workspace + self.inside + self.copies + self.plans

    def __str__(self) -> str:
        parts = {"results": self.results, "workspace": self.workspace, "inside": self.inside}
        parts |= {"copies of arguments": self.copies, "plans of loops": self.plans}
        counted = ", ".join(f"{name} {count:,}" for name, count in parts.items() if count)
        lines = [f"{self.peak:,} bytes" + (f": {counted}" if counted else "")]
        return "\n".join([*lines, *(f"not counted: {what}" for what in self.unknown)])


def memory(program: Compiled, inputs: Inputs, own: Inputs, given: Sequence[Any]) -> Memory:
    """What a program takes when it is called with these inputs: `own`, made of the leaves given; plans."""
    values = inputs[: len(program.function.body.params)]
    leaves, mine = {id(leaf) for leaf in given}, {id(v) for v in own}
    arrays = [v for v in values if isinstance(v, np.ndarray)]
    copies = sum(v.nbytes for v in arrays if id(v) in mine and id(v) not in leaves)
    plans = sum(v.nbytes for v in arrays if id(v) not in mine)
    sizes = dict(zip(program.function.sizes, inputs[len(values) :], strict=True))
    needs = program.needs_at(sizes)
    known = (needs.result_bytes(sizes), needs.workspace_bytes(sizes), needs.inside_bytes(sizes))
    return Memory(*known, copies, plans, needs.unknown)
