"""Kernels taken out of a host program: their lines, their parameters, and their launches.

What the lines of a kernel mention and do not make are its parameters. Neighbouring kernels of one thread are
one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from ....ir.graph import Constant, Eqn, Function, Value, walk
from ....ir.op import Library, constructor
from ....ir.types import ArrayType, Dim, Sizes
from ...accumulate import step_template
from ...blocks import place_text, size_names
from ...flow import assignments
from ...memory import Group, Place
from ...numpy_backend import NumpyWriter
from ...source import Fresh, Line, literal, tuple_text
from ..passes.placement import placed
from .grid_text import ONE


@dataclass(frozen=True)
class Kernel:
    """A kernel: its name, the variables that are its parameters, and the lines that a thread runs."""

    name: str
    parameters: tuple[str, ...]
    lines: Sequence[Line]


class LaunchWriter(NumpyWriter):
    """A writer of host programs, as far as kernels and their launches go."""

    def __init__(self, function: Function, taken: Collection[str], deterministic: bool) -> None:
        super().__init__(function, taken)
        self.deterministic = deterministic
        """Whether results have the same bits in every run."""
        self.globals = self.names.taken - set(size_names(function))
        self.kernels: list[Kernel] = []
        self.steps: dict[tuple[str, str], str] = {}
        """The device functions that put together what lanes have reduced, by step and dtype."""
        self.resident: dict[str, str] = {}
        """Constant arrays on the device, and the globals that hold their elements."""
        self.status = self.names.fresh("status")
        """The words that tell which checks have failed on the device."""
        self.turn = self.names.fresh("turn")
        """The number of a launch, by which kernels know what has failed before."""
        self.checks_on_device = any(_may_fail(eqn) for eqn in walk(function.body))
        self.strided: set[str] = set()
        """Arrays that lie in memory in another order than that of their axes."""
        self.views: dict[str, ArrayType] = {}
        """Variables that hold arrays in other shapes."""
        self.counts: dict[str, Callable[[Sizes], int]] = {}
        """What types of arrays mention beside sizes: numbers of tiles and of threads."""
        self.kept: set[Eqn] = set()
        """Reads of elements that are overwritten before they are used."""
        self.placement = placed(function)
        self._in_kernel = False

    # ---- kernels ----

    def launch(self, lines: Sequence[Line], shape: str, eqn: Eqn | None) -> None:
        """A kernel of these lines, and the line of the host that starts it."""
        if not lines:
            return
        before = self._before() if shape == ONE else None
        if before is not None:
            # the same thread runs both
            place, kernel = before
            self.kernels.remove(kernel)
            del self.page.lines[place]
            lines = [*kernel.lines, *lines]
        name = kernel.name if before else self.names.fresh(f"{self.function.name}_kernel")
        self.globals = self.globals | {name}
        failures = (self.status, self.turn) if self.checks_on_device else ()
        given = tuple(word for word in self._mentioned(lines) if word not in failures)
        self.kernels.append(Kernel(name, (*given, *failures), lines))
        self.page.write(f"launch({', '.join((name, shape, *given, *failures[:1]))})", eqn)

    def _before(self) -> tuple[int, Kernel] | None:
        """The line that launches one thread, and its kernel, if only memory has been asked for since."""
        for place in range(len(self.page.lines) - 1, -1, -1):
            line = self.page.lines[place]
            if line.depth != self.page.depth:
                return None
            found = re.match(rf"launch\((\w+), {re.escape(ONE)}", line.text)
            if found:
                return place, next(k for k in self.kernels if k.name == found[1])
            if not re.match(r"\w+ = (empty|zeros)\(", line.text):
                return None
        return None

    def _mentioned(self, lines: Sequence[Line]) -> Iterator[str]:
        """The variables of the host that lines mention and do not make."""
        own = {name for line in lines for name, _ in assignments(line)}
        own |= {found[1] for line in lines if (found := re.match(r"for (\w+) in ", line.text))}
        words = [w for line in lines for w in re.findall(r"(?<![\w.])[A-Za-z_]\w*", line.text)]
        known = self.names.taken - self.globals
        return (w for w in dict.fromkeys(words) if w in known and w not in own)

    @contextmanager
    def in_kernel(self) -> Iterator[None]:
        """What is written inside is read by threads."""
        before, self._in_kernel = self._in_kernel, True
        yield
        self._in_kernel = before

    def together(self, root: Eqn) -> str:
        """The device function that puts together what the lanes of a row have reduced."""
        key = step_template(root, vector=False), root.output.type.dtype.numpy.name
        if key not in self.steps:
            self.steps[key] = self.names.fresh(f"{root.op.name}_lanes")
            self.globals = self.globals | {self.steps[key]}
        return self.steps[key]

    def number(self, eqn: Eqn) -> str:
        """Memory for a number that the device computes, and the text that reads it."""
        return place_text(self.number_place(eqn.output, eqn))

    def number_place(self, value: Value, eqn: Eqn) -> Place:
        name = self.names.fresh(value.name)
        type_ = value.type.with_shape([Dim.of(1)])
        self.make(name, type_, eqn)
        self.texts[value] = f"{name}[0]"
        self.places[value] = Place(name, ("0",), Group(None))
        return self.places[value]

    def side_by_side(self, name: str, first: Sequence[Dim], type_: ArrayType, eqn: Eqn | None) -> None:
        """An array of `first` axes and, behind them, those of a type, which lies in memory the other way
        round: the same element for neighbours of the first axes side by side."""
        around, shape = (tuple_text([str(d) for d in dims]) for dims in (first, type_.shape))
        made = Fresh(name, type_.with_shape([*first, *type_.shape]), filling=None)
        self.page.write(f"{name} = side_by_side({around}, {shape}, {constructor(type_.dtype)})", eqn, made)
        self.strided.add(name)

    def numbered(self, check: Eqn) -> int:
        """The number of a check."""
        if check not in self.checks:
            self.checks.append(check)
        return 1 + self.checks.index(check)

    def make(self, name: str, type_: ArrayType, eqn: Eqn | None, function: str = "empty") -> None:
        """A line that makes an array."""
        shape, dtype = tuple_text([str(d) for d in type_.shape]), constructor(type_.dtype)
        self.page.write(f"{name} = {function}({shape}, {dtype})", eqn, Fresh(name, type_, filling=None))

    # ---- what is written in a kernel ----

    def index_text(self, text: str) -> str:
        if not self._in_kernel or text.isdigit() or text in self.ascending or text.startswith("U("):
            return text
        return f"U({text})"

    def scalar(self, value: Value) -> str:
        return literal(value) if self._in_kernel and isinstance(value, Constant) else super().scalar(value)

    def failing(self, number: int, trip: str = "0") -> str:
        """A statement of a kernel: a check has failed, in a trip of the loop that is the grid."""
        return f"fail({self.status}, {number}, {self.turn}, {trip})"

    # ---- types of variables ----

    def array_type(self, name: str) -> ArrayType | None:
        """The type of the array that a variable holds, with sizes of no meaning."""
        return self._types().get(name)

    def _types(self) -> dict[str, ArrayType]:
        made = {line.makes.name: line.makes.type for line in self.page.lines if line.makes is not None}
        found = made | self.views
        for value, place in self.places.items():
            if value.type.rank or place.indices:
                rank = value.type.rank + len(place.indices)
                found[place.name] = value.type.with_shape([Dim.of(2)] * rank)
        return found


def _may_fail(eqn: Eqn) -> bool:
    return eqn.op.name == "check" or isinstance(eqn.op.lowering, Library)
