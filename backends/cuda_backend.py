"""Kernels for NVIDIA's devices, compiled by Numba-CUDA, and the Python functions that launch them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from inspect import getmembers, isfunction
from typing import Any

from ..ir.graph import Constant, Function
from ..ir.types import BOOL, ArrayType, Dim
from . import cache, special
from .compiled import Compiled, Options, Results, destined
from .cuda.passes.accumulations import accumulated
from .cuda.passes.counting import counted
from .cuda.passes.expansion import expand
from .cuda.passes.lifting import lifted
from .cuda.passes.scattering import scattered
from .cuda.writing.host_writer import HostWriter
from .cuda.writing.launch_writer import Kernel
from .cuda.writing.writer import DeviceWriter
from .drops import droppable, with_drops
from .kernels import kernels_text
from .numpy_backend import typed_literal
from .peak import needs
from .source import Line, Page, render, tuple_text

MODULES = {
    "device.arrays": ("empty", "zeros", "copy", "overwrite", "side_by_side", "grown", "resident"),
    "device.checks": ("first_failed", "no_failure"),
    "device.launching": (
        *("launch", "points", "rows", "tiles", "blocks", "one_block", "in_all", "chunks", "chunked"),
    ),
    "kernels.failing": ("fail",),
    "kernels.scans": ("running_sum",),
    "kernels.sorting": ("add_segments", "add_atomically"),
    "libraries.linear_algebra": (
        *("product", "transposed", "fail_where", "cholesky", "inverse", "lu", "solve", "solve_vector"),
        *("solve_factored", "solve_factored_vector", "solve_triangular", "solve_triangular_vector"),
    ),
}
DEVICE = {name: module for module, names in MODULES.items() for name in names}
"""Functions that host programs call by their bare names, and their modules in `cuda`."""

SPECIAL = [name for name, f in getmembers(special, isfunction) if f.__module__ == special.__name__]
"""Functions that kernels call by their bare names."""


@dataclass(frozen=True)
class Program:
    """A Function as source: a host program, and its kernels."""

    function: Function
    name: str
    writer: HostWriter
    module: cache.Generated
    lines: Sequence[Line]

    @property
    def on_host(self) -> frozenset[int]:
        """The parameters that are arrays which the host reads, and no kernel."""
        params = enumerate(self.writer.function.body.params)
        return frozenset(k for k, p in params if p.type.rank and self.writer.placement.knows(p))

    def signatures(self) -> dict[str, tuple[Any, ...]]:
        """Numba's types of the parameters of each kernel."""
        return {kernel.name: _signature(kernel, self.writer) for kernel in self.writer.kernels}


def compile_function(function: Function, options: Options) -> Compiled:
    """A Function as a host program; kernels are compiled when they are first launched."""
    program = generated(function, options)
    writer, module = program.writer, program.module
    types = [function.body.results[k].type for k in destined(function)]
    holders, more = writer.handed_on, writer.counts
    known = needs(program.lines, types, (), Dim.of(0), holders, function.sizes, more, writer.unknown)

    def compile_(*_: Any) -> None:
        from .cuda.device.callers import Caller
        from .cuda.device.graphs import Graphs

        host = getattr(module.load(), program.name)
        run = Graphs(host) if options.graphs else host
        caller = Caller(run, function, writer.checks, program.on_host)
        compiled.call, compiled.staying = caller, caller.staying

    def first_call(*args: Any) -> Results:
        compile_()
        return compiled.call(*args)

    def first_staying(*args: Any) -> Sequence[Any]:
        compile_()
        return compiled.staying(*args)

    notes = tuple(dict.fromkeys(writer.notes))
    text = partial(kernels_text, function)
    compiled = Compiled(function, module.source, text, notes, first_call, known, compile_)
    compiled.staying = first_staying
    return compiled


def generated(function: Function, options: Options) -> Program:
    """The source of a Function."""
    prepared = _prepared(function)
    taken = [*DEVICE, *SPECIAL, "cuda", "U", "next_move", "first_rows", "backwards", "device"]
    writer = DeviceWriter(prepared, taken, options.deterministic)
    name = writer.names.fresh(function.name)
    results = [
        typed_literal(r) if isinstance(r, Constant) and not r.type.rank else text
        for r, text in zip(prepared.body.results, writer.body(), strict=True)
    ]
    lines = with_drops(writer.page.lines, droppable(writer.page.lines, writer.handed_on), results)
    kernels = [line for kernel in writer.kernels for line in _kernel_lines(kernel, writer)]
    host = Page()
    arguments = [*(writer.texts[p] for p in prepared.body.params), *function.sizes]
    host.extend([Line(""), Line(""), Line(f"def {name}({', '.join(arguments)}):")])
    for there, held in writer.resident.items():
        host.extend([Line(f"{there} = resident({held})", 1)])
    if writer.checks_on_device:
        host.extend([Line(f"{writer.status} = no_failure({len(writer.checks)})", 1)])
    host.extend(Line(line.text, line.depth + 1, line.comment) for line in lines)
    failed = [f"{writer.status}.words"] if writer.checks_on_device else ["0"] if writer.checks else []
    ranks = [r.type.rank for r in function.body.results]
    returned = [text if rank else _unread(text) for text, rank in zip(results, ranks, strict=True)]
    host.extend([Line(f"return {tuple_text([*failed, *returned])}", 1)])
    body = [*kernels, *host.lines]
    header = _header(name, writer, render(body, comments=False), options)
    module = cache.Generated(name, [*header, *body], writer.constants, compiled=False)
    return Program(function, name, writer, module, lines)


def _unread(result: str) -> str:
    """A number that is read from memory, as an array of it: the caller reads it, when all is launched."""
    return re.sub(r"^(\w+)\[(\w+)\]$", r"\1[\2:\2 + 1]", result)


def _prepared(function: Function) -> Function:
    """The passes that a program goes through before it is written."""
    return lifted(scattered(counted(accumulated(expand(function)))))


def ptx(function: Function, options: Options, capability: tuple[int, int] = (9, 0)) -> dict[str, str]:
    """The PTX of every kernel of a Function, by names; no device is needed."""
    from .cuda.device import toolkit

    program = generated(function, options)
    module = program.module.load()
    return {
        name: toolkit.ptx(getattr(module, name), signature, capability, options.fastmath)
        for name, signature in program.signatures().items()
    }


def _kernel_lines(kernel: Kernel, writer: HostWriter) -> list[Line]:
    earlier = f"if {writer.status}[0] > {writer.turn}:"
    guard = [Line(earlier, 1), Line("return", 2)] if writer.checks_on_device else []
    return [
        Line(""),
        Line(""),
        Line("@kernel"),
        Line(f"def {kernel.name}({', '.join(kernel.parameters)}):"),
        *guard,
        *(Line(line.text, line.depth + 1, line.comment) for line in kernel.lines),
    ]


def _header(name: str, writer: HostWriter, body: str, options: Options) -> list[Line]:
    page = Page()
    page.write(f'"""Generated by adcompiler: {name}, for CUDA."""')
    page.write("")
    page.write("import math")
    page.write("")
    page.write("import numpy as np")
    page.write("")
    used = {f: DEVICE[f] for f in DEVICE if re.search(rf"(?<![\w.]){f}\b", body)}
    for module in sorted(set(used.values())):
        names = sorted(f for f in used if used[f] == module)
        page.write(f"from adcompiler.backends.cuda.{module} import {', '.join(names)}")
    page.write("from adcompiler.backends.cuda.device import toolkit")
    page.write("from adcompiler.backends.cuda.kernels import reductions")
    helpers = [f for f in SPECIAL if re.search(rf"(?<![\w.]){f}\(", body)]
    if helpers:
        page.write("from adcompiler.backends import special")
    if "first_rows(" in body:
        page.write("from adcompiler.backends.tapes import first_rows")
    if "next_move(" in body:
        page.write("from adcompiler.schedules.moves import next_move")
    if writer.records:
        page.write("from adcompiler.ir.ops import OPS")
    if "DType(" in body:
        page.write("from adcompiler.ir.types import DType")
    page.write("")
    page.write("cuda = toolkit.cuda()")
    page.write(f"kernel = cuda.jit(fastmath={options.fastmath})")
    page.write("U = np.uint64  # of an index: not negative, so that no wrap-around is compiled")
    for op, called in writer.records.items():
        page.write(f'{called} = OPS["{op.name}"].numpy')
    for helper in helpers:
        page.write(f"{helper} = reductions.device(special.{helper})")
    for (step, dtype), called in writer.steps.items():
        page.write(f'{called} = reductions.lanes_reducer("{step}", np.{dtype})')
    return page.lines


def _signature(kernel: Kernel, writer: HostWriter) -> tuple[Any, ...]:
    from numba import from_dtype, int64, types

    dtypes = {text: value.type.dtype for value, text in writer.texts.items()}

    def numba_type(name: str) -> Any:
        if name == writer.status:
            return types.Array(int64, 1, "C")
        array: ArrayType | None = writer.array_type(name)
        dtype = array.dtype if array else dtypes.get(name)
        element = int64 if dtype is None else types.boolean if dtype is BOOL else from_dtype(dtype.numpy)
        if array is None:
            return element
        return types.Array(element, array.rank, "A" if name in writer.strided else "C")

    return tuple(map(numba_type, kernel.parameters))
