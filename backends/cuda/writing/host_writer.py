"""The host program: Python that makes device arrays, launches kernels, and runs loops over launches.

Blocks, carries and branches are written as for NumPy. In place of statements on arrays stand launches of
kernels, which are taken out of the lines that a thread runs: what such lines mention and do not make are
parameters. A number that the device has computed is memory of one element: its source text reads it, in a
kernel from the device, on the host when all before is done.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from ....ir.graph import Block, Constant, Eqn, Function, Value, reads, walk
from ....ir.op import Library, constructor
from ....ir.types import ArrayType, Dim, Sizes
from ...accumulate import step_template
from ...blocks import place_text, size_names
from ...flow import assignments
from ...inlining import overwritten
from ...kernels import Schedule, fused
from ...memory import Group, Place, Scope
from ...numpy_backend import NumpyWriter
from ...products import library_product
from ...roots import is_row
from ...source import Fresh, Line, Page, in_loop, literal, tuple_text, zero
from ..passes.placement import placed
from .device_calls import DeviceCallWriter
from .grids import ON_GRID

AXES = "xyz"
"""Of a grid, the innermost loop first."""

ONE = "points()"
"""The shape of a launch of one thread."""


@dataclass(frozen=True)
class Kernel:
    """A kernel: its name, the variables that are its parameters, and the lines that a thread runs."""

    name: str
    parameters: tuple[str, ...]
    lines: Sequence[Line]


class HostWriter(NumpyWriter):
    """The body of one host program, and its kernels."""

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

    def index_text(self, text: str) -> str:
        if not self._in_kernel or text.isdigit() or text in self.ascending or text.startswith("U("):
            return text
        return f"U({text})"

    def scalar(self, value: Value) -> str:
        return literal(value) if self._in_kernel and isinstance(value, Constant) else super().scalar(value)

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

    def failing(self, number: int, trip: str = "0") -> str:
        """A statement of a kernel: a check has failed, in a trip of the loop that is the grid."""
        return f"fail({self.status}, {number}, {self.turn}, {trip})"

    def stopped(self, number: str) -> str:
        """What the program returns when a check fails: its number, and no results."""
        failed = f"first_failed({self.status}.words, {number})" if self.checks_on_device else number
        return f"({', '.join([failed, *['None'] * len(self.function.body.results)])},)"

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


def over_points(indices: Sequence[str], extents: Sequence[Dim], text: str) -> list[Line]:
    """A statement for each point of a grid."""
    lines = [Line(text)]
    for behind, (index, extent) in enumerate(zip(reversed(indices), reversed(extents), strict=True)):
        trips = grid_range(extent, AXES[behind]) if behind < len(AXES) else f"range({extent})"
        lines = in_loop(f"for {index} in {trips}:", lines, "")
    return lines


def points_shape(extents: Sequence[Dim]) -> str:
    """The shape of a launch of a thread for each point, as source of the host."""
    return f"points({', '.join(map(str, extents))})"


def grid_range(extent: Dim, axis: str, backwards: bool = False) -> str:
    """The trips that a thread of a grid takes."""
    start = f"cuda.blockIdx.{axis} * cuda.blockDim.{axis} + cuda.threadIdx.{axis}"
    apart = f"cuda.gridDim.{axis} * cuda.blockDim.{axis}"
    if backwards:
        return f"range({extent - 1} - ({start}), -1, -({apart}))"
    return f"range({start}, {extent}, {apart})"


def _is_element(eqn: Eqn) -> bool:
    """Whether it reads one number of an array."""
    return eqn.op.name == "index" and not eqn.output.type.rank


def _may_fail(eqn: Eqn) -> bool:
    return eqn.op.name == "check" or isinstance(eqn.op.lowering, Library)


