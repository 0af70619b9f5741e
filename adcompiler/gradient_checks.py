"""Compiled derivatives of any order against differences of the compiled program that they are derivatives of.

A derivative program is a Function like any other, so the second order is the first order of the first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import pipeline
from .checkpointing.plans import residuals
from .ir.errors import ArgumentError
from .ir.graph import Function
from .pipeline import Options
from .verification.differences import Tolerance, check_jvp, check_vjp

MODES = ("fwd", "rev")


@dataclass(frozen=True)
class Program:
    """A Function at a point; parameters that are no floats stay as they are."""

    function: Function
    args: tuple[Any, ...]
    sizes: tuple[int, ...]

    @property
    def wrt(self) -> list[int]:
        """The parameters that are floats."""
        return [k for k, p in enumerate(self.function.body.params) if p.type.dtype.is_float]

    @property
    def floats(self) -> list[Any]:
        """Their values."""
        return [self.args[k] for k in self.wrt]


def check(program: Program, order: int, modes: Sequence[str], tolerance: Tolerance, options: Options) -> None:
    """Check the derivatives up to an order; raises WrongDerivative."""
    unknown = [mode for mode in modes if mode not in MODES]
    if unknown or order < 1:
        what = f"mode {unknown[0]!r}" if unknown else f"order {order}"
        raise ArgumentError(f"there is no {what}", hint="modes are 'fwd' and 'rev', orders begin with 1")
    run = _caller(program, pipeline.primal(program.function), options)
    n = len(program.function.body.results)
    for mode in modes:
        if mode == "fwd":
            derivative = pipeline.tangent(program.function, program.wrt)
        else:
            derivative = pipeline.adjoint(program.function, program.wrt, residuals(options.plan)[0])
        call = _derivative_caller(program, derivative, n, options)
        if mode == "fwd":
            check_jvp(run, call, program.floats, tolerance)
        else:
            names = [program.function.body.params[k].name or "" for k in program.wrt]
            check_vjp(run, call, program.floats, tolerance, names=names)
        if order > 1:
            check(_at_ones(program, derivative), order - 1, modes, tolerance, options)


def _caller(program: Program, function: Function, options: Options) -> Callable[..., list[Any]]:
    """The float results as a function of the float parameters."""
    compiled = pipeline.compiled(function, options)
    floats = [k for k, r in enumerate(function.body.results) if r.type.dtype.is_float]

    def run(*moved: Any) -> list[Any]:
        results = compiled.call(*_placed(program, moved), *program.sizes)
        return [results[k] for k in floats]

    return run


def _derivative_caller(
    program: Program, function: Function, n: int, options: Options
) -> Callable[[Sequence[Any], Sequence[Any]], Sequence[Any]]:
    """The results after the first `n`, which are those of the primal."""
    compiled = pipeline.compiled(function, options)

    def run(moved: Sequence[Any], directions: Sequence[Any]) -> Sequence[Any]:
        results = compiled.call(*_placed(program, moved), *map(_scalar, directions), *program.sizes)
        return results[n:]

    return run


def _placed(program: Program, moved: Sequence[Any]) -> list[Any]:
    args = list(program.args)
    for k, x in zip(program.wrt, moved, strict=True):
        args[k] = _scalar(x)
    return args


def _scalar(x: Any) -> Any:
    """What is of rank 0 as a NumPy scalar."""
    return np.asarray(x)[()]


def _at_ones(program: Program, derivative: Function) -> Program:
    """A derivative program, its directions all ones."""
    sizes = dict(zip(derivative.sizes, program.sizes, strict=True))
    more = derivative.body.params[len(program.args) :]
    ones = [np.ones([d.value(sizes) for d in p.type.shape], p.type.dtype.numpy)[()] for p in more]
    return Program(derivative, (*program.args, *ones), program.sizes)
