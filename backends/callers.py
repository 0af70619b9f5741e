"""The Python function around a kernel, as source.

It decides who takes a call, by sizes alone: the kernel with the loops as they stand, or, where there is
enough to do, the one whose loops are cut into chunks. It hands over memory that is kept between calls and the
threads that may be used, and makes scalars of the results' dtypes of the Python numbers that Numba gives.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..ir.op import constructor
from ..ir.types import ArrayType, Dim
from . import cuts
from .source import Line, tuple_text

NOTHING = Dim.of(0)


@dataclass(frozen=True)
class CallerWriter:
    """What there is to say of a kernel: among others the source of its call, the variable of its memory and
    the words of it, and how many operations its loops have that could be cut."""

    name: str
    parameters: Sequence[str]
    results: Sequence[ArrayType]
    checked: bool
    kernel: str
    memory: tuple[str, Dim]
    work: Dim
    fresh: Callable[[str], str]

    def lines(self, team: Sequence[str] = ()) -> list[Line]:
        """The function; `team` are the variables of the kernel that say who runs its chunks."""
        parameters = list(self.parameters)
        outcome, returned = self._outcome()
        body = [Line(f"{outcome} = {self.kernel}")]
        before: list[Line] = []
        if team:
            mine, entered = self.fresh("team"), self.fresh("entered")
            body = [
                Line(f"{', '.join(team)} = {entered} = {mine}.enter()"),
                Line("try:"),
                *(Line(line.text, 1) for line in body),
                Line("finally:"),
                Line(f"{mine}.leave({entered})", 1),
            ]
            parameters.insert(0, mine)
        elif self.work != NOTHING:
            large = self.fresh("large")
            before = [
                Line(f"if {self.work} >= {cuts.WORTH}:  # worth threads"),
                Line(f"return {large}({', '.join(parameters)})", 1),
            ]
            parameters.insert(0, large)
        work, words = self.memory
        if words != NOTHING:
            take, back = f"{work} = workspace.take({words})", f"workspace.give_back({work})"
            body = [Line(take), *body, Line(back)]
        head = Line(f"def {self.name}({', '.join(parameters)}):")
        inside = [*before, *body, Line(f"return {returned}")]
        return [head, *(Line(line.text, line.depth + 1) for line in inside)]

    def _outcome(self) -> tuple[str, str]:
        """What the kernel's results are called, and what the caller returns of them."""
        if all(r.rank for r in self.results):
            name = self.fresh("results")
            return name, name
        found = [self.fresh(f"r{k}") for k in range(len(self.results))]
        status = ["status"] if self.checked else []
        typed = [
            f if r.rank else f"{constructor(r.dtype)}({f})" for f, r in zip(found, self.results, strict=True)
        ]
        return tuple_text([*status, *found]), tuple_text([*status, *typed])
