"""The Python function around a kernel, as source.

It decides who takes a call, by sizes alone: the kernel with the loops as they stand, or, where there is
enough to do, the one whose loops are cut into chunks. It makes arrays for results, where the caller brings
none, hands over memory that is kept between calls and the threads that may be used, and makes scalars of the
results' dtypes of the Python numbers that Numba gives.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..ir.op import constructor
from ..ir.types import Dim
from . import cuts
from .destinations import Result
from .source import Line, Page, allocation, tuple_text

NOTHING = Dim.of(0)


@dataclass(frozen=True)
class CallerWriter:
    """What there is to say of a kernel: among others the source of its call, the variable of its memory and
    the words of it, and how many operations its loops have that could be cut."""

    name: str
    parameters: Sequence[str]
    results: Sequence[Result]
    checked: bool
    kernel: str
    memory: tuple[str, Dim]
    work: Dim
    fresh: Callable[[str], str]

    def lines(self, team: Sequence[str] = ()) -> list[Line]:
        """The function; `team` are the variables of the kernel that say who runs its chunks."""
        outs = [r.out for r in self.results if r.out]
        cut = self.work != NOTHING
        first = [self.fresh("team")] if team else [self.fresh("large")] if cut else []
        given = [*first, *self.parameters, *(f"{out}=None" for out in outs)]
        page = Page([Line(f"def {self.name}({', '.join(given)}):")], depth=1)
        if cut and not team:
            page.write(f"if {self.work} >= {cuts.WORTH}:  # worth threads")
            with page.indented():
                page.write(f"return {first[0]}({', '.join([*self.parameters, *outs])})")
        self._make_results(page)
        outcome, returned = self._outcome()
        work, words = self.memory
        if words != NOTHING:
            page.write(f"{work} = workspace.take({words})")
        call = f"{outcome} = {self.kernel}" if outcome else self.kernel
        if team:
            self._in_team(page, call, first[0], team)
        else:
            page.write(call)
        if words != NOTHING:
            page.write(f"workspace.give_back({work})")
        page.write(f"return {returned}")
        return page.lines

    def _make_results(self, page: Page) -> None:
        for result in self.results:
            if not result.out:
                continue
            page.write(f"if {result.out} is None:")
            shape = [d.positive() for d in result.type.shape]  # that of a loop's stack may be negative
            with page.indented():
                page.write(f"{result.out} = {allocation('np.empty', result.type.with_shape(shape))}")

    def _in_team(self, page: Page, call: str, team: str, handed: Sequence[str]) -> None:
        entered = self.fresh("entered")
        page.write(f"{', '.join(handed)} = {entered} = {team}.enter()")
        page.write("try:")
        with page.indented():
            page.write(call)
        page.write("finally:")
        with page.indented():
            page.write(f"{team}.leave({entered})")

    def _outcome(self) -> tuple[str, str]:
        """What the kernel's results are called, and what the caller returns."""
        found = ["status"] if self.checked else []
        returned = list(found)
        for k, result in enumerate(self.results):
            if not result.out:
                found.append(self.fresh(f"r{k}"))
            scalar = f"{constructor(result.type.dtype)}({found[-1]})" if not result.type.rank else ""
            returned.append(scalar or result.out or found[-1])
        return tuple_text(found) if found else "", tuple_text(returned)
