"""Tracing a plain function by hand: arguments become handles, results are compared with NumPy's."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from adcompiler.frontend import numpy_functions
from adcompiler.frontend.arguments import static_sizes
from adcompiler.frontend.cells import Cell
from adcompiler.frontend.frames import Outcome, Trace, run, tracing
from adcompiler.frontend.scalars import TracedScalar, value
from adcompiler.frontend.sizes import integer
from adcompiler.frontend.values import TracedArray
from adcompiler.ir.check import verify
from adcompiler.ir.errors import ArgumentError
from adcompiler.ir.evaluate import evaluate
from adcompiler.ir.graph import Function
from adcompiler.ir.types import F64, DType


@dataclass(frozen=True)
class Program:
    """A traced function.

    `weak` says of each result which Python number Python would have given, `key` which sizes are static, and
    `integers` which sizes the integer arguments are.
    """

    function: Function
    weak: tuple[Any, ...]
    key: tuple[Any, ...]
    integers: tuple[str, ...]

    def __call__(self, *args: Any) -> list[Any]:
        """The results, and after them the final contents of the arguments that it writes."""
        operands = [np.float64(a) if type(a) is float else a for a in args if type(a) is not int]
        known = dict(zip(self.integers, (a for a in args if type(a) is int), strict=True))
        sizes = {name: n for name, n in known.items() if name in self.function.sizes}
        return list(evaluate(self.function, operands, sizes))


def call(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """A call as captured code makes it: of functions that NumPy's protocols do not reach."""
    if tracing() and numpy_functions.intercepted(function, args, kwargs):
        return numpy_functions.run(function, args, kwargs)
    return function(*args, **kwargs)


def handle(trace: Trace, name: str, leaf: Any) -> Any:
    """The argument as the traced function sees it."""
    if type(leaf) is int:
        return integer(trace.size(name, leaf))
    if type(leaf) is float:
        return TracedScalar(trace.parameter(name, F64), "float")
    if isinstance(leaf, np.ndarray):
        made = trace.parameter(name, DType.of(leaf.dtype), leaf.shape, static_sizes(leaf.shape))
        return TracedArray(Cell(made, name))
    if isinstance(leaf, np.generic):
        return TracedScalar(trace.parameter(name, DType.of(leaf.dtype)))
    return leaf


def leaves(tree: Any) -> list[Any]:
    if isinstance(tree, tuple | list):
        return [leaf for item in tree for leaf in leaves(item)]
    return [] if tree is None else [tree]


def trace(function: Callable[..., Any], *args: Any) -> Program:
    """The program of a function at example arguments."""
    names = tuple(inspect.signature(function).parameters)[: len(args)]
    weak: list[Any] = []
    integers: list[str] = []

    def body(trace: Trace) -> Outcome:
        trace.places.files.add(inspect.getsourcefile(function) or "")
        handles = [handle(trace, name, leaf) for name, leaf in zip(names, args, strict=True)]
        integers[:] = [size for (_, axis), size in trace.assumptions.names.items() if axis is None]
        found = leaves(function(*handles))
        weak[:] = [getattr(x, "weak", None) for x in found]
        results = [value(x) for x in found]
        written = []
        for h in handles:
            if type(h) is TracedArray and h.cell.value not in trace.params:
                param = next(k for k, p in enumerate(trace.params) if p.name == h.name)
                written.append((len(results), param))
                results.append(h.cell.read())
        return Outcome(results, written)

    traced = run("f", body, numpy_functions.ARITHMETIC)
    verify(traced)
    return Program(traced, tuple(weak), key(args), tuple(integers))


def compare(function: Callable[..., Any], args: Sequence[Any], *others: Sequence[Any]) -> Program:
    """Trace at `args`; the program must give there, and at the other arguments, what NumPy gives."""
    program = trace(function, *args)
    for given in (args, *others):
        agree(function, program, given)
    return program


def agree(function: Callable[..., Any], program: Program, args: Sequence[Any]) -> None:
    """The program and the function give the same values, of the same dtypes and shapes."""
    copies = [np.array(a) if isinstance(a, np.ndarray) else a for a in args]
    with np.errstate(all="ignore"):
        expected = leaves(function(*copies))
        found = program(*args)
    arrays = [c for c in copies if type(c) is not int]
    expected += [arrays[k] for _, k in program.function.written]
    assert len(found) == len(expected)
    for x, y in zip(found, expected, strict=True):
        assert np.shape(x) == np.shape(y)
        assert np.asarray(x).dtype == np.asarray(y).dtype
        close = 2e-6 if np.asarray(y).dtype == np.float32 else 1e-12
        np.testing.assert_allclose(x, y, rtol=close, atol=1e-12)


def served_program(program: Program, function: Callable[..., Any], args: Sequence[Any]) -> Program:
    """The program, or one more where its key, its guards or its parameter types exclude the arguments."""
    try:
        if key(args) == program.key:
            program(*args)
            return program
    except ArgumentError:
        pass
    return trace(function, *args)


def key(args: Sequence[Any]) -> tuple[Any, ...]:
    """The sizes that are static."""
    return tuple(static_sizes(np.shape(a)) for a in args)


def served(program: Program, function: Callable[..., Any], args: Sequence[Any]) -> list[Any]:
    """The results of the program that serves."""
    return served_program(program, function, args)(*args)
