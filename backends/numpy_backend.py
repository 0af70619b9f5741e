"""Whole-array Python source: each equation one statement that calls NumPy, loops as Python loops."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial
from typing import Any

import numpy as np

from ..ir.graph import Attr, Block, Constant, Eqn, Function, Value
from ..ir.op import Library, Op, constructor
from ..ir.ops.indexing import Item, items, selected
from ..ir.types import ArrayType, Dim, DType
from . import cache, numpy_scratch
from .blocks import place_text
from .compiled import Compiled, Options, Results, copied_into, destined, raising
from .control_flow import ControlWriter
from .drops import droppable, with_drops
from .kernels import Nest, Schedule, kernels_text, plain
from .memory import Place, Scope
from .peak import OF_LIBRARY, needs, said
from .source import Line, Page, allocation, literal, remark, render, tuple_text

TAPES = ("first_rows", "grown")
"""Functions of `tapes` that the source calls."""

OPERATORS = {np.add: "+", np.subtract: "-", np.multiply: "*", np.divide: "/"}


class NumpyWriter(ControlWriter):
    """The body of one generated function."""

    makes_once = False

    def __init__(self, function: Function, taken: Collection[str]) -> None:
        super().__init__(function, [*taken, "OPS", "DType"])
        self.records: dict[Op, str] = {}
        """Ops that no NumPy function stands for, by the names under which the source calls them."""
        self.apart: set[Value] = set()
        """Views of rank 2 or more whose rows lie apart."""
        self.unknown: list[str] = []
        """Memory that is not known before the call, of functions whose source does not tell."""

    def schedule(self, block: Block) -> Schedule:
        return plain(block)

    def nest(self, nest: Nest, scope: Scope) -> None:
        raise AssertionError("whole arrays need no nests")

    def statement(self, eqn: Eqn, scope: Scope) -> None:
        if eqn.op.name == "index":
            self._taken(eqn, scope)
        elif eqn.op.name in ("zeros", "undefined") and eqn.output.type.rank:
            function = "np.zeros" if eqn.op.name == "zeros" else "np.empty"
            self.assign(eqn, allocation(function, eqn.output.type), scope)
        elif eqn.op.numpy in OPERATORS and not all(isinstance(v, Constant) for v in eqn.inputs):
            sign = OPERATORS[eqn.op.numpy]
            text = f" {sign} ".join(map(self.text, eqn.inputs))
            self.assign(eqn, text, scope, numpy_scratch.of_call(eqn, self.apart))
        else:
            if isinstance(eqn.op.lowering, Library):
                self.unknown.append(said(OF_LIBRARY, remark(eqn)))
            arguments = [*map(self.scalar, eqn.inputs)]
            arguments += [f"{name}={attr_text(attr)}" for name, attr in eqn.attrs.items()]
            # np.where of scalars gives an array of rank 0
            scalar = "[()]" if eqn.op.numpy is np.where and not eqn.output.type.rank else ""
            text = f"{self._callee(eqn.op)}({', '.join(arguments)}){scalar}"
            self.assign(eqn, text, scope, numpy_scratch.of_call(eqn, self.apart))

    def scalar(self, value: Value) -> str:
        """A literal has its dtype: a Python number would not be divided by zero."""
        if isinstance(value, Constant) and not value.type.rank:
            return typed_literal(value)
        return self.text(value)

    def _callee(self, op: Op) -> str:
        """A function of NumPy by its name, else that of the record."""
        name = getattr(op.numpy, "__name__", "")
        for prefix, module in (("np", np), ("np.linalg", np.linalg)):
            if name and getattr(module, name, None) is op.numpy:
                return f"{prefix}.{name}"
        if op not in self.records:
            self.records[op] = self.names.fresh(op.name)
        return self.records[op]

    # ---- parts of arrays ----

    def _taken(self, eqn: Eqn, scope: Scope) -> None:
        base, *operands = eqn.inputs
        taken = items(eqn.attrs, len(operands))
        parts = [self._key(i, [self.text(v) for v in operands]) for i in taken]
        copied = any(item.kind == "gather" for item in taken)
        place = self.place(base)
        text = self._part(place, taken, parts)
        if (
            copied
            or not eqn.output.type.rank
            or eqn.output in self.rows
            or scope.outlives(eqn.output, base, eqn)
        ):
            viewed = eqn.output.type.rank and not copied
            self.assign(eqn, f"{text}.copy()" if viewed else text, scope)
            return
        if eqn.output.type.rank > 1 and numpy_scratch.rows_apart(taken, base in self.apart):
            self.apart.add(eqn.output)
        if all(item.kind == "point" for item in taken):
            self.view(eqn, place.at(*parts))
        else:
            name = self.names.fresh(eqn.output.name)
            self.page.write(f"{name} = {text}", eqn)
            self.handed_on.setdefault(place.name, set()).add(name)
            self.view(eqn, Place(name, (), place.group))

    def update(self, eqn: Eqn, place: Place) -> None:
        base, value, *operands = eqn.inputs
        taken = items(eqn.attrs, len(operands))
        parts = [self._key(i, [self.text(v) for v in operands]) for i in taken]
        # what a reshape gives is no target of an assignment
        whole = "[:]" if any(item.kind == "block" for item in taken) else ""
        if eqn.op.name == "put":
            self.page.write(f"{self._part(place, taken, parts)}{whole} = {self.text(value)}", eqn)
        elif any(item.kind == "gather" for item in taken):
            self.page.write(
                f"np.add.at({place_text(place)}, np.s_[{', '.join(parts)}], {self.text(value)})", eqn
            )
        else:
            part = selected(base.type, [v.type for v in operands], eqn.attrs)
            apart = part.rank > 1 and numpy_scratch.rows_apart(taken, base in self.apart)
            scratch = numpy_scratch.of_addition(part, apart, value, self.apart)
            text = f"{self._part(place, taken, parts)}{whole} += {self.text(value)}"
            self.page.write(text, eqn, scratch=scratch)

    def _part(self, place: Place, taken: Sequence[Item], parts: Sequence[str]) -> str:
        """A part of an array; fixed indices and slices stand in one pair of brackets where NumPy means the
        same."""
        if any(item.kind == "gather" for item in taken):
            return f"{place_text(place)}[{', '.join(parts)}]"
        shape = next((item.extents for item in taken if item.kind == "block"), ())
        reshaped = f".reshape({tuple_text(list(map(str, shape)))})" if shape else ""
        return place_text(place.at(*parts)) + reshaped

    def _key(self, item: Item, operands: Sequence[str]) -> str:
        if item.operand is None:
            return ":"
        start = operands[item.operand]
        if item.kind == "block":
            return f"{start}:{start} + {item.length}"
        if item.kind != "span":
            return start
        length = str(item.length)
        if item.step == 1:
            return f"{start}:{start} + {length}"
        if item.step > 0:
            return f"{start}:{start} + ({length})*{item.step}:{item.step}"
        return f"backwards({start}, {length}, {item.step})"

    # ---- control ----

    def trips(self, length: Dim, reverse: bool) -> str:
        """Numbers of NumPy: a Python one would not be divided by zero."""
        return f"map(np.int64, range({length - 1}, -1, -1))" if reverse else f"map(np.int64, range({length}))"

    def first_index(self) -> str:
        return "np.int64(0)"

    def index_text(self, text: str) -> str:
        return text

    def overwrite(
        self, page: Page, place: Place, source: Place, type: ArrayType, eqn: Eqn | None = None
    ) -> None:
        where = place_text(place) if place.indices else f"{place.name}[:]"
        page.write(f"{where} = {place_text(source)}", eqn)

    def check(self, eqn: Eqn, ok: str, scope: Scope) -> None:
        super().check(eqn, f"np.all({ok})" if eqn.inputs[0].type.rank else ok, scope)

    def stop(self, scope: Scope) -> None:
        count = len(self.function.body.results)
        self.page.write(f"return {tuple_text([str(len(self.checks)), *['None'] * count])}")

    def left(self, scope: Scope) -> None:
        """A check that failed has left the function."""


def backwards(start: int, length: int, step: int) -> slice:
    """`length` elements from `start` on, a negative `step` apart."""
    stop = start + length * step
    return slice(start, None if stop < 0 else stop, step) if length else slice(0, 0)


def attr_text(attr: Attr) -> str:
    """An attribute as an argument."""
    if isinstance(attr, Dim):
        return str(attr)
    if isinstance(attr, DType):
        return f'DType("{attr}")'
    return tuple_text([attr_text(a) for a in attr]) if isinstance(attr, tuple) else repr(attr)


def typed_literal(value: Constant) -> str:
    """A scalar Constant as a NumPy scalar."""
    text = literal(value)
    name = constructor(value.type.dtype)
    return text if text.startswith(name) else f"{name}({text.removeprefix('(').removesuffix(')')})"


def compile_function(function: Function, options: Options) -> Compiled:
    """A Function as Python that calls NumPy; the options say nothing to it."""
    writer = NumpyWriter(function, ["backwards", "next_move", *TAPES])
    name = writer.names.fresh(function.name)
    results = [
        typed_literal(r) if isinstance(r, Constant) and not r.type.rank else text
        for r, text in zip(function.body.results, writer.body(), strict=True)
    ]
    lines = with_drops(writer.page.lines, droppable(writer.page.lines, writer.handed_on), results)
    types = [function.body.results[k].type for k in destined(function)]
    known = needs(lines, types, (), Dim.of(0), writer.handed_on, function.sizes, {}, writer.unknown)
    page = Page()
    _write_header(page, name, writer)
    arguments = [*(writer.texts[p] for p in function.body.params), *function.sizes]
    page.extend([Line(""), Line(""), Line(f"def {name}({', '.join(arguments)}):")])
    page.extend(Line(line.text, line.depth + 1, line.comment) for line in lines)
    status = ["0"] if writer.checks else []
    page.extend([Line(f"return {tuple_text([*status, *results])}", 1)])
    module = cache.Generated(name, page.lines, writer.constants, compiled=False)

    def compile_(*_: Any) -> None:
        entry = getattr(module.load(), name)
        checked = raising(entry, writer.checks)
        params = function.body.params
        destinations = destined(function)
        scalars = [(k, p.type.dtype.numpy.type) for k, p in enumerate(params) if not p.type.rank]

        def call(*args: Any) -> Results:
            given, outs = list(args[: len(arguments)]), args[len(arguments) :]
            for k, kind in scalars:  # a Python float would not be divided by zero
                given[k] = kind(given[k])
            with np.errstate(all="ignore"):
                return copied_into(checked(*given), destinations, outs) if outs else checked(*given)

        compiled.call = call

    def first_call(*args: Any) -> Results:
        compile_()
        return compiled.call(*args)

    notes = tuple(dict.fromkeys(writer.notes))
    text = partial(kernels_text, function)
    compiled = Compiled(function, module.source, text, notes, first_call, known, compile_)
    return compiled


def _write_header(page: Page, name: str, writer: NumpyWriter) -> None:
    page.write(f'"""Generated by adcompiler: {name}, for NumPy."""')
    page.write("")
    page.write("import numpy as np")
    body = render(writer.page.lines, comments=False)
    helpers = [name for name in TAPES if f"{name}(" in body]
    imports = {
        "from adcompiler.backends.numpy_backend import backwards": "backwards(" in body,
        f"from adcompiler.backends.tapes import {', '.join(helpers)}": bool(helpers),
        "from adcompiler.ir.ops import OPS": bool(writer.records),
        "from adcompiler.ir.types import DType": "DType(" in body,
        "from adcompiler.schedules.moves import next_move": "next_move(" in body,
    }
    if any(imports.values()):
        page.write("")
    for line, needed in imports.items():
        if needed:
            page.write(line)
    if writer.records:
        page.write("")
    for op, called in writer.records.items():
        page.write(f'{called} = OPS["{op.name}"].numpy')
