"""Loop nests for the CPU, compiled by Numba.

Generated code never raises and never touches memory outside an array: a failed `check` leaves the function
at once with its number, before anything that relies on it; the caller raises. Indices are cast to unsigned
integers where LLVM cannot see that they are not negative: Python's wrap-around would cost a comparison and
a selection an access.
"""

from __future__ import annotations

import functools
import re
import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial
from inspect import getmembers, isfunction
from typing import Any

from ..ir.graph import Block, Eqn, Function, constant
from ..ir.op import Library, Whole
from ..ir.types import BOOL, ArrayType, Dim
from . import cache, cuts, lapack, special, tapes, vecmath
from .blocks import place_text
from .buffers import in_workspace
from .callers import CallerWriter
from .chunks import Outliner
from .compiled import Compiled, Options, Results, raising
from .control_flow import ControlWriter
from .cuts import Cut
from .destinations import Result, into_destinations, results_of
from .elements import Elements
from .kernels import Nest, Schedule, fused, kernels_text
from .library_calls import CallWriter
from .memory import Group, Place, Scope
from .nests import NestWriter
from .peak import Needs, needs
from .products import library_product
from .recurrences import independent
from .roots import is_row
from .source import Fresh, Line, Names, Page, allocation, render, tuple_text, zero
from .threads import Team

LOWERED = (
    {f.__name__: "vecmath" for f in vecmath.FORMULAS}
    | dict.fromkeys(("part", "alone", "strided"), "carving")
    | dict.fromkeys(("scratch", "summed"), "sums")
    | dict.fromkeys(("empty", "zeros", "nothing"), "fresh")
    | dict.fromkeys(("matmul", "matvec"), "blas")
    | {f.__name__: "lapack" for f in lapack.FUNCTIONS}
    | {"spread": "spreading"}
)
"""Functions that Numba compiles after `lowered` of their modules has told it how."""

HELPERS = LOWERED | {
    name: module.__name__.rpartition(".")[2]
    for module in (special, tapes)
    for name, f in getmembers(module, isfunction)
    if f.__module__ == module.__name__
}
"""Functions that the source calls by their bare names, and the modules of this folder that have them."""

NONE = Dim.of(0)


class NumbaWriter(ControlWriter):
    """The body of one generated function."""

    def __init__(self, function: Function, taken: Collection[str], spreads: bool = False) -> None:
        super().__init__(function, [*taken, *HELPERS])
        self.globals = self.names.taken - set(function.sizes)
        self.spreads = spreads
        """Whether loops are cut into chunks."""
        self.work = NONE
        """Operations of the loops that could be."""
        self.leave = self.names.fresh(f"{function.name}_stopped")
        self.status = self.names.fresh("status")
        """The variable of the number of the check that failed in a loop, 0 if none has."""
        self.broken = False
        """Whether a check stands in a loop."""
        self.independent = independent(function.body)

    def schedule(self, block: Block) -> Schedule:
        return fused(block)

    def nest(self, nest: Nest, scope: Scope) -> None:
        NestWriter(self, nest, scope).write()

    def cut(self, extent: Dim, trip: Dim) -> Cut | None:
        start, stop = (self.names.fresh("start"), self.names.fresh("stop")) if self.spreads else ("", "")
        cut = Cut(start, stop, extent, trip)
        if not cut.work.names() <= set(self.function.sizes):
            return None
        self.work += cut.work
        return cut if self.spreads else None

    def variables(self) -> Collection[str]:
        """Every name that is a variable of the function."""
        return self.names.taken - self.globals

    def statement(self, eqn: Eqn, scope: Scope) -> None:
        value, name = eqn.output, eqn.op.name
        if name in ("zeros", "undefined"):
            self._filled(eqn, scope)
        elif is_row(eqn):
            self._row(eqn, scope)
        elif library_product(eqn):
            CallWriter(self, eqn, scope).product()
        elif isinstance(eqn.op.lowering, Library):
            CallWriter(self, eqn, scope).routine(eqn.op.lowering)
        elif isinstance(eqn.op.lowering, Whole):
            operands = map(CallWriter(self, eqn, scope).operand, eqn.inputs)
            self._called(eqn, eqn.op.lowering.source(eqn, list(operands)), scope)
        else:
            assert not value.type.rank, f"{name} has no lowering"
            self.assign(eqn, Elements(self, {}, eqn in self.independent).computed(eqn, ()), scope)

    def _filled(self, eqn: Eqn, scope: Scope) -> None:
        nothing = zero(eqn.output.type.dtype)
        if not eqn.output.type.rank:
            self.assign(eqn, nothing, scope)
        else:
            self.allocate(eqn.output, scope, eqn, nothing if eqn.op.name == "zeros" else "")

    def _row(self, eqn: Eqn, scope: Scope) -> None:
        """A row is looked at where it lies, unless the array is overwritten while the row is still read."""
        base, *operands = eqn.inputs
        place = self.place(base).at(*(self.index_text(self.text(v)) for v in operands))
        if eqn.output in self.rows:
            made, _ = self.target(eqn.output, scope)
            self.overwrite(self.page, made, place, eqn.output.type, eqn)
        elif scope.outlives(eqn.output, base, eqn):
            self.assign(eqn, f"{place_text(place)}.copy()", scope)
        else:
            self.view(eqn, place)

    def _called(self, eqn: Eqn, call: str, scope: Scope) -> None:
        """The result of a library is an array of its own, also where it belongs into a stack."""
        if eqn.output not in self.rows:
            self.assign(eqn, call, scope)
            return
        name = self.names.fresh(eqn.output.name)
        self.page.write(f"{name} = {call}", eqn, Fresh(name, eqn.output.type, filling=None))
        made, _ = self.target(eqn.output, scope)
        self.overwrite(self.page, made, Place(name, (), Group(None)), eqn.output.type, eqn)

    def update(self, eqn: Eqn, place: Place) -> None:
        at = place.at(*(self.index_text(self.text(v)) for v in eqn.inputs[2:]))
        sign = "+=" if eqn.op.name == "add_at" else "="
        self.page.write(f"{place_text(at)} {sign} {self.text(eqn.inputs[1])}", eqn)

    def into(self, result: Result) -> Sequence[Line]:
        """The copy of a result into the array of the caller."""
        page, nobody = Page(), Group(None)
        self.overwrite(page, Place(result.out, (), nobody), Place(result.source, (), nobody), result.type)
        return page.lines

    def trips(self, length: Dim, reverse: bool) -> str:
        if not reverse:
            return f"range({length})"
        return f"range({length - 1}, -1, -1)"

    def first_index(self) -> str:
        return "0"

    def index_text(self, text: str) -> str:
        return text if text.isdigit() or text in self.ascending or text.startswith("U(") else f"U({text})"

    def overwrite(
        self, page: Page, place: Place, source: Place, type: ArrayType, eqn: Eqn | None = None
    ) -> None:
        """Element by element: Numba compiles that ten times faster than `tape[i] = row`."""
        indices = [self.names.loop(axis) for axis in range(type.rank)]
        depth = page.depth
        for index, extent in zip(indices, type.shape, strict=True):
            page.write(f"for {index} in range({extent}):", eqn)
            page.depth += 1
        page.write(f"{place_text(place.at(*indices))} = {place_text(source.at(*indices))}", eqn)
        page.depth = depth

    def stop(self, scope: Scope) -> None:
        """One return behind the outermost loop costs much less to compile than one at each check."""
        if scope.depth:
            self.broken = True
            self.page.write(f"{self.status} = {len(self.checks)}")
            self.page.write("break")
        else:
            self.page.write(f"return {self.leave}({len(self.checks)})")

    def left(self, scope: Scope) -> None:
        self.page.write(f"if {self.status}:")
        with self.page.indented():
            self.page.write("break" if scope.depth else f"return {self.leave}({self.status})")


# ---- modules ----


@dataclass(frozen=True)
class Entry:
    """One Function as source: the kernel that Numba compiles, and the Python function that calls it."""

    function: Function
    name: str
    kernel: str
    lines: Sequence[Line]
    writer: NumbaWriter
    results: Sequence[Result]
    needs: Needs
    work: Dim
    """Operations of the loops that chunks could run; of calls with many of them another entry takes care."""

    @property
    def words(self) -> Dim:
        """What it needs of memory that is kept."""
        return self.needs.words


def compile_function(function: Function, options: Options) -> Compiled:
    """A Function as machine code; nothing is compiled before `compile()` or the first call."""
    (compiled,) = compile_functions([function], options)
    return compiled


def compile_functions(functions: Sequence[Function], options: Options) -> list[Compiled]:
    """Several Functions in one generated module."""
    entries, module = _module(functions, options)
    return [_compiled(entry, module, options) for entry in entries]


def _module(
    functions: Sequence[Function], options: Options, spreads: bool = False
) -> tuple[list[Entry], cache.Generated]:
    names = Names(["U", "njit", "workspace", *set(HELPERS.values()), *HELPERS])
    entries = [_entry(f, names, options, spreads) for f in functions]
    body = [line for entry in entries for line in entry.lines]
    lines = [*_header(entries, render(body, comments=False), options), *body]
    arrays = {name: data for entry in entries for name, data in entry.writer.constants.items()}
    types = str([p.type for f in functions for p in f.body.params])
    return entries, cache.Generated(entries[0].name, lines, arrays, types)


def _made_cheaply(text: str) -> str:
    """New arrays without the functions that Numba would compile for each."""
    return re.sub(r"\bnp\.(empty|zeros)\(", r"\1(", text)


def _compiled(entry: Entry, module: cache.Generated, options: Options) -> Compiled:
    """One function of a module, compiled for exactly its parameter types at its first call."""
    large = functools.cache(lambda: _large(entry.function, options))
    checks, some = entry.writer.checks, entry.work != NONE
    lock = threading.Lock()

    def compile_(*args: Any) -> None:
        if args and is_large(args):
            large().compile()
            return
        with lock:
            if compiled.kernel is None:
                call = _loaded(entry, module, compiled)
                compiled.call = raising(partial(call, large_call) if some else call, checks)

    def large_call(*args: Any) -> Results:
        return large().call(*args)

    def is_large(args: Sequence[Any]) -> bool:
        return some and _operations(entry, args) >= cuts.WORTH

    def first_call(*args: Any) -> Results:
        if is_large(args):
            return raising(large_call, checks)(*args)
        compile_()
        return compiled.call(*args)

    notes = tuple(dict.fromkeys(entry.writer.notes))
    text = partial(kernels_text, entry.function)
    compiled = Compiled(entry.function, module.source, text, notes, first_call, compile_, needs=entry.needs)
    compiled.large = large if some else None
    return compiled


def _large(function: Function, options: Options) -> Compiled:
    """A Function for calls that are worth threads; what it returns begins with the status of its checks."""
    (entry,), module = _module([function], options, spreads=True)
    team = Team(options.threads if options.parallel else 1)
    lock = threading.Lock()

    def compile_() -> None:
        with lock:
            if compiled.kernel is None:
                compiled.call = partial(_loaded(entry, module, compiled), team)

    def first_call(*args: Any) -> Results:
        compile_()
        return compiled.call(*args)

    notes = tuple(dict.fromkeys(entry.writer.notes))
    text = partial(kernels_text, function)
    compiled = Compiled(function, module.source, text, notes, first_call, compile_, needs=entry.needs)
    return compiled


def _loaded(entry: Entry, module: cache.Generated, compiled: Compiled) -> Callable[..., Results]:
    """Load a module and compile the kernel of an entry; what calls it."""
    kernel = module.kernel(entry.kernel, _signature(entry))
    call: Callable[..., Results] = getattr(module.load(), entry.name)
    compiled.kernel = kernel
    return call


def _operations(entry: Entry, args: Sequence[Any]) -> int:
    """Operations of a call."""
    sizes = entry.function.sizes
    given = args[len(entry.function.body.params) :]
    return entry.work.value(dict(zip(sizes, given, strict=False)))


def _decorator(options: Options, kernel: bool) -> str:
    """No C function is made of a kernel, and no Python function of what only kernels call."""
    fastmath = "True" if options.fastmath else '{"contract"}'
    unneeded = "no_cfunc_wrapper" if kernel else "no_cpython_wrapper"
    return f'@njit(error_model="numpy", fastmath={fastmath}, nogil=True, {unneeded}=True)'


def _header(entries: Sequence[Entry], body: str, options: Options) -> list[Line]:
    page = Page()
    page.write(f'"""Generated by adcompiler: {", ".join(e.name for e in entries)}."""')
    page.write("")
    page.write("import math")
    page.write("")
    page.write("import numpy as np")
    page.write("from numba import njit")
    used = [name for name in HELPERS if re.search(rf"(?<![\w.]){name}\(", body)]
    working = {"workspace"} if any(e.words != NONE for e in entries) else set()
    modules = sorted({HELPERS[name] for name in used} | working)
    if modules:
        page.write("")
        page.write(f"from adcompiler.backends import {', '.join(modules)}")
    page.write("")
    page.write("U = np.uint64  # of an index: not negative, so that no wrap-around is compiled")
    for name in used:
        compiling = f"{LOWERED[name]}.lowered" if name in LOWERED else _decorator(options, kernel=False)[1:]
        page.write(f"{name} = {compiling}({HELPERS[name]}.{name})")
    return page.lines


def _entry(function: Function, names: Names, options: Options, spreads: bool) -> Entry:
    name = names.fresh(function.name)
    kernel = names.fresh(f"{name}_kernel")
    writer = NumbaWriter(function, names.taken, spreads)
    sources = writer.body()
    results = results_of(function, sources, writer.names.fresh)
    names.take(writer.leave)
    for array in writer.constants:
        names.take(array)
    if writer.broken:
        writer.page.lines.insert(0, Line(f"{writer.status} = 0"))
    placed = into_destinations(writer.page.lines, results, writer.handed_on, writer.into)
    returned = [r for r in results if not r.out]
    lines, work, words = in_workspace(
        placed, [r.source for r in returned], writer.handed_on, function.sizes, writer.names.fresh
    )
    brought = [r.type for r in results if r.out]
    known = needs(lines, brought, words, writer.handed_on, function.sizes)
    entry = Entry(function, name, kernel, [], writer, results, known, writer.work)
    page = Page()
    if writer.checks:
        _write_stopped(page, entry, options)
    params = [*(writer.texts[p] for p in function.body.params), *writer.constants, *function.sizes]
    given = [*params, *(r.out for r in results if r.out), *([work] if words != NONE else [])]
    team: list[str] = []
    if spreads:
        outliner = Outliner(name, writer.variables, writer.names.fresh)
        lines = outliner.outlined(lines)
        team = [outliner.entry, outliner.threads]
        for loop, text in outliner.functions.items():
            names.take(loop)
            page.extend([Line(""), Line(""), Line(_decorator(options, kernel=False)), *text])
    arguments = ", ".join([*given, *team])
    page.extend([Line(""), Line(""), Line(_decorator(options, kernel=True))])
    page.write(f"def {kernel}({arguments}):")
    page.extend(Line(_made_cheaply(line.text), line.depth + 1, line.comment) for line in lines)
    back = [*(["np.int64(0)"] if writer.checks else []), *(r.source for r in returned)]
    if back or not lines:
        page.extend([Line(f"return {tuple_text(back)}", 1)])
    page.extend([Line(""), Line(""), *_caller(entry, f"{kernel}({arguments})", work).lines(team)])
    return replace(entry, lines=page.lines)


def _caller(entry: Entry, call: str, work: str) -> CallerWriter:
    writer = entry.writer
    params = [*(writer.texts[p] for p in entry.function.body.params), *entry.function.sizes]
    checked, memory = bool(writer.checks), (work, entry.words)
    return CallerWriter(
        entry.name, params, entry.results, checked, call, memory, entry.work, writer.names.fresh
    )


def _write_stopped(page: Page, entry: Entry, options: Options) -> None:
    """What the kernel returns when a check failed: its number, and results that nobody looks at."""
    results = [_nothing(r.type) for r in entry.results if not r.out]
    page.extend([Line(""), Line(""), Line(_decorator(options, kernel=False))])
    page.write(f"def {entry.writer.leave}(check):")
    page.extend([Line(f"return {tuple_text(['np.int64(check)', *results])}", 1)])


def _nothing(type_: ArrayType) -> str:
    if not type_.rank:
        return zero(type_.dtype)
    return allocation("nothing", ArrayType(type_.dtype, tuple(Dim.of(0) for _ in type_.shape)))


def _signature(entry: Entry) -> tuple[Any, ...]:
    """Numba's types of parameters, constants and sizes, then of what is written to: results, workspace."""
    from numba import float64, from_dtype, int64, types

    def numba_type(kind: ArrayType, readonly: bool = True) -> Any:
        element = types.boolean if kind.dtype is BOOL else from_dtype(kind.dtype.numpy)
        return types.Array(element, kind.rank, "C", readonly=readonly) if kind.rank else element

    constants = [constant(data).type for data in entry.writer.constants.values()]
    params = [p.type for p in entry.function.body.params]
    sizes = [int64] * len(entry.function.sizes)
    work = [types.Array(float64, 1, "C")] if entry.words != NONE else []
    outs = [numba_type(r.type, readonly=False) for r in entry.results if r.out]
    team = [int64, int64] if entry.writer.spreads else []
    return (*map(numba_type, [*params, *constants]), *sizes, *outs, *work, *team)
