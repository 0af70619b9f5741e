"""Loop nests for the CPU, compiled by Numba: modules of kernels, and the Python functions that call them."""

from __future__ import annotations

import functools
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ..ir.graph import Function, constant
from ..ir.types import BOOL, ArrayType, Dim
from . import cache, cuts
from .buffers import in_workspace
from .callers import CallerWriter
from .chunks import Outliner
from .compiled import Compiled, Options, Results, raising
from .destinations import Result, into_destinations, results_of
from .drops import droppable, with_drops
from .kernels import kernels_text
from .numba_writer import HELPERS, LOWERED, NONE, NumbaWriter
from .peak import Needs, needs
from .source import Line, Names, Page, allocation, render, tuple_text, zero
from .threads import Team


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
    compiled = Compiled(entry.function, module.source, text, notes, first_call, entry.needs, compile_)
    compiled.large, compiled.work = large if some else None, entry.work
    return compiled


def _large(function: Function, options: Options) -> Compiled:
    """A Function for calls that are worth threads; what it returns begins with the status of its checks."""
    (entry,), module = _module([function], options, spreads=True)
    team = _team(options)
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
    compiled = Compiled(function, module.source, text, notes, first_call, entry.needs, compile_)
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
        placed,
        [r.source for r in returned],
        writer.handed_on,
        function.sizes,
        writer.names.fresh,
        options.carve,
    )
    outliner = Outliner(name, writer.variables, writer.names.fresh) if spreads else None
    lines = outliner.outlined(lines) if outliner else lines
    known = _needs(lines, results, words, writer, outliner, options)
    entry = Entry(function, name, kernel, [], writer, results, known, writer.work)
    page = Page()
    if writer.checks:
        _write_stopped(page, entry, options)
    params = [*(writer.texts[p] for p in function.body.params), *writer.constants, *function.sizes]
    given = [*params, *(r.out for r in results if r.out), *([work] if words != NONE else [])]
    team: list[str] = []
    if outliner:
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


def _needs(
    lines: Sequence[Line],
    results: Sequence[Result],
    words: Dim,
    writer: NumbaWriter,
    outliner: Outliner | None,
    options: Options,
) -> Needs:
    """The memory of a kernel. Numba lets go of arrays where `del` would."""
    returned = [r.source for r in results if not r.out]
    dropped = with_drops(lines, droppable(lines, writer.handed_on), returned)
    brought = [(r.out, r.type) for r in results if r.out]
    more = {**outliner.sizes, outliner.threads: lambda _: _team(options).size()} if outliner else {}
    return needs(
        dropped, [t for _, t in brought], brought, words, writer.handed_on, writer.function.sizes, more
    )


def _team(options: Options) -> Team:
    return Team(options.threads if options.parallel else 1)


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
    params = [
        numba_type(p.type, readonly=entry.writer.texts[p] not in entry.writer.lent)
        for p in entry.function.body.params
    ]
    sizes = [int64] * len(entry.function.sizes)
    work = [types.Array(float64, 1, "C")] if entry.words != NONE else []
    outs = [numba_type(r.type, readonly=False) for r in entry.results if r.out]
    team = [int64, int64] if entry.writer.spreads else []
    return (*params, *map(numba_type, constants), *sizes, *outs, *work, *team)
